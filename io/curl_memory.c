/* SPDX-License-Identifier: Apache-2.0 */
/* curl copies bodies, fields and answers into blocks of its own and frees them as they
 * are. */
#include "io/curl_memory.h"

#include <curl/curl.h>

#include "base/memory.h"
#include "base/require.h"

void curl_memory_begin(void)
{
    REQUIRE(curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_alloc, memory_free,
                                 memory_resize, memory_copy_text,
                                 memory_zeroed) == CURLE_OK);
}

void curl_memory_end(void)
{
    curl_global_cleanup();
}
