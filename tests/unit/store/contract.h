/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what every store has to do, as tests over `struct store *`: a backend
 * includes this file, gives each test a fresh store, and lists CONTRACT_TESTS. Owns:
 * nothing; the fixture is the backend's. Threads: the test's.  Errors: a failed
 * assertion. Start reading at: struct fixture.
 */
#ifndef SLUICE_TESTS_STORE_CONTRACT_H
#define SLUICE_TESTS_STORE_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"

struct fixture {
    struct loop *loop;
    struct store *store; /* fresh */
    struct arena *arena;
    struct log log;
    struct clock clock;
    char folder[64], path[96];
};

#define NOW_MS INT64_C(1795000000000)

#define assert_text(bytes, text) assert_true(slice_eq((bytes), slice_str(text)))

static struct store_account account_like(const char *id, const char *tenant)
{
    return (struct store_account){
        .id = slice_str(id),
        .tenant = slice_str(tenant),
        .integration = SLICE("netsuite"),
        .name = SLICE("Hansen A/S \xe2\x80\x93 Z\xc3\xbcrich"),
        .environment = SLICE("production"),
        .lane = SLICE("netsuite:123456_SB1"),
        .state = SLICE("active"),
        .cause = SLICE(""),
        .scheme = SLICE("netsuite_tba"),
        .connection = SLICE("{\"account_id\":\"123456_SB1\"}"),
        .auth = SLICE("{}"),
        .governor = SLICE("{\"ceiling\":5}"),
        .overrides = SLICE("{\"tools\":{}}"),
        .created_ms = NOW_MS,
        .updated_ms = NOW_MS,
    };
}

static struct store_server server_like(const char *id, const char *account)
{
    return (struct store_server){
        .id = slice_str(id),
        .account = slice_str(account),
        .name = SLICE("finance agent"),
        .config = SLICE("{\"methods\":[\"read\"]}"),
        .created_ms = NOW_MS,
        .updated_ms = NOW_MS,
    };
}

/* 32 bytes that differ by `mark`. */
static struct slice hash_of(struct arena *arena, char mark)
{
    char bytes[32];

    memset(bytes, mark, sizeof bytes);
    bytes[0] = '\0'; /* hashes hold any byte */
    return arena_slice(arena, slice_of(bytes, sizeof bytes));
}

static struct store_url_token url_token_like(struct arena *arena, char mark,
                                             const char *server, int64_t expires_ms)
{
    return (struct store_url_token){hash_of(arena, mark), slice_str(server),
                                    expires_ms};
}

static struct store_api_token api_token_like(struct arena *arena, const char *id,
                                             char mark, int64_t expires_ms)
{
    return (struct store_api_token){
        .id = slice_str(id),
        .hash = hash_of(arena, mark),
        .name = SLICE("ci"),
        .role = SLICE("tenant"),
        .tenant = SLICE("t1"),
        .expires_ms = expires_ms,
        .created_ms = NOW_MS,
    };
}

static enum err put_account(struct fixture *f, const char *id, const char *tenant)
{
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like(id, tenant);

    store_insert_account(batch, &account);
    return store_commit_now(f->store, batch);
}

/* With one URL token of that mark. */
static enum err put_server(struct fixture *f, const char *id, const char *account,
                           char mark, int64_t expires_ms)
{
    struct store_batch *batch = store_batch_new();
    struct store_server server = server_like(id, account);
    struct store_url_token token = url_token_like(f->arena, mark, id, expires_ms);

    server.expires_ms = expires_ms;
    store_insert_server(batch, &server);
    store_insert_url_token(batch, &token);
    return store_commit_now(f->store, batch);
}

static enum err find(struct fixture *f, char mark, int64_t now_ms)
{
    struct store_server server;

    return store_find_server(f->store, hash_of(f->arena, mark), now_ms, f->arena,
                             &server);
}

/* ---- Accounts ---- */

