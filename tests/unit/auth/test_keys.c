/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: what is taken, what is refused and why, and what is made. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/unit/auth/world.h"

#include "auth/principal.h"
#include "auth/vault.h"

static bool has(struct slice text, const char *part)
{
    char copy[512];

    assert_true(text.len < sizeof copy);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return strstr(copy, part) != NULL;
}

static void write_file(struct world *w, const char *text, mode_t mode)
{
    int fd = open(w->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);

    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* The sentence, after a refusal that is checked. */
static struct slice refused(struct world *w, const char *json)
{
    struct keys *keys = NULL;
    struct slice problem = SLICE_EMPTY;

    assert_int_equal(keys_parse(slice_str(json), w->arena, &keys, &problem),
                     ERR_UNPROCESSABLE);
    assert_null(keys);
    assert_true(problem.len > 0);
    assert_false(has(problem, "0a1b2c"));
    assert_false(has(problem, "ffeedd"));
    return problem;
}

static void test_a_file_of_the_owner_alone_is_loaded(void **state)
{
    struct world *w = *state;
    static const mode_t modes[] = {0600, 0400};

    for (size_t i = 0; i < 2; i++) {
        struct keys *keys = NULL;
        struct slice problem = SLICE_EMPTY;
        write_file(w, TWO_KEYS, modes[i]);
        assert_int_equal(keys_load(w->path, w->arena, &keys, &problem), ERR_OK);
        assert_non_null(keys);
        keys_free(keys);
        assert_int_equal(unlink(w->path), 0);
    }
    keys_free(NULL);
}

static void test_a_file_that_others_may_read_is_refused_with_the_way_out(void **state)
{
    struct world *w = *state;
    static const mode_t modes[] = {0644, 0640, 0604, 0620, 0602, 0601};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct keys *keys = NULL;
        struct slice problem = SLICE_EMPTY;
        write_file(w, ONE_KEY, modes[i]);
        assert_int_equal(keys_load(w->path, w->arena, &keys, &problem),
                         ERR_POLICY_DENIED);
        assert_null(keys);
        assert_true(has(problem, "chmod 600"));
        assert_true(has(problem, w->path));
        assert_int_equal(unlink(w->path), 0);
    }
}

static void test_a_missing_file_is_not_found_and_named(void **state)
{
    struct world *w = *state;
    struct keys *keys = NULL;
    struct slice problem = SLICE_EMPTY;

    assert_int_equal(keys_load(w->path, w->arena, &keys, &problem), ERR_NOT_FOUND);

    assert_null(keys);
    assert_true(has(problem, w->path));
}

static void test_a_file_past_its_ceiling_is_refused(void **state)
{
    struct world *w = *state;
    struct keys *keys = NULL;
    struct slice problem = SLICE_EMPTY;
    size_t bytes = 200 * 1024;
    char *text = test_malloc(bytes + 1);
    memset(text, ' ', bytes);
    text[bytes] = '\0';
    memcpy(text, ONE_KEY, strlen(ONE_KEY));
    write_file(w, text, 0600);
    test_free(text);

    assert_int_equal(keys_load(w->path, w->arena, &keys, &problem), ERR_UNPROCESSABLE);

    assert_null(keys);
    assert_true(problem.len > 0);
}

static void test_what_is_no_object_of_keys_is_refused(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = {
        "",
        "[]",
        "null",
        "{",
        "{}",
        ONE_KEY "x",
        "{\"signing_key\":\"" HEX_A "\"}",
        "{\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B "\"}]}",
        "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":[]}",
        "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":{}}",
        "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":[7]}",
        "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":[{\"id\":\"k1\"}]}",
        "{\"signing_key\":\"" HEX_A "\",\"vault_keys\":[{\"key\":\"" HEX_B "\"}]}",
        "{\"signing_key\":\"" HEX_A "\",\"signing_key\":\"" HEX_A
        "\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B "\"}]}",
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        refused(w, texts[i]);
    }
}

