/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The renewal of one grant, step by step:
 *
 *   lease   take the grant's lease in the store, or wait until whoever has it is done
 *   read    what is stored now: another process may have renewed it meanwhile; then that is it
 *   ask     the token host, with the newest refresh token there is
 *   store   what it gave, over exactly the version that was read, before anybody uses it
 *   end     tell those who wait, let go of the lease
 *
 * Invariants:
 *   1. A refresh token is sent by whoever holds the lease, and the lease outlasts the request,
 *      by the wall clock and by the monotonic one.
 *   2. What the host gave is durable before it is used. If it cannot be stored, it is kept in
 *      memory, with its source, until it is stored or of no use: storing it needs no lease,
 *      because only the version that was read is replaced.
 *   3. "invalid_grant" ends a grant only when the refused token is still the stored one, also
 *      after as long as another process could yet store what it was given: one that was
 *      stopped, or whose lease a jump of the clock has ended. No other refusal ends it: a
 *      client that is not known, a firewall's page.
 */
#include "auth/grants_private.h"

#include "base/buf.h"

#define LEASE_MS 60000       /* GRANT_REQUEST_MS and a wait in line before it */
#define LEASE_SPARE_MS 10000 /* to read and to store */
#define LOOK_AGAIN_MS 250    /* at a grant that another process renews */
#define LOOK_FARTHEST_MS 5000
#define PATIENCE_MS 75000 /* with that one: longer than its lease */
#define ASKS_MOST 3       /* with a newer refresh token each time */
#define NEWS_MS 60000     /* a stored token that ends sooner is not worth taking over */
#define DOUBT_MS 30000    /* GRANT_REQUEST_MS, to read and to store */
#define STATE_BYTES 1024

enum grant_step {
    GRANT_IDLE,
    GRANT_LEASE,
    GRANT_LOOK,
    GRANT_ASK,
    GRANT_DOUBT,
    GRANT_STORE
};

struct grant_state {
    struct grants *grants;
    struct arena *arena;
    struct slice account, url, client_id;
    struct slice holder; /* of leases: two clients of one account exclude each other */
    struct secret *client_secret; /* NULL: a public client */
    struct token_source *source;  /* of the flight */
    enum grant_step step;
    /* Of the stored grant whose access token the source has; 0: none. */
    int64_t version;

    /* Of the flight. */
    struct list link;
    struct due look;
    int64_t began_us;                    /* monotonic */
    int64_t lease_ends_ms, lease_end_us; /* by the one clock and the other; 0: none */
    int64_t doubt_to_us; /* until then another process may be about to store */
    int asks;
    bool urgent;
    struct store_grant read;       /* what the request was made from; slices are dead */
    struct grant_request *request; /* while asking */
    int refusal; /* the status of an "invalid_grant", while in doubt */

    struct grant_given given;
};

static int64_t now_us(const struct grant_state *state)
{
    return clock_mono_us(state->grants->clock);
}

static void enter(struct grant_state *state, enum grant_step step)
{
    state->step = step;
}

/* ---- The ends ---- */

static void on_released(void *ctx, enum err err)
{
    (void)ctx;
    (void)err; /* the store has logged it; the lease ends by itself */
}

/* Kept while what the host gave is not stored: the stored refresh token may be used up. */
static void release(struct grant_state *state)
{
    struct grants *grants = state->grants;
    if (state->lease_ends_ms == 0 || grant_is_given(&state->given)) {
        return;
    }
    state->lease_ends_ms = state->lease_end_us = 0;
    struct store_batch *batch = store_batch_new();
    store_release_grant(batch, state->account, state->holder);
    store_commit(grants->parts.store, batch, on_released, NULL);
}

/* The source may be freed in here, and the state with it. */
static void finish(struct grant_state *state, const struct token_outcome *outcome,
                   struct slice token, int64_t ends_ms)
{
    struct token_source *source = state->source;
    due_clear(state->grants->looks, &state->look);
    list_remove(&state->link);
    enter(state, GRANT_IDLE);
    state->source = NULL;
    if (state->request != NULL) {
        grant_request_leave(state->request);
        state->request = NULL;
    }
    token_source_end(source, outcome, token, ends_ms);
}

