/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens against a real store: who is let in, and that everything else is one answer.
 */
#include "tests/unit/auth/world.h"

#include "auth/principal.h"

#define NOW_MS INT64_C(1795000000000)

struct inbound {
    struct world world;
    struct clock clock;
    struct log log;
    struct loop *loop;
    struct store *store;
    struct minted url; /* of mcp_a, which ends at NOW_MS + 10 */
};

static void insert_account(struct store_batch *batch)
{
    store_insert_account(
        batch, &(struct store_account){.id = SLICE("acc_a"), .tenant = SLICE("t1")});
}

static void insert_server(struct store_batch *batch, const char *id, struct slice hash,
                          int64_t expires_ms)
{
    store_insert_server(batch, &(struct store_server){.id = slice_str(id),
                                                      .account = SLICE("acc_a"),
                                                      .expires_ms = expires_ms});
    store_insert_url_token(batch,
                           &(struct store_url_token){hash, slice_str(id), expires_ms});
}

static int setup(void **state)
{
    struct inbound *in = test_calloc(1, sizeof *in);

    world_begin(&in->world);
    in->clock = clock_system();
    in->log =
        (struct log){.fd = STDERR_FILENO, .level = LOG_ERROR, .clock = &in->clock};
    in->loop = loop_new();
    assert_int_equal(store_open(in->loop, &in->log, in->world.path, &in->store),
                     ERR_OK);
    in->url = principal_mint_url_token(in->world.keys, in->world.arena);
    struct store_batch *batch = store_batch_new();
    insert_account(batch);
    insert_server(batch, "mcp_a", in->url.hash, NOW_MS + 10);
    assert_int_equal(store_commit_now(in->store, batch), ERR_OK);
    *state = in;
    return 0;
}

static int teardown(void **state)
{
    struct inbound *in = *state;

    store_close(in->store);
    loop_free(in->loop);
    world_end(&in->world);
    test_free(in);
    return 0;
}

static enum err by_url(struct inbound *in, struct slice token, int64_t now_ms)
{
    struct store_server server;

    return principal_by_url(in->world.keys, in->store, token, now_ms, in->world.arena,
                            &server);
}

static enum err by_bearer(struct inbound *in, struct slice authorization,
                          struct principal *who)
{
    return principal_by_bearer(in->world.keys, in->store, authorization, NOW_MS,
                               in->world.arena, who);
}

static struct minted put_api_token(struct inbound *in, const char *id, const char *role,
                                   const char *tenant, int64_t expires_ms)
{
    struct minted minted = principal_mint_api_token(in->world.keys, in->world.arena);
    struct store_batch *batch = store_batch_new();

    store_insert_api_token(batch, &(struct store_api_token){.id = slice_str(id),
                                                            .hash = minted.hash,
                                                            .role = slice_str(role),
                                                            .tenant = slice_str(tenant),
                                                            .expires_ms = expires_ms});
    assert_int_equal(store_commit_now(in->store, batch), ERR_OK);
    return minted;
}

static bool is_lower_hex(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (memchr("0123456789abcdef", text.ptr[i], 16) == NULL) {
            return false;
        }
    }
    return true;
}

/* ---- Minting ---- */

static void test_minted_tokens_have_their_form_and_never_repeat(void **state)
{
    struct inbound *in = *state;
    struct minted url = principal_mint_url_token(in->world.keys, in->world.arena);
    struct minted api = principal_mint_api_token(in->world.keys, in->world.arena);

    assert_int_equal(url.raw.len, 64);
    assert_true(is_lower_hex(url.raw));
    assert_int_equal(api.raw.len, 68);
    assert_true(slice_starts(api.raw, SLICE("slt_")));
    assert_true(is_lower_hex(slice_from(api.raw, 4)));
    assert_int_equal(url.hash.len, 32);
    assert_int_equal(api.hash.len, 32);
    assert_false(slice_eq(url.raw, in->url.raw));
    assert_false(slice_eq(url.hash, in->url.hash));
    assert_false(slice_eq(url.raw, slice_from(api.raw, 4)));
}

/* ---- The token of a URL ---- */

static void test_a_living_url_token_finds_its_server(void **state)
{
    struct inbound *in = *state;
    struct store_server server;

    assert_int_equal(principal_by_url(in->world.keys, in->store, in->url.raw, NOW_MS,
                                      in->world.arena, &server),
                     ERR_OK);

    assert_text(server.id, "mcp_a");
    assert_text(server.account, "acc_a");
}

static void test_an_expired_or_revoked_url_token_is_unauthorized(void **state)
{
    struct inbound *in = *state;

    assert_int_equal(by_url(in, in->url.raw, NOW_MS + 9), ERR_OK);
    assert_int_equal(by_url(in, in->url.raw, NOW_MS + 10), ERR_UNAUTHORIZED);

    struct store_batch *batch = store_batch_new();
    store_delete_server(batch, SLICE("mcp_a"));
    assert_int_equal(store_commit_now(in->store, batch), ERR_OK);
    assert_int_equal(by_url(in, in->url.raw, NOW_MS), ERR_UNAUTHORIZED);
}

