/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random steps against a model that knows nothing of queues, gates or heaps.
 *
 * The model is a table of tickets and holds. Whatever is free or waiting is counted
 * anew from that table each time. So it states the rules directly:
 *  - granted only below the account's, the lane's and the tenant's ceiling, never in a
 * pause;
 *  - nobody who could go is left waiting, and nobody else goes; first come first served
 *    within a server and class, and servers take turns by their weights (shares of
 *    classes and turns over several accounts: test_fairness.c);
 *  - critical calls go first, but for the shares of the others;
 *  - what a lane keeps for some and is not used is left alone by everybody else;
 *  - two writes on one document are never under way at once, and go in the order in which
 *    they came; no more writes or calls go than their buckets hold;
 *  - a full queue refuses, so does the estimate when it exceeds the wait; a wait that is over expires, each ticket is decided once;
 *  - pauses lie in (0, d] or are as long as the upstream asked; what is refused halves
 *    the lane's limit, one call at a time opens it again, and it rises as throttle.c says.
 * Each decision of the governor must be the model's, in the model's order, and the
 * counts it shows must be the table's.
 *
 * The seed is printed; SLUICE_TEST_SEED repeats a run, SLUICE_TEST_STEPS makes it
 * longer.
 */
#include "tests/unit/governor/steps.h"

#define STEPS 200000

static bool is_sent_off(enum governor_decision decision)
{
    return decision == GOVERNOR_REVOKED || decision == GOVERNOR_TURNED_AWAY ||
           decision == GOVERNOR_REFUSED;
}

/* Grants and expiries come in the order in which they happened; those who are sent off in
 * one moment in any. */
static void compare_one(struct run *r, const struct governor_ticket *ticket)
{
    struct model *m = &r->m;
    int at = 0;

    while (at < m->expected_count && m->expected[at].ticket != ticket - r->tickets) {
        assert_true(is_sent_off(m->expected[at].decision) ||
                    is_sent_off(ticket->decision));
        at++;
    }
    assert_true(at < m->expected_count);
    assert_int_equal(ticket->decision, m->expected[at].decision);
    m->tickets[m->expected[at].ticket].pending = false;
    m->expected_count--;
    memmove(&m->expected[at], &m->expected[at + 1],
            (size_t)(m->expected_count - at) * sizeof(m->expected[0]));
    r->decided++;
}

/* Fetches what the governor decided and holds it against the model, one by one. */
static void compare_decided(struct run *r)
{
    struct governor_ticket *ticket = governor_next(r->governor);

    while (ticket != NULL) {
        compare_one(r, ticket);
        ticket = governor_next(r->governor);
    }
    assert_int_equal(r->m.expected_count, 0);
}

static struct counts count_waiting(const struct model *m)
{
    struct counts counts = {0};

    for (int i = 0; i < TICKETS; i++) {
        if (m->tickets[i].place == WAITS || m->tickets[i].place == KEPT) {
            add_one(m, &counts, m->tickets[i].account);
        }
    }
    return counts;
}

/* What is shown must be what the table says. */

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static void check_account(struct run *r)
{
    int account = pick(r, ACCOUNTS);
    const struct m_account *a = &r->m.accounts[account];
    const struct counts running = count_place(&r->m, RUNS);
    const struct counts waiting = count_waiting(&r->m);
    struct name name;
    struct slice id = name_of(&name, "acc", account);
    struct governor_view view = governor_look(r->governor, id, r->now);
    const struct m_unused unused = m_unused(&r->m);
    int lane, tenant, left;

    assert_int_equal(governor_account_known(r->governor, id), a->known);
    if (!a->known) {
        assert_int_equal(view.limit, 0);
        return;
    }
    lane = lane_ceiling(&r->m, a->lane);
    tenant = tenant_ceiling(&r->m, a->tenant);
    left = smaller(
        a->ceiling - running.account[account],
        smaller(lane - running.lane[a->lane] - m_kept_from(&unused, a->lane, -1),
                tenant - running.tenant[a->tenant]));
    left = m_tokens(&a->calls, r->now) < left ? (int)m_tokens(&a->calls, r->now) : left;
    left = left < 0 || is_shut(&r->m, a->lane) ? 0 : left;
    assert_int_equal(view.limit, smaller(a->ceiling, smaller(lane, tenant)));
    assert_int_equal(view.remaining, left);
    assert_int_equal(view.reset_s >= 1, left == 0);
    assert_true(view.retry_after_s >= 1);
    assert_int_equal(view.in_flight, running.account[account]);
    assert_int_equal(view.queue_depth, waiting.account[account]);
}

