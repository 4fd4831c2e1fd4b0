/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: who may have a request at the upstream now, who waits, who comes back later.
 * Owns: lanes, accounts, tenants, the order of the waiting; tickets are their callers'.
 * Threads: one loop owns a governor. Pure: no clock, no socket, no library; time comes
 *          in as microseconds of a monotonic clock, decisions go out by governor_next.
 * Errors: a refusal is an answer (GOVERNOR_REFUSED), not an error.
 * Start reading at: governor_acquire. The invariants stand at the top of governor.c.
 *
 * Words: a lane is one upstream account; a slot is the right to have one request there
 * now. A slot needs room under three ceilings at once: lane's, account's and tenant's.
 */
#ifndef SLUICE_GOVERNOR_GOVERNOR_H
#define SLUICE_GOVERNOR_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/slice.h"

struct governor;

struct governor_options {
    int64_t lost_hold_us; /* a slot whose connection was lost stays taken this long */
    int64_t backoff_base_us; /* first pause after a refusal of the upstream */
    int64_t backoff_max_us;
    uint64_t seed; /* of the jitter; a test gives a fixed one */
    bool is_lent;  /* slots are lent by somebody who sees all processes: below */
};
/* 30 s, 500 ms, 30 s. */
struct governor_options governor_defaults(uint64_t seed);

struct governor *governor_new(const struct governor_options *options);
/*
 * Before anything else: of each ceiling it grants a part, as many as `shares` governors that
 * differ in `share` (0 to shares - 1) come to it together: none for the last ones of a small one.
 * With is_lent only of tenants' ceilings, which nobody lends.
 */
void governor_set_share(struct governor *governor, int share, int shares);
/* As was set; 1: nobody shares. */
int governor_shares(const struct governor *governor);
/* No ticket may be waiting or granted any more. Accepts NULL. */
void governor_free(struct governor *governor);

/* The classes, the first one first. Each waits behind those before it, but interactive gets at least
 * a quarter and batch a tenth of what goes while calls of it wait. */
enum governor_priority { GOVERNOR_CRITICAL, GOVERNOR_INTERACTIVE, GOVERNOR_BATCH };
#define GOVERNOR_PRIORITIES 3

/* So many calls a minute, `burst` (1..) of them at once; per_minute 0: no limit. */
struct governor_pace {
    int per_minute, burst;
};
#define GOVERNOR_PACE_MAX 60000

/* What an account brings; everything is copied. */
struct governor_account {
    struct slice id, tenant;
    struct slice lane; /* the shared lane of its upstream account */
    bool joined;   /* false: nothing has proved it yet: a lane of its own, ceiling 1 */
    bool on_trial; /* one call at a time, whatever its ceiling */
    int ceiling;   /* 1.. */
    int queue_limit; /* 0..: waiting calls at once */
    int64_t queue_wait_us;
    struct governor_pace calls, writes; /* calls: of all kinds, writes included */
};

/* First word of the lane that an account has for itself until it has joined; its id follows. */
#define GOVERNOR_PRIVATE_LANE "unproven:"

/*
 * Adds the account or changes it, at once: a higher ceiling grants to waiters, a lower
 * one drains, and a change of lane takes waiting and running calls along (those running
 * count in the new lane from now on). Decisions: governor_next.
 */
void governor_account_set(struct governor *governor,
                          const struct governor_account *account, int64_t now_us);
/*
 * Its answers are held against the shortest they have been: once they take `factor` times as long
 * (2 to 100; 0: nobody looks), its lane lets fewer through for a while. See pace.c.
 */
void governor_account_pace(struct governor *governor, struct slice id, int factor);
bool governor_account_known(const struct governor *governor, struct slice id);
/* Waiting calls are decided REVOKED; running ones end by release, then it is gone. */
void governor_account_remove(struct governor *governor, struct slice id,
                             int64_t now_us);

