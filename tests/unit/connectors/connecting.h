/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what every connector owes to a connection that it is given: each mistake is named, all
 * of them at once, and what it makes of a right one connects again.
 * Owns: nothing.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: connect_to.
 */
#ifndef SLUICE_TESTS_CONNECTORS_CONNECTING_H
#define SLUICE_TESTS_CONNECTORS_CONNECTING_H

#include "tests/unit/connectors/world.h"

struct connect_mistake {
    const char *json, *pointer;
};

static inline enum err connect_to(const char *integration, struct arena *arena,
                                  const char *json, struct op_target *target,
                                  struct fault *fault)
{
    *fault = (struct fault){.err = ERR_OK};
    *target = (struct op_target){.lane = SLICE_EMPTY};
    return connector_find(slice_str(integration))
        ->connect(arena, arena, world_json(arena, json), target, fault);
}

/* A connection without a mistake. Lends the target, as long as `arena`. */
static inline struct op_target connected(const char *integration, struct arena *arena,
                                         const char *json)
{
    struct op_target target;
    struct fault fault;

    assert_int_equal(connect_to(integration, arena, json, &target, &fault), ERR_OK);
    return target;
}

/* Connects by what the connector stored of the connection. Lends the second target. */
static inline struct op_target connect_again(const char *integration,
                                             struct arena *arena, const char *json)
{
    struct op_target first = connected(integration, arena, json);
    struct op_target second = {.lane = SLICE_EMPTY};
    struct fault fault;

    assert_int_equal(connector_find(slice_str(integration))
                         ->connect(arena, arena, first.connection, &second, &fault),
                     ERR_OK);
    assert_true(jval_equal(first.connection, second.connection));
    assert_true(slice_eq(first.lane, second.lane));
    return second;
}

static inline void assert_mistakes_named(const char *integration,
                                         const struct connect_mistake *cases,
                                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct arena *arena = arena_new();
        struct op_target target;
        struct fault fault;

        if (connect_to(integration, arena, cases[i].json, &target, &fault) !=
            ERR_UNPROCESSABLE) {
            fail_msg("accepted: %s", cases[i].json);
        }
        assert_int_equal(fault.err, ERR_UNPROCESSABLE);
        assert_int_equal(fault.detail_count, 1);
        assert_slice(fault.details[0].pointer, cases[i].pointer);
        assert_true(fault.details[0].message.len > 0);
        arena_free(arena);
    }
}

/* All at once, up to the ceiling of a fault's details. */
static inline void assert_mistakes_told_at_once(const char *integration)
{
    struct arena *arena = arena_new();
    struct op_target target;
    struct fault fault;

    assert_int_equal(connect_to(integration, arena,
                                "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
                                "\"g\":1,\"h\":1,\"i\":1,\"j\":1}",
                                &target, &fault),
                     ERR_UNPROCESSABLE);
    assert_int_equal(fault.detail_count, 8);
    arena_free(arena);
}

#endif
