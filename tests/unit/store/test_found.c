/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What URL tokens led to is kept: as long as nothing is written that a search reads, whoever writes,
 * and no longer. How often was searched is counted by SQLite's own trace of each connection.
 */
#include <sqlite3.h>

#include "store/trials.h"
#include "tests/unit/store/store_world.h"

/* By all connections: what SQLite runs for each new one gets no context. Only the loop's thread
 * searches. */
static int searches;

static int on_statement(unsigned event, void *ctx, void *statement, void *text)
{
    (void)event;
    (void)ctx;
    (void)text;
    if (strstr(sqlite3_sql(statement), "JOIN url_token") != NULL) {
        searches++;
    }
    return 0;
}

static int on_connection(sqlite3 *handle, char **error,
                         const struct sqlite3_api_routines *api)
{
    (void)error;
    (void)api;
    return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT, on_statement, NULL);
}

static int count_searches(void **state)
{
    (void)state;
    return sqlite3_auto_extension((void (*)(void))on_connection);
}

static int setup_town(void **state)
{
    setup(state);
    struct fixture *f = *state;

    return put_account(f, "acc_a", "t1") == ERR_OK &&
                   put_account(f, "acc_b", "t1") == ERR_OK &&
                   put_server(f, "mcp_a", "acc_a", 'a', NOW_MS + 1000) == ERR_OK &&
                   put_server(f, "mcp_b", "acc_b", 'b', 0) == ERR_OK
               ? 0
               : -1;
}

static sqlite3 *open_file(const char *path)
{
    sqlite3 *handle = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX; /* as one thread has it */

    assert_int_equal(sqlite3_open_v2(path, &handle, flags, NULL), SQLITE_OK);
    sqlite3_busy_timeout(handle, 10000); /* the store may be emptying its log file */
    return handle;
}

/* Another program on the same file. */
static sqlite3 *open_beside(struct fixture *f)
{
    sqlite3 *handle = open_file(f->path);

    assert_int_equal(sqlite3_exec(handle, "PRAGMA foreign_keys = ON", NULL, NULL, NULL),
                     SQLITE_OK);
    return handle;
}

static void write_beside(struct fixture *f, const char *sql)
{
    sqlite3 *handle = open_beside(f);

    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    loop_run_once(f->loop); /* the turn that may not see it is over */
}

/* How often the file was searched for it. */
static int searches_for(struct fixture *f, char mark, enum err expected)
{
    int before = searches;

    assert_int_equal(find(f, mark, NOW_MS), expected);
    return searches - before;
}

/* ---- What others write ---- */

static void commit(struct fixture *f, struct store_batch *batch)
{
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void test_writes_of_other_things_keep_what_was_found(void **state)
{
    struct fixture *f = *state;
    struct store_account account = account_like("acc_a", "t1");
    struct store_api_token token = api_token_like(f->arena, "tok_a", 'k', 0);
    struct store_grant grant = {.account = SLICE("acc_a"), .access_ends_ms = NOW_MS};
    struct store_batch *batches[6];
    for (size_t i = 0; i < 6; i++) {
        batches[i] = store_batch_new();
    }
    account.state = SLICE("needs_reauth");
    store_update_account(batches[0], &account, 0);
    store_insert_api_token(batches[1], &token);
    store_put_tenant(batches[2], &(struct store_tenant){SLICE("t1"), 5});
    store_put_grant(batches[3], &grant, 0);
    store_refuse_user(batches[4], SLICE("u"), SLICE("login"), NOW_MS, NOW_MS + 1);
    store_purge_expired(batches[5], NOW_MS); /* nothing has ended */

    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);
    for (size_t i = 0; i < 6; i++) {
        commit(f, batches[i]);
        assert_int_equal(searches_for(f, 'a', ERR_OK), 0);
    }
    assert_int_equal(put_secret(f, "acc_a", "token", "sealed"), ERR_OK);
    assert_int_equal(searches_for(f, 'a', ERR_OK), 0);
    write_beside(f, "UPDATE account SET cause = 'grant_ended'");
    assert_int_equal(searches_for(f, 'a', ERR_OK), 0);
}

