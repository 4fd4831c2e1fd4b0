/* SPDX-License-Identifier: Apache-2.0 */
/* Links for people: found by hashes alone, changed over the version that was read, and gone
 * a day after their end. */
#include "tests/unit/store/store_world.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (INT64_C(1440) * MINUTE_MS)
#define MOST 3

static struct store_connect_session session_like(struct fixture *f, const char *id,
                                                 char mark, const char *tenant)
{
    return (struct store_connect_session){
        .id = slice_str(id),
        .hash = hash_of(f->arena, mark),
        .tenant = slice_str(tenant),
        .integration = SLICE("netsuite"),
        .environment = SLICE("sandbox"),
        .return_url = SLICE("https://desk.example.com/done?case=7"),
        .state = SLICE("open"),
        .created_ms = NOW_MS,
        .expires_ms = NOW_MS + 15 * MINUTE_MS,
    };
}

static enum err insert(struct fixture *f, const struct store_connect_session *session,
                       int64_t now_ms)
{
    struct store_batch *batch = store_batch_new();

    store_insert_connect_session(batch, session, MOST, now_ms);
    return store_commit_now(f->store, batch);
}

static enum err update(struct fixture *f, const struct store_connect_session *session)
{
    struct store_batch *batch = store_batch_new();

    store_update_connect_session(batch, session);
    return store_commit_now(f->store, batch);
}

static struct store_connect_session get(struct fixture *f, const char *id)
{
    struct store_connect_session session = {0};

    assert_int_equal(
        store_get_connect_session(f->store, slice_str(id), f->arena, &session), ERR_OK);
    return session;
}

static void test_a_link_is_stored_whole_and_found_by_its_hash(void **state)
{
    struct fixture *f = *state;
    struct store_connect_session made = session_like(f, "cs_a", 'a', "t1");
    struct store_connect_session found;

    made.account = SLICE("acc_again");
    made.acknowledged = true;
    assert_int_equal(insert(f, &made, NOW_MS), ERR_OK);
    assert_int_equal(store_find_connect_session(f->store, made.hash, f->arena, &found),
                     ERR_OK);
    assert_text(found.id, "cs_a");
    assert_true(slice_eq(found.hash, made.hash));
    assert_text(found.tenant, "t1");
    assert_text(found.integration, "netsuite");
    assert_text(found.environment, "sandbox");
    assert_text(found.account, "acc_again");
    assert_text(found.return_url, "https://desk.example.com/done?case=7");
    assert_text(found.state, "open");
    assert_int_equal(found.browser.len + found.consent.len + found.sealed.len, 0);
    assert_true(found.acknowledged);
    assert_int_equal(found.version, 1);
    assert_int_equal(found.created_ms, NOW_MS);
    assert_int_equal(found.expires_ms, NOW_MS + 15 * MINUTE_MS);
    assert_int_equal(
        store_find_connect_session(f->store, hash_of(f->arena, 'b'), f->arena, &found),
        ERR_NOT_FOUND);
    assert_int_equal(
        store_get_connect_session(f->store, SLICE("cs_b"), f->arena, &found),
        ERR_NOT_FOUND);
    made.id = SLICE("cs_b"); /* two links with one hash would be one link */
    assert_int_not_equal(insert(f, &made, NOW_MS), ERR_OK);
}

static void test_two_windows_cannot_both_change_what_they_read(void **state)
{
    struct fixture *f = *state;
    struct store_connect_session made = session_like(f, "cs_a", 'a', "t1");

    assert_int_equal(insert(f, &made, NOW_MS), ERR_OK);
    struct store_connect_session first = get(f, "cs_a"), second = get(f, "cs_a");
    first.browser = hash_of(f->arena, '1');
    first.state = SLICE("opened");
    second.browser = hash_of(f->arena, '2');
    assert_int_equal(update(f, &first), ERR_OK);
    assert_int_equal(update(f, &second), ERR_CONFLICT);
    struct store_connect_session now = get(f, "cs_a");
    assert_true(slice_eq(now.browser, first.browser));
    assert_text(now.state, "opened");
    assert_int_equal(now.version, 2);
    now.id = SLICE("cs_none");
    assert_int_equal(update(f, &now), ERR_NOT_FOUND);
}

