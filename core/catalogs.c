/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog in force. Invariants:
 *   1. At most one load runs. It works on values of its own, and only its end, on the loop's
 *      thread, changes what is in force: whole, or not at all.
 *   2. Who waits was there before the load that wakes him began: it has seen every change that
 *      was made before he asked. Who asks while a load runs waits for the next one, unless the
 *      files have not changed since.
 */
#include "core/catalogs.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "catalog/override.h"

#define GLANCE_EVERY_US 1000000
/* With overrides; beyond it all are made anew as they are asked for. */
#define ASSEMBLED_AT_MOST 128

/* One load. Outlives `owner` when the server stops meanwhile. */
struct load {
    struct catalogs *owner;
    struct loop *loop;
    struct catalogs_source source;
    struct arena *arena; /* of the problem */
    struct catalog *catalog;
    struct catalog_watch *watch;
    struct catalog_problem problem;
    enum err err;
    int64_t started_us;
};

struct catalogs {
    struct gateway *gateway;
    struct catalogs_source source;
    struct catalog *current;
    struct catalog_watch *watch; /* of the last load, whatever came of it */
    uint64_t digest;             /* of what is in force */
    uint64_t epoch;
    struct map *assembled; /* with overrides, by what they are made of; each held */
    struct load *load;
    struct list waiting; /* for the load that runs */
    struct list late;    /* came while it ran */
    char *fault;         /* that was logged last; NULL: none */
    int64_t glanced_us;
    struct catalogs_counts counts;
};

struct catalogs *catalogs_new(struct gateway *gateway,
                              const struct catalogs_source *source,
                              struct catalog *first, struct catalog_watch *watch)
{
    struct catalogs *catalogs = calloc(1, sizeof *catalogs);
    REQUIRE(catalogs != NULL);
    catalogs->gateway = gateway;
    catalogs->source = *source;
    catalogs->current = first;
    catalogs->watch = watch;
    catalogs->digest = catalog_watch_digest(watch);
    catalogs->epoch = 1;
    catalogs->assembled = map_new();
    list_init(&catalogs->waiting);
    list_init(&catalogs->late);
    return catalogs;
}

const struct catalog *catalogs_current(const struct catalogs *catalogs)
{
    return catalogs->current;
}

uint64_t catalogs_epoch(const struct catalogs *catalogs)
{
    return catalogs->epoch;
}

struct catalogs_counts catalogs_count(const struct catalogs *catalogs)
{
    return catalogs->counts;
}

/* ---- What an account is served from ---- */

static void drop_assembled(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    catalog_free(value);
}

static void forget_assembled(struct catalogs *catalogs)
{
    map_each(catalogs->assembled, drop_assembled, NULL);
    map_free(catalogs->assembled);
    catalogs->assembled = map_new();
}

void catalogs_changed(struct catalogs *catalogs)
{
    catalogs->epoch++;
    forget_assembled(catalogs);
}

/* The layers over one integration, lowest first. */
struct layers {
    struct slice texts[2]; /* environment's, account's; empty: none */
    const struct jval *items[2];
    size_t count;
};

