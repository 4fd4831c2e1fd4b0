/* SPDX-License-Identifier: Apache-2.0 */
/* MCP servers with the tokens of their URLs, API tokens: how they are found and how they end. */
#include "tests/unit/store/store_world.h"

/* ---- Servers and their tokens ---- */

static void test_a_server_comes_back_by_id_and_by_token(void **state)
{
    struct fixture *f = *state;
    struct store_server by_id, by_token;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);

    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', NOW_MS + 10), ERR_OK);

    assert_int_equal(store_get_server(f->store, SLICE("mcp_a"), f->arena, &by_id),
                     ERR_OK);
    assert_int_equal(store_find_server(f->store, hash_of(f->arena, 'a'), NOW_MS,
                                       f->arena, &by_token),
                     ERR_OK);
    assert_text(by_id.account, "acc_a");
    assert_text(by_id.name, "finance agent");
    assert_text(by_id.config, "{\"methods\":[\"read\"]}");
    assert_int_equal(by_id.expires_ms, NOW_MS + 10);
    assert_int_equal(by_id.version, 1);
    assert_text(by_token.id, "mcp_a");
    assert_text(by_token.account, "acc_a");
    assert_text(by_token.config, "{\"methods\":[\"read\"]}");
    assert_int_equal(by_token.expires_ms, NOW_MS + 10);
    assert_int_equal(by_token.version, 1);
    assert_int_equal(by_token.created_ms, NOW_MS);
    assert_int_equal(store_get_server(f->store, SLICE("mcp_b"), f->arena, &by_id),
                     ERR_NOT_FOUND);
}

static void test_a_server_needs_its_account_and_a_token_its_server(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    struct store_url_token token = url_token_like(f->arena, 'a', "mcp_a", 0);

    store_insert_url_token(batch, &token);
    assert_int_equal(store_commit_now(f->store, batch), ERR_NOT_FOUND);

    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_NOT_FOUND);
}

static void test_one_hash_belongs_to_one_server(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);

    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'a', 0), ERR_CONFLICT);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'b', 0), ERR_CONFLICT);
}

static void test_a_token_ends_at_its_expiry_and_not_before(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', NOW_MS), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'b', 0), ERR_OK);

    assert_int_equal(find(f, 'a', NOW_MS - 1), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS + 1), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'b', INT64_MAX), ERR_OK);
    assert_int_equal(find(f, 'c', NOW_MS), ERR_NOT_FOUND);
}

static void test_a_server_that_ended_is_not_found_by_a_token_that_lives(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    struct store_server server = server_like("mcp_a", "acc_a");
    struct store_url_token token = url_token_like(f->arena, 'a', "mcp_a", 0);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    server.expires_ms = NOW_MS;

    store_insert_server(batch, &server);
    store_insert_url_token(batch, &token);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(find(f, 'a', NOW_MS - 1), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);
}

static void test_expiring_tokens_moves_the_end_of_all_of_a_server(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'b', 0), ERR_OK);

    /* A rotation: the old token ends soon, the new one does not. */
    struct store_batch *batch = store_batch_new();
    struct store_url_token fresh = url_token_like(f->arena, 'c', "mcp_a", 0);
    store_expire_url_tokens(batch, SLICE("mcp_a"), NOW_MS + 30);
    store_insert_url_token(batch, &fresh);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(find(f, 'a', NOW_MS + 29), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS + 30), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'c', NOW_MS + 30), ERR_OK);
    assert_int_equal(find(f, 'b', NOW_MS + 30), ERR_OK);

    batch = store_batch_new();
    store_expire_url_tokens(batch, SLICE("mcp_a"), NOW_MS + 60);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(find(f, 'a', NOW_MS + 59), ERR_OK);
    assert_int_equal(find(f, 'c', NOW_MS + 60), ERR_NOT_FOUND);
}

static int64_t ends_of(struct fixture *f, char mark)
{
    struct store_server server;

    assert_int_equal(
        store_find_server(f->store, hash_of(f->arena, mark), NOW_MS, f->arena, &server),
        ERR_OK);
    return server.token_ends_ms;
}