static void test_a_key_is_exactly_64_hex_digits(void **state)
{
    struct world *w = *state;
    static const char *const wrong[] = {"",
                                        "0a",
                                        HEX_A "00",
                                        HEX_A "0",
                                        "zz1b2c3d4e5f60718293a4b5c6d7e8f9"
                                        "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
                                        " a1b2c3d4e5f60718293a4b5c6d7e8f9"
                                        "0a1b2c3d4e5f60718293a4b5c6d7e8f9"};
    char json[512];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(
            json, sizeof json,
            "{\"signing_key\":\"%s\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B
            "\"}]}",
            wrong[i]);
        assert_true(has(refused(w, json), "signing_key"));
        snprintf(json, sizeof json,
                 "{\"signing_key\":\"" HEX_A
                 "\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"%s\"}]}",
                 wrong[i]);
        assert_true(has(refused(w, json), "vault_keys"));
    }
}

static void test_ids_of_vault_keys_are_short_and_differ(void **state)
{
    struct world *w = *state;

    assert_true(has(refused(w, "{\"signing_key\":\"" HEX_A
                               "\",\"vault_keys\":[{\"id\":\"k1\",\"key\":\"" HEX_B
                               "\"},{\"id\":\"k1\",\"key\":\"" HEX_C "\"}]}"),
                    "vault_keys"));
    refused(w, "{\"signing_key\":\"" HEX_A
               "\",\"vault_keys\":[{\"id\":\"\",\"key\":\"" HEX_B "\"}]}");
    refused(w, "{\"signing_key\":\"" HEX_A
               "\",\"vault_keys\":[{\"id\":\"k23456789012345678901234567890123\","
               "\"key\":\"" HEX_B "\"}]}");
}

static void test_a_nul_in_the_text_is_refused(void **state)
{
    struct world *w = *state;
    struct keys *keys = NULL;
    struct slice problem = SLICE_EMPTY;
    char text[] = ONE_KEY "#tail";
    text[sizeof ONE_KEY - 1] = '\0';

    assert_int_equal(
        keys_parse(slice_of(text, sizeof text - 1), w->arena, &keys, &problem),
        ERR_UNPROCESSABLE);
    assert_null(keys);
}

