/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, addresses and clients of a connection, and what follows from them. */
#include "tests/unit/connectors/connecting.h"
#include "tests/unit/connectors/sap_world.h"

#include "connectors/sap/connection.h"

static void test_a_cloud_system_needs_no_client(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    struct op_target target =
        connected("sap", arena,
                  "{\"route\":\"direct\",\"base_url\":"
                  "\"HTTPS://My300000-API.s4hana.cloud.sap:443\"}");

    const struct sap_system *system = target.private_data;
    assert_slice(system->origin, SAP_ORIGIN);
    assert_int_equal(system->client.len, 0);
    assert_slice(target.lane, "sap:direct:my300000-api.s4hana.cloud.sap:443:-");
    assert_int_equal(target.default_ceiling, 8);
    assert_int_equal(target.origin_count, 1);
    assert_slice(target.origins[0], SAP_ORIGIN);
    arena_free(arena);
}

static void test_two_clients_of_one_system_are_two_lanes(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    struct op_target first =
        connected("sap", arena,
                  "{\"route\":\"on_premise\",\"base_url\":"
                  "\"http://erp.example:8000\",\"sap_client\":\"100\"}");
    struct op_target second =
        connected("sap", arena,
                  "{\"route\":\"on_premise\",\"base_url\":"
                  "\"http://erp.example:8000\",\"sap_client\":\"200\"}");

    assert_slice(first.lane, "sap:on_premise:erp.example:8000:100");
    assert_slice(second.lane, "sap:on_premise:erp.example:8000:200");
    assert_int_equal(first.default_ceiling, 4);
    arena_free(arena);
}

/* It belongs to the login, and is kept there. */
static void test_a_destination_may_be_named_beside_the_address(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    struct op_target target =
        connected("sap", arena,
                  "{\"route\":\"destination\",\"base_url\":"
                  "\"https://erp.example\",\"destination\":\"S4 prod\"}");
    assert_slice(target.destination, "S4 prod");
    assert_null(jval_get(target.connection, "destination"));
    assert_slice(target.lane, "sap:destination:erp.example:443:-");
    arena_free(arena);
}

static void test_a_stored_connection_connects_to_the_same_place(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    (void)connect_again("sap", arena,
                        "{\"route\":\"on_premise\",\"base_url\":"
                        "\"http://[::1]:44300\",\"sap_client\":\"001\"}");
    arena_free(arena);
}

static void test_each_mistake_is_named_with_its_pointer(void **state)
{
#define DIRECT "\"route\":\"direct\","
#define URL "\"base_url\":\"https://erp.example\""
    static const struct connect_mistake cases[] = {
        {"[]", ""},
        {"{" URL "}", "/route"},
        {"{\"route\":\"vpn\"," URL "}", "/route"},
        {"{\"route\":\"destination\"," URL ",\"destination\":\"\"}", "/destination"},
        {"{\"route\":\"destination\"," URL ",\"destination\":7}", "/destination"},
        {"{\"route\":\"on_premise\"," URL "}", "/sap_client"},
        {"{" DIRECT URL ",\"sap_client\":100}", "/sap_client"},
        {"{" DIRECT URL ",\"sap_client\":\"10\"}", "/sap_client"},
        {"{" DIRECT URL ",\"sap_client\":\"1000\"}", "/sap_client"},
        {"{" DIRECT URL ",\"sap_client\":\"1x0\"}", "/sap_client"},
        {"{" DIRECT URL ",\"client\":\"100\"}", "/client"},
        {"{" DIRECT URL ",\"a/b~c\":1}", "/a~1b~0c"},
        {"{" DIRECT URL ",\"location_id\":\"x\"}", "/location_id"},
        {"{" DIRECT URL ",\"destination\":\"x\"}", "/destination"},
        {"{" DIRECT URL ",\"api_key_header\":\"x\"}", "/api_key_header"},
        {"{\"route\":\"direct\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":7}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"ftp://h\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h/\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h/sap\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h?sap-client=1\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h#x\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://u:p@h\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://u@h\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h:0\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h:65536\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://h:\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://a..b\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://-a\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://[::1\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://[]\"}", "/base_url"},
        {"{" DIRECT "\"base_url\":\"https://[::1]x\"}", "/base_url"},
    };

    (void)state;
    assert_mistakes_named("sap", cases, sizeof cases / sizeof cases[0]);
}

