/* SPDX-License-Identifier: Apache-2.0 */
/* What only the file of a store can show: modes, damage, faults. */
#define _GNU_SOURCE /* memmem; NOLINT(bugprone-reserved-identifier) */
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store/store_world.h"

#define MANY 1000

static void reopen(struct fixture *f)
{
    store_close(f->store);
    f->store = NULL;
    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);
}

/* Overwrites bytes of the file, as a bad disk or another program would. */
static void patch(const char *path, off_t at, const void *bytes, size_t count)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, count, at), (ssize_t)count);
    close(fd);
}

static off_t size_of(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? info.st_size : -1;
}

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(in >= 0 && out >= 0);
    for (;;) {
        ssize_t count = read(in, bytes, sizeof bytes);
        assert_true(count >= 0);
        if (count == 0) {
            break;
        }
        assert_int_equal(write(out, bytes, (size_t)count), count);
    }
    close(in);
    close(out);
}

/* ---- The file ---- */

static void test_what_was_acknowledged_is_there_after_reopening(void **state)
{
    struct fixture *f = *state;
    struct store_account account;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);

    reopen(f);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &account),
                     ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
}

static void test_only_the_owner_may_read_the_files(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"", "-wal", "-shm"};
    mode_t before = umask(0);

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    umask(before);

    for (size_t i = 0; i < 3; i++) {
        char path[128];
        struct stat info;
        snprintf(path, sizeof path, "%s%s", f->path, names[i]);
        assert_int_equal(stat(path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
    }
}

static void test_a_file_that_others_may_read_is_closed_to_them(void **state)
{
    struct fixture *f = *state;
    struct stat info;
    store_close(f->store);
    f->store = NULL;
    assert_int_equal(chmod(f->path, 0644), 0);

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);

    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void test_a_newer_schema_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    static const unsigned char newer[] = {0, 0, 0, 200};
    unsigned char ours[sizeof newer];
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    store_close(f->store);
    f->store = NULL;
    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 60, SEEK_SET), 0); /* user_version */
    assert_int_equal(fread(ours, 1, sizeof ours, file), sizeof ours);
    fclose(file);
    patch(f->path, 60, newer, sizeof newer);

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_CONFLICT);
    assert_null(f->store);

    patch(f->path, 60, ours, sizeof ours);
    struct store_account account;
    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);
    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &account),
                     ERR_OK);
}

static void test_a_database_of_another_program_is_refused(void **state)
{
    struct fixture *f = *state;
    static const unsigned char other[] = {0x12, 0x34, 0x56, 0x78};
    store_close(f->store);
    f->store = NULL;
    patch(f->path, 68, other, sizeof other); /* application_id */

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_CONFLICT);
    assert_null(f->store);
}

static void test_a_file_that_is_no_database_is_an_io_error(void **state)
{
    struct fixture *f = *state;
    char garbage[8192];
    memset(garbage, 'g', sizeof garbage);
    int fd = open(f->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, garbage, sizeof garbage), sizeof garbage);
    close(fd);

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_IO);

    assert_null(f->store);
    assert_int_equal(size_of(f->path), sizeof garbage);
}

static void test_a_path_that_cannot_be_opened_is_an_io_error(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        store_open(f->loop, &f->log, "/tmp/no/such/folder/store.db", &f->store),
        ERR_IO);
    assert_int_equal(store_open(f->loop, &f->log, f->folder, &f->store), ERR_IO);
    assert_null(f->store);
}

/* Whether the page holds tables' definitions: without those the file is not opened at all. */
static bool is_of_schema(const char *path, off_t at)
{
    char page[4096];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fread(page, sizeof page, 1, file), 1);
    fclose(file);
    return slice_contains_nocase(slice_of(page, sizeof page), SLICE("CREATE "));
}

static void test_damaged_pages_are_io_errors_of_reads_and_writes(void **state)
{
    struct fixture *f = *state;
    struct store_account *list = NULL;
    size_t count = 0;
    char garbage[4096];
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "acc_%02d", i);
        assert_int_equal(put_account(f, id, "t1"), ERR_OK);
    }
    store_close(f->store); /* moves everything into the file */
    f->store = NULL;
    memset(garbage, 0xff, sizeof garbage);
    for (off_t at = 4096; at < size_of(f->path); at += 4096) {
        if (!is_of_schema(f->path, at)) {
            patch(f->path, at, garbage, sizeof garbage);
        }
    }

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);

    assert_int_equal(store_list_accounts(f->store, SLICE(""), SLICE(""), 100, f->arena,
                                         &list, &count),
                     ERR_IO);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_IO);
    assert_int_equal(put_account(f, "acc_new", "t1"), ERR_IO);
    assert_int_equal(store_check(f->store), ERR_IO);
}

