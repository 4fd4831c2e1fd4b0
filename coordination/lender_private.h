/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the records that the files of the lender share; nobody else includes this.
 * Owns: see each record.
 * Threads: one loop owns a lender.  Errors: none; a broken rule aborts.
 * Start reading at: the invariants at the top of lender.c.
 */
#ifndef SLUICE_COORDINATION_LENDER_PRIVATE_H
#define SLUICE_COORDINATION_LENDER_PRIVATE_H

#include "base/list.h"
#include "base/map.h"
#include "coordination/lender.h"

#define RUN_ID_BYTES 64

enum stage { STAGE_AWAY, STAGE_ENTERING, STAGE_LIVE, STAGE_DISPUTED };

struct lender_lane {
    struct list all, asking, lending;
    char key[LENDER_KEY_BYTES];
    int ceiling, used, lent, want; /* as the governor said */
    int leased, others;
    int64_t seen;
    /* What Redis will know once the requests have arrived. */
    int told_keep, told_want, told_ceiling;
    int pending;     /* requests of this round without an answer */
    bool enters;     /* the next request registers it */
    bool is_offered; /* granted, and the governor does not know yet */
    size_t id_bytes;
    char id[];
};

struct lender {
    struct lender_terms terms;
    char id[LENDER_KEY_BYTES], epoch[LENDER_EPOCH_BYTES], run[RUN_ID_BYTES];
    size_t id_bytes, epoch_bytes, run_bytes;
    char seat[64]; /* node, process, workers */
    enum stage stage;
    struct map *lanes; /* by id */
    struct map *keys;  /* the same, by key */
    struct list all, asking, lending;
    uint64_t round, sequence;
    bool joins, renews, leaves; /* to be sent; join only after all that enters */
    bool renewing;
    int64_t offset_ms;      /* epoch's clock minus ours, at most; INT64_MIN: unknown */
    int64_t wall_offset_ms; /* clock of Redis's machine minus ours, the same way */
    int64_t base_seen;      /* no grant of a forgotten lane had a higher number */
    /* Sending of the last renewal that was answered, or our start. */
    int64_t contact_us;
    int64_t asked_us; /* of the last renewal, answered or not: Redis may know of it */
    int64_t right_us; /* until when leases may be used */
    int64_t open_us;  /* until then nothing is granted: the epoch is young */
    int64_t renew_us;
    int64_t entered_ms; /* when the first lane was registered, by the epoch's clock */
    bool is_closed;     /* as the last answer said: the grace runs */
    bool was_right, was_sharing; /* what the last tick saw */
    bool is_disputed;            /* our seat is another's, or the terms are others */
    uint64_t epochs, lapses;
};

static inline void queue_once(struct list *list, struct list *node)
{
    if (list_empty(node)) {
        list_push(list, node);
    }
}

/* lender.c */
void lender_settle(struct lender *lender, struct lender_lane *lane, int64_t now_us);
void lender_settle_all(struct lender *lender, int64_t now_us);

/* lender_request.c */
void lender_enter_all(struct lender *lender, int64_t now_us);

#endif
