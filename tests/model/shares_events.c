/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that can happen to two servers, their connections, Redis and the time. */
#include "tests/model/shares.h"

const char *const events[EVENTS] = {"a tick",
                                    "redis runs a request",
                                    "redis runs a late request",
                                    "late requests are lost",
                                    "hears an answer",
                                    "hears of a grant",
                                    "a call ends",
                                    "an older call ends",
                                    "a call comes",
                                    "the timer fires",
                                    "the connection breaks",
                                    "the connection breaks before the answer",
                                    "connects",
                                    "crashes",
                                    "redis starts empty"};

static struct asked first_of(struct asked *queue, num *count)
{
    struct asked first = queue[0];
    (*count)--;
    memmove(queue, queue + 1, (size_t)*count * sizeof *queue);
    memset(queue + *count, 0, sizeof *queue);
    return first;
}

static void end_call(int i, int age)
{
    struct node_state *n = &w.nodes[i];
    put_back(i);
    n->calls[age]--;
    n->loan = n->loan < total(n->calls) ? n->loan : (num)total(n->calls);
    recall(i);
    settle_node(i);
    save(i);
}

static void add_call(int i)
{
    put_back(i);
    recall(i);
    w.nodes[i].waiting++;
    begin_calls(i);
    settle_node(i);
    save(i);
}

static void fire_timer(int i)
{
    put_back(i);
    recall(i);
    save(i);
}

static void drop_orphans(int i)
{
    memset(w.nodes[i].orphans, 0, sizeof w.nodes[i].orphans);
    w.nodes[i].orphan_count = 0;
}

/* What was under way to Redis may arrive later: as orphans. */
static void cut(int i)
{
    struct node_state *n = &w.nodes[i];
    put_back(i);
    drop_orphans(i);
    if (bounds.has_orphans) {
        memcpy(n->orphans, n->requests, sizeof n->orphans);
        n->orphan_count = n->request_count;
    }
    for (int k = 0; k < n->orphan_count; k++) {
        n->orphans[k].round = n->orphans[k].sent = 0;
    }
    memset(n->requests, 0, sizeof n->requests);
    memset(n->answers, 0, sizeof n->answers);
    n->request_count = n->answer_count = n->news = n->news_at = n->up = 0;
    go_down(i);
    settle_node(i);
    save(i);
}

static void connect(int i)
{
    put_back(i);
    w.nodes[i].up = 1;
    go_up(i);
    settle_node(i);
    save(i);
}

void begin_life(int i)
{
    struct node_state *n = &w.nodes[i];
    *n = (struct node_state){.stage = 0,
                             /* STAGE_AWAY */ .offset = NEVER,
                             .renew = NEVER,
                             .wall_offset = LONG_AGO};
}

/* Its calls go on; what it had sent was done before, or is lost. */
static void crash(int i)
{
    memcpy(w.dead_calls, w.nodes[i].calls, sizeof w.dead_calls);
    w.redis.nodes[DEAD] = w.redis.nodes[i];
    w.redis.records[DEAD] = w.redis.records[i];
    memset(&w.redis.nodes[i], 0, sizeof w.redis.nodes[i]);
    memset(&w.redis.records[i], 0, sizeof w.redis.records[i]);
    for (int p = 0; p < 2; p++) {
        if (w.redis.places[p].known != 0 && w.redis.places[p].process == i + 1) {
            w.redis.places[p].process = DEAD + 1;
        }
    }
    begin_life(i);
}

static void restart_redis(void)
{
    memset(&w.redis, 0, sizeof w.redis);
    w.redis.seats = (num)bounds.seats;
    shift_epoch(0, true);
    for (int i = 0; i < NODES; i++) {
        if (w.nodes[i].up != 0) {
            cut(i);
        }
        drop_orphans(i);
    }
}

static void age_call(num *calls)
{
    for (int age = HOLD; age > 0; age--) {
        calls[age] = calls[age - 1];
    }
    calls[0] = 0;
}

static void tick_requests(struct asked *queue, int count)
{
    for (int k = 0; k < count; k++) {
        queue[k].sent = clamp(queue[k].sent - 1, -SHARE_TICKS, 0);
        queue[k].wall = clamp(queue[k].wall - 1, LONG_AGO, 0);
    }
}