static void test_an_account_comes_back_as_it_was_written(void **state)
{
    struct fixture *f = *state;
    struct store_account got;
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like("acc_a", "t1");
    account.cause = SLICE("login refused");
    account.proven = true;
    account.updated_ms = NOW_MS + 5;
    account.version = 99; /* the store sets it */

    store_insert_account(batch, &account);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);

    assert_true(slice_eq(got.id, account.id));
    assert_true(slice_eq(got.tenant, account.tenant));
    assert_true(slice_eq(got.integration, account.integration));
    assert_true(slice_eq(got.name, account.name));
    assert_true(slice_eq(got.environment, account.environment));
    assert_true(slice_eq(got.lane, account.lane));
    assert_true(slice_eq(got.state, account.state));
    assert_true(slice_eq(got.cause, account.cause));
    assert_true(slice_eq(got.scheme, account.scheme));
    assert_true(slice_eq(got.connection, account.connection));
    assert_true(slice_eq(got.auth, account.auth));
    assert_true(slice_eq(got.governor, account.governor));
    assert_true(slice_eq(got.overrides, account.overrides));
    assert_true(got.proven);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.created_ms, NOW_MS);
    assert_int_equal(got.updated_ms, NOW_MS + 5);
}

static void test_a_batch_keeps_copies_of_what_it_is_given(void **state)
{
    struct fixture *f = *state;
    struct store_account got;
    char id[] = "acc_a", name[] = "before";
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like(id, "t1");
    account.name = slice_str(name);

    store_insert_account(batch, &account);
    memset(id, 'x', 5);
    memset(name, 'x', 6);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_text(got.name, "before");
}

static void test_an_unknown_account_is_not_found(void **state)
{
    struct fixture *f = *state;
    struct store_account got;

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_account(f->store, SLICE(""), f->arena, &got),
                     ERR_NOT_FOUND);
}

static void test_a_second_account_of_the_same_id_is_a_conflict(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_account(f, "acc_a", "t2"), ERR_CONFLICT);
}

static enum err update_account_from(struct fixture *f, const char *id, int64_t expected)
{
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like(id, "t1");

    account.state = SLICE("needs_reauth");
    account.created_ms = 1;
    account.updated_ms = NOW_MS + 7;
    store_update_account(batch, &account, expected);
    return store_commit_now(f->store, batch);
}

static void test_an_update_counts_versions_and_refuses_another_one(void **state)
{
    struct fixture *f = *state;
    struct store_account got;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);

    assert_int_equal(update_account_from(f, "acc_a", 1), ERR_OK);
    assert_int_equal(update_account_from(f, "acc_a", 1), ERR_CONFLICT);
    assert_int_equal(update_account_from(f, "acc_a", 0), ERR_OK);
    assert_int_equal(update_account_from(f, "acc_b", 0), ERR_NOT_FOUND);
    assert_int_equal(update_account_from(f, "acc_b", 1), ERR_NOT_FOUND);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_int_equal(got.version, 3);
    assert_text(got.state, "needs_reauth");
    assert_int_equal(got.created_ms, NOW_MS);
    assert_int_equal(got.updated_ms, NOW_MS + 7);
}

