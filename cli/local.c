/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need no running server: version, keygen, token. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "auth/principal.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/timefmt.h"
#include "cli/command.h"
#include "cli/own_keys.h"

#define TENANT_BYTES 48

int command_version(struct arena *arena, const struct config *config,
                    const struct command_line *line)
{
    (void)arena;
    (void)config;
    (void)line;
#ifdef SLUICE_SABOTAGE /* a program that tests must find out; see cmake/sabotage.cmake */
    puts("sluice " SLUICE_VERSION " sabotaged: " SLUICE_SABOTAGE);
#else
    puts("sluice " SLUICE_VERSION);
#endif
    return 0;
}

static int make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return command_fail("cannot make the folder %s: %s", path, strerror(errno));
    }
    return 0;
}

static int make_data_dir(const struct config *config)
{
    return make_folder(config->data_dir.ptr);
}

/* A first start names the file it wants, so the folder may not be there yet. */
static int make_folder_of(struct arena *arena, struct slice file)
{
    while (file.len > 0 && file.ptr[file.len - 1] != '/') {
        file.len--;
    }
    return file.len <= 1 ? 0 : make_folder(arena_copy(arena, file));
}

int command_keygen(struct arena *arena, const struct config *config,
                   const struct command_line *line)
{
    struct slice path = config->keys_file;
    if (line->word_count > 1) {
        command_fail("usage: sluice keygen [FILE]");
        return 2;
    }
    if (line->word_count == 1) {
        path = arena_slice(arena, line->words[0]);
    }
    if (make_folder_of(arena, path) != 0) {
        return 1;
    }
    enum err err = keys_generate(path.ptr);
    if (err == ERR_CONFLICT) {
        return command_fail(
            "%s is there already; a new key would make the stored secrets "
            "unreadable, so it is not overwritten",
            path.ptr);
    }
    if (err != ERR_OK) {
        return command_fail("%s cannot be written: %s", path.ptr, strerror(errno));
    }
    printf("Keys written to %s (mode 0600).\nWithout this file the stored secrets "
           "cannot be opened: keep a copy apart from the database.\n",
           path.ptr);
    return 0;
}

/* ---- token ---- */

struct token_desk {
    struct arena *arena;
    struct loop *loop;
    struct clock clock;
    struct log log;
    struct keys *keys;
    struct store *store;
};

static int open_desk(struct token_desk *desk, const struct config *config)
{
    int code = own_keys_load(config, desk->arena, &desk->keys, NULL);
    if (code == 0) {
        code = make_data_dir(config);
    }
    if (code != 0) {
        return code;
    }
    desk->clock = clock_system();
    desk->log = (struct log){.fd = 2, .level = LOG_WARN, .clock = &desk->clock};
    desk->loop = loop_new();
    struct slice file =
        arena_printf(desk->arena, "%.*s/sluice.db", SLICE_ARG(config->data_dir));
    enum err err = store_open(desk->loop, &desk->log, file.ptr, &desk->store);
    return err == ERR_OK ? 0 : command_fail("%s cannot be opened", file.ptr);
}

static void close_desk(struct token_desk *desk)
{
    store_close(desk->store);
    loop_free(desk->loop);
    keys_free(desk->keys);
}

/* As the management API takes them: what no account could name matches none. */
static bool is_tenant(struct slice text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789_.:-";
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(allowed, text.ptr[i]) == NULL) {
            return false;
        }
    }
    return text.len <= TENANT_BYTES;
}

