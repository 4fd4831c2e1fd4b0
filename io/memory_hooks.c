/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL first: it takes no allocator any more once it has allocated, and curl uses it. */
#include "io/memory_hooks.h"

#include <openssl/crypto.h>
#include <uv.h>

#include "base/memory.h"
#include "base/require.h"
#include "io/curl_memory.h"

/* OpenSSL's own locked and undumpable pages, for private keys: of certificates, of
 * handshakes under way (64 bytes each), of its random generator. Taken from the system
 * as they are used. */
#define PRIVATE_BYTES ((size_t)1024 * 1024)
#define PRIVATE_LEAST 64

static void *crypto_alloc(size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    return memory_alloc(bytes);
}

static void crypto_free(void *ptr, const char *file, int line)
{
    (void)file;
    (void)line;
    memory_free(ptr);
}

/* OpenSSL's realloc to nothing frees. */
static void *crypto_resize(void *ptr, size_t bytes, const char *file, int line)
{
    (void)file;
    (void)line;
    if (bytes == 0) {
        memory_free(ptr);
        return NULL;
    }
    return memory_resize(ptr, bytes);
}

void io_memory_begin(void)
{
    REQUIRE(CRYPTO_set_mem_functions(crypto_alloc, crypto_resize, crypto_free) == 1);
    /* 2: the system refused to lock; secret_can_lock tells the operator. */
    REQUIRE(CRYPTO_secure_malloc_init(PRIVATE_BYTES, PRIVATE_LEAST) != 0);
    REQUIRE(uv_replace_allocator(memory_alloc, memory_resize, memory_zeroed,
                                 memory_free) == 0);
    curl_memory_begin(); /* for as long as the process lives */
}
