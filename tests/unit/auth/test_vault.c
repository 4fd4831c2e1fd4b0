/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: only the same account, field and key open a box, and only an unchanged one.
 */
#include "tests/unit/auth/world.h"

#include "auth/vault.h"
#include "base/limits.h"

struct sealing {
    struct vault *vault;
    struct store_secret box;
};

static struct sealing seal(struct world *w, const char *account, const char *field,
                           struct slice text)
{
    struct sealing sealing = {.vault = vault_new(w->keys)};
    struct secret *plain = secret_new(text);

    assert_int_equal(vault_seal(sealing.vault, slice_str(account), slice_str(field),
                                plain, w->arena, &sealing.box),
                     ERR_OK);
    secret_free(plain);
    return sealing;
}

static void assert_opens_as(struct vault *vault, const struct store_secret *box,
                            struct slice text)
{
    struct secret *expected = secret_new(text), *got = NULL;

    assert_int_equal(vault_open(vault, box, &got), ERR_OK);
    assert_true(secret_equal(expected, got));
    secret_free(expected);
    secret_free(got);
}

static void assert_stays_shut(struct vault *vault, const struct store_secret *box)
{
    struct secret *got = NULL;

    assert_int_equal(vault_open(vault, box, &got), ERR_INTERNAL);
    assert_null(got);
}

static void test_what_was_sealed_opens_again(void **state)
{
    struct world *w = *state;
    char *large = test_malloc(LIMIT_SECRET_BYTES);
    memset(large, 'x', LIMIT_SECRET_BYTES);
    const struct slice texts[] = {SLICE("token"), SLICE("\0\xff\n"), SLICE("a"),
                                  slice_of(large, LIMIT_SECRET_BYTES)};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct sealing s = seal(w, "acc_a", "token_secret", texts[i]);
        assert_text(s.box.account, "acc_a");
        assert_text(s.box.field, "token_secret");
        assert_text(s.box.key_id, "k1");
        assert_int_equal(s.box.sealed.len, texts[i].len + 12 + 16);
        assert_opens_as(s.vault, &s.box, texts[i]);
        vault_free(s.vault);
    }
    vault_free(NULL);
    test_free(large);
}

static void test_a_secret_past_the_ceiling_is_not_sealed(void **state)
{
    struct world *w = *state;
    struct vault *vault = vault_new(w->keys);
    struct secret *plain = secret_random(LIMIT_SECRET_BYTES + 1);
    struct store_secret box;

    assert_int_equal(
        vault_seal(vault, SLICE("acc_a"), SLICE("f"), plain, w->arena, &box),
        ERR_TOO_LARGE);
    secret_free(plain);
    vault_free(vault);
}

static void test_the_text_does_not_stand_in_the_box_and_no_box_comes_twice(void **state)
{
    struct world *w = *state;
    struct slice text = SLICE("a-text-that-would-be-seen");
    struct sealing one = seal(w, "acc_a", "f", text), two = seal(w, "acc_a", "f", text);

    for (size_t i = 0; i + text.len <= one.box.sealed.len; i++) {
        assert_false(slice_starts(slice_from(one.box.sealed, i), text));
    }
    assert_false(slice_eq(one.box.sealed, two.box.sealed));
    assert_false(
        slice_eq(slice_of(one.box.sealed.ptr, 12), slice_of(two.box.sealed.ptr, 12)));
    vault_free(one.vault);
    vault_free(two.vault);
}

static void test_a_box_with_any_bit_changed_stays_shut(void **state)
{
    struct world *w = *state;
    struct sealing s = seal(w, "acc_a", "f", SLICE("secret"));

    for (size_t bit = 0; bit < 8 * s.box.sealed.len; bit++) {
        struct store_secret changed = s.box;
        char *bytes = arena_copy(w->arena, s.box.sealed);
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        changed.sealed = slice_of(bytes, s.box.sealed.len);
        assert_stays_shut(s.vault, &changed);
    }
    assert_opens_as(s.vault, &s.box, SLICE("secret"));
    vault_free(s.vault);
}

static void test_a_box_of_another_length_stays_shut(void **state)
{
    struct world *w = *state;
    struct sealing s = seal(w, "acc_a", "f", SLICE("secret"));

    for (size_t len = 0; len < s.box.sealed.len; len++) {
        struct store_secret cut = s.box;
        cut.sealed = slice_of(s.box.sealed.ptr, len);
        assert_stays_shut(s.vault, &cut);
    }
    struct store_secret longer = s.box;
    longer.sealed = arena_printf(w->arena, "%*s", 200000, "");
    assert_stays_shut(s.vault, &longer);
    vault_free(s.vault);
}