static void test_a_file_cut_short_is_an_io_error(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    store_close(f->store);
    f->store = NULL;
    assert_int_equal(truncate(f->path, 2 * 4096), 0);

    enum err opened = store_open(f->loop, &f->log, f->path, &f->store);

    if (opened == ERR_OK) {
        struct store_account account;
        assert_int_equal(
            store_get_account(f->store, SLICE("acc_a"), f->arena, &account), ERR_IO);
    } else {
        assert_int_equal(opened, ERR_IO);
    }
}

static void test_a_file_that_was_moved_away_is_noticed(void **state)
{
    struct fixture *f = *state;
    char away[128];
    snprintf(away, sizeof away, "%s/away.db", f->folder);

    assert_int_equal(rename(f->path, away), 0);

    assert_int_equal(store_check(f->store), ERR_IO);
    assert_int_equal(put_account(f, "acc_a", "t1"),
                     ERR_IO); /* the next start forgot it */
    assert_int_equal(rename(away, f->path), 0);
    assert_int_equal(store_check(f->store), ERR_OK);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
}

static void test_a_file_that_was_replaced_is_not_written_on(void **state)
{
    struct fixture *f = *state;
    char away[128];
    snprintf(away, sizeof away, "%s/away.db", f->folder);

    assert_int_equal(rename(f->path, away), 0);
    int fd = open(f->path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);

    assert_int_equal(store_check(f->store), ERR_IO);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_IO);
}

/* As a server leaves it that is killed: the last connection did not clean up. */
static void test_what_a_killed_server_left_in_the_log_is_written_back(void **state)
{
    struct fixture *f = *state;
    char copy[128], wal[128], copied_wal[136];
    struct store *second = NULL;
    struct store_account got;
    snprintf(copy, sizeof copy, "%s/copy.db", f->folder);
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    snprintf(copied_wal, sizeof copied_wal, "%s-wal", copy);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    copy_file(f->path, copy);
    copy_file(wal, copied_wal);
    assert_true(size_of(copied_wal) > 0);

    assert_int_equal(store_open(f->loop, &f->log, copy, &second), ERR_OK);

    assert_int_equal(size_of(copied_wal), 0);
    assert_int_equal(store_get_account(second, SLICE("acc_a"), f->arena, &got), ERR_OK);
    store_close(second);
}

/* What another connection has written is told from what was seen before. */
static void test_a_watched_store_counts_writes_of_others(void **state)
{
    struct fixture *f = *state;
    struct store *other = NULL;
    struct store_account got;

    assert_int_equal(store_generation(f->store), 0);
    assert_int_equal(store_open(f->loop, &f->log, f->path, &other), ERR_OK);
    store_watch(other);
    uint64_t before = store_generation(other);
    loop_run_once(f->loop); /* the turn's snapshot ends */
    assert_int_equal(store_generation(other), before);

    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    loop_run_once(f->loop);
    assert_int_not_equal(store_generation(other), before);
    assert_int_equal(store_get_account(other, SLICE("acc_a"), f->arena, &got), ERR_OK);
    assert_int_equal(store_generation(f->store), 0);
    store_close(other);
}

/* ---- The writer ---- */

static void test_writes_that_wait_share_one_transaction(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack[MANY + 1];
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    off_t before = size_of(wal);

    /* The writer waits for somebody else's lock while the others come in behind the first. */
    sqlite3 *other = NULL;
    assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
                     SQLITE_OK);
    struct store_batch *slow = store_batch_new();
    store_put_tenant(slow, &(struct store_tenant){SLICE("slow"), 1});
    ack[MANY] = (struct ack){.acks = &acks};
    store_commit(f->store, slow, on_done, &ack[MANY]);
    for (int i = 0; i < MANY; i++) {
        struct store_batch *batch = store_batch_new();
        store_put_lane(
            batch, &(struct store_lane){SLICE("l1"), i, SLICE_EMPTY},
            &(struct store_lane){SLICE("l1"), i > 0 ? i - 1 : 0, SLICE_EMPTY});
        ack[i] = (struct ack){.acks = &acks, .number = i + 1};
        store_commit(f->store, batch, on_done, &ack[i]);
    }
    assert_int_equal(sqlite3_close(other), SQLITE_OK); /* which ends its transaction */
    loop_run(f->loop);

    /* A transaction of its own for each would be a page of the log file each: 4 MB. */
    assert_int_equal(acks.count, MANY + 1);
    assert_int_equal(acks.refused, 0);
    assert_true(size_of(wal) - before < 400 * 1024);
}