static void test_accounts_are_listed_by_id_in_pages_and_per_tenant(void **state)
{
    struct fixture *f = *state;
    struct store_account *list = NULL;
    size_t count = 0;
    for (int i = 49; i >= 0; i--) {
        char id[16];
        snprintf(id, sizeof id, "acc_%02d", i);
        assert_int_equal(put_account(f, id, i % 2 == 0 ? "even" : "odd"), ERR_OK);
    }

    assert_int_equal(store_list_accounts(f->store, SLICE(""), SLICE(""), 40, f->arena,
                                         &list, &count),
                     ERR_OK);
    assert_int_equal(count, 40);
    assert_text(list[0].id, "acc_00");
    assert_text(list[39].id, "acc_39");
    assert_int_equal(store_list_accounts(f->store, SLICE(""), list[39].id, 40, f->arena,
                                         &list, &count),
                     ERR_OK);
    assert_int_equal(count, 10);
    assert_text(list[0].id, "acc_40");
    assert_int_equal(store_list_accounts(f->store, SLICE("odd"), SLICE("acc_03"), 2,
                                         f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_text(list[0].id, "acc_05");
    assert_text(list[1].id, "acc_07");
    assert_int_equal(store_list_accounts(f->store, SLICE("nobody"), SLICE(""), 2,
                                         f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 0);
}

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

static enum err rotate(struct fixture *f, const char *server, char mark,
                       int64_t ends_ms)
{
    struct store_batch *batch = store_batch_new();
    struct store_url_token fresh = url_token_like(f->arena, mark, server, 0);

    store_retire_url_tokens(batch, slice_str(server), ends_ms);
    store_insert_url_token(batch, &fresh);
    return store_commit_now(f->store, batch);
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

/* ---- API tokens, tenants, lanes, secrets ---- */

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

static void test_tenants_and_lanes_are_put_over_what_was_there(void **state)
{
    struct fixture *f = *state;
    struct store_tenant tenant, *tenants = NULL;
    struct store_lane *lanes = NULL;
    size_t count = 0;
    struct store_batch *batch = store_batch_new();
    store_put_tenant(batch, &(struct store_tenant){SLICE("t2"), 3});
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 1});
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 7});
    store_put_lane(batch, &(struct store_lane){SLICE("l1"), 4});
    store_put_lane(batch, &(struct store_lane){SLICE("l1"), 0});

    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_OK);
    assert_int_equal(tenant.ceiling, 7);
    assert_int_equal(store_get_tenant(f->store, SLICE("t3"), f->arena, &tenant),
                     ERR_NOT_FOUND);
    assert_int_equal(store_list_tenants(f->store, f->arena, &tenants, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_text(tenants[0].id, "t1");
    assert_text(tenants[1].id, "t2");
    assert_int_equal(tenants[1].ceiling, 3);
    assert_int_equal(store_list_lanes(f->store, f->arena, &lanes, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_text(lanes[0].id, "l1");
    assert_int_equal(lanes[0].ceiling, 0);
}

static enum err put_secret(struct fixture *f, const char *account, const char *field,
                           const char *sealed)
{
    struct store_batch *batch = store_batch_new();

    store_put_secret(batch, &(struct store_secret){slice_str(account), slice_str(field),
                                                   SLICE("k1"), slice_str(sealed)});
    return store_commit_now(f->store, batch);
}

static size_t count_secrets(struct fixture *f, const char *account)
{
    struct store_secret *list = NULL;
    size_t count = 0;

    assert_int_equal(
        store_list_secrets(f->store, slice_str(account), f->arena, &list, &count),
        ERR_OK);
    return count;
}

static void test_secrets_are_put_replaced_listed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_secret *list = NULL;
    size_t count = 0;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_secret(f, "acc_b", "token_id", "x"), ERR_NOT_FOUND);
    assert_int_equal(put_secret(f, "acc_a", "token_secret", "one"), ERR_OK);
    assert_int_equal(put_secret(f, "acc_a", "token_id", "two"), ERR_OK);
    assert_int_equal(put_secret(f, "acc_a", "token_secret", "three"), ERR_OK);

    assert_int_equal(
        store_list_secrets(f->store, SLICE("acc_a"), f->arena, &list, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_text(list[0].field, "token_id");
    assert_text(list[1].field, "token_secret");
    assert_text(list[1].sealed, "three");
    assert_text(list[1].key_id, "k1");
    assert_text(list[1].account, "acc_a");

    struct store_batch *batch = store_batch_new();
    store_delete_secrets(batch, SLICE("acc_a"));
    store_delete_secrets(batch, SLICE("acc_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(count_secrets(f, "acc_a"), 0);
}

static void test_a_deleted_account_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    struct store_server server;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_account(f, "acc_b", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_b", 'b', 0), ERR_OK);
    assert_int_equal(put_secret(f, "acc_a", "token_id", "one"), ERR_OK);
    assert_int_equal(put_secret(f, "acc_b", "token_id", "two"), ERR_OK);

    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, SLICE("acc_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);

    assert_int_equal(store_get_server(f->store, SLICE("mcp_a"), f->arena, &server),
                     ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(count_secrets(f, "acc_a"), 0);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_OK);
    assert_int_equal(count_secrets(f, "acc_b"), 1);
    batch = store_batch_new();
    store_delete_account(batch, SLICE("acc_a"));
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

static enum err put_environment(struct fixture *f, const char *id,
                                const char *overrides)
{
    struct store_batch *batch = store_batch_new();
    struct store_environment environment = {
        .id = slice_str(id), .overrides = slice_str(overrides), .updated_ms = NOW_MS};

    store_put_environment(batch, &environment);
    return store_commit_now(f->store, batch);
}

static void test_environments_are_put_replaced_listed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_environment one, *all = NULL;
    size_t count = 0;
    assert_int_equal(store_get_environment(f->store, SLICE("prod"), f->arena, &one),
                     ERR_NOT_FOUND);
    assert_int_equal(put_environment(f, "prod", "{\"tools\":{}}"), ERR_OK);
    assert_int_equal(put_environment(f, "test", "{}"), ERR_OK);
    assert_int_equal(put_environment(f, "prod", "{\"instructions\":{}}"), ERR_OK);

    assert_int_equal(store_get_environment(f->store, SLICE("prod"), f->arena, &one),
                     ERR_OK);
    assert_text(one.id, "prod");
    assert_text(one.overrides, "{\"instructions\":{}}");
    assert_int_equal(one.version, 2);
    assert_int_equal(one.updated_ms, NOW_MS);
    assert_int_equal(
        store_list_environments(f->store, SLICE_EMPTY, 10, f->arena, &all, &count),
        ERR_OK);
    assert_int_equal(count, 2);
    assert_text(all[1].id, "test");
    assert_int_equal(
        store_list_environments(f->store, SLICE("prod"), 10, f->arena, &all, &count),
        ERR_OK);
    assert_int_equal(count, 1);

    for (int i = 0; i < 2; i++) {
        struct store_batch *batch = store_batch_new();
        store_delete_environment(batch, SLICE("prod"));
        assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
        assert_int_equal(store_get_environment(f->store, SLICE("prod"), f->arena, &one),
                         ERR_NOT_FOUND);
    }
}

/* ---- Batches and their acknowledgement ---- */

struct acks {
    int count, refused;
    int last; /* the number of the newest, to see the order */
    bool in_order;
    struct fixture *f;
};

struct ack {
    struct acks *acks;
    int number;
    const char *tenant; /* readable when the answer came */
    enum err err;
    int calls;
};

static void on_done(void *ctx, enum err err)
{
    struct ack *ack = ctx;
    struct store_tenant tenant;

    ack->err = err;
    ack->calls++;
    ack->acks->count++;
    ack->acks->refused += err == ERR_OK ? 0 : 1;
    ack->acks->in_order = ack->acks->in_order && ack->number > ack->acks->last;
    ack->acks->last = ack->number;
    if (err == ERR_OK && ack->tenant != NULL) {
        assert_int_equal(store_get_tenant(ack->acks->f->store, slice_str(ack->tenant),
                                          ack->acks->f->arena, &tenant),
                         ERR_OK);
    }
}

static void test_the_answer_comes_on_the_loop_after_the_write_can_be_read(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack = {.acks = &acks, .tenant = "t1", .err = ERR_INTERNAL};
    struct store_batch *batch = store_batch_new();
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 3});

    store_commit(f->store, batch, on_done, &ack);
    assert_int_equal(ack.calls, 0);
    loop_run(f->loop);

    assert_int_equal(ack.calls, 1);
    assert_int_equal(ack.err, ERR_OK);
}

static void test_a_batch_that_fails_changes_nothing(void **state)
{
    struct fixture *f = *state;
    struct store_account account = account_like("acc_a", "t1"), got;
    struct store_tenant tenant;
    assert_int_equal(put_account(f, "acc_b", "t1"), ERR_OK);

    struct store_batch *batch = store_batch_new();
    store_insert_account(batch, &account);
    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 3});
    account.id = SLICE("acc_b");
    store_insert_account(batch, &account);
    assert_int_equal(store_commit_now(f->store, batch), ERR_CONFLICT);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_NOT_FOUND);
}

static void test_an_empty_batch_is_acknowledged(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_commit_now(f->store, store_batch_new()), ERR_OK);
}