static void test_a_box_is_bound_to_its_account_and_field(void **state)
{
    struct world *w = *state;
    struct sealing s = seal(w, "acc_ab", "cd", SLICE("secret"));
    static const char *const others[][2] = {
        {"acc_ac", "cd"}, {"acc_ab", "ce"}, {"acc_a", "bcd"}, {"acc_abc", "d"},
        {"cd", "acc_ab"}, {"", "acc_abcd"}, {"acc_ab", ""},   {"acc_ab 2:cd", ""}};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct store_secret moved = s.box;
        moved.account = slice_str(others[i][0]);
        moved.field = slice_str(others[i][1]);
        assert_stays_shut(s.vault, &moved);
    }
    vault_free(s.vault);
}

static void test_the_last_key_seals_and_all_open(void **state)
{
    struct world *w = *state;
    struct keys *both = keys_of(w, TWO_KEYS);
    struct vault *vault = vault_new(both);
    struct sealing old = seal(w, "acc_a", "f", SLICE("old"));
    struct secret *plain = secret_new(SLICE("new")), *got = NULL;
    struct store_secret fresh;

    assert_int_equal(
        vault_seal(vault, SLICE("acc_a"), SLICE("f"), plain, w->arena, &fresh), ERR_OK);

    assert_text(fresh.key_id, "k2");
    assert_opens_as(vault, &fresh, SLICE("new"));
    assert_opens_as(vault, &old.box, SLICE("old"));
    /* Without that key it is said to be missing, not damaged. */
    assert_int_equal(vault_open(old.vault, &fresh, &got), ERR_NOT_FOUND);
    assert_null(got);
    /* Sealed anew it is the same value under the new key; what is new already stays. */
    struct store_secret renewed, same;
    assert_int_equal(vault_renew(vault, &old.box, w->arena, &renewed), ERR_OK);
    assert_text(renewed.key_id, "k2");
    assert_opens_as(vault, &renewed, SLICE("old"));
    assert_int_equal(vault_renew(vault, &renewed, w->arena, &same), ERR_OK);
    assert_true(slice_eq(same.sealed, renewed.sealed));
    assert_int_equal(vault_renew(old.vault, &fresh, w->arena, &same), ERR_NOT_FOUND);
    /* Another key's name does not help. */
    struct store_secret renamed = old.box;
    renamed.key_id = SLICE("k2");
    assert_stays_shut(vault, &renamed);
    secret_free(plain);
    vault_free(vault);
    vault_free(old.vault);
    keys_free(both);
}

/* ---- Texts that leave and come back ---- */

static void test_a_wrapped_text_comes_back_for_what_it_was_bound_to(void **state)
{
    struct world *w = *state;
    struct vault *vault = vault_new(w->keys);
    struct slice text, again, plain;

    assert_int_equal(
        vault_wrap(vault, SLICE("mcp_a|list"), SLICE("offset=25"), w->arena, &text),
        ERR_OK);
    assert_int_equal(
        vault_wrap(vault, SLICE("mcp_a|list"), SLICE("offset=25"), w->arena, &again),
        ERR_OK);

    assert_false(slice_eq(text, again));
    for (size_t i = 0; i < text.len; i++) {
        assert_non_null(strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                               "0123456789-_",
                               text.ptr[i]));
    }
    assert_int_equal(vault_unwrap(vault, SLICE("mcp_a|list"), text, w->arena, &plain),
                     ERR_OK);
    assert_text(plain, "offset=25");
    assert_int_equal(vault_unwrap(vault, SLICE("mcp_b|list"), text, w->arena, &plain),
                     ERR_INVALID_ARGUMENTS);
    assert_int_equal(vault_unwrap(vault, SLICE(""), text, w->arena, &plain),
                     ERR_INVALID_ARGUMENTS);
    vault_free(vault);
}

static void test_an_empty_text_can_be_wrapped(void **state)
{
    struct world *w = *state;
    struct vault *vault = vault_new(w->keys);
    struct slice text, plain;

    assert_int_equal(vault_wrap(vault, SLICE(""), SLICE(""), w->arena, &text), ERR_OK);

    assert_int_equal(vault_unwrap(vault, SLICE(""), text, w->arena, &plain), ERR_OK);
    assert_int_equal(plain.len, 0);
    vault_free(vault);
}

