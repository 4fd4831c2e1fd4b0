/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sluice vault: a new vault key for all secrets, also while a server works on them. The
 * server takes the new key first; then this process seals anew, in batches that are each
 * one transaction beside the server's own writes. Which key a secret is under stands in the
 * store, so a rotation that was cut short goes on from there when it is run again.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/vault.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/own_keys.h"
#include "cli/remote.h"
#include "store/claim.h"

#define BATCH_SECRETS 64
#define SHOW_EVERY_US 1000000
#define PAUSE_LEAST_US 5000

struct desk {
    struct arena *arena;
    const struct config *config;
    struct clock clock;
    struct log log;
    struct keys *keys;
    bool from_environment;
    struct vault *vault;
    struct loop *loop;
    struct store *store;
    struct claim *alone; /* among commands that change keys */
    struct claim *serve; /* no server runs, nor can one start */
    struct errand *server;
};

/* ---- The desk ---- */

static int claim(struct desk *desk, const char *name, struct claim **out, long *holder)
{
    struct slice path =
        arena_printf(desk->arena, "%.*s/%s", SLICE_ARG(desk->config->data_dir), name);
    enum err err = claim_take(path.ptr, 1, 0, out, holder);
    if (err == ERR_OK || err == ERR_CONFLICT) {
        return err == ERR_OK ? 0 : -1;
    }
    return command_fail("cannot lock %s: %s", path.ptr, strerror(errno));
}

static int claim_all(struct desk *desk, const struct command_line *line)
{
    long holder = 0;
    int code = claim(desk, "vault.lock", &desk->alone, &holder);
    if (code < 0) {
        return command_fail("another sluice vault (process %ld) is at work", holder);
    }
    if (code == 0) {
        code = claim(desk, "serve.lock", &desk->serve, &holder);
    }
    if (code >= 0) {
        return code;
    }
    desk->server = remote_begin(desk->arena, desk->config, line);
    return desk->server != NULL ? 0 : 1;
}

static int open_desk(struct desk *desk, const struct command_line *line, bool changes)
{
    struct slice file =
        arena_printf(desk->arena, "%.*s/sluice.db", SLICE_ARG(desk->config->data_dir));
    int code =
        own_keys_load(desk->config, desk->arena, &desk->keys, &desk->from_environment);
    if (code != 0) {
        return code;
    }
    if (access(file.ptr, F_OK) != 0) {
        return command_fail("there is no database at %s", file.ptr);
    }
    code = changes ? claim_all(desk, line) : 0;
    if (code != 0) {
        return code;
    }
    desk->clock = clock_system();
    desk->log = (struct log){.fd = 2, .level = LOG_WARN, .clock = &desk->clock};
    desk->vault = vault_new(desk->keys);
    desk->loop = loop_new();
    enum err err = store_open(desk->loop, &desk->log, file.ptr, &desk->store);
    return err == ERR_OK ? 0 : command_fail("%s cannot be opened", file.ptr);
}

static void close_desk(struct desk *desk)
{
    store_close(desk->store);
    loop_free(desk->loop);
    vault_free(desk->vault);
    keys_free(desk->keys);
    claim_free(desk->serve);
    claim_free(desk->alone);
}

/* The server reads the file too, and has to come to the same key as we do. */
static int tell_server(struct desk *desk)
{
    struct slice reply = SLICE_EMPTY;
    if (desk->server == NULL) {
        return 0;
    }
    if (remote_ask(desk->server, SLICE("POST"), SLICE("/vault/reload"), &reply) != 0) {
        return command_fail("the running server did not take the keys; nothing was "
                            "sealed anew. Run the command again once that is mended");
    }
    json_error_t error;
    json_t *json = json_loadb(reply.ptr, reply.len, 0, &error);
    const char *id = json_string_value(json_object_get(json, "seals_with"));
    bool is_same = id != NULL && slice_is(keys_sealing_id(desk->keys), id);
    json_decref(json);
    return is_same ? 0
                   : command_fail("the running server seals under another key than %s "
                                  "says: does it read the same keys_file?",
                                  desk->config->keys_file.ptr);
}