static void end(struct grant_state *state, const struct token_outcome *outcome)
{
    struct grants *grants = state->grants;
    bool is_over = outcome->err == ERR_NEEDS_REAUTH || outcome->err == ERR_NOT_FOUND;

    if (outcome->err !=
        ERR_UNAVAILABLE) { /* the store of a server that stops is closed */
        release(state);
    }
    grant_given_keep(&state->given, state->source);
    if (is_over) {
        grants_unplan(grants, state->account);
    } else {
        grants_plan_again(grants, state->account);
    }
    if (outcome->err == ERR_NEEDS_REAUTH && grants->hooks.refused != NULL) {
        grants->hooks.refused(grants->hooks.ctx, state->account, outcome);
    }
    finish(state, outcome, SLICE_EMPTY, 0);
}

static void end_with(struct grant_state *state, enum err err)
{
    const struct token_outcome outcome = {.err = err, .code = SLICE_EMPTY};
    end(state, &outcome);
}

/* With a token that is stored by now. */
static void end_well(struct grant_state *state, struct slice token, int64_t version,
                     int64_t ends_ms)
{
    const struct token_outcome outcome = {.err = ERR_OK, .code = SLICE_EMPTY};
    state->version = version;
    grant_given_keep(&state->given, state->source);
    grants_plan(state->grants, state->account, ends_ms);
    finish(state, &outcome, token, ends_ms);
}

static void step_lease(struct grant_state *state);

/* ---- store ---- */

static void on_stored(void *ctx, enum err err);

static void step_store(struct grant_state *state)
{
    struct grants *grants = state->grants;
    struct grant_given *given = &state->given;
    struct store_batch *batch = store_batch_new();
    const struct token_answer answer = {
        .token = secret_reveal(given->access),
        .refresh = given->refresh != NULL ? secret_reveal(given->refresh) : SLICE_EMPTY,
        .life_ms = given->ends_ms - grants_now_ms(grants),
    };
    enter(state, GRANT_STORE);
    enum err err = grants_put(grants, batch, state->account, &answer, &state->read);
    if (err != ERR_OK) {
        store_batch_free(batch);
        end_with(state, ERR_INTERNAL);
        return;
    }
    given->storing = true;
    store_commit(grants->parts.store, batch, on_stored, state);
}

static void on_stored(void *ctx, enum err err)
{
    struct grant_state *state = ctx;
    if (state->step != GRANT_STORE) {
        return;
    }
    struct grant_given *given = &state->given;
    given->storing = false;
    if (err == ERR_OK) {
        state->lease_ends_ms = state->lease_end_us = 0; /* a new version has none */
        struct secret *access = given->access;
        given->access = NULL;
        grant_given_forget(given);
        end_well(state, secret_reveal(access), state->read.version + 1, given->ends_ms);
        secret_free(access);
    } else if (err == ERR_CONFLICT) {
        grant_given_forget(
            given); /* somebody consented anew meanwhile: theirs is newer */
        step_lease(state);
    } else if (err == ERR_NOT_FOUND) {
        grant_given_forget(given);
        end_with(state, ERR_NOT_FOUND);
    } else {
        /* What it gave is kept, and stored at the next try. */
        end_with(state, ERR_INTERNAL);
    }
}

/* ---- ask ---- */

static bool is_another_version(struct grant_state *state)
{
    struct arena *arena = arena_new();
    struct store_grant grant;
    bool other = store_get_grant(state->grants->parts.store, state->account, arena,
                                 &grant) == ERR_OK &&
                 grant.version != state->read.version;
    arena_free(arena);
    return other;
}

static bool may_leave(void *ctx)
{
    const struct grant_state *state = ctx;
    const int64_t need_ms = GRANT_REQUEST_MS + LEASE_SPARE_MS;
    return grants_now_ms(state->grants) + need_ms <= state->lease_ends_ms &&
           now_us(state) + need_ms * 1000 <= state->lease_end_us;
}