/* They change nothing that a living token led to, and are made all day. */
static void test_new_servers_and_tokens_keep_what_was_found(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);
    assert_int_equal(searches_for(f, 'c', ERR_NOT_FOUND), 1);

    assert_int_equal(put_server(f, "mcp_c", "acc_a", 'c', 0), ERR_OK);

    assert_int_equal(searches_for(f, 'c', ERR_OK), 1);
    assert_int_equal(searches_for(f, 'a', ERR_OK), 0);
    assert_int_equal(searches_for(f, 'c', ERR_OK), 0);
}

static void
test_what_has_ended_is_searched_for_and_comes_back_with_the_clock(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);

    assert_int_equal(find(f, 'a', NOW_MS + 999), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS + 1000), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
}

/* ---- What a search reads ---- */

static void test_what_this_store_changes_is_seen(void **state)
{
    struct fixture *f = *state;
    struct store_server server = server_like("mcp_a", "acc_a"), got;
    struct store_batch *batch = store_batch_new();
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_OK);

    server.config = SLICE("{}");
    store_update_server(batch, &server, 0);
    commit(f, batch);
    assert_int_equal(
        store_find_server(f->store, hash_of(f->arena, 'a'), NOW_MS, f->arena, &got),
        ERR_OK);
    assert_text(got.config, "{}");
    assert_int_equal(got.version, 2);

    assert_int_equal(rotate(f, "mcp_a", 'c', NOW_MS + 1), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS + 1), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'c', NOW_MS), ERR_OK);

    batch = store_batch_new();
    store_expire_url_tokens(batch, SLICE("mcp_a"), NOW_MS);
    commit(f, batch);
    assert_int_equal(find(f, 'c', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);

    batch = store_batch_new();
    store_purge_expired(batch, NOW_MS + 2);
    commit(f, batch);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);

    batch = store_batch_new();
    store_delete_account(batch, SLICE("acc_b"));
    commit(f, batch);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_NOT_FOUND);
}

static void test_a_deleted_server_is_not_found_again(void **state)
{
    struct fixture *f = *state;
    struct store_batch *batch = store_batch_new();
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_OK);

    store_delete_server(batch, SLICE("mcp_a"));
    commit(f, batch);

    assert_int_equal(searches_for(f, 'a', ERR_NOT_FOUND), 1);
    assert_int_equal(searches_for(f, 'b', ERR_OK), 1);
    assert_int_equal(searches_for(f, 'b', ERR_OK), 0);
}

/* The command line writes beside a running server, and so does another worker. */
static void test_every_change_by_others_is_seen(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *sql;
        enum err then;
    } changes[] = {
        {"UPDATE server SET name = 'other' WHERE id = 'mcp_a'", ERR_OK},
        {"UPDATE url_token SET retired = 1 WHERE server = 'mcp_a'", ERR_OK},
        {"UPDATE url_token SET expires_ms = 1 WHERE server = 'mcp_a'", ERR_NOT_FOUND},
        {"UPDATE url_token SET expires_ms = 0 WHERE server = 'mcp_a'", ERR_OK},
        {"UPDATE server_token SET expires_ms = 1 WHERE server = 'mcp_a'",
         ERR_NOT_FOUND},
        {"UPDATE server_token SET expires_ms = 0 WHERE server = 'mcp_a'", ERR_OK},
        {"UPDATE server SET expires_ms = 1 WHERE id = 'mcp_a'", ERR_NOT_FOUND},
        {"UPDATE server SET expires_ms = 0 WHERE id = 'mcp_a'", ERR_OK},
        {"DELETE FROM server_token WHERE server = 'mcp_a'", ERR_NOT_FOUND},
        {"INSERT INTO server_token (server, hash, expires_ms)"
         " SELECT server, hash, 0 FROM url_token WHERE server = 'mcp_a'",
         ERR_OK},
        {"DELETE FROM url_token WHERE server = 'mcp_a'", ERR_NOT_FOUND},
        {"INSERT INTO url_token (hash, server, expires_ms)"
         " SELECT hash, server, 0 FROM server_token WHERE server = 'mcp_a'",
         ERR_OK},
        {"PRAGMA foreign_keys = OFF; DELETE FROM server WHERE id = 'mcp_a'",
         ERR_NOT_FOUND},
        {"INSERT INTO server SELECT 'mcp_a', account, name, config, expires_ms,"
         " version, created_ms, updated_ms FROM server WHERE id = 'mcp_b'",
         ERR_OK},
        {"DELETE FROM account WHERE id = 'acc_b'", ERR_NOT_FOUND},
    };
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        write_beside(f, changes[i].sql);
        assert_int_equal(searches_for(f, 'a', changes[i].then), 1);
    }
}