/* ---- Walking ---- */

typedef enum err (*page_fn)(void *ctx, struct arena *arena,
                            const struct store_secret *page, size_t count);

/* All secrets, by pages whose arena ends with the page after them. */
static int walk(struct desk *desk, page_fn visit, void *ctx)
{
    struct arena *before = arena_new();
    const struct store_secret *after = NULL;
    enum err err = ERR_OK;
    size_t count = BATCH_SECRETS;
    while (err == ERR_OK && count == BATCH_SECRETS) {
        struct store_secret *page = NULL;
        struct arena *arena = arena_new();
        err =
            store_page_secrets(desk->store, after, BATCH_SECRETS, arena, &page, &count);
        if (err == ERR_OK && count > 0) {
            err = visit(ctx, arena, page, count);
            after = &page[count - 1];
        }
        arena_free(before);
        before = arena;
    }
    arena_free(before);
    return err == ERR_OK ? 0
                         : command_fail("the database could not be read or written");
}

static const char *cause_of(enum err err)
{
    return err == ERR_NOT_FOUND ? "its key is not in the key file" : "it is damaged";
}

static void tell_shut(const struct store_secret *secret, enum err err)
{
    printf("%.*s  %.*s  under %.*s: %s\n", SLICE_ARG(secret->account),
           SLICE_ARG(secret->field), SLICE_ARG(secret->key_id), cause_of(err));
}

/* ---- Rotating ---- */

struct rotation {
    struct desk *desk;
    int64_t total, done, accounts;
    int64_t started_us, shown_us;
    size_t written; /* of this pass */
    struct slice account;
};

static void show(struct rotation *rotation)
{
    int64_t now_us = clock_mono_us(&rotation->desk->clock);
    double seconds = (double)(now_us - rotation->started_us) / 1e6;
    rotation->shown_us = now_us;
    printf("%lld of %lld secrets, %lld accounts, %.0f secrets/s\n",
           (long long)rotation->done, (long long)rotation->total,
           (long long)rotation->accounts,
           seconds > 0 ? (double)rotation->done / seconds : 0.0);
    fflush(stdout);
}

/* As long as the batch took: a server that waits for its turn to write gets it. */
static void pause_after(int64_t took_us)
{
    int64_t us = took_us > PAUSE_LEAST_US ? took_us : PAUSE_LEAST_US;
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    nanosleep(&time, NULL);
}

static void count_account(struct rotation *rotation, struct slice account)
{
    if (!slice_eq(rotation->account, account)) {
        rotation->account = arena_slice(rotation->desk->arena, account);
        rotation->accounts++;
    }
}

static enum err reseal_page(void *ctx, struct arena *arena,
                            const struct store_secret *page, size_t count)
{
    struct rotation *rotation = ctx;
    struct desk *desk = rotation->desk;
    int64_t began_us = clock_mono_us(&desk->clock);
    struct store_batch *batch = store_batch_new();
    size_t taken = 0;
    for (size_t i = 0; i < count; i++) {
        struct store_secret renewed;
        if (!slice_eq(page[i].key_id, keys_sealing_id(desk->keys)) &&
            vault_renew(desk->vault, &page[i], arena, &renewed) == ERR_OK) {
            store_reseal_secret(batch, &page[i], &renewed);
            count_account(rotation, page[i].account);
            taken++;
        }
    }
    if (taken == 0) {
        store_batch_free(batch);
        return ERR_OK;
    }
    enum err err = store_commit_now(desk->store, batch);
    rotation->done += (int64_t)taken;
    rotation->written += taken;
    int64_t now_us = clock_mono_us(&desk->clock);
    if (now_us - rotation->shown_us >= SHOW_EVERY_US) {
        show(rotation);
    }
    pause_after(now_us - began_us);
    return err;
}