static int seats_in(const struct model *m, int lane, int tenant)
{
    int seats = 0;

    for (int i = 0; i < ACCOUNTS; i++) {
        const struct m_account *a = &m->accounts[i];
        seats += a->lane == lane && (tenant < 0 || a->tenant == tenant) &&
                 (a->known || has_calls(m, i));
    }
    return seats;
}

static void check_lane(struct run *r)
{
    int lane = pick(r, LANES), tenant = pick(r, 2 * TENANTS) - TENANTS;
    const struct m_lane *l = &r->m.lanes[lane];
    struct governor_lane_view view,
        want = {.ceiling = l->operator_ceiling, .effective = lane_ceiling(&r->m, lane)};
    struct name name, tenant_id;
    bool is_there =
        tenant < 0 ? lane_exists(&r->m, lane) : seats_in(&r->m, lane, tenant) > 0;
    const struct counts running = count_place(&r->m, RUNS);
    const struct counts waiting = count_waiting(&r->m);
    int held = 0;

    assert_int_equal(
        governor_lane(r->governor, lane_name(&name, lane),
                      tenant < 0 ? SLICE_EMPTY : name_of(&tenant_id, "ten", tenant),
                      r->now, &view),
        is_there);
    if (!is_there) {
        return;
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        const struct m_account *a = &r->m.accounts[i];
        if (a->lane == lane && a->known && a->usual > want.usual) {
            want.usual = a->usual;
        }
        if (a->lane != lane || (tenant >= 0 && a->tenant != tenant)) {
            continue;
        }
        want.in_flight += running.account[i];
        want.queued += waiting.account[i];
        want.accounts += a->known;
        for (int h = 0; h < r->m.hold_count; h++) {
            held += r->m.holds[h].account == i;
        }
    }
    want.draining = want.in_flight - want.effective;
    want.draining = want.draining > held ? want.draining : held;
    assert_int_equal(view.ceiling, want.ceiling);
    assert_int_equal(view.usual, want.usual);
    assert_int_equal(view.effective, want.effective);
    assert_int_equal(view.in_flight, want.in_flight);
    assert_int_equal(view.queued, want.queued);
    assert_int_equal(view.accounts, want.accounts);
    assert_int_equal(view.draining, want.draining);
    assert_int_equal(view.paused_ms > 0, l->phase == M_PAUSED);
    assert_int_equal(view.mode, l->mode);
    assert_int_equal(view.throttled, l->phase != M_WHOLE);
    assert_int_equal(view.probing, l->phase == M_PROBING || l->phase == M_PROBED);
    if (tenant < 0) {
        assert_int_equal(view.granted, l->granted);
        assert_int_equal(view.refused_upstream, l->refused_by_upstream);
        assert_int_equal(view.refused_full, l->full);
        assert_int_equal(view.refused_late, l->late);
        assert_int_equal(view.expired, l->expired);
    }
}

static void check_all_lanes(struct run *r)
{
    struct arena *arena = arena_new();
    struct governor_lane_view *views;
    struct name name;
    int tenant = pick(r, TENANTS);
    size_t want = 0, want_tenant = 0;

    for (int i = 0; i < LANES; i++) {
        want += lane_exists(&r->m, i);
        want_tenant += seats_in(&r->m, i, tenant) > 0;
    }
    assert_int_equal(governor_lanes(r->governor, arena, SLICE_EMPTY, r->now, &views),
                     want);
    for (size_t i = 1; i < want; i++) {
        assert_true(slice_cmp(views[i - 1].lane, views[i].lane) < 0);
    }
    assert_int_equal(governor_lanes(r->governor, arena, name_of(&name, "ten", tenant),
                                    r->now, &views),
                     want_tenant);
    arena_free(arena);
}