static void test_a_retired_token_ends_when_it_was_told_and_never_later(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'b', 0), ERR_OK);
    assert_int_equal(ends_of(f, 'a'), 0);

    assert_int_equal(rotate(f, "mcp_a", 'c', NOW_MS + 30), ERR_OK);
    assert_int_equal(ends_of(f, 'a'), NOW_MS + 30);
    assert_int_equal(ends_of(f, 'c'), 0);
    assert_int_equal(ends_of(f, 'b'), 0);
    assert_int_equal(find(f, 'a', NOW_MS + 29), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS + 30), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'c', NOW_MS + 30), ERR_OK);

    /* Again within the overlap: the first one's end does not move out. */
    assert_int_equal(rotate(f, "mcp_a", 'd', NOW_MS + 90), ERR_OK);
    assert_int_equal(ends_of(f, 'a'), NOW_MS + 30);
    assert_int_equal(ends_of(f, 'c'), NOW_MS + 90);
    assert_int_equal(rotate(f, "mcp_a", 'e', NOW_MS + 60), ERR_OK);
    assert_int_equal(ends_of(f, 'c'), NOW_MS + 60);
    assert_int_equal(ends_of(f, 'd'), NOW_MS + 60);

    /* A later end of the server is the newest token's alone. */
    struct store_batch *batch = store_batch_new();
    store_expire_url_tokens(batch, SLICE("mcp_a"), NOW_MS + 500);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(find(f, 'e', NOW_MS + 499), ERR_OK);
    assert_int_equal(find(f, 'e', NOW_MS + 500), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'd', NOW_MS + 60), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS + 30), ERR_NOT_FOUND);

    batch = store_batch_new();
    store_purge_expired(batch, NOW_MS + 100);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(find(f, 'a', 1), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'd', 1), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'e', 1), ERR_OK);
}

static enum err update_server_from(struct fixture *f, const char *id, int64_t expected)
{
    struct store_batch *batch = store_batch_new();
    struct store_server server = server_like(id, "acc_a");

    server.config = SLICE("{}");
    server.expires_ms = NOW_MS + 99;
    server.updated_ms = NOW_MS + 1;
    store_update_server(batch, &server, expected);
    return store_commit_now(f->store, batch);
}

static void test_a_server_update_counts_versions_too(void **state)
{
    struct fixture *f = *state;
    struct store_server got;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);

    assert_int_equal(update_server_from(f, "mcp_a", 2), ERR_CONFLICT);
    assert_int_equal(update_server_from(f, "mcp_a", 1), ERR_OK);
    assert_int_equal(update_server_from(f, "mcp_b", 0), ERR_NOT_FOUND);

    assert_int_equal(store_get_server(f->store, SLICE("mcp_a"), f->arena, &got),
                     ERR_OK);
    assert_int_equal(got.version, 2);
    assert_text(got.config, "{}");
    assert_int_equal(got.expires_ms, NOW_MS + 99);
    assert_int_equal(got.updated_ms, NOW_MS + 1);
    assert_int_equal(got.created_ms, NOW_MS);
}