/* All its waiting calls are decided GOVERNOR_REVOKED; the account stays. */
void governor_account_refuse(struct governor *governor, struct slice id,
                             int64_t now_us);

/* 0: no ceiling of its own; GOVERNOR_CLOSED: nothing is granted. May be set before any account of
 * it is known. */
#define GOVERNOR_CLOSED (-1)
void governor_tenant_set(struct governor *governor, struct slice id, int ceiling,
                         int64_t now_us);
/* 0: the highest ceiling among the joined accounts. */
void governor_lane_set(struct governor *governor, struct slice id, int ceiling,
                       int64_t now_us);

#define GOVERNOR_RESERVATIONS_MAX 16
#define GOVERNOR_SERVER_BYTES 48

/* Slots of a lane that are kept for one MCP server or, where that is empty, for a class. A call
 * counts for its server's reservation where it has one, else for its class's. */
struct governor_reservation {
    struct slice server; /* up to GOVERNOR_SERVER_BYTES */
    enum governor_priority priority;
    int slots; /* 1.. */
};
/* In place of those before, at once: who runs, runs on. Each one differs from the others. That
 * they leave a slot of the ceiling is the caller's to see; here one is open to all in any case:
 * they shrink in proportion while the ceiling is lower than they were made for. */
void governor_lane_reserve(struct governor *governor, struct slice id,
                           const struct governor_reservation *reservations,
                           size_t count, int64_t now_us);
struct governor_reserved {
    struct governor_reservation setting;
    int kept; /* slots that are kept now */
    int used; /* calls now that count for it, also beyond what is kept */
};
/* Into `arena`; 0: none, or no such lane. */
size_t governor_lane_reserved(const struct governor *governor, struct slice id,
                              struct arena *arena, struct governor_reserved **out);

/* The operator's hand on a lane. What is under way goes on in all of them. */
enum governor_lane_mode {
    GOVERNOR_RUNNING,
    GOVERNOR_PAUSED,  /* nobody goes; calls wait as long as they may */
    GOVERNOR_DRAINING /* nobody goes, nobody waits: those in line are TURNED_AWAY */
};
void governor_lane_mode_set(struct governor *governor, struct slice id,
                            enum governor_lane_mode mode, int64_t now_us);
/* Takes the waiting calls of that MCP server (empty: all) out of the lane's line:
 * TURNED_AWAY. Returns how many. */
int governor_lane_kick(struct governor *governor, struct slice id, struct slice server,
                       int64_t now_us);

#define GOVERNOR_WEIGHT_MAX 100

enum governor_decision {
    GOVERNOR_GRANTED, /* a slot is taken: release it exactly once */
    GOVERNOR_WAITING, /* on the queue: governor_next will bring it, or cancel it */
    /* The account's queue is full, or no share of a ceiling is ours: nothing is kept. Also of
     * a call that waits already, when its server has most calls in the full queue and another
     * one asks. */
    GOVERNOR_REFUSED,
    GOVERNOR_TOO_LATE, /* its turn would not come within queue_wait_us: nothing is kept */
    GOVERNOR_TURNED_AWAY, /* by the operator: the lane drains, or it was kicked out */
    GOVERNOR_EXPIRED,     /* waited queue_wait_us: nothing is kept */
    GOVERNOR_REVOKED /* the account (or the server's URL) is gone: nothing is kept */
};

/* What a call waits for, or has waited for when it was told no. */
enum governor_rule {
    GOVERNOR_SLOT,
    GOVERNOR_DOCUMENT,   /* an earlier write on the same document is not over */
    GOVERNOR_WRITE_RATE, /* the account's writes a minute */
    GOVERNOR_CALL_RATE   /* its calls a minute */
};
#define GOVERNOR_RULES 4

