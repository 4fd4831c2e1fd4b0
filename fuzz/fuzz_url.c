/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a URL: what we take, libcurl takes too and sees the same host, port and
 * scheme in it; two readers that differ are how requests get to where they must not.
 */
#include "fuzz/input.h"

#include <stdlib.h>

#include <curl/curl.h>

#include "base/arena.h"
#include "io/http_url.h"

static bool part_is(CURLU *url, CURLUPart part, struct slice wanted)
{
    char *text = NULL;
    bool same = curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                slice_eq_nocase(slice_str(text), wanted);

    curl_free(text);
    return same;
}

static void compare(const struct http_url *url, struct slice text, struct arena *arena)
{
    CURLU *other = curl_url();

    REQUIRE(other != NULL);
    REQUIRE(curl_url_set(other, CURLUPART_URL, arena_copy(arena, text),
                         CURLU_PATH_AS_IS) == CURLUE_OK);
    REQUIRE(part_is(other, CURLUPART_SCHEME, url->scheme));
    REQUIRE(part_is(other, CURLUPART_PORT, arena_printf(arena, "%d", url->port)));
    if (slice_find(url->host, ':') < 0) { /* else curl keeps the brackets */
        REQUIRE(part_is(other, CURLUPART_HOST, url->host));
    }
    curl_url_cleanup(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = input_of(data, size);
    struct arena *arena = arena_new();
    struct http_url url;

    if (http_url_parse(text, &url)) {
        REQUIRE(size <= HTTP_URL_MAX_BYTES);
        REQUIRE(url.port >= 1 && url.port <= 65535);
        REQUIRE(input_is_within(url.scheme, text) && input_is_within(url.host, text));
        REQUIRE(url.host.len > 0 && url.target.len > 0 && url.target.ptr[0] == '/');
        REQUIRE(url.is_tls == slice_eq_nocase(url.scheme, SLICE("https")));
        for (size_t i = 0; i < size; i++) {
            REQUIRE(text.ptr[i] > 0x20 && text.ptr[i] < 0x7f && text.ptr[i] != '@'
                        ? true
                        : slice_find(url.target, text.ptr[i]) >= 0 &&
                              text.ptr[i] == '@');
        }
        compare(&url, text, arena);
    }
    arena_free(arena);
    return 0;
}