static void test_servers_are_listed_per_account(void **state)
{
    struct fixture *f = *state;
    struct store_server *list = NULL;
    size_t count = 0;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_account(f, "acc_b", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_c", "acc_a", 'c', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_b", 'b', 0), ERR_OK);

    assert_int_equal(store_list_servers(f->store, SLICE("acc_a"), SLICE(""), 10,
                                        f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_text(list[0].id, "mcp_a");
    assert_text(list[1].id, "mcp_c");
    assert_int_equal(store_list_servers(f->store, SLICE("acc_a"), SLICE("mcp_a"), 10,
                                        f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_text(list[0].id, "mcp_c");
}

static void test_a_deleted_server_takes_its_tokens_along(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);

    struct store_batch *batch = store_batch_new();
    store_delete_server(batch, SLICE("mcp_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);

    batch = store_batch_new();
    store_delete_server(batch, SLICE("mcp_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_NOT_FOUND);

    /* Nothing of the old token is in the way of the same hash. */
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'a', 0), ERR_OK);
}

/* ---- API tokens ---- */

static enum err put_api_token(struct fixture *f, const char *id, char mark,
                              int64_t expires_ms)
{
    struct store_batch *batch = store_batch_new();
    struct store_api_token token = api_token_like(f->arena, id, mark, expires_ms);

    store_insert_api_token(batch, &token);
    return store_commit_now(f->store, batch);
}

static void test_api_tokens_are_found_listed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_api_token got, *list = NULL;
    size_t count = 0;
    assert_int_equal(put_api_token(f, "tok_a", 'a', NOW_MS + 1), ERR_OK);
    assert_int_equal(put_api_token(f, "tok_b", 'b', 0), ERR_OK);
    assert_int_equal(put_api_token(f, "tok_c", 'a', 0), ERR_CONFLICT);
    assert_int_equal(put_api_token(f, "tok_a", 'c', 0), ERR_CONFLICT);

    assert_int_equal(
        store_find_api_token(f->store, hash_of(f->arena, 'a'), NOW_MS, f->arena, &got),
        ERR_OK);
    assert_text(got.id, "tok_a");
    assert_text(got.name, "ci");
    assert_text(got.role, "tenant");
    assert_text(got.tenant, "t1");
    assert_true(slice_eq(got.hash, hash_of(f->arena, 'a')));
    assert_int_equal(got.expires_ms, NOW_MS + 1);
    assert_int_equal(got.created_ms, NOW_MS);
    assert_int_equal(store_find_api_token(f->store, hash_of(f->arena, 'a'), NOW_MS + 1,
                                          f->arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(
        store_find_api_token(f->store, hash_of(f->arena, 'z'), NOW_MS, f->arena, &got),
        ERR_NOT_FOUND);

    assert_int_equal(store_list_api_tokens(f->store, SLICE(""), SLICE(""), 10, f->arena,
                                           &list, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(store_list_api_tokens(f->store, SLICE("t1"), SLICE("tok_a"), 10,
                                           f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 1);
    assert_text(list[0].id, "tok_b");
    assert_int_equal(store_list_api_tokens(f->store, SLICE("t2"), SLICE(""), 10,
                                           f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 0);

    struct store_batch *batch = store_batch_new();
    store_delete_api_token(batch, SLICE("tok_b"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(
        store_find_api_token(f->store, hash_of(f->arena, 'b'), NOW_MS, f->arena, &got),
        ERR_NOT_FOUND);
    batch = store_batch_new();
    store_delete_api_token(batch, SLICE("tok_b"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_NOT_FOUND);
}

static void test_a_purge_removes_what_ended_before_it_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct store_server server;
    struct store_api_token token;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', NOW_MS - 1), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'b', NOW_MS), ERR_OK);
    assert_int_equal(put_server(f, "mcp_c", "acc_a", 'c', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_d", "acc_a", 'd', NOW_MS - 1), ERR_OK);
    assert_int_equal(put_api_token(f, "tok_a", 'a', NOW_MS - 1), ERR_OK);
    assert_int_equal(put_api_token(f, "tok_b", 'b', 0), ERR_OK);
    struct store_batch *batch = store_batch_new();
    struct store_url_token second = url_token_like(f->arena, 'e', "mcp_d", 0);
    store_insert_url_token(batch, &second);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    batch = store_batch_new();
    store_purge_expired(batch, NOW_MS);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    /* Asked at a time when all were alive, so that absence is what is seen. */
    assert_int_equal(find(f, 'a', 1), ERR_NOT_FOUND);
    assert_int_equal(store_get_server(f->store, SLICE("mcp_a"), f->arena, &server),
                     ERR_NOT_FOUND);
    assert_int_equal(find(f, 'b', 1), ERR_OK);
    assert_int_equal(find(f, 'c', 1), ERR_OK);
    assert_int_equal(find(f, 'd', 1), ERR_NOT_FOUND);
    assert_int_equal(store_get_server(f->store, SLICE("mcp_d"), f->arena, &server),
                     ERR_OK);
    assert_int_equal(
        store_find_api_token(f->store, hash_of(f->arena, 'a'), 1, f->arena, &token),
        ERR_NOT_FOUND);
    assert_int_equal(
        store_find_api_token(f->store, hash_of(f->arena, 'b'), 1, f->arena, &token),
        ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_a_server_comes_back_by_id_and_by_token),
        STORE_TEST(test_a_server_needs_its_account_and_a_token_its_server),
        STORE_TEST(test_one_hash_belongs_to_one_server),
        STORE_TEST(test_a_token_ends_at_its_expiry_and_not_before),
        STORE_TEST(test_a_server_that_ended_is_not_found_by_a_token_that_lives),
        STORE_TEST(test_expiring_tokens_moves_the_end_of_all_of_a_server),
        STORE_TEST(test_a_retired_token_ends_when_it_was_told_and_never_later),
        STORE_TEST(test_a_server_update_counts_versions_too),
        STORE_TEST(test_servers_are_listed_per_account),
        STORE_TEST(test_a_deleted_server_takes_its_tokens_along),
        STORE_TEST(test_api_tokens_are_found_listed_and_deleted),
        STORE_TEST(test_a_purge_removes_what_ended_before_it_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
