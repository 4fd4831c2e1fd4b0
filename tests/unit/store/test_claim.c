/* SPDX-License-Identifier: Apache-2.0 */
/* Who may work on a folder, as several processes ask. */
#include <sys/wait.h>
#include <unistd.h>

#include "store/claim.h"
#include "tests/unit/store/store_world.h"

#define PATH_BYTES 128

/* The locks are the process's, so another process asks. */
static void claim_from_a_pool(const char *path, int places, uint32_t pool,
                              enum err expected, long holder, int place)
{
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct claim *claim = NULL;
        long found = 0;
        enum err err = claim_take(path, places, pool, &claim, &found);
        bool fits = err == expected && found == holder;
        _exit(fits && (err != ERR_OK || claim_place(claim) == place) ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void claim_in_a_child(const char *path, int places, enum err expected,
                             long holder, int place)
{
    claim_from_a_pool(path, places, 0, expected, holder, place);
}

/* As this process; `path` is where. */
static struct claim *claim_here(const struct fixture *f, int places, uint32_t pool,
                                char path[PATH_BYTES])
{
    struct claim *claim = NULL;
    long holder = -1;

    snprintf(path, PATH_BYTES, "%s/serve.lock", f->folder);
    assert_int_equal(claim_take(path, places, pool, &claim, &holder), ERR_OK);
    return claim;
}

static void test_only_one_claims_a_folder(void **state)
{
    char path[PATH_BYTES];
    struct claim *claim = claim_here(*state, 1, 0, path);

    assert_true(claim_leads(claim));
    claim_in_a_child(path, 1, ERR_CONFLICT, (long)getpid(), 0);
    claim_in_a_child(path, 2, ERR_CONFLICT, (long)getpid(), 0);
    claim_free(claim);
    claim_in_a_child(path, 1, ERR_OK, 0, 0);
    claim_in_a_child("/nonexistent/serve.lock", 1, ERR_IO, 0, 0);
}

static void test_as_many_claim_a_folder_as_was_said(void **state)
{
    char path[PATH_BYTES];
    struct claim *claim = claim_here(*state, 2, 0, path);
    long own = (long)getpid();

    assert_int_equal(claim_place(claim), 0);
    claim_in_a_child(path, 2, ERR_OK, 0, 1);         /* the other place */
    claim_in_a_child(path, 2, ERR_OK, 0, 1);         /* given back by its end */
    claim_in_a_child(path, 3, ERR_CONFLICT, own, 0); /* told another number */
    claim_in_a_child(path, 64, ERR_CONFLICT, own, 0);
    claim_in_a_child(path, 1, ERR_CONFLICT, own, 0); /* would be alone */
    claim_free(claim);
    claim_in_a_child(path, 64, ERR_OK, 0, 0);
}

static void test_those_of_one_pool_claim_a_folder(void **state)
{
    char path[PATH_BYTES];
    struct claim *claim = claim_here(*state, 64, 7, path);
    long own = (long)getpid();

    claim_from_a_pool(path, 64, 7, ERR_OK, 0, 1);
    claim_from_a_pool(path, 64, 8, ERR_CONFLICT, own, 0); /* above and below */
    claim_from_a_pool(path, 64, 6, ERR_CONFLICT, own, 0);
    claim_from_a_pool(path, 64, UINT32_MAX, ERR_CONFLICT, own, 0);
    claim_in_a_child(path, 64, ERR_CONFLICT, own, 0); /* would divide what is lent */
    claim_in_a_child(path, 1, ERR_CONFLICT, own, 0);
    claim_free(claim);
    claim_from_a_pool(path, 64, 8, ERR_OK, 0, 0);
}

/* A child that says by its exit code whether it leads. */
static int leads_in_a_child(const char *path)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        struct claim *claim = NULL;
        long found = 0;
        enum err err = claim_take(path, 2, 0, &claim, &found);
        _exit(err != ERR_OK ? 2 : claim_leads(claim) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WEXITSTATUS(status);
}

static void test_one_of_them_leads(void **state)
{
    char path[PATH_BYTES];
    struct claim *claim = claim_here(*state, 2, 0, path);

    assert_int_equal(leads_in_a_child(path), 1);
    assert_true(claim_leads(claim)); /* it has ended */
    assert_int_equal(leads_in_a_child(path), 0);
    claim_free(claim);
}

#define CLAIM_TEST(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM_TEST(test_only_one_claims_a_folder),
        CLAIM_TEST(test_as_many_claim_a_folder_as_was_said),
        CLAIM_TEST(test_those_of_one_pool_claim_a_folder),
        CLAIM_TEST(test_one_of_them_leads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