static void test_a_wrapped_text_with_any_character_changed_is_refused(void **state)
{
    struct world *w = *state;
    struct vault *vault = vault_new(w->keys);
    struct slice text, plain;
    assert_int_equal(vault_wrap(vault, SLICE("b"), SLICE("abcd"), w->arena, &text),
                     ERR_OK);

    for (size_t at = 0; at < text.len; at++) {
        /* Every byte, so that no second spelling of the last one is taken either. */
        for (int byte = 0; byte < 256; byte++) {
            char *copy = arena_copy(w->arena, text);
            copy[at] = (char)byte;
            if (copy[at] != text.ptr[at]) {
                assert_int_equal(vault_unwrap(vault, SLICE("b"),
                                              slice_of(copy, text.len), w->arena,
                                              &plain),
                                 ERR_INVALID_ARGUMENTS);
            }
        }
    }
    vault_free(vault);
}

static void test_what_was_never_wrapped_is_refused(void **state)
{
    struct world *w = *state;
    struct vault *vault = vault_new(w->keys);
    struct slice text, plain;
    static const char *const wrong[] = {
        "", "A", "AA", "not base64!", "====", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
    assert_int_equal(vault_wrap(vault, SLICE("b"), SLICE("abc"), w->arena, &text),
                     ERR_OK);

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(
            vault_unwrap(vault, SLICE("b"), slice_str(wrong[i]), w->arena, &plain),
            ERR_INVALID_ARGUMENTS);
    }
    for (size_t len = 0; len < text.len; len++) {
        assert_int_equal(
            vault_unwrap(vault, SLICE("b"), slice_of(text.ptr, len), w->arena, &plain),
            ERR_INVALID_ARGUMENTS);
    }
    struct slice longer =
        arena_printf(w->arena, "%.*s%.*s", SLICE_ARG(text), SLICE_ARG(text));
    assert_int_equal(vault_unwrap(vault, SLICE("b"), longer, w->arena, &plain),
                     ERR_INVALID_ARGUMENTS);
    struct slice padded = arena_printf(w->arena, "%.*s=", SLICE_ARG(text));
    assert_int_equal(vault_unwrap(vault, SLICE("b"), padded, w->arena, &plain),
                     ERR_INVALID_ARGUMENTS);
    vault_free(vault);
}

static void
test_a_wrapped_text_needs_the_same_signing_key_and_no_vault_key(void **state)
{
    struct world *w = *state;
    struct keys *rotated = keys_of(w, TWO_KEYS), *other = keys_of(w, OTHER_SIGNING_KEY);
    struct vault *vault = vault_new(w->keys), *later = vault_new(rotated),
                 *stranger = vault_new(other);
    struct slice text, plain;
    assert_int_equal(vault_wrap(vault, SLICE("b"), SLICE("abc"), w->arena, &text),
                     ERR_OK);

    assert_int_equal(vault_unwrap(later, SLICE("b"), text, w->arena, &plain), ERR_OK);
    assert_text(plain, "abc");
    assert_int_equal(vault_unwrap(stranger, SLICE("b"), text, w->arena, &plain),
                     ERR_INVALID_ARGUMENTS);
    vault_free(vault);
    vault_free(later);
    vault_free(stranger);
    keys_free(rotated);
    keys_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_what_was_sealed_opens_again),
        IN_WORLD(test_a_secret_past_the_ceiling_is_not_sealed),
        IN_WORLD(test_the_text_does_not_stand_in_the_box_and_no_box_comes_twice),
        IN_WORLD(test_a_box_with_any_bit_changed_stays_shut),
        IN_WORLD(test_a_box_of_another_length_stays_shut),
        IN_WORLD(test_a_box_is_bound_to_its_account_and_field),
        IN_WORLD(test_the_last_key_seals_and_all_open),
        IN_WORLD(test_a_wrapped_text_comes_back_for_what_it_was_bound_to),
        IN_WORLD(test_an_empty_text_can_be_wrapped),
        IN_WORLD(test_a_wrapped_text_with_any_character_changed_is_refused),
        IN_WORLD(test_what_was_never_wrapped_is_refused),
        IN_WORLD(test_a_wrapped_text_needs_the_same_signing_key_and_no_vault_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
