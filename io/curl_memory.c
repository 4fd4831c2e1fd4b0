/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curl copies bodies, fields and answers into blocks of its own and frees them as they
 * are. A size in front of each block is what a wiping free needs.
 */
#include "io/curl_memory.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/require.h"
#include "base/secret.h"

union header {
    size_t bytes;
    max_align_t align;
};

static void *wiping_calloc(size_t count, size_t bytes)
{
    REQUIRE(bytes == 0 || count <= (SIZE_MAX - sizeof(union header)) / bytes);
    union header *block = calloc(1, sizeof *block + count * bytes);
    REQUIRE(block != NULL);
    block->bytes = count * bytes;
    return block + 1;
}

static void *wiping_malloc(size_t bytes)
{
    REQUIRE(bytes <= SIZE_MAX - sizeof(union header));
    union header *block = malloc(sizeof *block + bytes);
    REQUIRE(block != NULL);
    block->bytes = bytes;
    return block + 1;
}

static void wiping_free(void *ptr)
{
    if (ptr == NULL) {
        return;
    }
    union header *block = (union header *)ptr - 1;
    wipe(block, sizeof *block + block->bytes);
    free(block);
}

static void *wiping_realloc(void *ptr, size_t bytes)
{
    if (ptr == NULL) {
        return wiping_malloc(bytes);
    }
    size_t before = ((union header *)ptr - 1)->bytes;
    void *moved = wiping_malloc(bytes);
    memcpy(moved, ptr, before < bytes ? before : bytes);
    wiping_free(ptr);
    return moved;
}

static char *wiping_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(wiping_malloc(bytes), text, bytes);
}

void curl_memory_begin(void)
{
    REQUIRE(curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free,
                                 wiping_realloc, wiping_strdup,
                                 wiping_calloc) == CURLE_OK);
}

void curl_memory_end(void)
{
    curl_global_cleanup();
}