static void test_a_batch_that_was_never_committed_can_be_freed(void **state)
{
    struct fixture *f = *state;
    struct store_tenant tenant;
    struct store_batch *batch = store_batch_new();

    store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), 3});
    store_batch_free(batch);
    store_batch_free(NULL);

    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_NOT_FOUND);
}

static void test_of_two_batches_under_way_only_the_wrong_one_fails(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack[3];
    struct store_account got;
    const char *ids[] = {"acc_a", "acc_a", "acc_b"};

    for (int i = 0; i < 3; i++) {
        struct store_batch *batch = store_batch_new();
        struct store_account account = account_like(ids[i], i == 1 ? "wrong" : "right");
        store_insert_account(batch, &account);
        ack[i] = (struct ack){.acks = &acks, .number = i};
        store_commit(f->store, batch, on_done, &ack[i]);
    }
    loop_run(f->loop);

    assert_int_equal(ack[0].err, ERR_OK);
    assert_int_equal(ack[1].err, ERR_CONFLICT);
    assert_int_equal(ack[2].err, ERR_OK);
    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_text(got.tenant, "right");
    assert_int_equal(store_get_account(f->store, SLICE("acc_b"), f->arena, &got),
                     ERR_OK);
}

#define MANY 1000

static void test_a_thousand_writes_are_each_answered_once_and_in_order(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack *ack = test_calloc(MANY, sizeof *ack);
    char(*ids)[16] = test_calloc(MANY, sizeof *ids);
    struct store_tenant *list = NULL;
    size_t count = 0;

    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = store_batch_new();
        snprintf(ids[i], sizeof ids[i], "t%04d", i);
        store_put_tenant(batch, &(struct store_tenant){slice_str(ids[i]), i});
        ack[i] = (struct ack){.acks = &acks, .number = i, .tenant = ids[i]};
        store_commit(f->store, batch, on_done, &ack[i]);
    }
    loop_run(f->loop);

    assert_int_equal(acks.count, MANY);
    assert_int_equal(acks.refused, 0);
    assert_true(acks.in_order);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ack[i].calls, 1);
    }
    assert_int_equal(store_list_tenants(f->store, f->arena, &list, &count), ERR_OK);
    assert_int_equal(count, MANY);
    assert_int_equal(list[MANY - 1].ceiling, MANY - 1);
    test_free(ids);
    test_free(ack);
}