static void tick_node(struct node_state *n)
{
    age_call(n->calls);
    n->loan = n->loan < total(n->calls) ? n->loan : (num)total(n->calls);
    n->asked = clamp(n->asked - 1, -SHARE_TICKS, 0);
    n->right = clamp(n->right - 1, 0, TTL);
    n->open = n->open == NEVER ? NEVER : clamp(n->open - 1, 0, NEVER);
    n->renew = n->renew == NEVER ? NEVER : clamp(n->renew - 1, 0, NEVER);
    n->offset = n->offset == NEVER ? NEVER : clamp(n->offset + 1, -AHEAD, AHEAD);
    tick_requests(n->requests, n->request_count);
    tick_requests(n->orphans, n->orphan_count);
    for (int k = 0; k < n->answer_count; k++) {
        n->answers[k].of.sent = clamp(n->answers[k].of.sent - 1, -SHARE_TICKS, 0);
        n->answers[k].wall = clamp(n->answers[k].wall - 1, LONG_AGO, 0);
    }
    for (int k = 0; k < n->orphan_count; k++) {
        n->orphans[k].sent = 0;
    }
}

/* A call that has lasted as long as it may is over, whether or not its server has seen it. */
static void tick(void)
{
    for (int i = 0; i < NODES; i++) {
        tick_node(&w.nodes[i]);
    }
    age_call(w.dead_calls);
    w.redis.lag = w.redis.known != 0 ? clamp(w.redis.lag + 1, 0, TTL / 2) : 0;
    for (int k = 0; k < RECORDS; k++) {
        if (w.redis.nodes[k].there != 0) {
            w.redis.nodes[k].at = clamp(w.redis.nodes[k].at - 1, LONG_AGO, 100);
        }
    }
}

/* Of the servers that are not `bounds.late_nodes` everything is heard and done before time goes on. */
static bool is_prompt(void)
{
    for (int i = bounds.late_nodes; i < NODES; i++) {
        const struct node_state *n = &w.nodes[i];
        if (n->request_count + n->answer_count + n->news > 0) {
            return false;
        }
        if (is_due(i)) {
            return false;
        }
    }
    return true;
}

bool can(int event, int i)
{
    const struct node_state *n = &w.nodes[i];
    switch (event) {
    case TICKS:
        return i == 0 && is_prompt();
    case RUNS:
        return n->request_count > 0;
    case RUNS_ORPHAN:
    case LOSES_ORPHANS:
        return n->orphan_count > 0;
    case ANSWERED:
        return n->answer_count > 0;
    case NEWS:
        return n->news > 0;
    case ENDS_NEW:
        return n->calls[0] > 0;
    case ENDS_OLD:
        return n->calls[1] > 0;
    case COMES:
        return n->waiting < 1;
    case TIMER:
        return is_due(i);
    case CUT:
        return i == 0 && n->up != 0 && w.cuts < bounds.cuts;
    case RUNS_AND_CUT:
        return i == 0 && i >= bounds.late_nodes && n->request_count > 0 &&
               w.cuts < bounds.cuts;
    case UP:
        return n->up == 0;
    case CRASHES:
        return i == 0 && w.crashes < bounds.crashes;
    default:
        return i == 0 && w.restarts < bounds.restarts;
    }
}

void happen(int event, int i)
{
    struct node_state *n = &w.nodes[i];
    struct asked a;
    switch (event) {
    case TICKS:
        tick();
        break;
    case RUNS:
        a = first_of(n->requests, &n->request_count);
        run_script(i, &a, true);
        while (i >= bounds.late_nodes && n->answer_count > 0) {
            hear_answer(i);
        }
        break;
    case RUNS_AND_CUT:
        a = first_of(n->requests, &n->request_count);
        run_script(i, &a, false);
        w.cuts++;
        cut(i);
        break;
    case RUNS_ORPHAN:
        a = first_of(n->orphans, &n->orphan_count);
        run_script(i, &a, false);
        break;
    case LOSES_ORPHANS:
        drop_orphans(i);
        break;
    case ANSWERED:
        hear_answer(i);
        break;
    case NEWS:
        hear_news(i);
        break;
    case ENDS_NEW:
        end_call(i, 0);
        break;
    case ENDS_OLD:
        end_call(i, 1);
        break;
    case COMES:
        add_call(i);
        break;
    case TIMER:
        fire_timer(i);
        break;
    case CUT:
        w.cuts++;
        cut(i);
        break;
    case UP:
        connect(i);
        break;
    case CRASHES:
        w.crashes++;
        crash(i);
        break;
    default:
        w.restarts++;
        restart_redis();
        break;
    }
}
