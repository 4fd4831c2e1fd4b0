/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that writes. It takes all batches that wait (up to a group) into one
 * transaction, so that many writers share one sync of the disk.
 *
 * Invariants
 *  1. A batch is on one list at a time: the queue, the group under way, or `finished`.
 *  2. A batch is acknowledged only after the COMMIT that holds it, or after everything
 *     it did was undone.
 *  3. A batch that fails is undone to its savepoint; its neighbours do not notice.
 *  4. The writer's memory lives until its thread has ended and no callback that was
 *     posted to the loop is still to come.
 */
#include "store/store_private.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define GROUP_BATCHES 256
#define WRITER_BUSY_MS 10000

struct queue {
    struct store_batch *first, *last;
};

struct writer {
    struct db db; /* the thread's, once it runs */
    struct loop *loop;
    pthread_t thread;
    pthread_mutex_t lock; /* guards what follows, up to the next remark */
    pthread_cond_t has_work, has_finished;
    struct queue waiting;  /* accepted */
    struct queue finished; /* their callbacks are due on the loop */
    bool is_stopping, is_posted;
    /* The loop's thread only. */
    bool is_delivering, is_closed;
    struct store *store; /* for its snapshot, until the writer is closed */
    void (*on_event)(void *ctx);
    void *on_event_ctx;
};

static void queue_push(struct queue *queue, struct store_batch *batch)
{
    batch->next = NULL;
    if (queue->last == NULL) {
        queue->first = batch;
    } else {
        queue->last->next = batch;
    }
    queue->last = batch;
}

static struct store_batch *queue_pop(struct queue *queue)
{
    struct store_batch *batch = queue->first;

    if (batch != NULL) {
        queue->first = batch->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
        batch->next = NULL;
    }
    return batch;
}

/* ---- One group: one transaction ---- */

static enum err write_batch(struct db *db, const struct store_batch *batch)
{
    enum err err = apply_savepoint(db);
    if (err != ERR_OK) {
        return err;
    }
    err = apply_batch(db, batch);
    if (err == ERR_OK) {
        return apply_release(db);
    }
    /* A full disk and the like undo the whole transaction by themselves. */
    if (sqlite3_get_autocommit(db->handle) == 0) {
        enum err undone = apply_undo_savepoint(db);
        err = undone == ERR_OK ? err : undone;
    }
    return err;
}

/* Whether what was written is durable; each batch's own error is in it. */
static bool write_all(struct db *db, struct store_batch *first)
{
    for (struct store_batch *batch = first; batch != NULL; batch = batch->next) {
        batch->err = write_batch(db, batch);
        if (sqlite3_get_autocommit(db->handle) != 0) {
            return false;
        }
    }
    return apply_commit(db) == ERR_OK;
}

static void fail_all(struct store_batch *first)
{
    for (struct store_batch *batch = first; batch != NULL; batch = batch->next) {
        batch->err = ERR_IO;
    }
}

/* When a group is lost as a whole, each batch gets a transaction of its own, so that
 * one that asks for too much takes nobody along. */
static void write_group(struct db *db, struct store_batch *first)
{
    if (db_in_place(db) != ERR_OK || apply_begin(db) != ERR_OK) {
        fail_all(first);
        return;
    }
    if (write_all(db, first)) {
        return;
    }
    apply_rollback(db);
    if (first->next == NULL) {
        fail_all(first);
        return;
    }
    struct store_batch *rest = NULL;
    for (struct store_batch *batch = first; batch != NULL; batch = rest) {
        rest = batch->next;
        batch->next = NULL;
        write_group(db, batch); /* of one: no further recursion */
        batch->next = rest;
    }
}

/* ---- The thread ---- */

static void on_finished(void *ctx);

static struct store_batch *take_group(struct writer *writer)
{
    struct queue group = {NULL, NULL};

    for (int i = 0; i < GROUP_BATCHES && writer->waiting.first != NULL; i++) {
        queue_push(&group, queue_pop(&writer->waiting));
    }
    return group.first;
}

/* Under the lock. */
static void acknowledge(struct writer *writer, struct store_batch *first)
{
    struct store_batch *rest = NULL;

    for (struct store_batch *batch = first; batch != NULL; batch = rest) {
        rest = batch->next;
        if (batch->done == NULL) {
            batch->is_finished = true; /* its waiter frees it */
        } else {
            queue_push(&writer->finished, batch);
        }
    }
    pthread_cond_broadcast(&writer->has_finished);
    if (writer->finished.first != NULL && !writer->is_posted) {
        writer->is_posted = true;
        loop_post(writer->loop, on_finished, writer);
    }
}

static bool drops_secrets(const struct store_batch *first)
{
    for (const struct store_batch *batch = first; batch != NULL; batch = batch->next) {
        if (batch->drops_secrets && batch->err == ERR_OK) {
            return true;
        }
    }
    return false;
}

