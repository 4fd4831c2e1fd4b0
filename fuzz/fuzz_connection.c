/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any JSON as the `connection` of an account: what is taken leads to plain origins that
 * the URL reader sees alike, and its stored form says the same once more. Byte 0
 * chooses the integration.
 */
#include "fuzz/input.h"

#include "connectors/connector.h"
#include "io/http_url.h"

static void check_origin(struct arena *arena, struct slice origin)
{
    struct http_url url;

    REQUIRE(http_url_parse(origin, &url));
    REQUIRE(slice_is(url.target, "/"));
    bool own = url.port == (url.is_tls ? 443 : 80);
    bool is_ipv6 = slice_find(url.host, ':') >= 0;
    struct slice again =
        arena_printf(arena, "%.*s://%s%.*s%s", SLICE_ARG(url.scheme),
                     is_ipv6 ? "[" : "", SLICE_ARG(url.host), is_ipv6 ? "]" : "");
    if (!own) {
        again = arena_printf(arena, "%.*s:%d", SLICE_ARG(again), url.port);
    }
    REQUIRE(slice_eq(again, origin));
}

static void check_target(const struct connector *connector, struct arena *arena,
                         const struct op_target *target)
{
    struct op_target again;
    struct fault fault;

    REQUIRE(target->origin_count >= 1 && target->lane.len > 0);
    for (size_t i = 0; i < target->lane.len; i++) {
        REQUIRE(target->lane.ptr[i] > 0x20 && target->lane.ptr[i] < 0x7f);
    }
    REQUIRE(connector->connect(arena, arena, target->connection, &again, &fault) ==
            ERR_OK);
    REQUIRE(slice_eq(again.lane, target->lane));
    REQUIRE(jval_equal(again.connection, target->connection));
    REQUIRE(again.origin_count == target->origin_count);
    for (size_t i = 0; i < target->origin_count; i++) {
        REQUIRE(slice_eq(again.origins[i], target->origins[i]));
        check_origin(arena, target->origins[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    const struct connector *connector =
        connector_find(input_byte(&input) & 1 ? SLICE("sap") : SLICE("netsuite"));
    struct arena *arena = arena_new();
    struct jval *connection = NULL;
    struct op_target target;
    struct fault fault = {.err = ERR_OK};

    if (jval_parse(arena, input, &connection, NULL) == ERR_OK) {
        if (connector->connect(arena, arena, connection, &target, &fault) == ERR_OK) {
            check_target(connector, arena, &target);
        } else {
            REQUIRE(fault.err == ERR_UNPROCESSABLE && fault.detail_count >= 1);
            for (size_t i = 0; i < fault.detail_count; i++) {
                struct slice pointer = fault.details[i].pointer;
                REQUIRE(pointer.len == 0 || pointer.ptr[0] == '/');
                REQUIRE(fault.details[i].message.len > 0);
            }
        }
    }
    arena_free(arena);
    return 0;
}
