/* SPDX-License-Identifier: Apache-2.0 */
/* States that differ only in numbers nobody compares become one. */
#include "tests/model/shares.h"

struct numbers {
    num *at[16];
    int count;
};

static void add(struct numbers *all, num *number)
{
    all->at[all->count++] = number;
}

static num count_from_least(const struct numbers *all)
{
    num least = NEVER;
    for (int k = 0; k < all->count; k++) {
        least = *all->at[k] < least ? *all->at[k] : least;
    }
    for (int k = 0; k < all->count; k++) {
        *all->at[k] = (num)(*all->at[k] - least);
    }
    return least;
}

/* Only their order means something; the least becomes `first`. */
static void rank(const struct numbers *all, num first)
{
    num ranks[16];
    for (int k = 0; k < all->count; k++) {
        bool is_below[128] = {false};
        ranks[k] = first;
        for (int o = 0; o < all->count; o++) {
            num value = *all->at[o];
            if (value < *all->at[k] && !is_below[(int)value]) {
                is_below[(int)value] = true;
                ranks[k]++;
            }
        }
    }
    for (int k = 0; k < all->count; k++) {
        *all->at[k] = ranks[k];
    }
}

static void normalize_node(int i)
{
    struct node_state *n = &w.nodes[i];
    struct numbers sequences = {.count = 0}, grants = {.count = 0};
    add(&sequences, &n->seq);
    add(&grants, n->lane != 0 ? &n->seen : &n->base_seen);
    if (w.redis.nodes[i].there != 0) {
        add(&sequences, &w.redis.nodes[i].seq);
    }
    if (w.redis.records[i].there != 0) {
        add(&grants, &w.redis.records[i].seen);
        add(&grants, &w.redis.records[i].granted);
    }
    for (int k = 0; k < n->request_count + n->orphan_count; k++) {
        struct asked *a =
            k < n->request_count ? &n->requests[k] : &n->orphans[k - n->request_count];
        add(&sequences, &a->seq);
        if (a->op >= LENDER_ENTER && k < n->request_count) {
            add(&grants, &a->seen);
        }
        if (a->epoch == 0) {
            a->claim = 0;
        }
    }
    for (int k = 0; k < n->answer_count; k++) {
        if (n->answers[k].status == ENTERED || n->answers[k].status == TURNED) {
            add(&grants, &n->answers[k].granted);
        }
        n->answers[k].last = n->answers[k].status == ENTERED ? n->answers[k].last : 0;
    }
    if (n->news > 0 && n->news - 1 <= (n->lane != 0 ? n->seen : n->base_seen)) {
        n->news = n->news_at = 0; /* it would add nothing */
    }
    num least = count_from_least(&grants);
    n->news = n->news > 0 ? (num)(n->news - least) : 0;
    for (int k = 0; k < n->orphan_count;
         k++) { /* below all others only if it is stale */
        n->orphans[k].seen = clamp(n->orphans[k].seen - least, 0, NEVER);
    }
    rank(&sequences, 1);
    n->base_seen = n->lane != 0 ? n->seen : n->base_seen;
}

void normalize(void)
{
    struct numbers turns = {.count = 0};
    bool is_lent = false;
    for (int i = 0; i < NODES; i++) {
        normalize_node(i);
    }
    for (int k = 0; k < RECORDS; k++) {
        if (w.redis.records[k].there != 0) {
            is_lent = true;
            add(&turns, &w.redis.records[k].last);
        }
    }
    w.redis.nodes[DEAD].seq = 0;
    if (w.redis.records[DEAD].there != 0) {
        struct numbers grants = {.count = 0};
        add(&grants, &w.redis.records[DEAD].seen);
        add(&grants, &w.redis.records[DEAD].granted);
        count_from_least(&grants);
    }
    if (is_lent) {
        add(&turns, &w.redis.fence);
        rank(&turns, 0);
    } else {
        w.redis.fence = 0;
    }
}