static void test_closing_waits_for_writes_but_runs_no_callback(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.last = -1, .in_order = true, .f = f};
    struct ack ack[100];
    struct store_tenant *list = NULL;
    size_t count = 0;
    for (int i = 0; i < 100; i++) {
        char id[16];
        struct store_batch *batch = store_batch_new();
        snprintf(id, sizeof id, "t%03d", i);
        store_put_tenant(batch, &(struct store_tenant){slice_str(id), i});
        ack[i] = (struct ack){.acks = &acks, .number = i};
        store_commit(f->store, batch, on_done, &ack[i]);
    }

    store_close(f->store);
    f->store = NULL;
    loop_run(f->loop);

    assert_int_equal(acks.count, 0);
    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);
    assert_int_equal(store_list_tenants(f->store, f->arena, &list, &count), ERR_OK);
    assert_int_equal(count, 100);
}

static void on_done_close(void *ctx, enum err err)
{
    struct acks *acks = ctx;

    assert_int_equal(err, ERR_OK);
    acks->count++;
    store_close(acks->f->store);
    acks->f->store = NULL;
}

static void test_a_callback_may_close_the_store(void **state)
{
    struct fixture *f = *state;
    struct acks acks = {.f = f};
    for (int i = 0; i < 10; i++) {
        struct store_batch *batch = store_batch_new();
        store_put_tenant(batch, &(struct store_tenant){SLICE("t1"), i});
        store_commit(f->store, batch, on_done_close, &acks);
    }

    loop_run(f->loop);

    assert_int_equal(acks.count, 1);
    assert_null(f->store);
}

static void test_a_disk_that_refuses_loses_the_batch_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct rlimit before, small;
    struct store_account account = account_like("acc_big", "t1"), got;
    char wal[128];
    size_t bytes = (size_t)1024 * 1024;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    char *big = test_malloc(bytes);
    memset(big, 'b', bytes);
    account.overrides = slice_of(big, bytes);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = (rlim_t)size_of(wal) + 64 * 1024;

    struct store_batch *batch = store_batch_new();
    store_insert_account(batch, &account);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    enum err refused = store_commit_now(f->store, batch);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_int_equal(refused, ERR_IO);
    assert_int_equal(store_get_account(f->store, SLICE("acc_big"), f->arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &got),
                     ERR_OK);
    assert_int_equal(put_account(f, "acc_b", "t1"), ERR_OK);
    assert_int_equal(store_get_account(f->store, SLICE("acc_b"), f->arena, &got),
                     ERR_OK);
    test_free(big);
}

/* ---- What is left in the files ---- */

static bool file_has(const char *path, const char *marker)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = size_of(path);

    if (fd < 0 || size <= 0) {
        return false;
    }
    char *bytes = test_malloc((size_t)size);
    assert_int_equal(read(fd, bytes, (size_t)size), size);
    bool has = memmem(bytes, (size_t)size, marker, strlen(marker)) != NULL;
    test_free(bytes);
    close(fd);
    return has;
}

static void test_a_deleted_secret_is_in_no_file(void **state)
{
    struct fixture *f = *state;
    const char *marker = "sealed-bytes-that-must-not-linger";
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", f->path);
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_secret(f, "acc_a", "token_id", marker), ERR_OK);
    assert_true(file_has(f->path, marker) || file_has(wal, marker));

    struct store_batch *batch = store_batch_new();
    store_delete_secrets(batch, SLICE("acc_a"), SLICE_EMPTY);
    assert_int_equal(store_commit_now(f->store, batch), ERR_OK);
    reopen(f); /* the log file is emptied after the answer: wait for that */

    assert_false(file_has(f->path, marker));
    assert_false(file_has(wal, marker));
}

static void run_sql(struct fixture *f, const char *sql)
{
    char command[512];

    snprintf(command, sizeof command, "sqlite3 %s \"%s\"", f->path, sql);
    assert_int_equal(system(command), 0);
}

