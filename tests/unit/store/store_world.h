/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a fresh store in a folder of its own, and rows to put into it.
 * Owns: struct fixture, made by setup and freed by teardown.
 * Threads: the test's, and the store's writer.
 * Errors: failed assertions.
 * Start reading at: struct fixture.
 */
#ifndef SLUICE_TESTS_STORE_STORE_WORLD_H
#define SLUICE_TESTS_STORE_STORE_WORLD_H

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

struct fixture {
    struct loop *loop;
    struct store *store; /* fresh; NULL after setup_folder */
    struct arena *arena;
    struct log log;
    struct clock clock;
    char folder[64], path[96];
};

#define NOW_MS INT64_C(1795000000000)

/* What the steps of the schema behind the 12th have made, undone. */
#define TO_STEP_12                                                           \
    "DROP TRIGGER url_token_updated; DROP TRIGGER url_token_deleted;"        \
    " DROP TRIGGER server_token_updated; DROP TRIGGER server_token_deleted;" \
    " DROP TRIGGER server_updated; DROP TRIGGER server_deleted;"             \
    " DROP TABLE url_reach; PRAGMA user_version = 12"

#define assert_text(bytes, text) assert_true(slice_eq((bytes), slice_str(text)))

/* ---- Set up ---- */

static inline void remove_folder(const char *folder)
{
    DIR *entries = opendir(folder);
    char path[512];

    assert_non_null(entries);
    for (struct dirent *entry = readdir(entries); entry != NULL;
         entry = readdir(entries)) {
        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            assert_int_equal(unlink(path), 0);
        }
    }
    closedir(entries);
    assert_int_equal(rmdir(folder), 0);
}

static inline int setup_folder(void **state)
{
    struct fixture *f = test_calloc(1, sizeof *f);

    snprintf(f->folder, sizeof f->folder, "/tmp/sluice-store-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/store.db", f->folder);
    f->clock = clock_system();
    f->log =
        (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .clock = &f->clock};
    f->loop = loop_new();
    f->arena = arena_new();
    *state = f;
    return 0;
}

static inline int setup(void **state)
{
    setup_folder(state);
    struct fixture *f = *state;
    return (int)store_open(f->loop, &f->log, f->path, &f->store);
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;

    store_close(f->store);
    loop_run(f->loop);
    loop_free(f->loop);
    arena_free(f->arena);
    close(f->log.fd);
    remove_folder(f->folder);
    test_free(f);
    return 0;
}

#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- Rows ---- */

static inline struct store_account account_like(const char *id, const char *tenant)
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
        .reauth_url = SLICE("https://app.example/erp"),
        .created_ms = NOW_MS,
        .updated_ms = NOW_MS,
    };
}

static inline struct store_server server_like(const char *id, const char *account)
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
static inline struct slice hash_of(struct arena *arena, char mark)
{
    char bytes[32];

    memset(bytes, mark, sizeof bytes);
    bytes[0] = '\0'; /* hashes hold any byte */
    return arena_slice(arena, slice_of(bytes, sizeof bytes));
}

static inline struct store_url_token
url_token_like(struct arena *arena, char mark, const char *server, int64_t expires_ms)
{
    return (struct store_url_token){hash_of(arena, mark), slice_str(server),
                                    expires_ms};
}

static inline struct store_api_token api_token_like(struct arena *arena, const char *id,
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

static inline enum err put_account(struct fixture *f, const char *id,
                                   const char *tenant)
{
    struct store_batch *batch = store_batch_new();
    struct store_account account = account_like(id, tenant);

    store_insert_account(batch, &account);
    return store_commit_now(f->store, batch);
}

static inline void add_account(struct fixture *f, const char *id, const char *tenant)
{
    assert_int_equal(put_account(f, id, tenant), ERR_OK);
}

/* With one URL token of that mark. */
static inline enum err put_server(struct fixture *f, const char *id,
                                  const char *account, char mark, int64_t expires_ms)
{
    struct store_batch *batch = store_batch_new();
    struct store_server server = server_like(id, account);
    struct store_url_token token = url_token_like(f->arena, mark, id, expires_ms);

    server.expires_ms = expires_ms;
    store_insert_server(batch, &server);
    store_insert_url_token(batch, &token);
    return store_commit_now(f->store, batch);
}

static inline enum err put_secret(struct fixture *f, const char *account,
                                  const char *field, const char *sealed)
{
    struct store_batch *batch = store_batch_new();

    store_put_secret(batch, &(struct store_secret){slice_str(account), slice_str(field),
                                                   SLICE("k1"), slice_str(sealed)});
    return store_commit_now(f->store, batch);
}

static inline void add_secret(struct fixture *f, const char *account, const char *field,
                              const char *sealed)
{
    assert_int_equal(put_secret(f, account, field, sealed), ERR_OK);
}

static inline size_t list_secrets(struct fixture *f, const char *account,
                                  struct store_secret **list)
{
    size_t count = 0;

    assert_int_equal(
        store_list_secrets(f->store, slice_str(account), f->arena, list, &count),
        ERR_OK);
    return count;
}

static inline enum err find(struct fixture *f, char mark, int64_t now_ms)
{
    struct store_server server;

    return store_find_server(f->store, hash_of(f->arena, mark), now_ms, f->arena,
                             &server);
}

static inline enum err rotate(struct fixture *f, const char *server, char mark,
                              int64_t ends_ms)
{
    struct store_batch *batch = store_batch_new();
    struct store_url_token fresh = url_token_like(f->arena, mark, server, 0);

    store_retire_url_tokens(batch, slice_str(server), ends_ms);
    store_insert_url_token(batch, &fresh);
    return store_commit_now(f->store, batch);
}

/* ---- Acknowledgements ---- */

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

static inline void on_done(void *ctx, enum err err)
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

#endif