static bool read_token(struct token_desk *desk, const struct command_line *line,
                       struct store_api_token *token)
{
    enum role role = ROLE_CALL;
    struct slice expires = command_value(line, "expires-at", NULL);
    token->name = command_value(line, "name", NULL);
    token->role = command_value(line, "role", NULL);
    token->tenant = command_value(line, "tenant", NULL);
    token->created_ms = clock_wall_ms(&desk->clock);
    if (token->name.len == 0 || !role_parse(token->role, &role)) {
        command_fail("token create needs --name and --role admin, tenant or call");
        return false;
    }
    if (token->name.len > LIMIT_NAME_BYTES) {
        command_fail("--name has at most %d bytes", LIMIT_NAME_BYTES);
        return false;
    }
    if (!is_tenant(token->tenant)) {
        command_fail("--tenant has at most %d letters, digits and _ . : -",
                     TENANT_BYTES);
        return false;
    }
    if ((token->tenant.len > 0) == (role == ROLE_ADMIN)) {
        command_fail(
            "--tenant goes with the roles tenant and call, and only with them");
        return false;
    }
    if (expires.len > 0 && (!timefmt_parse(expires, &token->expires_ms) ||
                            token->expires_ms <= token->created_ms)) {
        command_fail("--expires-at needs a time ahead, such as 2027-01-31T12:00:00Z");
        return false;
    }
    return true;
}

/* The token alone on stdout, so that a script can take it; the rest on stderr. */
static int create_token(struct token_desk *desk, const struct command_line *line)
{
    struct store_api_token token = {.id = SLICE_EMPTY};
    if (!read_token(desk, line, &token)) {
        return 2;
    }
    struct minted minted = principal_mint_api_token(desk->keys, desk->arena);
    token.id = text_new_id(desk->arena, "tok_");
    token.hash = minted.hash;
    struct store_batch *batch = store_batch_new();
    store_insert_api_token(batch, &token);
    if (store_commit_now(desk->store, batch) != ERR_OK) {
        return command_fail("the token could not be stored");
    }
    fprintf(stderr, "Token %.*s (role %.*s); it is shown this once:\n",
            SLICE_ARG(token.id), SLICE_ARG(token.role));
    printf("%.*s\n", SLICE_ARG(minted.raw));
    return 0;
}

static int list_tokens(struct token_desk *desk)
{
    struct slice after = SLICE_EMPTY;
    for (;;) {
        struct store_api_token *tokens = NULL;
        size_t count = 0;
        if (store_list_api_tokens(desk->store, SLICE_EMPTY, after, 200, desk->arena,
                                  &tokens, &count) != ERR_OK) {
            return command_fail("the tokens could not be read");
        }
        for (size_t i = 0; i < count; i++) {
            char until[TIMEFMT_BYTES] = "never";
            if (tokens[i].expires_ms > 0) {
                timefmt_utc(tokens[i].expires_ms, until);
            }
            printf("%.*s  %-6.*s  %-20.*s  ends %s  %.*s\n", SLICE_ARG(tokens[i].id),
                   SLICE_ARG(tokens[i].role), SLICE_ARG(tokens[i].tenant), until,
                   SLICE_ARG(tokens[i].name));
        }
        if (count < 200) {
            return 0;
        }
        after = tokens[count - 1].id;
    }
}

static int delete_token(struct token_desk *desk, struct slice id)
{
    struct store_batch *batch = store_batch_new();
    store_delete_api_token(batch, id);
    enum err err = store_commit_now(desk->store, batch);
    if (err == ERR_NOT_FOUND) {
        return command_fail("there is no token %.*s", SLICE_ARG(id));
    }
    return err == ERR_OK ? 0 : command_fail("the token could not be deleted");
}

int command_token(struct arena *arena, const struct config *config,
                  const struct command_line *line)
{
    struct token_desk desk = {.arena = arena};
    struct slice verb = line->word_count > 0 ? line->words[0] : SLICE_EMPTY;
    bool create = slice_is(verb, "create") && line->word_count == 1;
    bool list = slice_is(verb, "list") && line->word_count == 1;
    bool delete = slice_is(verb, "delete") && line->word_count == 2;
    if (!create && !list && !delete) {
        command_fail(
            "usage: sluice token create --name N --role R [--tenant T] | list | "
            "delete ID");
        return 2;
    }
    int code = open_desk(&desk, config);
    if (code == 0) {
        code = create ? create_token(&desk, line)
               : list ? list_tokens(&desk)
                      : delete_token(&desk, line->words[1]);
    }
    close_desk(&desk);
    return code;
}
