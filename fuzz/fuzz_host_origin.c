/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any Host and any Origin, up to a zero byte: what is let in names this server, or this
 * machine while the server is one of its own only. Byte 0 chooses the public URL.
 */
#include "fuzz/input.h"

#include "base/arena.h"
#include "base/web_origin.h"
#include "core/origin.h"

static const struct {
    const char *url, *origin;
    bool is_loopback;
} sites[] = {{"https://erp.example", "https://erp.example", false},
             {"http://erp.example:8080/base", "http://erp.example:8080", false},
             {"http://127.0.0.1:8080", "http://127.0.0.1:8080", true}};

static bool is_loopback(struct slice host)
{
    return slice_is(host, "localhost") || slice_is(host, "127.0.0.1") ||
           slice_is(host, "[::1]");
}

/* On this machine a desktop program's page may have a scheme of its own. */
static struct slice as_web(struct arena *arena, struct slice text, size_t site)
{
    size_t at = 0;
    bool is_web = slice_starts_nocase(text, SLICE("http://")) ||
                  slice_starts_nocase(text, SLICE("https://"));

    while (at < text.len && !slice_starts(slice_from(text, at), SLICE("://"))) {
        at++;
    }
    return is_web || !sites[site].is_loopback
               ? text
               : arena_printf(arena, "http%.*s", SLICE_ARG(slice_from(text, at)));
}

/* A second reader of what was let in: the one that connections are read by. */
static void check(struct arena *arena, struct slice text, size_t site)
{
    struct web_origin seen;

    REQUIRE(web_origin_parse(arena, as_web(arena, text, site), &seen));
    REQUIRE(slice_is(seen.text, sites[site].origin) ||
            slice_is(seen.text, "https://desk.example") ||
            (sites[site].is_loopback && is_loopback(seen.host)));
}

static bool is_let_in(bool (*fn)(const struct gateway_config *,
                                 const struct http_request *),
                      size_t site, const char *name, struct slice value)
{
    const struct slice allowed = SLICE("https://desk.example");
    struct gateway_config config = {.public_url = slice_str(sites[site].url),
                                    .allowed_origins = &allowed,
                                    .allowed_origin_count = 1};
    struct http_field field = {slice_str(name), value};
    struct http_request request = {.fields = &field, .field_count = 1};

    return fn(&config, &request);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    size_t site = input_byte(&input) % (sizeof sites / sizeof sites[0]);
    struct slice host = input_text(&input);
    struct arena *arena = arena_new();

    if (is_let_in(origin_host_allowed, site, "host", host)) {
        bool is_tls = slice_starts(slice_str(sites[site].url), SLICE("https://"));
        struct slice text = arena_printf(arena, "%s://%.*s", is_tls ? "https" : "http",
                                         SLICE_ARG(host));
        check(arena, text, site);
    }
    if (is_let_in(origin_allowed, site, "origin", input)) {
        check(arena, input, site);
    }
    arena_free(arena);
    return 0;
}