static void test_a_consent_is_found_while_it_is_under_way(void **state)
{
    struct fixture *f = *state;
    struct store_connect_session made = session_like(f, "cs_a", 'a', "t1"), found;

    assert_int_equal(insert(f, &made, NOW_MS), ERR_OK);
    assert_int_equal(store_find_consent(f->store, SLICE_EMPTY, f->arena, &found),
                     ERR_NOT_FOUND); /* though that is what stands in the row */
    struct store_connect_session now = get(f, "cs_a");
    now.consent = hash_of(f->arena, 'c');
    now.sealed = SLICE("sealed");
    now.tries = 2;
    assert_false(now.acknowledged);
    now.acknowledged = true;
    now.cause = SLICE("consent_denied");
    assert_int_equal(update(f, &now), ERR_OK);
    assert_int_equal(store_find_consent(f->store, now.consent, f->arena, &found),
                     ERR_OK);
    assert_text(found.id, "cs_a");
    assert_text(found.sealed, "sealed");
    assert_text(found.cause, "consent_denied");
    assert_int_equal(found.tries, 2);
    assert_true(found.acknowledged);
    struct slice consent = found.consent;
    found.consent = found.sealed = SLICE_EMPTY;
    assert_int_equal(update(f, &found), ERR_OK);
    assert_int_equal(store_find_consent(f->store, consent, f->arena, &found),
                     ERR_NOT_FOUND); /* it serves once */
}

static void test_a_tenants_open_links_have_a_ceiling(void **state)
{
    struct fixture *f = *state;
    static const char *const ids[] = {"cs_a", "cs_b", "cs_c", "cs_d", "cs_e", "cs_f"};
    struct store_connect_session sessions[6];

    for (int i = 0; i < 6; i++) {
        sessions[i] = session_like(f, ids[i], (char)('a' + i), i == 4 ? "t2" : "t1");
    }
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(insert(f, &sessions[i], NOW_MS), ERR_OK);
    }
    assert_int_equal(insert(f, &sessions[3], NOW_MS), ERR_CONFLICT);
    assert_int_equal(insert(f, &sessions[4], NOW_MS), ERR_OK); /* another tenant's */
    struct store_connect_session used = get(f, "cs_a");
    used.state = SLICE("connected");
    assert_int_equal(update(f, &used), ERR_OK);
    assert_int_equal(insert(f, &sessions[3], NOW_MS), ERR_OK);
    assert_int_equal(insert(f, &sessions[5], NOW_MS), ERR_CONFLICT);
    assert_int_equal(insert(f, &sessions[5], NOW_MS + 15 * MINUTE_MS), ERR_OK);
}

static void test_a_link_can_be_read_for_a_day_after_its_end(void **state)
{
    struct fixture *f = *state;
    struct store_connect_session made = session_like(f, "cs_a", 'a', "t1"), found;
    int64_t last_ms = made.expires_ms + DAY_MS;

    assert_int_equal(insert(f, &made, NOW_MS), ERR_OK);
    for (int64_t now_ms = last_ms; now_ms <= last_ms + 1; now_ms++) {
        struct store_batch *batch = store_batch_new();
        store_purge_expired(batch, now_ms);
        assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
        assert_int_equal(
            store_get_connect_session(f->store, SLICE("cs_a"), f->arena, &found),
            now_ms == last_ms ? ERR_OK : ERR_NOT_FOUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_link_is_stored_whole_and_found_by_its_hash),
        STORE_TEST(test_two_windows_cannot_both_change_what_they_read),
        STORE_TEST(test_a_consent_is_found_while_it_is_under_way),
        STORE_TEST(test_a_tenants_open_links_have_a_ceiling),
        STORE_TEST(test_a_link_can_be_read_for_a_day_after_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