static void test_generated_keys_load_are_private_and_differ(void **state)
{
    struct world *w = *state;
    struct stat info;
    struct keys *first = NULL, *second = NULL;
    struct slice problem = SLICE_EMPTY;
    mode_t before = umask(0);

    assert_int_equal(keys_generate(w->path), ERR_OK);
    umask(before);
    assert_int_equal(stat(w->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(keys_load(w->path, w->arena, &first, &problem), ERR_OK);
    assert_int_equal(unlink(w->path), 0);
    assert_int_equal(keys_generate(w->path), ERR_OK);
    assert_int_equal(keys_load(w->path, w->arena, &second, &problem), ERR_OK);

    /* What the first seals or signs, the second does not know. */
    struct vault *sealer = vault_new(first), *opener = vault_new(second);
    struct secret *plain = secret_new(SLICE("text")), *opened = NULL;
    struct store_secret sealed;
    struct slice text, back;
    assert_int_equal(
        vault_seal(sealer, SLICE("acc_a"), SLICE("f"), plain, w->arena, &sealed),
        ERR_OK);
    assert_int_equal(vault_open(opener, &sealed, &opened), ERR_INTERNAL);
    assert_null(opened);
    assert_int_equal(vault_wrap(sealer, SLICE("b"), SLICE("t"), w->arena, &text),
                     ERR_OK);
    assert_int_equal(vault_unwrap(opener, SLICE("b"), text, w->arena, &back),
                     ERR_INVALID_ARGUMENTS);
    secret_free(plain);
    vault_free(sealer);
    vault_free(opener);
    keys_free(first);
    keys_free(second);
}

static void test_an_existing_file_is_never_written_over(void **state)
{
    struct world *w = *state;
    char got[8] = {0};
    write_file(w, "keep", 0600);

    assert_int_equal(keys_generate(w->path), ERR_CONFLICT);

    int fd = open(w->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, got, sizeof got), 4);
    close(fd);
    assert_string_equal(got, "keep");
}

static void test_a_folder_that_is_not_there_is_an_io_error(void **state)
{
    struct world *w = *state;
    char path[96];
    snprintf(path, sizeof path, "%s/none/keys.json", w->folder);

    assert_int_equal(keys_generate(path), ERR_IO);
}

/* ---- Changing the list ---- */

static void test_an_added_key_seals_and_a_removed_one_is_gone(void **state)
{
    struct world *w = *state;
    struct keys *before = NULL, *after = NULL;
    struct slice problem = SLICE_EMPTY;
    struct stat info;
    char draft[96];
    snprintf(draft, sizeof draft, "%s.new", w->path);
    assert_int_equal(keys_generate(w->path), ERR_OK);
    assert_int_equal(keys_load(w->path, w->arena, &before, &problem), ERR_OK);
    int left =
        open(draft, O_CREAT | O_WRONLY | O_CLOEXEC, 0644); /* by a killed change */
    assert_true(left >= 0);
    close(left);

    assert_int_equal(keys_add(w->path, w->arena, &problem), ERR_OK);

    assert_int_equal(stat(draft, &info), -1);
    assert_int_equal(stat(w->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(keys_load(w->path, w->arena, &after, &problem), ERR_OK);
    assert_int_equal(keys_count(after), 2);
    assert_text(keys_id(after, 0), "k1");
    struct slice added = arena_slice(w->arena, keys_sealing_id(after));
    assert_false(slice_is(added, "k1"));
    assert_int_equal(keys_take(before, after),
                     ERR_OK); /* the signing key is the same */
    assert_true(keys_has(before, added));

    assert_int_equal(keys_remove(w->path, added, w->arena, &problem), ERR_CONFLICT);
    assert_int_equal(keys_remove(w->path, SLICE("k7"), w->arena, &problem),
                     ERR_NOT_FOUND);
    assert_int_equal(keys_remove(w->path, SLICE("k1"), w->arena, &problem), ERR_OK);
    assert_int_equal(keys_load(w->path, w->arena, &after, &problem), ERR_OK);
    assert_int_equal(keys_count(after), 1);
    assert_true(slice_eq(keys_sealing_id(after), added));
    keys_free(after);
    keys_free(before);
}

static void test_keys_of_another_signing_key_are_not_taken(void **state)
{
    struct world *w = *state;
    struct keys *other = NULL;
    struct slice problem = SLICE_EMPTY;
    struct slice before = arena_slice(w->arena, keys_sealing_id(w->keys));
    assert_int_equal(keys_generate(w->path), ERR_OK);
    assert_int_equal(keys_load(w->path, w->arena, &other, &problem), ERR_OK);

    assert_int_equal(keys_take(w->keys, other), ERR_CONFLICT);

    assert_int_equal(keys_count(w->keys), 1);
    assert_true(slice_eq(keys_sealing_id(w->keys), before));
}

static void test_an_odd_id_survives_a_change(void **state)
{
    struct world *w = *state;
    struct keys *keys = NULL;
    struct slice problem = SLICE_EMPTY;
    char text[512];
    snprintf(text, sizeof text,
             "{\"signing_key\":\"%064d\",\"vault_keys\":[{\"id\":\"a\\\"\\\\\\n"
             "\u00e9\",\"key\":\"%064d\"}]}",
             1, 2);
    write_file(w, text, 0600);

    assert_int_equal(keys_add(w->path, w->arena, &problem), ERR_OK);

    assert_int_equal(keys_load(w->path, w->arena, &keys, &problem), ERR_OK);
    assert_text(keys_id(keys, 0), "a\"\\\n\u00e9");
    keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_a_file_of_the_owner_alone_is_loaded),
        IN_WORLD(test_a_file_that_others_may_read_is_refused_with_the_way_out),
        IN_WORLD(test_a_missing_file_is_not_found_and_named),
        IN_WORLD(test_a_file_past_its_ceiling_is_refused),
        IN_WORLD(test_what_is_no_object_of_keys_is_refused),
        IN_WORLD(test_a_key_is_exactly_64_hex_digits),
        IN_WORLD(test_ids_of_vault_keys_are_short_and_differ),
        IN_WORLD(test_a_nul_in_the_text_is_refused),
        IN_WORLD(test_generated_keys_load_are_private_and_differ),
        IN_WORLD(test_an_existing_file_is_never_written_over),
        IN_WORLD(test_a_folder_that_is_not_there_is_an_io_error),
        IN_WORLD(test_an_added_key_seals_and_a_removed_one_is_gone),
        IN_WORLD(test_keys_of_another_signing_key_are_not_taken),
        IN_WORLD(test_an_odd_id_survives_a_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
