/* SPDX-License-Identifier: Apache-2.0 */
/* What a load looked at, and whether it looks different now. */
#include <time.h>

#include "catalog/watch.h"
#include "tests/unit/catalog/fixture.h"

/* Loads the fixture's folder, watched. Stamps grow old first, so that they tell. */
static struct catalog_watch *load(struct fixture *fixture, enum err wanted)
{
    struct catalog_watch *watch = NULL;
    const struct timespec while_ = {0, 10000000};

    for (int tries = 0; tries < 1000; tries++) {
        catalog_watch_free(watch);
        catalog_free(fixture->catalog);
        fixture->catalog = NULL;
        watch = catalog_watch_new();
        assert_int_equal(catalog_load(fixture->folder, NULL, watch, &fixture->catalog,
                                      fixture->arena, &fixture->problem),
                         wanted);
        if (!catalog_watch_changed(watch)) {
            return watch;
        }
        nanosleep(&while_, NULL);
    }
    fail_msg("the stamps never grew old");
    return NULL;
}

static void path_of(const struct fixture *fixture, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", fixture->folder, name);
}

static void test_a_stamp_too_young_to_tell_counts_as_changed(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct catalog_watch *watch = catalog_watch_new();

    assert_int_equal(catalog_load(fixture->folder, NULL, watch, &fixture->catalog,
                                  fixture->arena, &fixture->problem),
                     ERR_OK);
    assert_true(catalog_watch_changed(watch));
    catalog_watch_free(watch);
    fixture_free(fixture);
}

static void test_every_kind_of_change_is_seen(void **state)
{
    (void)state;
    static const char documentation[] = "demo/documentation/orders.json";
    struct fixture *fixture = fixture_new();
    char path[256], other[256];

    path_of(fixture, documentation, path);
    path_of(fixture, "kept.json", other);
    for (int kind = 0; kind < 6; kind++) {
        struct catalog_watch *watch = load(fixture, ERR_OK);

        switch (kind) {
        case 0: /* over the bytes that are there */
            fixture_write(fixture, documentation, FIXTURE_DOCUMENTATION);
            break;
        case 1: /* replaced */
            fixture_write(fixture, "kept.json", FIXTURE_DOCUMENTATION);
            assert_int_equal(rename(other, path), 0);
            break;
        case 2: /* removed */
            assert_int_equal(unlink(path), 0);
            break;
        case 3: /* added */
            fixture_write(fixture, documentation, FIXTURE_DOCUMENTATION);
            break;
        case 4: /* a resource beside the others */
            fixture_write(fixture, "demo/resources/notes.json",
                          "{\"resource\":\"notes\",\"singular\":\"note\",\"title\":"
                          "\"Notes\",\"methods\":{\"list\":{\"upstream\":{}}}}");
            break;
        default: /* its folder */
            path_of(fixture, "demo/documentation", path);
            fixture_remove(path);
            break;
        }
        assert_true(catalog_watch_changed(watch));
        catalog_watch_free(watch);
    }
    fixture_free(fixture);
}

static void test_the_files_of_a_load_that_failed_are_watched_too(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();

    fixture_write(fixture, "demo/documentation/orders.json", "{");
    struct catalog_watch *watch = load(fixture, ERR_PARSE);
    fixture_write(fixture, "demo/documentation/orders.json", FIXTURE_DOCUMENTATION);
    assert_true(catalog_watch_changed(watch));
    catalog_watch_free(watch);
    watch = load(fixture, ERR_OK);
    catalog_watch_free(watch);
    fixture_free(fixture);
}

static void test_equal_content_has_an_equal_digest(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct catalog_watch *before = load(fixture, ERR_OK);

    fixture_write(fixture, "demo/documentation/orders.json", FIXTURE_DOCUMENTATION);
    struct catalog_watch *same = load(fixture, ERR_OK);
    assert_true(catalog_watch_digest(before) == catalog_watch_digest(same));
    fixture_write(fixture, "demo/documentation/orders.json", FIXTURE_DOCUMENTATION " ");
    struct catalog_watch *other = load(fixture, ERR_OK);
    assert_true(catalog_watch_digest(before) != catalog_watch_digest(other));
    catalog_watch_free(before);
    catalog_watch_free(same);
    catalog_watch_free(other);
    fixture_free(fixture);
}

static void test_a_catalog_lives_until_its_last_hold_is_dropped(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new();
    struct catalog_watch *watch = load(fixture, ERR_OK);
    struct catalog *held = catalog_hold(fixture->catalog);

    catalog_free(fixture->catalog);
    fixture->catalog = NULL;
    assert_non_null(catalog_integration(held, SLICE("demo")));
    catalog_free(held);
    catalog_watch_free(watch);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stamp_too_young_to_tell_counts_as_changed),
        cmocka_unit_test(test_every_kind_of_change_is_seen),
        cmocka_unit_test(test_the_files_of_a_load_that_failed_are_watched_too),
        cmocka_unit_test(test_equal_content_has_an_equal_digest),
        cmocka_unit_test(test_a_catalog_lives_until_its_last_hold_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
