/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed secrets, and credentials that stand by. */
#include "tests/unit/store/store_world.h"

static void test_secrets_are_put_replaced_listed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_secret *list = NULL;
    add_account(f, "acc_a", "t1");
    assert_int_equal(put_secret(f, "acc_b", "token_id", "x"), ERR_NOT_FOUND);
    add_secret(f, "acc_a", "token_secret", "one");
    add_secret(f, "acc_a", "token_id", "two");
    add_secret(f, "acc_a", "token_secret", "three");

    assert_int_equal(list_secrets(f, "acc_a", &list), 2);
    assert_text(list[0].field, "token_id");
    assert_text(list[1].field, "token_secret");
    assert_text(list[1].sealed, "three");
    assert_text(list[1].key_id, "k1");
    assert_text(list[1].account, "acc_a");

    struct store_batch *batch = store_batch_new();
    store_delete_secrets(batch, SLICE("acc_a"), SLICE_EMPTY);
    store_delete_secrets(batch, SLICE("acc_a"), SLICE_EMPTY);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(list_secrets(f, "acc_a", &list), 0);
}

static void test_secrets_of_one_credential_go_alone(void **state)
{
    struct fixture *f = *state;
    struct store_secret *list = NULL;
    add_account(f, "acc_a", "t1");
    add_secret(f, "acc_a", "client_secret", "one");
    add_secret(f, "acc_a", "m2m.client_secret", "two");
    add_secret(f, "acc_a", "m2m_old.client_secret", "three");
    add_secret(f, "acc_a", "grant.refresh_token", "four");

    struct store_batch *batch = store_batch_new();
    store_delete_secrets(batch, SLICE("acc_a"), SLICE("m2m."));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(list_secrets(f, "acc_a", &list), 3);
    assert_text(list[0].field, "client_secret");
    assert_text(list[2].field, "m2m_old.client_secret");

    batch = store_batch_new();
    store_delete_secrets(batch, SLICE("acc_a"), SLICE_EMPTY);
    store_delete_grant(batch, SLICE("acc_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(list_secrets(f, "acc_a", &list), 1);
    assert_text(list[0].field, "m2m_old.client_secret");
}

static enum err put_credential(struct fixture *f, const char *account,
                               const char *scheme, const char *auth, bool proven)
{
    const struct store_credential credential = {slice_str(account), slice_str(scheme),
                                                slice_str(auth), true, proven};
    struct store_batch *batch = store_batch_new();

    store_put_credential(batch, &credential);
    return store_commit_now(f->store, batch);
}

static size_t list_credentials(struct fixture *f, const char *account,
                               struct store_credential **list)
{
    size_t count = 0;
    assert_int_equal(
        store_list_credentials(f->store, slice_str(account), f->arena, list, &count),
        ERR_OK);
    return count;
}

static void test_standby_credentials_are_put_replaced_listed_and_deleted(void **state)
{
    struct fixture *f = *state;
    struct store_credential *list = NULL;
    assert_int_equal(put_credential(f, "acc_a", "basic", "{}", false), ERR_NOT_FOUND);
    add_account(f, "acc_a", "t1");
    assert_int_equal(put_credential(f, "acc_a", "m2m", "{}", true), ERR_OK);
    assert_int_equal(put_credential(f, "acc_a", "basic", "{}", true), ERR_OK);
    assert_int_equal(put_credential(f, "acc_a", "basic", "{\"u\":1}", false), ERR_OK);

    assert_int_equal(list_credentials(f, "acc_a", &list), 2);
    assert_text(list[0].account, "acc_a");
    assert_text(list[0].scheme, "basic");
    assert_text(list[0].auth, "{\"u\":1}");
    assert_true(list[0].named);
    assert_false(list[0].proven);
    assert_text(list[1].scheme, "m2m");
    assert_true(list[1].proven);

    struct store_batch *batch = store_batch_new();
    store_prove_credential(batch, SLICE("acc_a"), SLICE("basic"), true);
    store_prove_credential(batch, SLICE("acc_a"), SLICE("none"), true);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(list_credentials(f, "acc_a", &list), 2);
    assert_true(list[0].proven);
    assert_text(list[0].auth, "{\"u\":1}");
    batch = store_batch_new();
    store_delete_credential(batch, SLICE("acc_a"), SLICE("m2m"));
    store_delete_credential(batch, SLICE("acc_a"), SLICE("m2m"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(list_credentials(f, "acc_a", &list), 1);
    batch = store_batch_new();
    store_delete_account(batch, SLICE("acc_a"));
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    assert_int_equal(list_credentials(f, "acc_a", &list), 0);
}

static struct store_secret boxed(const char *account, const char *field,
                                 const char *key_id, const char *sealed)
{
    return (struct store_secret){slice_str(account), slice_str(field),
                                 slice_str(key_id), slice_str(sealed)};
}

static void reseal(struct fixture *f, struct store_secret before,
                   struct store_secret after)
{
    struct store_batch *batch = store_batch_new();

    store_reseal_secret(batch, &before, &after);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
}

static void test_a_secret_is_resealed_only_while_it_is_what_was_read(void **state)
{
    struct fixture *f = *state;
    struct store_secret *list = NULL;
    add_account(f, "acc_a", "t1");
    add_secret(f, "acc_a", "f", "one");

    /* Other bytes, another key, a secret that is gone: each leaves what is there. */
    reseal(f, boxed("acc_a", "f", "k1", "old"), boxed("acc_a", "f", "k2", "worse"));
    reseal(f, boxed("acc_a", "f", "k0", "one"), boxed("acc_a", "f", "k2", "worse"));
    reseal(f, boxed("acc_a", "g", "k1", "one"), boxed("acc_a", "g", "k2", "worse"));
    assert_int_equal(list_secrets(f, "acc_a", &list), 1);
    assert_text(list[0].sealed, "one");
    assert_text(list[0].key_id, "k1");

    reseal(f, boxed("acc_a", "f", "k1", "one"), boxed("acc_a", "f", "k2", "two"));
    assert_int_equal(list_secrets(f, "acc_a", &list), 1);
    assert_text(list[0].sealed, "two");
    assert_text(list[0].key_id, "k2");
}

static void test_secrets_are_paged_over_all_accounts_and_counted_per_key(void **state)
{
    struct fixture *f = *state;
    struct store_secret *list = NULL, *rest = NULL;
    struct store_key_use *uses = NULL;
    size_t count = 0;
    assert_int_equal(store_count_secrets(f->store, f->arena, &uses, &count), ERR_OK);
    assert_int_equal(count, 0);
    add_account(f, "acc_a", "t1");
    add_account(f, "acc_b", "t2");
    add_secret(f, "acc_b", "a", "3");
    add_secret(f, "acc_a", "b", "2");
    add_secret(f, "acc_a", "a", "1");
    reseal(f, boxed("acc_b", "a", "k1", "3"), boxed("acc_b", "a", "k2", "4"));

    assert_int_equal(store_page_secrets(f->store, NULL, 2, f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_text(list[0].sealed, "1");
    assert_text(list[1].sealed, "2");
    assert_int_equal(store_page_secrets(f->store, &list[0], 9, f->arena, &rest, &count),
                     ERR_OK);
    assert_int_equal(count, 2);
    assert_text(rest[0].sealed, "2");
    assert_text(rest[1].account, "acc_b");
    assert_text(rest[1].key_id, "k2");
    assert_int_equal(store_page_secrets(f->store, &rest[1], 9, f->arena, &list, &count),
                     ERR_OK);
    assert_int_equal(count, 0);

    assert_int_equal(store_count_secrets(f->store, f->arena, &uses, &count), ERR_OK);
    assert_int_equal(count, 2);
    assert_text(uses[0].key_id, "k1");
    assert_int_equal(uses[0].secrets, 2);
    assert_int_equal(uses[0].accounts, 1);
    assert_text(uses[1].key_id, "k2");
    assert_int_equal(uses[1].secrets, 1);
    assert_int_equal(uses[1].accounts, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_secrets_are_put_replaced_listed_and_deleted),
        STORE_TEST(test_secrets_of_one_credential_go_alone),
        STORE_TEST(test_standby_credentials_are_put_replaced_listed_and_deleted),
        STORE_TEST(test_a_secret_is_resealed_only_while_it_is_what_was_read),
        STORE_TEST(test_secrets_are_paged_over_all_accounts_and_counted_per_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