static void test_what_was_undone_changes_nothing(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);

    write_beside(f, "BEGIN; DELETE FROM server; ROLLBACK");

    assert_int_equal(searches_for(f, 'a', ERR_OK), 0);
}

static void copy_all(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *copy = sqlite3_backup_init(to, "main", from, "main");

    assert_non_null(copy);
    assert_int_equal(sqlite3_backup_step(copy, -1), SQLITE_DONE);
    assert_int_equal(sqlite3_backup_finish(copy), SQLITE_OK);
}

/* By SQLite, under a server that runs; then as much is written as had been since. */
static void test_a_copy_put_back_is_seen(void **state)
{
    struct fixture *f = *state;
    sqlite3 *beside = open_beside(f), *copy = open_file(":memory:");
    copy_all(beside, copy);
    write_beside(f, "DELETE FROM server WHERE id = 'mcp_a'");
    assert_int_equal(find(f, 'b', NOW_MS), ERR_OK);

    copy_all(copy, beside);
    write_beside(f, "DELETE FROM server WHERE id = 'mcp_b'");

    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_NOT_FOUND);
    sqlite3_close(copy);
    sqlite3_close(beside);
}

static void test_without_a_stamp_nothing_is_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);

    write_beside(f, "DELETE FROM url_reach");
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);
    write_beside(f, "DELETE FROM server WHERE id = 'mcp_a'");
    assert_int_equal(searches_for(f, 'a', ERR_NOT_FOUND), 1);
}

/* A process of before the upgrade goes on beside one of after it. */
static void test_a_writer_older_than_the_stamp_is_seen(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *revoke = NULL;
    store_close(f->store);
    f->store = NULL;
    write_beside(f, TO_STEP_12);
    sqlite3 *older = open_beside(f);
    assert_int_equal(sqlite3_prepare_v2(older,
                                        "DELETE FROM url_token WHERE server = 'mcp_a'",
                                        -1, &revoke, NULL),
                     SQLITE_OK);
    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);
    assert_int_equal(searches_for(f, 'a', ERR_OK), 1);
    assert_int_equal(searches_for(f, 'a', ERR_OK), 0);

    assert_int_equal(sqlite3_step(revoke), SQLITE_DONE);
    loop_run_once(f->loop);

    assert_int_equal(searches_for(f, 'a', ERR_NOT_FOUND), 1);
    sqlite3_finalize(revoke);
    sqlite3_close(older);
}

/* ---- How it is kept ---- */