static enum err tell_left_page(void *ctx, struct arena *arena,
                               const struct store_secret *page, size_t count)
{
    struct desk *desk = ctx;
    for (size_t i = 0; i < count; i++) {
        struct store_secret renewed;
        enum err err = vault_renew(desk->vault, &page[i], arena, &renewed);
        if (err != ERR_OK) {
            tell_shut(&page[i], err);
        }
    }
    return ERR_OK;
}

/* Secrets under keys other than the one that seals; `known` only those we could open. */
static int count_old(struct desk *desk, bool known, int64_t *out)
{
    struct store_key_use *uses = NULL;
    size_t count = 0;
    *out = 0;
    if (store_count_secrets(desk->store, desk->arena, &uses, &count) != ERR_OK) {
        return command_fail("the database cannot be read");
    }
    for (size_t i = 0; i < count; i++) {
        if (!slice_eq(uses[i].key_id, keys_sealing_id(desk->keys)) &&
            (!known || keys_has(desk->keys, uses[i].key_id))) {
            *out += uses[i].secrets;
        }
    }
    return 0;
}

static int add_key(struct desk *desk)
{
    const char *path = desk->config->keys_file.ptr;
    struct slice problem = SLICE_EMPTY;
    struct keys *newer = NULL;
    if (desk->from_environment) {
        return command_fail(
            "the keys come from SLUICE_KEYS, which this command cannot change: add "
            "{\"id\", \"key\"} to the end of its vault_keys where it is set (the key: "
            "openssl rand -hex 32), start the server again, then run sluice vault "
            "rotate with the same SLUICE_KEYS to seal everything under it");
    }
    if (keys_add(path, desk->arena, &problem) != ERR_OK ||
        keys_load(path, desk->arena, &newer, &problem) != ERR_OK) {
        return command_fail("%.*s", SLICE_ARG(problem));
    }
    if (keys_take(desk->keys, newer) != ERR_OK) {
        return command_fail("%s was changed meanwhile; run the command again", path);
    }
    printf("%s has a new vault key, %.*s. Keep a copy of the file.\n", path,
           SLICE_ARG(keys_sealing_id(desk->keys)));
    return 0;
}

static int reseal_all(struct desk *desk)
{
    struct rotation rotation = {.desk = desk, .written = 1};
    int64_t left = 0;
    int code = count_old(desk, true, &rotation.total);
    rotation.started_us = rotation.shown_us = clock_mono_us(&desk->clock);
    /* Again until there is nothing to do: what was written meanwhile may lie behind us. */
    while (code == 0 && rotation.written > 0) {
        rotation.written = 0;
        code = walk(desk, reseal_page, &rotation);
    }
    if (code == 0) {
        show(&rotation);
        code = count_old(desk, false, &left);
    }
    if (code != 0) {
        return code;
    }
    printf("%lld secrets are left under older keys.\n", (long long)left);
    if (left == 0) {
        puts("Older keys stay in the key file until sluice vault forget KEY_ID; a "
             "backup taken before needs them.");
        return 0;
    }
    walk(desk, tell_left_page, desk);
    return command_fail("these do not open: put the missing key back, or send the "
                        "account's auth again (sluice account update), then run this "
                        "again");
}

static int rotate(struct desk *desk)
{
    int64_t old = 0;
    int code =
        tell_server(desk); /* before the file is changed: it may not be reached */
    if (code == 0) {
        code = count_old(desk, true, &old);
    }
    if (code == 0 && old > 0) {
        printf("%lld secrets are under older keys: going on with %.*s, without another "
               "key.\n",
               (long long)old, SLICE_ARG(keys_sealing_id(desk->keys)));
    } else if (code == 0) {
        code = add_key(desk);
        if (code == 0) {
            code = tell_server(desk);
        }
    }
    return code == 0 ? reseal_all(desk) : code;
}

/* ---- Verifying ---- */

struct verification {
    struct desk *desk;
    struct store_key_use *uses;
    int64_t *shut; /* per use */
    size_t use_count;
    int64_t all_shut;
};