static void *writer_main(void *ctx)
{
    struct writer *writer = ctx;

    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->waiting.first == NULL && !writer->is_stopping) {
            pthread_cond_wait(&writer->has_work, &writer->lock);
        }
        struct store_batch *group = take_group(writer);
        if (group == NULL) {
            break;
        }
        pthread_mutex_unlock(&writer->lock);
        write_group(&writer->db, group);
        bool is_forgetting = drops_secrets(group);
        pthread_mutex_lock(&writer->lock);
        acknowledge(writer, group);
        if (is_forgetting) {
            pthread_mutex_unlock(&writer->lock);
            db_forget_log(&writer->db, WRITER_BUSY_MS);
            pthread_mutex_lock(&writer->lock);
        }
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* ---- The loop's side ---- */

static void writer_free(struct writer *writer)
{
    pthread_cond_destroy(&writer->has_work);
    pthread_cond_destroy(&writer->has_finished);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

static void deliver(struct writer *writer, struct queue *finished)
{
    struct store_batch *batch = NULL;

    writer->is_delivering = true;
    while ((batch = queue_pop(finished)) != NULL) {
        loop_release(writer->loop);
        if (!writer->is_closed) { /* a callback may close the store */
            batch->done(batch->ctx, batch->err);
        }
        if (batch->has_event && batch->err == ERR_OK && !writer->is_closed &&
            writer->on_event != NULL) {
            writer->on_event(writer->on_event_ctx);
        }
        store_batch_free(batch);
    }
    writer->is_delivering = false;
}

static void on_finished(void *ctx)
{
    struct writer *writer = ctx;

    pthread_mutex_lock(&writer->lock);
    struct queue finished = writer->finished;
    writer->finished = (struct queue){NULL, NULL};
    writer->is_posted = false;
    pthread_mutex_unlock(&writer->lock);
    if (!writer->is_closed) {
        read_forget_snapshot(
            writer->store); /* it may be older than what is delivered */
    }
    deliver(writer, &finished);
    if (!writer->is_closed) {
        return;
    }
    /* The thread has ended: nobody else touches is_posted any more. */
    if (!writer->is_posted) {
        writer_free(writer);
    }
}

/* Signals are the loop's business. */
static int start_thread(struct writer *writer)
{
    sigset_t all, before;

    sigfillset(&all);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    int failed = pthread_create(&writer->thread, NULL, writer_main, writer);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return failed;
}

enum err writer_start(struct store *store, struct db *db, struct writer **out)
{
    struct writer *writer = calloc(1, sizeof *writer);

    REQUIRE(writer != NULL);
    REQUIRE(pthread_mutex_init(&writer->lock, NULL) == 0);
    REQUIRE(pthread_cond_init(&writer->has_work, NULL) == 0);
    REQUIRE(pthread_cond_init(&writer->has_finished, NULL) == 0);
    sqlite3_busy_timeout(db->handle, WRITER_BUSY_MS);
    writer->loop = store->loop;
    writer->store = store;
    writer->db = *db;
    if (start_thread(writer) != 0) {
        writer_free(writer);
        return ERR_IO;
    }
    *db = (struct db){0};
    *out = writer;
    return ERR_OK;
}

void writer_stop(struct writer *writer)
{
    if (writer == NULL) {
        return;
    }
    pthread_mutex_lock(&writer->lock);
    writer->is_stopping = true;
    pthread_cond_signal(&writer->has_work);
    pthread_mutex_unlock(&writer->lock);
    REQUIRE(pthread_join(writer->thread, NULL) == 0);
    db_close(&writer->db);
    struct store_batch *batch = NULL;
    while ((batch = queue_pop(&writer->finished)) != NULL) {
        loop_release(writer->loop);
        store_batch_free(batch);
    }
    writer->is_closed = true;
    if (!writer->is_posted && !writer->is_delivering) {
        writer_free(writer);
    }
}

static void submit(struct writer *writer, struct store_batch *batch)
{
    pthread_mutex_lock(&writer->lock);
    REQUIRE(!writer->is_stopping);
    queue_push(&writer->waiting, batch);
    pthread_cond_signal(&writer->has_work);
    pthread_mutex_unlock(&writer->lock);
}

void writer_commit(struct writer *writer, struct store_batch *batch)
{
    loop_hold(writer->loop);
    submit(writer, batch);
}

void writer_on_event(struct writer *writer, void (*fn)(void *ctx), void *ctx)
{
    writer->on_event = fn;
    writer->on_event_ctx = ctx;
}

enum err writer_commit_now(struct writer *writer, struct store_batch *batch)
{
    submit(writer, batch);
    pthread_mutex_lock(&writer->lock);
    while (!batch->is_finished) {
        pthread_cond_wait(&writer->has_finished, &writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    enum err err = batch->err;
    store_batch_free(batch);
    return err;
}