/* An environment that nobody has described has no overrides. */
static enum err environment_layer(const struct catalogs *catalogs,
                                  struct slice environment, struct arena *arena,
                                  struct slice *out)
{
    struct store_environment record;
    *out = SLICE_EMPTY;
    if (environment.len == 0) {
        return ERR_OK;
    }
    enum err err = store_get_environment(catalogs->gateway->parts.store, environment,
                                         arena, &record);
    if (err == ERR_OK) {
        *out = record.overrides;
    }
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err parse_layers(struct layers *layers, struct arena *arena)
{
    layers->count = 0;
    for (size_t i = 0; i < sizeof layers->texts / sizeof layers->texts[0]; i++) {
        struct jval *value = NULL;
        if (layers->texts[i].len == 0) {
            continue;
        }
        if (jval_parse(arena, layers->texts[i], &value, NULL) != ERR_OK) {
            return ERR_INTERNAL;
        }
        layers->items[layers->count++] = value;
    }
    return ERR_OK;
}

struct misfits {
    struct catalogs *catalogs;
    const struct store_account *account;
};

/* Once for each assembly, so once for each change of what it is made of. */
static void on_misfit(void *ctx, const struct override_misfit *misfit)
{
    struct misfits *misfits = ctx;
    const struct store_account *account = misfits->account;
    misfits->catalogs->counts.misfits++;
    log_event(misfits->catalogs->gateway->parts.log, LOG_ERROR, "override_refused",
              LOG_ID(account, account->id), LOG_ID(environment, account->environment),
              LOG_ID(tool, misfit->tool), LOG_PATH(pointer, misfit->pointer));
}

static enum err assemble(struct catalogs *catalogs, const struct store_account *account,
                         struct layers *layers, struct arena *arena,
                         struct catalog **out)
{
    struct misfits misfits = {catalogs, account};
    enum err err = parse_layers(layers, arena);
    if (err != ERR_OK) {
        return err;
    }
    *out = catalog_override(
        catalogs->current, catalog_integration(catalogs->current, account->integration),
        layers->items, layers->count, on_misfit, &misfits);
    return ERR_OK;
}

/* Accounts with equal overrides share what is made of them. */
static enum err assembled_for(struct catalogs *catalogs,
                              const struct store_account *account,
                              struct layers *layers, struct arena *arena,
                              struct catalog **out)
{
    struct slice key =
        arena_printf(arena, "%.*s %.*s %.*s", SLICE_ARG(account->integration),
                     SLICE_ARG(account->environment), SLICE_ARG(layers->texts[1]));
    struct catalog *known = map_get(catalogs->assembled, key);
    if (known == NULL) {
        enum err err = assemble(catalogs, account, layers, arena, &known);
        if (err != ERR_OK) {
            return err;
        }
        if (map_count(catalogs->assembled) >= ASSEMBLED_AT_MOST) {
            forget_assembled(catalogs);
        }
        map_put(catalogs->assembled, key, known);
    }
    *out = catalog_hold(known);
    return ERR_OK;
}

static struct slice unless_bare(struct slice overrides)
{
    return slice_is(overrides, "{}") ? SLICE_EMPTY : overrides;
}

enum err catalogs_for(struct catalogs *catalogs, const struct store_account *account,
                      struct catalog **out)
{
    if (catalog_integration(catalogs->current, account->integration) == NULL) {
        return ERR_NOT_FOUND;
    }
    struct arena *arena = arena_new();
    struct layers layers = {.texts = {SLICE_EMPTY, unless_bare(account->overrides)}};
    enum err err =
        environment_layer(catalogs, account->environment, arena, &layers.texts[0]);
    if (err == ERR_OK && layers.texts[0].len == 0 && layers.texts[1].len == 0) {
        *out = catalog_hold(catalogs->current);
    } else if (err == ERR_OK) {
        err = assembled_for(catalogs, account, &layers, arena, out);
    }
    arena_free(arena);
    return err;
}

/* ---- What overrides would come to ---- */

struct trial {
    const struct jval *overrides;
    struct arena *arena;
    struct schema_problem *problem;
    bool failed;
};

/* The first fault of a tool that these overrides name; others were there before. */
static void on_trial_misfit(void *ctx, const struct override_misfit *misfit)
{
    struct trial *trial = ctx;
    if (!trial->failed &&
        jval_member(jval_get(trial->overrides, "tools"), misfit->tool) != NULL) {
        trial->failed = true;
        trial->problem->pointer = arena_slice(trial->arena, misfit->pointer);
        trial->problem->message = arena_slice(trial->arena, misfit->message);
    }
}

enum err catalogs_try(struct catalogs *catalogs, struct slice integration,
                      struct slice environment, const struct jval *overrides,
                      struct arena *arena, struct schema_problem *problem)
{
    struct layers layers = {.count = 0};
    struct trial trial = {overrides, arena, problem, false};
    enum err err = environment_layer(catalogs, environment, arena, &layers.texts[0]);
    if (err == ERR_OK) {
        err = parse_layers(&layers, arena);
    }
    if (err != ERR_OK) {
        return err;
    }
    layers.items[layers.count++] = overrides;
    catalog_free(catalog_override(catalogs->current,
                                  catalog_integration(catalogs->current, integration),
                                  layers.items, layers.count, on_trial_misfit, &trial));
    return trial.failed ? ERR_UNPROCESSABLE : ERR_OK;
}

void catalogs_free(struct catalogs *catalogs)
{
    if (catalogs == NULL) {
        return;
    }
    if (catalogs->load != NULL) {
        catalogs->load->owner = NULL;
    }
    map_each(catalogs->assembled, drop_assembled, NULL);
    map_free(catalogs->assembled);
    catalog_free(catalogs->current);
    catalog_watch_free(catalogs->watch);
    free(catalogs->fault);
    free(catalogs);
}

/* ---- What came of a load ---- */

static size_t count_tools(const struct catalog *catalog)
{
    const struct integration *integration = catalog_integration_at(catalog, 0);
    size_t tools = 0;
    for (size_t n = 0; integration != NULL; n++) {
        tools += integration->tool_count;
        integration = catalog_integration_at(catalog, n + 1);
    }
    return tools;
}

/* A file that stays broken is told of once. */
static void refuse(struct catalogs *catalogs, const struct load *load)
{
    const struct catalog_problem *problem = &load->problem;
    struct slice fault =
        arena_printf(load->arena, "%.*s %.*s %.*s", SLICE_ARG(problem->file),
                     SLICE_ARG(problem->pointer), SLICE_ARG(problem->message));
    catalogs->counts.failed++;
    catalogs->counts.is_refused = true;
    if (catalogs->fault != NULL && slice_is(fault, catalogs->fault)) {
        return;
    }
    free(catalogs->fault);
    catalogs->fault = strdup(fault.ptr);
    REQUIRE(catalogs->fault != NULL);
    log_event(catalogs->gateway->parts.log, LOG_ERROR, "catalog_refused",
              LOG_PATH(file, problem->file), LOG_PATH(pointer, problem->pointer),
              LOG_NAME(cause, err_code(load->err)));
}

/* Takes the load's catalog; its watch is ours by now. */
static void accept(struct catalogs *catalogs, struct load *load)
{
    uint64_t digest = catalog_watch_digest(catalogs->watch);
    bool is_news = digest != catalogs->digest || catalogs->counts.is_refused;
    free(catalogs->fault);
    catalogs->fault = NULL;
    catalogs->counts.is_refused = false;
    if (digest == catalogs->digest) {
        catalog_free(load->catalog); /* touched, or mended to what it was */
    } else {
        catalog_free(catalogs->current);
        catalogs->current = load->catalog;
        catalogs->digest = digest;
        catalogs_changed(catalogs);
    }
    load->catalog = NULL;
    if (is_news) {
        struct gateway *gateway = catalogs->gateway;
        catalogs->counts.loaded++;
        log_event(gateway->parts.log, LOG_INFO, "catalog_loaded",
                  LOG_INT(count, count_tools(catalogs->current)),
                  LOG_INT(duration_us, gateway_mono_us(gateway) - load->started_us));
    }
}

static void take_result(struct catalogs *catalogs, struct load *load)
{
    catalog_watch_free(catalogs->watch);
    catalogs->watch = load->watch;
    load->watch = NULL;
    if (load->err == ERR_OK) {
        accept(catalogs, load);
    } else {
        refuse(catalogs, load);
    }
}

/* ---- Loading ---- */

/* On a thread of the pool. */
static void run_load(void *ctx)
{
    struct load *load = ctx;
    load->err = catalog_load(load->source.directory, load->source.compiler, load->watch,
                             &load->catalog, load->arena, &load->problem);
}

static void free_load(struct load *load)
{
    catalog_free(load->catalog);
    catalog_watch_free(load->watch);
    arena_free(load->arena);
    free(load);
}

static void move_all(struct list *from, struct list *to)
{
    while (!list_empty(from)) {
        struct list *node = from->next;
        list_remove(node);
        list_push(to, node);
    }
}

static void wake_all(struct list *waiting)
{
    while (!list_empty(waiting)) {
        struct catalogs_wait *wait =
            LIST_ENTRY(waiting->next, struct catalogs_wait, link);
        list_remove(&wait->link);
        wait->on_ready(wait->ctx);
    }
}

static void start_load(struct catalogs *catalogs);

static void on_loaded(void *ctx)
{
    struct load *load = ctx;
    struct catalogs *catalogs = load->owner;
    struct list woken;
    if (catalogs == NULL) { /* the server has stopped */
        free_load(load);
        return;
    }
    catalogs->load = NULL;
    take_result(catalogs, load);
    free_load(load);
    list_init(&woken);
    move_all(&catalogs->waiting, &woken);
    move_all(&catalogs->late, &catalogs->waiting);
    if (!list_empty(&catalogs->waiting)) {
        if (catalog_watch_changed(catalogs->watch)) {
            start_load(catalogs);
        } else {
            move_all(&catalogs->waiting, &woken);
        }
    }
    wake_all(&woken);
}

static void start_load(struct catalogs *catalogs)
{
    struct load *load = calloc(1, sizeof *load);
    REQUIRE(load != NULL);
    load->owner = catalogs;
    load->source = catalogs->source;
    load->arena = arena_new();
    load->watch = catalog_watch_new();
    load->started_us = gateway_mono_us(catalogs->gateway);
    catalogs->load = load;
    loop_work(catalogs->gateway->parts.loop, run_load, on_loaded, load);
}

bool catalogs_look(struct catalogs *catalogs, struct catalogs_wait *wait)
{
    if (catalogs->load != NULL) {
        list_push(&catalogs->late, &wait->link);
        return false;
    }
    if (!catalog_watch_changed(catalogs->watch)) {
        return true;
    }
    start_load(catalogs);
    list_push(&catalogs->waiting, &wait->link);
    return false;
}

void catalogs_glance(struct catalogs *catalogs)
{
    int64_t now_us = gateway_mono_us(catalogs->gateway);
    if (now_us - catalogs->glanced_us < GLANCE_EVERY_US) {
        return;
    }
    catalogs->glanced_us = now_us;
    if (catalogs->load == NULL && catalog_watch_changed(catalogs->watch)) {
        start_load(catalogs);
    }
}