static enum err verify_page(void *ctx, struct arena *arena,
                            const struct store_secret *page, size_t count)
{
    struct verification *verification = ctx;
    (void)arena;
    for (size_t i = 0; i < count; i++) {
        struct secret *plain = NULL;
        enum err err = vault_open(verification->desk->vault, &page[i], &plain);
        if (err == ERR_OK) {
            secret_free(plain);
            continue;
        }
        tell_shut(&page[i], err);
        verification->all_shut++;
        for (size_t k = 0; k < verification->use_count; k++) {
            if (slice_eq(verification->uses[k].key_id, page[i].key_id)) {
                verification->shut[k]++;
            }
        }
    }
    return ERR_OK;
}

static int verify(struct desk *desk)
{
    struct verification verification = {.desk = desk};
    if (store_count_secrets(desk->store, desk->arena, &verification.uses,
                            &verification.use_count) != ERR_OK) {
        return command_fail("the database cannot be read");
    }
    verification.shut =
        arena_array(desk->arena, verification.use_count + 1, sizeof(int64_t));
    memset(verification.shut, 0, (verification.use_count + 1) * sizeof(int64_t));
    int code = walk(desk, verify_page, &verification);
    for (size_t i = 0; code == 0 && i < verification.use_count; i++) {
        const struct store_key_use *use = &verification.uses[i];
        printf("%.*s%s: %lld secrets of %lld accounts, %lld do not open\n",
               SLICE_ARG(use->key_id),
               keys_has(desk->keys, use->key_id) ? "" : " (not in the key file)",
               (long long)use->secrets, (long long)use->accounts,
               (long long)verification.shut[i]);
    }
    return code != 0 ? code : verification.all_shut > 0;
}

/* ---- Forgetting ---- */

struct search {
    struct slice key_id;
    struct arena *arena;
    struct slice account;
};

static enum err tell_users(void *ctx, struct arena *arena,
                           const struct store_secret *page, size_t count)
{
    struct search *search = ctx;
    (void)arena;
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(page[i].key_id, search->key_id) &&
            !slice_eq(page[i].account, search->account)) {
            search->account = arena_slice(search->arena, page[i].account);
            printf("%.*s\n", SLICE_ARG(search->account));
        }
    }
    return ERR_OK;
}

static int forget(struct desk *desk, struct slice id)
{
    struct search search = {.key_id = id, .arena = desk->arena};
    struct slice problem = SLICE_EMPTY;
    if (desk->from_environment) {
        return command_fail("the keys come from SLUICE_KEYS, which this command cannot "
                            "change: remove the key there and start the server again");
    }
    int code = tell_server(desk); /* from now on it seals nothing under an older key */
    if (code == 0) {
        code = walk(desk, tell_users, &search);
    }
    if (code != 0) {
        return code;
    }
    if (search.account.len > 0) {
        return command_fail(
            "%.*s is needed by these accounts; sluice vault rotate seals "
            "their secrets anew",
            SLICE_ARG(id));
    }
    if (keys_remove(desk->config->keys_file.ptr, id, desk->arena, &problem) != ERR_OK) {
        return command_fail("%.*s", SLICE_ARG(problem));
    }
    printf("%.*s is removed from %s. A backup from before the rotation needs it.\n",
           SLICE_ARG(id), desk->config->keys_file.ptr);
    return tell_server(desk);
}

int command_vault(struct arena *arena, const struct config *config,
                  const struct command_line *line)
{
    struct desk desk = {.arena = arena, .config = config};
    struct slice verb = line->word_count > 0 ? line->words[0] : SLICE_EMPTY;
    bool is_rotate = slice_is(verb, "rotate") && line->word_count == 1;
    bool is_verify = slice_is(verb, "verify") && line->word_count == 1;
    bool is_forget = slice_is(verb, "forget") && line->word_count == 2;
    if (!is_rotate && !is_verify && !is_forget) {
        command_fail("usage: sluice vault rotate | verify | forget KEY_ID");
        return 2;
    }
    int code = open_desk(&desk, line, !is_verify);
    if (code == 0) {
        code = is_rotate   ? rotate(&desk)
               : is_verify ? verify(&desk)
                           : forget(&desk, line->words[1]);
    }
    close_desk(&desk);
    return code;
}