static void move_time(struct run *r)
{
    int chance = pick(r, 100);
    int64_t due = m_due(&r->m);

    if (chance < 3 && due != NEVER) {
        r->now = due - (chance == 0 ? 1 : 0);
    } else if (chance < 5) {
        r->now += pick(r, 2 * HOLD_US);
    } else if (chance < 80) {
        r->now += pick(r, 3000);
    }
    governor_tick(r->governor, r->now);
    m_tick(r);
    assert_int_equal(governor_due_us(r->governor), m_due(&r->m));
}

static void one_step(struct run *r)
{
    int chance = pick(r, 1000);

    if (chance < 500) {
        step_acquire(r);
    } else if (chance < 850) {
        step_release(r);
    } else if (chance < 920) {
        step_cancel(r);
    } else if (chance < 955) {
        step_account(r);
    } else if (chance < 964) {
        step_remove(r);
    } else if (chance < 976) {
        step_server(r);
    } else if (chance < 979) {
        step_kick(r);
    } else if (chance < 982) {
        step_mode(r);
    } else if (chance < 986) {
        step_reserve(r);
    } else if (chance < 992) {
        step_tenant(r);
    } else {
        step_lane(r);
    }
}

/* Everything ends; nothing may be left. */
static void drain(struct run *r)
{
    struct arena *arena = arena_new();
    struct governor_lane_view *views;
    struct name name;

    for (int i = 0; i < TENANTS; i++) {
        governor_tenant_set(r->governor, name_of(&name, "ten", i), 0, r->now);
    }
    for (int i = 0; i < LANES; i++) {
        governor_lane_set(r->governor, lane_name(&name, i), 0, r->now);
        governor_lane_reserve(r->governor, lane_name(&name, i), NULL, 0, r->now);
        governor_lane_mode_set(r->governor, lane_name(&name, i), GOVERNOR_RUNNING,
                               r->now);
    }
    for (int i = 0; i < ACCOUNTS; i++) {
        governor_account_remove(r->governor, name_of(&name, "acc", i), r->now);
    }
    while (governor_next(r->governor) != NULL) {
    }
    for (int i = 0; i < TICKETS; i++) {
        if (r->tickets[i].seat != NULL) {
            assert_int_equal(r->tickets[i].decision, GOVERNOR_GRANTED);
            governor_release(r->governor, &r->tickets[i], GOVERNOR_ANSWERED, 0, r->now);
        }
    }
    governor_tick(r->governor, r->now + HOLD_US);
    assert_null(governor_next(r->governor));
    assert_int_equal(governor_due_us(r->governor), NEVER);
    assert_int_equal(governor_lanes(r->governor, arena, SLICE_EMPTY, r->now, &views),
                     0);
    arena_free(arena);
}

static uint64_t number_from(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static void test_random_steps_keep_every_rule(void **state)
{
    uint64_t seed = number_from("SLUICE_TEST_SEED", 20261120);
    uint64_t steps = number_from("SLUICE_TEST_STEPS", STEPS);
    struct governor_options options = {HOLD_US, BASE_US, MOST_US, seed, false};
    struct run *r = calloc(1, sizeof(*r));

    (void)state;
    printf("seed %llu, %llu steps\n", (unsigned long long)seed,
           (unsigned long long)steps);
    r->random = seed * 2 + 1;
    r->governor = governor_new(&options);
    for (uint64_t i = 0; i < steps; i++) {
        move_time(r);
        one_step(r);
        if (pick(r, 5) > 0) {
            compare_decided(r);
        }
        assert_int_equal(governor_due_us(r->governor), m_due(&r->m));
        check_account(r);
        if (pick(r, 4) == 0) {
            check_lane(r);
        }
        if (pick(r, 1000) == 0) {
            check_all_lanes(r);
        }
    }
    compare_decided(r);
    printf("%llu decided later, %llu pauses\n", (unsigned long long)r->decided,
           (unsigned long long)r->pauses);
    drain(r);
    governor_free(r->governor);
    free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_steps_keep_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