static void test_a_token_of_a_deleted_account_is_unauthorized(void **state)
{
    struct inbound *in = *state;
    struct store_batch *batch = store_batch_new();
    store_delete_account(batch, SLICE("acc_a"));

    assert_int_equal(store_commit_now(in->store, batch), ERR_OK);

    assert_int_equal(by_url(in, in->url.raw, NOW_MS), ERR_UNAUTHORIZED);
}

static void test_no_other_spelling_of_a_url_token_is_taken(void **state)
{
    struct inbound *in = *state;
    struct arena *arena = in->world.arena;

    for (size_t at = 0; at < 64; at++) {
        char *copy = arena_copy(arena, in->url.raw);
        copy[at] = copy[at] == '0' ? '1' : '0';
        assert_int_equal(by_url(in, slice_of(copy, 64), NOW_MS), ERR_UNAUTHORIZED);
    }
    for (size_t len = 0; len < 64; len++) {
        assert_int_equal(by_url(in, slice_of(in->url.raw.ptr, len), NOW_MS),
                         ERR_UNAUTHORIZED);
    }
    static const char *const around[][2] = {{"", "0"}, {"", " "},    {" ", ""},
                                            {"", "/"}, {"slt_", ""}, {"", "%00"}};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++) {
        struct slice text = arena_printf(arena, "%s%.*s%s", around[i][0],
                                         SLICE_ARG(in->url.raw), around[i][1]);
        assert_int_equal(by_url(in, text, NOW_MS), ERR_UNAUTHORIZED);
    }
    char *upper = arena_copy(arena, in->url.raw);
    bool has_letter = false;
    for (size_t i = 0; i < 64; i++) {
        if (upper[i] >= 'a') {
            upper[i] = (char)(upper[i] - 'a' + 'A');
            has_letter = true;
        }
    }
    assert_true(has_letter); /* 64 digits without a letter: once in 10^13 runs */
    assert_int_equal(by_url(in, slice_of(upper, 64), NOW_MS), ERR_UNAUTHORIZED);
}

static void test_any_bytes_of_any_length_are_only_unauthorized(void **state)
{
    struct inbound *in = *state;
    size_t bytes = (size_t)1024 * 1024;
    char *text = test_malloc(bytes);

    for (int byte = 0; byte < 256; byte += 5) {
        memset(text, byte, bytes);
        for (size_t len = 0; len <= bytes; len = len * 4 + 1) {
            assert_int_equal(by_url(in, slice_of(text, len), NOW_MS), ERR_UNAUTHORIZED);
        }
        assert_int_equal(by_url(in, slice_of(text, 64), NOW_MS), ERR_UNAUTHORIZED);
        assert_int_equal(by_url(in, slice_of(text, bytes), NOW_MS), ERR_UNAUTHORIZED);
    }
    test_free(text);
}

static void test_another_signing_key_knows_no_token(void **state)
{
    struct inbound *in = *state;
    struct keys *other = keys_of(&in->world, OTHER_SIGNING_KEY);
    struct store_server server;

    assert_int_equal(principal_by_url(other, in->store, in->url.raw, NOW_MS,
                                      in->world.arena, &server),
                     ERR_UNAUTHORIZED);
    keys_free(other);
}

static void test_a_token_of_the_one_kind_is_none_of_the_other(void **state)
{
    struct inbound *in = *state;
    struct principal who;
    struct minted api = put_api_token(in, "tok_a", "admin", "", 0);
    struct slice as_api =
        arena_printf(in->world.arena, "Bearer slt_%.*s", SLICE_ARG(in->url.raw));

    assert_int_equal(by_url(in, slice_from(api.raw, 4), NOW_MS), ERR_UNAUTHORIZED);
    assert_int_equal(by_url(in, api.raw, NOW_MS), ERR_UNAUTHORIZED);
    assert_int_equal(by_bearer(in, as_api, &who), ERR_UNAUTHORIZED);

    /* The same digits hashed for the other purpose are another entry. */
    struct store_batch *batch = store_batch_new();
    insert_server(batch, "mcp_b", api.hash, 0);
    assert_int_equal(store_commit_now(in->store, batch), ERR_OK);
    assert_int_equal(by_url(in, slice_from(api.raw, 4), NOW_MS), ERR_UNAUTHORIZED);
}

/* ---- Bearer tokens ---- */

static void test_a_living_bearer_token_says_who_it_is(void **state)
{
    struct inbound *in = *state;
    static const enum role roles[] = {ROLE_ADMIN, ROLE_TENANT, ROLE_CALL};
    static const char *const names[] = {"admin", "tenant", "call"};

    for (size_t i = 0; i < 3; i++) {
        struct principal who;
        char id[16];
        snprintf(id, sizeof id, "tok_%zu", i);
        struct minted api =
            put_api_token(in, id, names[i], i == 0 ? "" : "t1", NOW_MS + 1);
        struct slice field =
            arena_printf(in->world.arena, "Bearer %.*s", SLICE_ARG(api.raw));
        assert_int_equal(by_bearer(in, field, &who), ERR_OK);
        assert_int_equal(who.role, roles[i]);
        assert_text(who.token_id, id);
        assert_text(who.tenant, i == 0 ? "" : "t1");
    }
}