static void test_waiting_and_asynchronous_writes_keep_their_order(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack = {.acks = &acks};
    struct store_tenant tenant;
    struct store_batch *first = store_batch_new(), *second = store_batch_new();
    store_put_tenant(first, &(struct store_tenant){SLICE("t1"), 1});
    store_put_tenant(second, &(struct store_tenant){SLICE("t1"), 2});

    store_commit(f->store, first, on_done, &ack);
    assert_int_equal(store_commit_now(f->store, second), ERR_OK);
    assert_int_equal(ack.calls, 0);
    loop_run(f->loop);

    assert_int_equal(ack.calls, 1);
    assert_int_equal(store_get_tenant(f->store, SLICE("t1"), f->arena, &tenant),
                     ERR_OK);
    assert_int_equal(tenant.ceiling, 2);
}

static void test_a_store_that_works_says_so(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_check(f->store), ERR_OK);
}

/* clang-format off */
#define CONTRACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define CONTRACT_TESTS                                                                   \
    CONTRACT(test_an_account_comes_back_as_it_was_written),                              \
    CONTRACT(test_a_batch_keeps_copies_of_what_it_is_given),                             \
    CONTRACT(test_an_unknown_account_is_not_found),                                      \
    CONTRACT(test_a_second_account_of_the_same_id_is_a_conflict),                        \
    CONTRACT(test_an_update_counts_versions_and_refuses_another_one),                    \
    CONTRACT(test_accounts_are_listed_by_id_in_pages_and_per_tenant),                    \
    CONTRACT(test_a_server_comes_back_by_id_and_by_token),                               \
    CONTRACT(test_a_server_needs_its_account_and_a_token_its_server),                    \
    CONTRACT(test_one_hash_belongs_to_one_server),                                       \
    CONTRACT(test_a_token_ends_at_its_expiry_and_not_before),                            \
    CONTRACT(test_a_server_that_ended_is_not_found_by_a_token_that_lives),               \
    CONTRACT(test_expiring_tokens_moves_the_end_of_all_of_a_server),                     \
    CONTRACT(test_a_retired_token_ends_when_it_was_told_and_never_later),                \
    CONTRACT(test_environments_are_put_replaced_listed_and_deleted),                     \
    CONTRACT(test_a_server_update_counts_versions_too),                                  \
    CONTRACT(test_servers_are_listed_per_account),                                       \
    CONTRACT(test_a_deleted_server_takes_its_tokens_along),                              \
    CONTRACT(test_api_tokens_are_found_listed_and_deleted),                              \
    CONTRACT(test_tenants_and_lanes_are_put_over_what_was_there),                        \
    CONTRACT(test_secrets_are_put_replaced_listed_and_deleted),                          \
    CONTRACT(test_a_deleted_account_leaves_nothing_behind),                              \
    CONTRACT(test_a_purge_removes_what_ended_before_it_and_nothing_else),                \
    CONTRACT(test_the_answer_comes_on_the_loop_after_the_write_can_be_read),             \
    CONTRACT(test_a_batch_that_fails_changes_nothing),                                   \
    CONTRACT(test_an_empty_batch_is_acknowledged),                                       \
    CONTRACT(test_a_batch_that_was_never_committed_can_be_freed),                        \
    CONTRACT(test_of_two_batches_under_way_only_the_wrong_one_fails),                    \
    CONTRACT(test_a_thousand_writes_are_each_answered_once_and_in_order),                \
    CONTRACT(test_waiting_and_asynchronous_writes_keep_their_order),                     \
    CONTRACT(test_a_store_that_works_says_so)
/* clang-format on */

#endif