/* Who asks. Borrowed for the call; `server` as long as the ticket waits or is granted. */
struct governor_call {
    struct slice account;
    struct slice server; /* the MCP server: the unit of fairness */
    int weight;          /* 1..100: calls it may send in a round of the others' one */
    enum governor_priority priority;
    bool is_write;
    /* Of a write: what it changes, as a hash; 0: nothing that is there already. Writes on one
     * document of an account go one after the other. Two documents of one hash do, too. */
    uint64_t document;
};

/* In the caller's object; zeroed before the first use, then the governor's alone. */
struct governor_ticket {
    struct list link; /* in a queue, or among the decided */
    struct governor_seat *seat;
    struct governor_flow *flow; /* while it waits */
    struct slice server;        /* borrowed while waiting or granted */
    enum governor_decision decision;
    int64_t since_us, deadline_us, granted_us;
    /* Of its wait, when it was told that it need not, or no longer. */
    int64_t estimate_us;
    uint64_t document;
    struct list running;     /* while it has a slot, among its account's */
    struct claim *claim;     /* on the document, while it is its turn there */
    enum governor_rule rule; /* what it waits for, also after it was told no */
    bool is_write;
    uint64_t order;
    size_t heap_at;
    enum governor_priority priority;
    uint32_t kind; /* the caller's: of calls that take alike long, say of one tool */
    void *owner;   /* free for the caller */
};

/*
 * Asks for a slot; an account that is not known (any more) answers REVOKED. Keeps the
 * ticket until it is decided otherwise than GRANTED, is cancelled, or is released.
 *
 * A slot that comes free goes to the first class with waiters, as far as the shares of the
 * others allow; within a class to the MCP servers of the lane in turn (deficit round robin,
 * `weight` calls a turn); of one server to the call that came first. A write that waits for its
 * document or for a token holds no slot, and reads pass it (rules.c).
 */
enum governor_decision governor_acquire(struct governor *governor,
                                        struct governor_ticket *ticket,
                                        const struct governor_call *call,
                                        int64_t now_us);

/*
 * A ticket that waits, or is decided and not fetched yet, leaves; a slot it just got
 * goes on. One that is nobody's is left alone; one that was granted and fetched ends by
 * release only.
 */
void governor_cancel(struct governor *governor, struct governor_ticket *ticket,
                     int64_t now_us);

/* All waiting calls of that MCP server are decided GOVERNOR_REVOKED. */
void governor_server_revoke(struct governor *governor, struct slice account,
                            struct slice server, int64_t now_us);

enum governor_outcome {
    GOVERNOR_ANSWERED,     /* the upstream answered; the lane opens again */
    GOVERNOR_UNUSED,       /* nothing was sent */
    GOVERNOR_RATE_LIMITED, /* it said: too many; the lane pauses and narrows */
    GOVERNOR_LOST /* the connection is gone, the work may go on: hold, then free */
};

/*
 * Ends a granted ticket; the memory is the caller's again at once. `retry_after_us` is
 * what the upstream asked for with RATE_LIMITED (0: nothing). A second release is a
 * programmer error.
 */
void governor_release(struct governor *governor, struct governor_ticket *ticket,
                      enum governor_outcome outcome, int64_t retry_after_us,
                      int64_t now_us);

/* Lets time pass: waits that are over, pauses that end, holds that end. */
void governor_tick(struct governor *governor, int64_t now_us);
/* When governor_tick is due next; INT64_MAX when never. */
int64_t governor_due_us(const struct governor *governor);

/*
 * With is_lent a lane has no slot of its own: it may have as many in flight as it was lent, none at
 * first, and its ceiling at most. A loan is for one call: when the call ends, the slot is gone,
 * whoever waits. A call for which nothing is lent yet, and that would go else, waits, beyond
 * queue_limit and for a second even where queue_wait_us is less, since the answer is only a moment
 * away.
 */
struct governor_demand {
    struct slice lane; /* lent until the governor changes */
    int ceiling, in_flight, lent;
    int wanted; /* calls that could go if more were lent */
};
/* The next lane that changed since it was told of, or was lent to; false: none. */
bool governor_next_demand(struct governor *governor, struct governor_demand *out);
/* From now on it may have `slots` in flight. `others` are in use elsewhere (for governor_look).
 * False: there is no such lane (any more). */