static void test_the_scheme_is_taken_in_any_case_and_the_token_must_be_one(void **state)
{
    struct inbound *in = *state;
    struct principal who;
    struct minted api = put_api_token(in, "tok_a", "admin", "", 0);
    static const struct {
        const char *before, *after;
        enum err err;
    } cases[] = {
        {"Bearer ", "", ERR_OK},
        {"bearer ", "", ERR_OK},
        {"BEARER ", "", ERR_OK},
        {"bEaReR   ", "", ERR_OK},
        {"", "", ERR_UNAUTHORIZED},
        {"Bearer", "", ERR_UNAUTHORIZED},
        {"Basic ", "", ERR_UNAUTHORIZED},
        {"Bearerx ", "", ERR_UNAUTHORIZED},
        {"Bearer Bearer ", "", ERR_UNAUTHORIZED},
        {"Bearer x ", "", ERR_UNAUTHORIZED},
        {"Bearer ", " x", ERR_UNAUTHORIZED},
        {"Bearer ", ",x", ERR_UNAUTHORIZED},
        {"Bearer ", "0", ERR_UNAUTHORIZED},
        {"Bearer \"", "\"", ERR_UNAUTHORIZED},
        {"Bearer slt_", "", ERR_UNAUTHORIZED},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct slice field = arena_printf(in->world.arena, "%s%.*s%s", cases[i].before,
                                          SLICE_ARG(api.raw), cases[i].after);
        assert_int_equal(by_bearer(in, field, &who), cases[i].err);
    }
    static const char *const without[] = {"",        " ",        "Bearer",
                                          "Bearer ", "Bearer  ", "Bearer slt_"};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
        assert_int_equal(by_bearer(in, slice_str(without[i]), &who), ERR_UNAUTHORIZED);
    }
    struct slice bare =
        arena_printf(in->world.arena, "Bearer %.*s", SLICE_ARG(slice_from(api.raw, 4)));
    assert_int_equal(by_bearer(in, bare, &who), ERR_UNAUTHORIZED);
}

static void
test_an_expired_deleted_or_strange_bearer_token_is_unauthorized(void **state)
{
    struct inbound *in = *state;
    struct principal who;
    struct minted ended = put_api_token(in, "tok_a", "admin", "", NOW_MS);
    struct minted deleted = put_api_token(in, "tok_b", "admin", "", 0);
    struct minted strange = put_api_token(in, "tok_c", "emperor", "", 0);
    struct store_batch *batch = store_batch_new();
    store_delete_api_token(batch, SLICE("tok_b"));
    assert_int_equal(store_commit_now(in->store, batch), ERR_OK);

    const struct slice raws[] = {ended.raw, deleted.raw, strange.raw};
    for (size_t i = 0; i < 3; i++) {
        struct slice field =
            arena_printf(in->world.arena, "Bearer %.*s", SLICE_ARG(raws[i]));
        assert_int_equal(by_bearer(in, field, &who), ERR_UNAUTHORIZED);
    }
}

static void test_roles_have_names_that_are_read_back(void **state)
{
    enum role role = ROLE_CALL;
    (void)state;

    assert_true(role_parse(SLICE("admin"), &role));
    assert_int_equal(role, ROLE_ADMIN);
    assert_true(role_parse(SLICE("tenant"), &role));
    assert_int_equal(role, ROLE_TENANT);
    assert_true(role_parse(SLICE("call"), &role));
    assert_int_equal(role, ROLE_CALL);
    assert_false(role_parse(SLICE("Admin"), &role));
    assert_false(role_parse(SLICE(""), &role));
    assert_false(role_parse(SLICE("admin "), &role));
    assert_int_equal(role, ROLE_CALL);
}

#define INBOUND(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        INBOUND(test_minted_tokens_have_their_form_and_never_repeat),
        INBOUND(test_a_living_url_token_finds_its_server),
        INBOUND(test_an_expired_or_revoked_url_token_is_unauthorized),
        INBOUND(test_a_token_of_a_deleted_account_is_unauthorized),
        INBOUND(test_no_other_spelling_of_a_url_token_is_taken),
        INBOUND(test_any_bytes_of_any_length_are_only_unauthorized),
        INBOUND(test_another_signing_key_knows_no_token),
        INBOUND(test_a_token_of_the_one_kind_is_none_of_the_other),
        INBOUND(test_a_living_bearer_token_says_who_it_is),
        INBOUND(test_the_scheme_is_taken_in_any_case_and_the_token_must_be_one),
        INBOUND(test_an_expired_deleted_or_strange_bearer_token_is_unauthorized),
        cmocka_unit_test(test_roles_have_names_that_are_read_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