/* RFC 6749 section 5.2: only this one speaks of the grant. */
static bool ends_grant(const struct grant_request_done *done)
{
    return done->err == ERR_NEEDS_REAUTH && slice_is(done->code, "invalid_grant");
}

static bool is_refused_for_an_old_one(struct grant_state *state,
                                      const struct grant_request_done *done)
{
    return ends_grant(done) && state->asks < ASKS_MOST && is_another_version(state);
}

static void end_refused(struct grant_state *state, int status)
{
    const struct token_outcome outcome = {
        .err = ERR_NEEDS_REAUTH, .status = status, .code = SLICE("invalid_grant")};
    end(state, &outcome);
}

static void step_doubt(struct grant_state *state)
{
    enter(state, GRANT_DOUBT);
    due_set(state->grants->looks, &state->look,
            grants_now_ms(state->grants) + LOOK_AGAIN_MS);
    grants_set_alarm(state->grants);
}

static void doubt_again(struct grant_state *state)
{
    if (is_another_version(state)) {
        step_lease(state);
    } else if (now_us(state) < state->doubt_to_us) {
        step_doubt(state);
    } else {
        end_refused(state, state->refusal);
    }
}

static void on_asked(void *ctx, const struct grant_request_done *done)
{
    struct grant_state *state = ctx;
    state->request = NULL;
    if (done->err == ERR_OK) {
        grant_given_put(&state->given, state->read.version, &done->answer);
        step_store(state);
    } else if (done->err == ERR_TIMEOUT || is_refused_for_an_old_one(state, done)) {
        step_lease(state); /* a timeout: the lease ran out while others were in line */
    } else if (ends_grant(done) && now_us(state) < state->doubt_to_us) {
        state->refusal = done->status;
        step_doubt(state);
    } else {
        const char *words = ends_grant(done) ? NULL : grant_request_words(done);
        const struct token_outcome outcome = {
            .err = words != NULL ? ERR_UPSTREAM_UNAVAILABLE : done->err,
            .status = done->status,
            .code = done->code,
            .trace = done->trace,
            .problem = words};
        end(state, &outcome);
    }
}

static void step_ask(struct grant_state *state, const struct secret *refresh)
{
    struct grants *grants = state->grants;
    const struct grant_client client = {
        .url = state->url,
        .client_id = state->client_id,
        .client_secret = state->client_secret != NULL
                             ? secret_reveal(state->client_secret)
                             : SLICE_EMPTY,
    };
    const struct grant_request_handlers handlers = {may_leave, on_asked, state,
                                                    state->urgent};
    struct buf form;

    enter(state, GRANT_ASK);
    state->asks++;
    buf_init(&form, GRANT_FORM_BYTES);
    buf_append(&form, SLICE("grant_type=refresh_token&refresh_token="));
    text_percent(&form, secret_reveal(refresh));
    enum err err = grant_request_send(tokens_hosts(grants->parts.tokens), &client,
                                      buf_slice(&form), &handlers, &state->request);
    buf_free(&form);
    if (err != ERR_OK) {
        end_with(state, err);
    }
}

/* ---- read ---- */

/* Good until its next renewal, and not what the source has already. */
static bool is_news(const struct grant_state *state, const struct grant_stored *stored)
{
    return stored->access != NULL && stored->grant.version != state->version &&
           stored->grant.access_ends_ms - grants_now_ms(state->grants) > NEWS_MS;
}

static void adopt(struct grant_state *state, const struct grant_stored *stored)
{
    release(state);
    end_well(state, secret_reveal(stored->access), stored->grant.version,
             stored->grant.access_ends_ms);
}

/* Another process renews it: what it stores is ours too. */
static void step_look(struct grant_state *state)
{
    struct grants *grants = state->grants;
    if (now_us(state) - state->began_us > PATIENCE_MS * INT64_C(1000)) {
        end_with(state, ERR_UPSTREAM_UNAVAILABLE);
        return;
    }
    enter(state, GRANT_LOOK);
    due_set(grants->looks, &state->look, grants_now_ms(grants) + LOOK_AGAIN_MS);
    grants_set_alarm(grants);
}