bool governor_lane_lend(struct governor *governor, struct slice lane, int slots,
                        int others, int64_t now_us);
/* Before that time nothing will be lent, INT64_MAX: nobody knows when; 0: it may be at any time. Who
 * would wait for longer than the line lasts, in a lane that has nothing, is told at once: TOO_LATE. */
void governor_lend_none_before(struct governor *governor, int64_t until_us);

/* The next ticket decided since, or NULL. */
struct governor_ticket *governor_next(struct governor *governor);

/*
 * How an account stands, for headers and for account_busy. Whole numbers; all 0 for an
 * account that is not known.
 */
struct governor_view {
    int limit; /* effective ceiling: the least of the three */
    int remaining; /* calls that may go now: slots that are free under all three and kept for
                           nobody, as far as there are tokens; 0 in a pause */
    long reset_s;       /* >= 1 when none may go; else 0 */
    int in_flight;      /* of this account */
    int queue_depth;    /* of this account */
    long retry_after_s; /* >= 1: when a refused call is likely to get through */
};
struct governor_view governor_look(const struct governor *governor,
                                   struct slice account, int64_t now_us);

/* How lanes stand, for operators and, restricted to one tenant, for its own token. */
struct governor_lane_view {
    struct slice lane;
    int ceiling; /* the operator's (governor_lane_set); 0: none */
    int usual; /* the accounts' highest, as they are when none is on trial, over all governors */
    int effective; /* what holds now: less than the ceiling after a refusal */
    int in_flight;
    int draining; /* of in_flight: above the ceiling, or held after a lost connection */
    int queued;
    int accounts;
    enum governor_lane_mode mode;
    int64_t wait_p50_us, wait_p99_us; /* of the last 256 granted calls */
    bool throttled;     /* less than the ceiling holds: the upstream refused, or */
    bool is_slow;       /* because its answers took too long */
    bool probing;       /* one call at a time until one is answered */
    long paused_ms;     /* left of the pause after a refusal */
    int64_t lowered_us; /* when throttled: time since it was lowered last */
    /* Since start. */
    uint64_t granted, refused_upstream, refused_full, refused_late, expired;
};
/* Into `arena`, sorted by lane. `tenant` empty: all; else that tenant's counts only. */
size_t governor_lanes(const struct governor *governor, struct arena *arena,
                      struct slice tenant, int64_t now_us,
                      struct governor_lane_view **out);
/* The calls that wait in a lane, by MCP server, class and what they wait for. */
struct governor_line {
    struct slice account, server;
    enum governor_priority priority;
    enum governor_rule waits_for;
    int queued;
};
/* Into `arena`, in no order; of that tenant only unless it is empty. */
size_t governor_lane_lines(const struct governor *governor, struct arena *arena,
                           struct slice id, struct slice tenant,
                           struct governor_line **out);
/* The first lane behind `id` in their order that is the tenant's (empty: any); false: none is.
 * Its name is lent until the governor changes. */
bool governor_lane_after(const struct governor *governor, struct slice id,
                         struct slice tenant, int64_t now_us,
                         struct governor_lane_view *out);
/*
 * From now on it is remembered which lanes change, or no more. The lanes that did since it was
 * last asked, each once, and those that are gone, into `arena`. False: more than anybody keeps up
 * with (4 MiB of names); the list is not whole.
 */
void governor_watch(struct governor *governor, bool watches);
bool governor_changed(struct governor *governor, struct arena *arena,
                      struct slice **ids, size_t *count);
/* False when no such lane is known (or none of the tenant's accounts is on it). */
bool governor_lane(const struct governor *governor, struct slice id,
                   struct slice tenant, int64_t now_us, struct governor_lane_view *out);

#endif