/* A second search may be answered from memory: it has to be as good as the first. */
static void test_a_server_found_again_is_the_same(void **state)
{
    struct fixture *f = *state;
    struct store_server server;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', NOW_MS + 10), ERR_OK);

    for (int i = 0; i < 3; i++) {
        struct arena *arena = arena_new(); /* what was found before is gone */
        assert_int_equal(
            store_find_server(f->store, hash_of(f->arena, 'a'), NOW_MS, arena, &server),
            ERR_OK);
        assert_text(server.id, "mcp_a");
        assert_text(server.account, "acc_a");
        assert_text(server.name, "finance agent");
        assert_text(server.config, "{\"methods\":[\"read\"]}");
        assert_int_equal(server.expires_ms, NOW_MS + 10);
        assert_int_equal(server.version, 1);
        assert_int_equal(server.created_ms, NOW_MS);
        assert_int_equal(server.token_ends_ms, 0);
        arena_free(arena);
    }
    assert_int_equal(find(f, 'a', NOW_MS + 10), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK); /* a clock may be put back */
}

/* Each of the first so many twice, and how often the file was searched. */
static int find_each_twice(struct fixture *f, const struct slice *hashes, int count)
{
    int before = searches;

    for (int i = 0; i < 2 * count; i++) {
        struct store_server server;
        char id[16];
        snprintf(id, sizeof id, "mcp_%d", i / 2);
        assert_int_equal(
            store_find_server(f->store, hashes[i / 2], NOW_MS, f->arena, &server),
            ERR_OK);
        assert_text(server.id, id);
    }
    return searches - before;
}

/* Whose hashes share all that their places in memory are chosen by, and every other one what tells
 * them apart there. */
static void test_tokens_that_share_places_lead_to_their_own_servers(void **state)
{
    struct fixture *f = *state;
    enum {
        FEW = 5,
        CROWD = 10,
        MARK_AT = 8
    }; /* the crowd has more than there are places */
    struct slice hashes[CROWD];
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    for (int i = 0; i < CROWD; i++) {
        char id[16];
        snprintf(id, sizeof id, "mcp_%d", i);
        struct store_batch *batch = store_batch_new();
        struct store_server server = server_like(id, "acc_a");
        struct store_url_token token = url_token_like(f->arena, 'a', id, 0);
        char *bytes = arena_alloc(f->arena, token.hash.len);
        memcpy(bytes, token.hash.ptr, token.hash.len);
        bytes[token.hash.len - 1] = (char)('0' + i);
        bytes[MARK_AT] = (char)(bytes[MARK_AT] ^ i % 2);
        token.hash = hashes[i] = slice_of(bytes, token.hash.len);
        store_insert_server(batch, &server);
        store_insert_url_token(batch, &token);
        commit(f, batch);
    }

    assert_int_equal(find_each_twice(f, hashes, FEW), FEW);
    assert_int_equal(find_each_twice(f, hashes, FEW), 0);
    int searches_for_all = find_each_twice(f, hashes, CROWD);
    assert_in_range(searches_for_all, CROWD - FEW, CROWD);
    assert_in_range(find_each_twice(f, hashes, CROWD), 1, CROWD);
}

#define FOUND_TEST(name) cmocka_unit_test_setup_teardown(name, setup_town, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUND_TEST(test_writes_of_other_things_keep_what_was_found),
        FOUND_TEST(test_new_servers_and_tokens_keep_what_was_found),
        FOUND_TEST(test_what_has_ended_is_searched_for_and_comes_back_with_the_clock),
        FOUND_TEST(test_what_this_store_changes_is_seen),
        FOUND_TEST(test_a_deleted_server_is_not_found_again),
        FOUND_TEST(test_every_change_by_others_is_seen),
        FOUND_TEST(test_what_was_undone_changes_nothing),
        FOUND_TEST(test_a_copy_put_back_is_seen),
        FOUND_TEST(test_without_a_stamp_nothing_is_kept),
        FOUND_TEST(test_a_writer_older_than_the_stamp_is_seen),
        STORE_TEST(test_a_server_found_again_is_the_same),
        STORE_TEST(test_tokens_that_share_places_lead_to_their_own_servers),
    };

    return cmocka_run_group_tests(tests, count_searches, NULL);
}