/* With the lease in hand. */
static void step_read(struct grant_state *state)
{
    struct arena *arena = arena_new();
    struct grant_stored stored;
    enum err err = grant_stored_read(state->grants, state->account, arena, &stored);

    if (err == ERR_NOT_FOUND) {
        end_with(state, ERR_NEEDS_REAUTH);
    } else if (err != ERR_OK) {
        end_with(state, ERR_INTERNAL);
    } else if (is_news(state, &stored)) {
        adopt(state, &stored);
    } else if (stored.refresh == NULL) {
        end_with(state, stored.unopened ? ERR_INTERNAL : ERR_NEEDS_REAUTH);
    } else if (!may_leave(state)) {
        step_look(state); /* writing the lease took nearly all of it: a new one */
    } else {
        state->read = stored.grant;
        step_ask(state, stored.refresh);
    }
    grant_stored_free(&stored);
    arena_free(arena);
}

/* ---- lease ---- */

/* It ends no later than it would if it were taken now: else the clock was set back. */
static bool is_leased_away(const struct grant_state *state,
                           const struct store_grant *grant)
{
    int64_t left_ms = grant->lease_ends_ms - grants_now_ms(state->grants);
    return !slice_eq(grant->lease_holder, state->holder) && left_ms > 0 &&
           left_ms <= 2 * LEASE_MS;
}

static void look_again(struct grant_state *state)
{
    struct arena *arena = arena_new();
    struct grant_stored stored;
    enum err err = grant_stored_read(state->grants, state->account, arena, &stored);

    if (err == ERR_OK && is_news(state, &stored)) {
        adopt(state, &stored);
    } else if (err == ERR_OK && is_leased_away(state, &stored.grant)) {
        step_look(state);
    } else {
        step_lease(state);
    }
    grant_stored_free(&stored);
    arena_free(arena);
}

static void on_leased(void *ctx, enum err err)
{
    struct grant_state *state = ctx;
    if (state->step != GRANT_LEASE) {
        return;
    }
    if (err == ERR_OK) {
        step_read(state);
        return;
    }
    state->lease_ends_ms = state->lease_end_us = 0;
    if (err == ERR_CONFLICT) {
        step_look(state);
    } else {
        end_with(state, err == ERR_NOT_FOUND ? ERR_NEEDS_REAUTH : ERR_INTERNAL);
    }
}

/* Whoever has let go of it, or stored, is done; others may only seem to be. */
static void doubt_others(struct grant_state *state)
{
    struct arena *arena = arena_new();
    struct store_grant grant;
    if (store_get_grant(state->grants->parts.store, state->account, arena, &grant) ==
            ERR_OK &&
        grant.lease_holder.len > 0 && !slice_eq(grant.lease_holder, state->holder)) {
        state->doubt_to_us = now_us(state) + DOUBT_MS * INT64_C(1000);
    }
    arena_free(arena);
}

static void step_lease(struct grant_state *state)
{
    struct grants *grants = state->grants;
    int64_t now = grants_now_ms(grants);
    struct store_batch *batch = store_batch_new();
    enter(state, GRANT_LEASE);
    doubt_others(state);
    state->lease_ends_ms = now + LEASE_MS;
    state->lease_end_us = now_us(state) + LEASE_MS * INT64_C(1000);
    store_lease_grant(batch, state->account, state->holder, now, state->lease_ends_ms);
    store_commit(grants->parts.store, batch, on_leased, state);
}

/* ---- The way ---- */

static enum err fetch(void *ctx, struct token_source *source, bool urgent)
{
    struct grant_state *state = ctx;
    REQUIRE(state->step == GRANT_IDLE);
    state->source = source;
    state->urgent = urgent;
    state->asks = 0;
    state->began_us = now_us(state);
    list_push(&state->grants->flights, &state->link);
    if (grant_is_given(&state->given)) {
        step_store(state); /* of the last try */
    } else {
        step_lease(state);
    }
    return ERR_OK;
}

static void hurry(void *ctx)
{
    struct grant_state *state = ctx;
    state->urgent = true;
    if (state->request != NULL) {
        grant_request_hurry(state->request);
    }
}

