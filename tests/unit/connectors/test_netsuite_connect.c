/* SPDX-License-Identifier: Apache-2.0 */
/* Account ids and base URLs of a connection, and what follows from them. */
#include "tests/unit/connectors/connecting.h"

#include "connectors/netsuite/hosts.h"

static void test_registry_knows_netsuite_and_nothing_unknown(void **state)
{
    (void)state;
    assert_non_null(connector_find(SLICE("netsuite")));
    assert_null(connector_find(SLICE("NetSuite")));
    assert_null(connector_find(SLICE_EMPTY));
}

static void test_both_forms_of_an_account_id_become_one(void **state)
{
    static const char *const forms[] = {"123456_SB1", "123456-sb1", "123456_sb1"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct arena *arena = arena_new();
        char json[64];
        snprintf(json, sizeof json, "{\"account_id\":\"%s\"}", forms[i]);

        struct op_target target = connected("netsuite", arena, json);

        const struct hosts *hosts = target.private_data;
        assert_slice(target.lane, "netsuite:123456_SB1");
        assert_slice(target.realm, "123456_SB1");
        assert_slice(hosts->suitetalk, "https://123456-sb1.suitetalk.api.netsuite.com");
        assert_slice(hosts->restlets, "https://123456-sb1.restlets.api.netsuite.com");
        assert_slice(hosts->app, "https://123456-sb1.app.netsuite.com");
        assert_slice(jval_text(jval_get(target.connection, "account_id")),
                     "123456_SB1");
        assert_null(jval_get(target.connection, "base_urls"));
        assert_int_equal(target.origin_count, 2);
        assert_slice(target.origins[0],
                     "https://123456-sb1.suitetalk.api.netsuite.com");
        assert_slice(target.origins[1], "https://123456-sb1.restlets.api.netsuite.com");
        arena_free(arena);
    }
}

static void test_base_urls_replace_hosts_and_are_normalised(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    struct op_target target =
        connected("netsuite", arena,
                  "{\"account_id\":\"TSTDRV1234567\",\"base_urls\":{"
                  "\"suitetalk\":\"HTTP://LocalHost:8080\","
                  "\"restlets\":\"https://erp.example:443\"}}");

    const struct hosts *hosts = target.private_data;
    assert_slice(hosts->suitetalk, "http://localhost:8080");
    assert_slice(hosts->restlets, "https://erp.example");
    assert_slice(hosts->app, "https://tstdrv1234567.app.netsuite.com");
    const struct jval *stored = jval_get(target.connection, "base_urls");
    assert_int_equal(stored->count, 2);
    assert_slice(jval_text(jval_get(stored, "suitetalk")), "http://localhost:8080");
    arena_free(arena);
}

static void test_a_stored_connection_connects_to_the_same_place(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    struct op_target again =
        connect_again("netsuite", arena,
                      "{\"account_id\":\"123456-sb1\",\"base_urls\":{"
                      "\"suitetalk\":\"http://[::1]:9\",\"restlets\":"
                      "\"http://[::1]:9\"}}");

    assert_int_equal(again.origin_count, 1);
    assert_slice(again.origins[0], "http://[::1]:9");
    arena_free(arena);
}

static void test_each_mistake_is_named_with_its_pointer(void **state)
{
    static const struct connect_mistake cases[] = {
        {"[]", ""},
        {"{}", "/account_id"},
        {"{\"account_id\":123456}", "/account_id"},
        {"{\"account_id\":\"\"}", "/account_id"},
        {"{\"account_id\":\"_SB1\"}", "/account_id"},
        {"{\"account_id\":\"123456_\"}", "/account_id"},
        {"{\"account_id\":\"123__SB1\"}", "/account_id"},
        {"{\"account_id\":\"123.evil\"}", "/account_id"},
        {"{\"account_id\":\"12 34\"}", "/account_id"},
        {"{\"account_id\":\"1\\u00e6\"}", "/account_id"},
        {"{\"account_id\":\"12345678901234567890123456789012345678901\"}",
         "/account_id"},
        {"{\"account_id\":\"1\",\"accountId\":\"1\"}", "/accountId"},
        {"{\"account_id\":\"1\",\"a/b~c\":1}", "/a~1b~0c"},
        {"{\"account_id\":\"1\",\"base_urls\":\"http://h\"}", "/base_urls"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"rest\":\"http://h\"}}",
         "/base_urls/rest"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":1}}", "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"ftp://h\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://h/\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://h?x\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://h#x\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://u:p@h\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://u@h\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://h:0\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://h:65536\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://h:\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://a..b\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://-a\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://a.\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://[::1\"}}",
         "/base_urls/app"},
        {"{\"account_id\":\"1\",\"base_urls\":{\"app\":\"https://[]\"}}",
         "/base_urls/app"},
    };

    (void)state;
    assert_mistakes_named("netsuite", cases, sizeof cases / sizeof cases[0]);
}

static void test_all_mistakes_are_told_at_once_up_to_a_ceiling(void **state)
{
    (void)state;
    assert_mistakes_told_at_once("netsuite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_registry_knows_netsuite_and_nothing_unknown),
        cmocka_unit_test(test_both_forms_of_an_account_id_become_one),
        cmocka_unit_test(test_base_urls_replace_hosts_and_are_normalised),
        cmocka_unit_test(test_a_stored_connection_connects_to_the_same_place),
        cmocka_unit_test(test_each_mistake_is_named_with_its_pointer),
        cmocka_unit_test(test_all_mistakes_are_told_at_once_up_to_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