static void test_a_virtual_host_is_told_apart_by_its_location(void **state)
{
    struct arena *arena = arena_new();

    (void)state;
    struct op_target target =
        connect_again("sap", arena,
                      "{\"route\":\"connectivity\",\"base_url\":"
                      "\"http://S4.virtual:44300\",\"sap_client\":\"100\","
                      "\"location_id\":\"berlin\"}");
    assert_slice(target.lane, "sap:connectivity:berlin:s4.virtual:44300:100");
    assert_slice(target.location, "berlin");
    assert_slice(target.route, "connectivity");
    assert_int_equal(target.default_ceiling, 4);

    target = connected("sap", arena,
                       "{\"route\":\"connectivity\",\"base_url\":"
                       "\"http://S4.virtual:44300\",\"sap_client\":\"100\"}");
    assert_slice(target.lane, "sap:connectivity:s4.virtual:44300:100");
    assert_int_equal(target.location.len, 0);
    arena_free(arena);
}

static void test_an_api_proxy_has_a_path_and_a_field_for_its_key(void **state)
{
    struct arena *arena = arena_new();
    struct op_target target;

    (void)state;
    target = connect_again("sap", arena,
                           "{\"route\":\"api_management\",\"base_url\":"
                           "\"https://Sandbox.api.sap.com/s4hanacloud\"}");
    const struct sap_system *system = target.private_data;
    assert_slice(system->origin, "https://sandbox.api.sap.com");
    assert_slice(system->base, "https://sandbox.api.sap.com/s4hanacloud");
    assert_slice(target.origins[0], "https://sandbox.api.sap.com");
    assert_slice(target.key_header, "APIKey");
    assert_slice(target.lane, "sap:api_management:sandbox.api.sap.com:443:-");

    target = connect_again("sap", arena,
                           "{\"route\":\"api_management\",\"base_url\":"
                           "\"https://gw.example\",\"api_key_header\":\"X-Key\"}");
    assert_slice(target.key_header, "X-Key");
    arena_free(arena);
}

static void test_what_a_route_needs_is_checked(void **state)
{
#define GATE "\"route\":\"api_management\",\"base_url\":\"https://gw.example"
#define TUNNEL "\"route\":\"connectivity\",\"sap_client\":\"100\",\"base_url\":\"http"
    static const struct connect_mistake cases[] = {
        {"{" TUNNEL "s://s4.virtual:443\"}", "/base_url"},
        {"{" TUNNEL "://s4.virtual/sap\"}", "/base_url"},
        {"{" TUNNEL "://s4.virtual\",\"location_id\":\"\"}", "/location_id"},
        {"{" TUNNEL "://s4.virtual\",\"location_id\":\"a b\"}", "/location_id"},
        {"{" TUNNEL "://s4.virtual\",\"location_id\":7}", "/location_id"},
        {"{" TUNNEL "://s4.virtual\",\"api_key_header\":\"X\"}", "/api_key_header"},
        {"{\"route\":\"connectivity\",\"base_url\":\"http://s4.virtual\"}",
         "/sap_client"},
        {"{" GATE "/\"}", "/base_url"},
        {"{" GATE "/a/\"}", "/base_url"},
        {"{" GATE "/a//b\"}", "/base_url"},
        {"{" GATE "/../b\"}", "/base_url"},
        {"{" GATE "/a?b\"}", "/base_url"},
        {"{" GATE "/a%20b\"}", "/base_url"},
        {"{" GATE "\",\"api_key_header\":\"A:B\"}", "/api_key_header"},
        {"{" GATE "\",\"api_key_header\":\"\"}", "/api_key_header"},
        {"{" GATE "\",\"location_id\":\"x\"}", "/location_id"},
    };

    (void)state;
    assert_mistakes_named("sap", cases, sizeof cases / sizeof cases[0]);
}

static void test_all_mistakes_are_told_at_once_up_to_a_ceiling(void **state)
{
    (void)state;
    assert_mistakes_told_at_once("sap");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_cloud_system_needs_no_client),
        cmocka_unit_test(test_two_clients_of_one_system_are_two_lanes),
        cmocka_unit_test(test_a_destination_may_be_named_beside_the_address),
        cmocka_unit_test(test_a_stored_connection_connects_to_the_same_place),
        cmocka_unit_test(test_each_mistake_is_named_with_its_pointer),
        cmocka_unit_test(test_a_virtual_host_is_told_apart_by_its_location),
        cmocka_unit_test(test_an_api_proxy_has_a_path_and_a_field_for_its_key),
        cmocka_unit_test(test_what_a_route_needs_is_checked),
        cmocka_unit_test(test_all_mistakes_are_told_at_once_up_to_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