static void free_state(void *ctx)
{
    struct grant_state *state = ctx;
    grant_given_forget(&state->given);
    secret_free(state->client_secret);
    arena_free(state->arena);
}

static const struct token_way by_grant = {.name = "grant",
                                          .fetch = fetch,
                                          .hurry = hurry,
                                          .free = free_state,
                                          .renews = true};

/* The stored access token, if it is good for a while: a restart costs no request. */
static void start_with_stored(struct grant_state *state, struct token_source *source)
{
    struct arena *arena = arena_new();
    struct grant_stored stored;
    if (grant_stored_read(state->grants, state->account, arena, &stored) == ERR_OK &&
        stored.access != NULL) {
        state->version = stored.grant.version;
        token_source_set(source, secret_reveal(stored.access),
                         stored.grant.access_ends_ms);
    }
    grant_stored_free(&stored);
    arena_free(arena);
}

/* Two clients that differ have two. The text that is digested holds the secret, and must not
 * live as long as the digest. */
static struct slice digest_of(struct tokens *tokens, const struct grant_client *client,
                              struct arena *arena)
{
    struct arena *passing = arena_new();
    struct slice text = arena_printf(
        passing, "%zu:%.*s%zu:%.*s%zu:%.*s", client->url.len, SLICE_ARG(client->url),
        client->client_id.len, SLICE_ARG(client->client_id), client->client_secret.len,
        SLICE_ARG(client->client_secret));
    struct slice digest = tokens_digest(tokens, text, arena);
    arena_free(passing);
    return digest;
}

struct token_source *grants_source(struct grants *grants, struct slice account,
                                   const struct grant_client *client)
{
    struct tokens *tokens = grants->parts.tokens;
    struct arena *arena = arena_new_sized(STATE_BYTES);
    struct slice digest = digest_of(tokens, client, arena);
    struct slice key =
        arena_printf(arena, "grant %.*s %.*s", SLICE_ARG(account), SLICE_ARG(digest));
    struct token_source *source = tokens_find(tokens, key);
    if (source != NULL) {
        arena_free(arena);
        return source;
    }
    struct grant_state *state = arena_alloc(arena, sizeof *state);
    state->grants = grants;
    state->arena = arena;
    state->account = arena_slice(arena, account);
    state->holder =
        arena_printf(arena, "%s.%llu", grants->holder, ++grants->sources_made);
    state->url = arena_slice(arena, client->url);
    state->client_id = arena_slice(arena, client->client_id);
    if (client->client_secret.len > 0) {
        state->client_secret = tokens_hold(tokens, client->client_secret);
    }
    list_init(&state->link);
    grant_given_init(&state->given, grants, state->account);
    source = tokens_add(tokens, key, &by_grant, state);
    start_with_stored(state, source);
    return source;
}

/* ---- For grants.c ---- */

/* One that is due much later than any can be was set before the clock was set back. Time goes on
 * while they look, so it is asked for anew for each. */
static struct grant_state *next_look(struct grants *grants)
{
    struct due *due = due_first(grants->looks);
    int64_t now_ms = grants_now_ms(grants);
    bool is_due =
        due != NULL && (due->at_ms <= now_ms || due->at_ms > now_ms + LOOK_FARTHEST_MS);
    return is_due ? LIST_ENTRY(due, struct grant_state, look) : NULL;
}

void grant_renewals_look(struct grants *grants)
{
    struct grant_state *state = next_look(grants);
    while (state != NULL) {
        due_clear(grants->looks, &state->look);
        if (state->step == GRANT_DOUBT) {
            doubt_again(state);
        } else {
            look_again(state);
        }
        state = next_look(grants);
    }
}

void grant_renewals_end(struct grants *grants)
{
    const struct token_outcome stopped = {.err = ERR_UNAVAILABLE, .code = SLICE_EMPTY};
    while (!list_empty(&grants->flights)) {
        struct grant_state *state =
            LIST_ENTRY(grants->flights.next, struct grant_state, link);
        end(state, &stopped);
    }
    grants_forget_unstored(grants);
}
