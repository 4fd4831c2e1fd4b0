/* SPDX-License-Identifier: Apache-2.0 */
/* When the files of a certificate are read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/tls.h"
#include "tests/unit/io/identity.h"

#define DAY_S 86400

struct world {
    char folder[64], certificate[96], key[96];
    struct arena *arena;
    struct tls *tls;
    struct tls_fault fault;
    int64_t now_s;
};

static void write_file(const char *path, const char *text)
{
    (void)unlink(path); /* another file, however fast */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* A pair that is good from so many days on until so many. */
static void put_pair(struct world *w, long from_days, long to_days)
{
    struct identity identity;
    identity_make(&identity, "server", from_days * DAY_S, to_days * DAY_S);
    write_file(w->certificate, identity.certificate);
    write_file(w->key, identity.key);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    snprintf(w->folder, sizeof w->folder, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->certificate, sizeof w->certificate, "%s/own.pem", w->folder);
    snprintf(w->key, sizeof w->key, "%s/own.key", w->folder);
    w->arena = arena_new();
    w->now_s = time(NULL);
    put_pair(w, -100, 100);
    assert_int_equal(tls_load(w->certificate, w->key, w->arena, &w->tls, &w->fault),
                     ERR_OK);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    tls_free(w->tls);
    arena_free(w->arena);
    (void)unlink(w->certificate);
    (void)unlink(w->key);
    (void)rmdir(w->folder);
    free(w);
    return 0;
}

static enum err reload_at(struct world *w, int64_t now_s)
{
    return tls_reload(w->tls, now_s, w->arena, &w->fault);
}

static int64_t days_left(const struct world *w)
{
    return (tls_validity(w->tls).to_s - w->now_s + DAY_S / 2) / DAY_S;
}

static void test_a_pair_that_had_not_begun_is_read_when_it_has(void **state)
{
    struct world *w = *state;
    assert_false(tls_has_changed(w->tls, w->now_s));
    put_pair(w, 1, 50);
    assert_true(tls_has_changed(w->tls, w->now_s));
    assert_int_equal(reload_at(w, w->now_s), ERR_UNPROCESSABLE);
    assert_string_equal(w->fault.cause, "not_yet_valid");
    assert_false(tls_has_changed(w->tls, w->now_s + DAY_S / 2));
    assert_true(tls_has_changed(w->tls, w->now_s + 2 * DAY_S));
    assert_int_equal(reload_at(w, w->now_s + 2 * DAY_S), ERR_OK);
    assert_int_equal(days_left(w), 50);
    assert_false(tls_has_changed(w->tls, w->now_s + 2 * DAY_S));
}

static void
test_a_pair_that_had_ended_by_a_wrong_clock_is_read_by_the_right_one(void **state)
{
    struct world *w = *state;
    int64_t ahead_s = w->now_s + 70 * DAY_S;
    put_pair(w, -1, 50);
    assert_int_equal(reload_at(w, ahead_s), ERR_UNPROCESSABLE);
    assert_string_equal(w->fault.cause, "has_ended");
    assert_int_equal(days_left(w), 100);
    assert_false(tls_has_changed(w->tls, ahead_s));
    assert_true(tls_has_changed(w->tls, w->now_s)); /* it was set back */
    assert_int_equal(reload_at(w, w->now_s), ERR_OK);
    assert_int_equal(days_left(w), 50);
    assert_false(tls_has_changed(w->tls, w->now_s));
}

/* No clock makes that better: it is told once. */
static void test_a_pair_that_does_not_fit_is_read_when_it_is_another(void **state)
{
    struct world *w = *state;
    write_file(w->key, "no key");
    assert_true(tls_has_changed(w->tls, w->now_s));
    assert_int_not_equal(reload_at(w, w->now_s), ERR_OK);
    assert_false(tls_has_changed(w->tls, w->now_s));
    put_pair(w, -1, 60);
    assert_true(tls_has_changed(w->tls, w->now_s));
    assert_int_equal(reload_at(w, w->now_s), ERR_OK);
    assert_int_equal(days_left(w), 60);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_pair_that_had_not_begun_is_read_when_it_has),
        TEST(test_a_pair_that_had_ended_by_a_wrong_clock_is_read_by_the_right_one),
        TEST(test_a_pair_that_does_not_fit_is_read_when_it_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