static void test_a_token_needs_both_of_its_entries(void **state)
{
    struct fixture *f = *state;
    if (system("command -v sqlite3 >/dev/null") != 0) {
        print_message("skipped: needs the program sqlite3 to damage one entry\n");
        skip();
    }
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_b", "acc_a", 'b', 0), ERR_OK);
    assert_int_equal(put_server(f, "mcp_c", "acc_a", 'c', 0), ERR_OK);

    run_sql(f, "DELETE FROM server_token WHERE server = 'mcp_a'");
    run_sql(f, "UPDATE server_token SET expires_ms = 1 WHERE server = 'mcp_b'");
    run_sql(f, "UPDATE url_token SET expires_ms = 1 WHERE server = 'mcp_c'");

    assert_int_equal(find(f, 'a', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'b', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'c', NOW_MS), ERR_NOT_FOUND);
    assert_int_equal(find(f, 'b', 0), ERR_OK);
    assert_int_equal(find(f, 'c', 0), ERR_OK);
}

static void test_a_store_of_the_first_schema_is_brought_up_to_date(void **state)
{
    struct fixture *f = *state;
    if (system("command -v sqlite3 >/dev/null") != 0) {
        print_message("skipped: needs the program sqlite3 to make an old file\n");
        skip();
    }
    struct store_account account;
    struct store_environment environment;
    assert_int_equal(put_account(f, "acc_a", "t1"), ERR_OK);
    assert_int_equal(put_server(f, "mcp_a", "acc_a", 'a', 0), ERR_OK);
    store_close(f->store);
    f->store = NULL;
    run_sql(f, TO_STEP_12);
    run_sql(f,
            "DROP TABLE connect_session; DROP TABLE oauth_grant; DROP TABLE "
            "webhook_delivery; DROP TABLE"
            " webhook_endpoint; ALTER TABLE account DROP COLUMN reauth_url;"
            " DROP TABLE credential; ALTER TABLE account DROP COLUMN named;"
            " DROP INDEX secret_by_key; DROP TABLE environment; ALTER TABLE url_token "
            "DROP COLUMN retired;"
            " ALTER TABLE lane DROP COLUMN reserve;"
            " ALTER TABLE server_token DROP COLUMN retired; PRAGMA user_version = 1");

    run_sql(f, "DROP TABLE login_user; DROP TABLE certificate_warning");

    assert_int_equal(store_open(f->loop, &f->log, f->path, &f->store), ERR_OK);

    assert_int_equal(store_get_account(f->store, SLICE("acc_a"), f->arena, &account),
                     ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS), ERR_OK);
    assert_int_equal(rotate(f, "mcp_a", 'b', NOW_MS + 5), ERR_OK);
    assert_int_equal(find(f, 'a', NOW_MS + 5), ERR_NOT_FOUND);
    assert_int_equal(
        store_get_environment(f->store, SLICE("x"), f->arena, &environment),
        ERR_NOT_FOUND);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_what_was_acknowledged_is_there_after_reopening),
        FILE_TEST(test_only_the_owner_may_read_the_files),
        STORE_TEST(test_a_file_that_others_may_read_is_closed_to_them),
        STORE_TEST(test_a_newer_schema_is_refused_and_left_alone),
        STORE_TEST(test_a_store_of_the_first_schema_is_brought_up_to_date),
        STORE_TEST(test_a_database_of_another_program_is_refused),
        FILE_TEST(test_a_file_that_is_no_database_is_an_io_error),
        FILE_TEST(test_a_path_that_cannot_be_opened_is_an_io_error),
        STORE_TEST(test_damaged_pages_are_io_errors_of_reads_and_writes),
        STORE_TEST(test_a_file_cut_short_is_an_io_error),
        STORE_TEST(test_a_file_that_was_moved_away_is_noticed),
        STORE_TEST(test_a_file_that_was_replaced_is_not_written_on),
        STORE_TEST(test_what_a_killed_server_left_in_the_log_is_written_back),
        STORE_TEST(test_a_watched_store_counts_writes_of_others),
        STORE_TEST(test_writes_that_wait_share_one_transaction),
        STORE_TEST(test_closing_waits_for_writes_but_runs_no_callback),
        STORE_TEST(test_a_callback_may_close_the_store),
        STORE_TEST(test_a_disk_that_refuses_loses_the_batch_and_nothing_else),
        STORE_TEST(test_a_deleted_secret_is_in_no_file),
        STORE_TEST(test_a_token_needs_both_of_its_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
