/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as the same login, and as a login of the same user. */
#include "auth/login_key.h"
#include "tests/unit/auth/world.h"

static struct world world;

static int set_up(void **state)
{
    (void)state;
    world_begin(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(&world);
    return 0;
}

struct field {
    const char *name, *value;
};

struct login {
    const char *scheme;
    struct field fields[4];
    struct login_place place;
};

static struct slice key_of(const struct keys *keys, const struct login *login,
                           bool of_user)
{
    struct credential *credential = credential_new(
        NULL, outbound_scheme_find(slice_str(login->scheme)), SLICE("acc_a"), NULL, 0);
    for (size_t i = 0; i < 4 && login->fields[i].name != NULL; i++) {
        credential_put(credential, slice_str(login->fields[i].name),
                       secret_new(slice_str(login->fields[i].value)));
    }
    struct slice key =
        of_user ? login_key_user(keys, credential, &login->place, world.arena)
                : login_key_whole(keys, credential, &login->place, world.arena);
    credential_free(credential);
    return key;
}

static void check(const struct login *a, const struct login *b, bool same_user,
                  bool same_login)
{
    assert_int_equal(slice_eq(key_of(world.keys, a, true), key_of(world.keys, b, true)),
                     same_user);
    assert_int_equal(
        slice_eq(key_of(world.keys, a, false), key_of(world.keys, b, false)),
        same_login);
}

#define AT_HOST(...)                    \
    (struct login_place)                \
    {                                   \
        SLICE("https://h"), __VA_ARGS__ \
    }

static struct login sap(const char *user, const char *password, const char *client)
{
    return (struct login){"basic",
                          {{"username", user}, {"password", password}},
                          AT_HOST(.client = slice_str(client))};
}

static void test_a_user_of_sap(void **state)
{
    const struct login one = sap("JDOE", "secret", "100");
    const struct login others[] = {
        sap("JDOE", "another", "100"), sap(" jDoe ", "secret", "100"),
        sap("JDOE2", "secret", "100"), sap("JDOE", "secret", "200"),
        sap("JDOE", "secret", ""),
    };
    (void)state;
    check(&one, &one, true, true);
    check(&one, &others[0], true, false);
    check(&one, &others[1], true, false);
    check(&one, &others[2], false, false);
    check(&one, &others[3], false, false);
    check(&one, &others[4], false, false);
}

/* A host of somebody's own says nothing of the users at another. */
static void test_a_user_is_one_of_the_host_that_is_asked(void **state)
{
    const struct login one = sap("JDOE", "secret", "100");
    const struct login_place places[] = {
        {.origin = SLICE("https://own"), .client = SLICE("100")},
        {.origin = SLICE("https://h:8443"), .client = SLICE("100")},
        {.origin = SLICE("https://h"), .client = SLICE("100"), .path = SLICE("/s4")},
        {.origin = SLICE("https://h"), .client = SLICE("100"), .location = SLICE("L1")},
        {.origin = SLICE("https://h"), .client = SLICE("100"), .realm = SLICE("1")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct login other = one;
        other.place = places[i];
        check(&one, &other, false, false);
    }
}

/* Nobody has another user by another end of the path. */
static void test_a_user_is_one_of_all_paths_below_the_first_segment(void **state)
{
    struct login one = sap("JDOE", "secret", "100"), other = one;
    (void)state;
    one.place.path = SLICE("/s4/a");
    other.place.path = SLICE("/s4/b/c");
    check(&one, &other, true, true);
    other.place.path = SLICE("/s4");
    check(&one, &other, true, true);
    other.place.path = SLICE("/s40/a");
    check(&one, &other, false, false);
}

static struct login through(const char *token_url)
{
    return (struct login){
        "sap_connectivity",
        {{"username", "JDOE"}, {"password", "secret"}, {"token_url", token_url}},
        AT_HOST(.client = SLICE("100"))};
}

/* A virtual host is that of one subaccount. */
static void test_a_user_behind_a_tunnel(void **state)
{
    const struct login one = through("https://a.example/oauth/token"),
                       again = through("https://a.example/other"),
                       other = through("https://b.example/oauth/token");
    (void)state;
    check(&one, &again, true, false);
    check(&one, &other, false, false);
}

static struct login tba(const char *token, const char *secret)
{
    return (struct login){"netsuite_tba",
                          {{"token_id", token},
                           {"token_secret", secret},
                           {"consumer_key", "c"},
                           {"consumer_secret", secret}},
                          AT_HOST(.realm = SLICE("1"))};
}

static void test_a_token_of_netsuite(void **state)
{
    const struct login one = tba("abc", "s"), wrong = tba("abc", "t"),
                       other = tba("ABC", "s");
    struct login turned = one;
    (void)state;
    turned.fields[0] = one.fields[1];
    turned.fields[1] = one.fields[0];
    check(&one, &wrong, true, false);
    check(&one, &other, false, false);
    check(&one, &turned, true, true);
}

/* Where nothing but the whole says whose it is. */
static void test_a_login_without_a_name(void **state)
{
    const struct login one = {
        "sap_api_key", {{"api_key", "k1"}}, AT_HOST(.path = SLICE("/s4"))};
    const struct login other = {
        "sap_api_key", {{"api_key", "k2"}}, AT_HOST(.path = SLICE("/s4"))};
    (void)state;
    check(&one, &other, false, false);
    assert_true(
        slice_eq(key_of(world.keys, &one, true), key_of(world.keys, &one, false)));
}

static void test_another_server_gives_other_names(void **state)
{
    const struct login one = sap("JDOE", "secret", "100");
    struct keys *again = keys_of(&world, TWO_KEYS);
    struct keys *others = keys_of(&world, OTHER_SIGNING_KEY);
    (void)state;
    for (int of_user = 0; of_user < 2; of_user++) {
        struct slice key = key_of(world.keys, &one, of_user == 1);
        assert_int_equal(key.len, 64);
        assert_true(slice_eq(key, key_of(again, &one, of_user == 1)));
        assert_false(slice_eq(key, key_of(others, &one, of_user == 1)));
    }
    keys_free(again);
    keys_free(others);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_user_of_sap),
        TEST(test_a_user_is_one_of_the_host_that_is_asked),
        TEST(test_a_user_is_one_of_all_paths_below_the_first_segment),
        TEST(test_a_user_behind_a_tunnel),
        TEST(test_a_token_of_netsuite),
        TEST(test_a_login_without_a_name),
        TEST(test_another_server_gives_other_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
