/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lease protocol of docs/coordination.md for spin: every order of everything that can happen to
 * one lane, within the bounds below. What is in it, what is not, and what was searched:
 * docs/lease-model.md. tests/model/check.py compiles, runs and judges it.
 *
 * Behind each step stands the function or the part of coordination/lease.lua that it is about.
 *
 * Time. All clocks count ticks. What has to be over after n ticks may still be there when the n-th
 * has come; what has to last n ticks may be gone then: so what lies between two ticks is covered
 * as well. A process acts when it likes: one that does nothing while ticks pass was stopped, or
 * its messages were slow.
 *
 * Data. Whole transactions are one step; fields that mean nothing are zero, so that equal states
 * are one.
 */

/* ---- Bounds ---- */

#ifndef CEILING
#define CEILING 1
#endif
#ifndef GRANTS
#define GRANTS 2 /* to each id */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef VICTIM
#define VICTIM 1 /* which process crashes; connections are lost by 0: they are alike */
#endif
#ifndef BREAKS
#define BREAKS 1 /* connections lost while both ends live */
#endif
#ifndef RESTARTS
#define RESTARTS 0 /* of Redis, empty */
#endif
#ifndef LAGS
#define LAGS 0 /* 1: the first process's clock is slow */
#endif
#ifndef STALLS
#define STALLS 1 /* 0: the epoch's clock goes on with every tick */
#endif
#ifndef LATE_NEWS
#define LATE_NEWS 0 /* 1: messages that are too old to be taken arrive nevertheless */
#endif
#define IDS 2
#define RECORDS 3 /* what Redis and the ERP know of: each life of a process has its id */
#define LATE 2    /* of the one that crashed */
#define ROOM 2    /* requests and answers under way on a connection */

/* ---- Terms: lender_terms; ttl, hold, slack in lease.lua ---- */

#ifndef TTL
#define TTL 2
#endif
#ifndef HOLD
#define HOLD 1
#endif
#if STALLS && !defined(FAULT_NO_SLACK)
#define SLACK (TTL / 2) /* slack in lease.lua */
#else
#define SLACK 0 /* where no clock makes up for anything the rest has to hold without it */
#endif
#ifdef FAULT_NO_MARGIN
#define MARGIN 0
#else
#define MARGIN 1 /* ttl_ms / 10 in on_joined */
#endif
#define RIGHT (TTL - MARGIN)
#ifdef FAULT_NO_HOLD
#define KEPT SLACK
#else
#define KEPT (HOLD + SLACK) /* entry.till + hold + slack <= now */
#endif
#ifdef FAULT_NO_GRACE
#define GRACE 0
#else
#ifdef FAULT_GRACE_WITHOUT_HOLD
#define GRACE (TTL + SLACK)
#else
#define GRACE (TTL + HOLD + SLACK) /* open = now + ttl + hold + slack */
#endif
#endif

/* ---- State ---- */

#define AWAY 1     /* STAGE_AWAY */
#define ENTERING 2 /* STAGE_ENTERING */
#define LIVE 3     /* STAGE_LIVE */

#define ENTER 1
#define JOIN 2
#define RENEW 3
#define TURN 4
#define OTHER_EPOCH 5
#define LAPSED 6

/* The ERP: calls of each id by the ticks they may still last. */
#define SPAN (HOLD + 1)
byte calls[6];     /* RECORDS * SPAN */
#define used(i) (calls[(i) * SPAN] + calls[(i) * SPAN + 1])
#if HOLD != 1
#error "calls[] and used() are written for a hold of one tick"
#endif

/* A process: struct lender, struct lender_lane. */
byte stage[IDS], leased[IDS], seen[IDS], told[IDS] /* told_keep */, known_epoch[IDS];
bool wanted[IDS] /* told_want */, closed[IDS], renewing[IDS];
bool owes[IDS]; /* a grant was not taken, and Redis does not know */
byte right[IDS] /* right_us - now */, asked[IDS] /* the same by the renewal that is out */;
byte rest; /* ticks until the slow clock may fall behind again */

/* Redis: sluice:epoch, sluice:nodes, sluice:lane. */
byte epoch, grace;
bool is_behind;     /* the epoch's clock fell behind by SLACK, and may yet make up for it */
byte life[RECORDS]; /* till + hold + slack - now: live above KEPT, forgotten at 0 */
bool recorded[RECORDS], wants[RECORDS];
byte keep[RECORDS], counted[RECORDS] /* the record's `seen` */, granted[RECORDS];
#define is_live(i) (life[i] > KEPT)
#define held(i) (keep[i] + granted[i] - counted[i])

/* Under way. */
chan request[IDS] = [ROOM] of { byte, byte, byte, bool }; /* op, keep, seen, want */
chan answer[IDS] = [ROOM] of { byte, byte, byte, bool };  /* status, kept, granted, closed */
chan orphan[IDS] = [ROOM] of { byte, byte, byte, bool };  /* of a connection that broke */
byte orphan_epoch[IDS];
bool was_newer[IDS]; /* Redis has seen a request with a higher number than the orphans' */
byte news[IDS];       /* the latest message: it says all that those before it said */
byte news_age[IDS];   /* by the epoch's clock */

byte crashes, breaks, restarts;

/* Within a step. A search in breadth, for the shortest way to a fault, cannot hide them. */
#ifdef SHORTEST
#define hidden
#endif
hidden byte op, k, s, g, x, n, j, rounds, w, c, is_idle;

/* age_ms < ttl, < hold */
#ifdef FAULT_NEWS_OF_ANY_AGE
#define STALE 255
#else
#ifdef FAULT_NEWS_FOR_A_LEASE
#define STALE (TTL + 1)
#else
#define STALE ((TTL < HOLD -> TTL : HOLD) + 1)
#endif
#endif

#define has_room(i) (len(request[i]) + len(answer[i]) < ROOM)
#define decides(i) (stage[i] == LIVE && right[i] > 0 && !closed[i]) /* redis_decides */

/* allowance() */
#ifdef FAULT_STALE_LOAN /* the clock is not looked at when a call begins */
#define allowance(i) (stage[i] == ENTERING -> 0 : leased[i])
#else
#define allowance(i) (stage[i] == ENTERING -> 0 : (right[i] > 0 -> leased[i] : 0))
#endif

/* The property. */
inline begin_call(i)
{
    printf("process %d: a call begins\n", i);
    calls[(i) * SPAN + HOLD]++;
    assert(used(0) + used(1) + used(2) <= CEILING)
}

/* ---- Redis: coordination/lease.lua ---- */

inline reply(i, is_heard, status, kept, number)
{
    if :: is_heard -> answer[i]!status, kept, number, (grace > 0) :: !is_heard -> skip fi
}

/* write(): a record of nothing is none. */
inline drop_record(i)
{
    recorded[i] = false; wants[i] = false; keep[i] = 0; counted[i] = 0; granted[i] = 0
}
inline tidy(i)
{
    if :: recorded[i] && held(i) == 0 && !wants[i] -> drop_record(i) :: else fi
}

/* reserved() */
#define reserved() (held(0) + held(1) + held(2))

#define can_get(i) (recorded[i] && wants[i] && is_live(i) && granted[i] < GRANTS)

/* next_node(), in every order; PUBLISH for the others. A connection that is gone at one end may
 * still be there at the other. */
inline grant(i, self)
{
    printf("redis: grant %d to %d\n", granted[i] + 1, i);
    if
    :: i == LATE || (i != self && stage[i % IDS] == AWAY) -> wants[i] = false
    :: i == LATE || i == self || stage[i % IDS] == AWAY -> granted[i]++; wants[i] = false
    :: i != LATE && i != self && stage[i % IDS] != AWAY ->
        granted[i]++; wants[i] = false;
        news[i % IDS] = granted[i]; news_age[i % IDS] = 0
    fi
}

/* math.max(granted, seen): Redis may have forgotten some. */
inline know_of(i)
{
#ifdef FAULT_COUNTS_ANY
    if :: !recorded[i] -> granted[i] = s :: else fi
#else
    if :: granted[i] < s -> granted[i] = s :: else fi
#endif
}

inline execute(i, is_heard)
{
    if
    :: op == JOIN || op == RENEW ->
        if
        :: op == RENEW && !is_live(i) -> reply(i, is_heard, LAPSED, 0, 0)
        :: else ->
            x = life[i] == 0; /* has_joined_late(): what was registered before is forgotten */
            life[i] = TTL + KEPT;
            reply(i, is_heard, JOIN, x, 0)
        fi
    :: op == ENTER ->
        x = k;
        if :: !recorded[i] && grace == 0 -> x = 0 :: else fi;
        know_of(i);
        recorded[i] = true; wants[i] = false;
        keep[i] = k; counted[i] = granted[i];
        if :: life[i] == 0 -> life[i] = KEPT :: else fi;
        reply(i, is_heard, ENTER, x, granted[i]);
        tidy(i)
    :: op == TURN ->
        if
        :: !is_live(i) -> reply(i, is_heard, LAPSED, 0, 0)
        :: else ->
            know_of(i);
            recorded[i] = true;
            keep[i] = k; counted[i] = s; wants[i] = w;
            do
            :: grace == 0 && reserved() < CEILING && can_get(0) -> grant(0, i)
            :: grace == 0 && reserved() < CEILING && can_get(1) -> grant(1, i)
            :: grace == 0 && reserved() < CEILING && can_get(2) -> grant(2, i)
            :: else -> break
            od;
            reply(i, is_heard, TURN, 0, granted[i]);
            tidy(0); tidy(1); tidy(2)
        fi
    fi
}

/* The next request of a connection. */
inline redis_runs(i)
{
    request[i]?op, k, s, w;
    printf("redis: request %d of %d\n", op, i);
    if
    :: known_epoch[i] != epoch -> /* so are all that come behind it: none of them does anything */
        do :: len(request[i]) > 0 -> request[i]?_, _, _, _ :: else -> break od;
        reply(i, true, OTHER_EPOCH, 0, epoch)
    :: else ->
        execute(i, true);
        if :: len(orphan[i]) > 0 -> was_newer[i] = true :: else fi
    fi;
    op = 0; k = 0; s = 0; w = false; x = 0
}

/* One of a connection that broke. */
inline redis_runs_orphan(i)
{
    orphan[i]?op, k, s, w;
    printf("redis: late request %d of %d\n", op, i);
    if
    :: orphan_epoch[i] != epoch -> skip
#ifndef FAULT_NO_NUMBERS
    :: orphan_epoch[i] == epoch && was_newer[i] && life[i] > 0 -> skip /* 'stale' */
    :: orphan_epoch[i] == epoch && !(was_newer[i] && life[i] > 0) -> execute(i, false)
#else
    :: else -> execute(i, false)
#endif
    fi;
    if :: len(orphan[i]) == 0 -> was_newer[i] = false; orphan_epoch[i] = 0 :: else fi;
    op = 0; k = 0; s = 0; w = false; x = 0
}

inline redis_starts_empty()
{
    printf("redis: empty\n");
    epoch++; grace = GRACE;
    j = 0;
    do
    :: j < RECORDS -> life[j] = 0; drop_record(j); j++
    :: else -> break
    od;
    j = 0
}

/* ---- Time ---- */

#define down(v) if :: v > 0 -> v-- :: else fi

inline own_clock(i)
{
    down(right[i]); down(asked[i])
}

inline wall_clocks()
{
    printf("tick\n");
    j = 0;
    do
    :: j < RECORDS ->
        n = 0;
        do
        :: n < HOLD -> calls[j * SPAN + n] = calls[j * SPAN + n + 1]; n++
        :: else -> break
        od;
        calls[j * SPAN + HOLD] = 0;
        j++
    :: else -> break
    od;
    j = 0; n = 0;
    own_clock(1)
}

inline epoch_clock()
{
    j = 0;
    do
    :: j < RECORDS ->
        if
        :: j < IDS && news[j % IDS] > 0 && news_age[j % IDS] < TTL + 1 ->
            news_age[j % IDS]++;
            if
            :: news_age[j % IDS] == STALE && !LATE_NEWS ->
                news[j % IDS] = 0; news_age[j % IDS] = 0
            :: else
            fi
        :: else
        fi;
        if
        :: life[j] > 0 ->
            life[j]--;
            if :: life[j] == 0 -> printf("redis: forgets %d\n", j); drop_record(j) :: else fi
        :: else
        fi;
        j++
    :: else -> break
    od;
    j = 0;
    down(grace)
}

/* ---- A process: coordination/lender.c ---- */

/* enter_all(), lender_up() */
inline enter_all(i)
{
    printf("process %d: registers, %d in use, grants seen: %d\n", i, used(i), seen[i]);
    stage[i] = ENTERING;
    leased[i] = used(i); told[i] = leased[i];
    wanted[i] = false; renewing[i] = false; owes[i] = false;
    request[i]!ENTER, leased[i], seen[i], false;
    request[i]!JOIN, 0, 0, false;
    asked[i] = RIGHT
}

inline lose_orphans(i)
{
    do :: len(orphan[i]) > 0 -> orphan[i]?_, _, _, _ :: else -> break od;
    was_newer[i] = false; orphan_epoch[i] = 0
}

/* lender_down(): what was on its way to Redis may still arrive, all of it, some or nothing. */
inline cut(i)
{
    printf("process %d: connection lost\n", i);
    lose_orphans(i);
    do
    :: len(request[i]) > 0 ->
        request[i]?op, k, s, w;
        orphan[i]!op, k, s, w;
        orphan_epoch[i] = known_epoch[i]
    :: else -> break
    od;
    do :: len(answer[i]) > 0 -> answer[i]?_, _, _, _ :: else -> break od;
    op = 0; k = 0; s = 0; w = false;
    news[i] = 0; news_age[i] = 0;
    renewing[i] = false; asked[i] = 0; wanted[i] = false; owes[i] = false; told[i] = 0;
    closed[i] = false;
    stage[i] = AWAY
}

/* settle(), the half that gives back: a slot that is free goes back while Redis decides. */
inline settle(i)
{
    if :: decides(i) -> leased[i] = used(i) :: else fi
}

/* take_grants() of fresh ones, and what the governor makes of the loan: some calls begin. */
inline take(i)
{
    leased[i] = leased[i] + g - seen[i];
    seen[i] = g; told[i] = leased[i]; wanted[i] = false;
    do
    :: used(i) < allowance(i) -> begin_call(i)
    :: true -> break
    od;
    settle(i)
}

/* take_grants() of others: Redis hears that they were not taken. */
inline pass_over(i)
{
    seen[i] = g;
    owes[i] = true;
    settle(i)
}

/* lender_granted() */
inline hear_news(i)
{
    printf("process %d: hears of grant %d\n", i, news[i]);
    g = news[i];
    if
    :: stage[i] == LIVE && g > seen[i] ->
        if
        :: news_age[i] < STALE -> take(i)
        :: else -> pass_over(i)
        fi
    :: else
    fi;
    news[i] = 0; news_age[i] = 0; g = 0
}

/* on_joined() */
inline joined(i)
{
#ifdef FAULT_LEASE_FROM_ANSWER
    right[i] = RIGHT;
#else
    right[i] = asked[i];
#endif
    asked[i] = 0; renewing[i] = false; stage[i] = LIVE;
    settle(i)
}

/* What was sent before the answer came finds no better one at Redis, and changes nothing there. */
inline void_rest(i)
{
    do :: len(request[i]) > 0 -> request[i]?_, _, _, _ :: else -> break od;
    do :: len(answer[i]) > 0 -> answer[i]?_, _, _, _ :: else -> break od
}

/* lender_answer() */
inline hear_answer(i)
{
    answer[i]?op, k, g, c;
    printf("process %d: hears answer %d\n", i, op);
    if
    :: op == OTHER_EPOCH ->
        known_epoch[i] = g;
        news[i] = 0; news_age[i] = 0; /* they name the other epoch */
        void_rest(i); enter_all(i)
    :: op == LAPSED -> void_rest(i); enter_all(i)
    :: op == ENTER ->
        closed[i] = c;
        assert(g >= seen[i]);
        seen[i] = g;
        if :: k < leased[i] -> leased[i] = k :: else fi
    :: op == JOIN ->
        closed[i] = c;
        if
#ifndef FAULT_LATE_JOIN
        :: stage[i] == ENTERING && k > 0 -> void_rest(i); enter_all(i)
#endif
        :: else -> joined(i)
        fi
    :: op == TURN ->
        closed[i] = c;
        if
        :: g > seen[i] -> take(i)
        :: g > seen[i] -> pass_over(i) /* it is old */
        :: else -> settle(i)
        fi
    fi;
    op = 0; k = 0; g = 0; c = false
}

/* settle(), the half that asks: fill() */
#ifdef FAULT_UNTOLD
#define has_to_tell(i) false
#else
#define has_to_tell(i) (leased[i] != told[i] || leased[i] != used(i) || owes[i])
#endif
inline turn(i, is_wanted)
{
    settle(i);
    printf("process %d: keeps %d, grants seen: %d, wants %d\n", i, leased[i], seen[i], is_wanted);
    request[i]!TURN, leased[i], seen[i], is_wanted;
    told[i] = leased[i]; wanted[i] = is_wanted; owes[i] = false
}

inline renew(i)
{
    printf("process %d: renews\n", i);
    request[i]!RENEW, 0, 0, false;
    renewing[i] = true; asked[i] = RIGHT
}

/* Its calls go on, and Redis does not know. What it had sent is lost, or was done just before. */
inline crash(i)
{
    printf("process %d: crashes\n", i);
    calls[LATE * SPAN] = calls[i * SPAN]; calls[LATE * SPAN + 1] = calls[i * SPAN + 1];
    calls[i * SPAN] = 0; calls[i * SPAN + 1] = 0;
    life[LATE] = life[i]; recorded[LATE] = recorded[i];
    wants[LATE] = wants[i]; keep[LATE] = keep[i]; counted[LATE] = counted[i];
    granted[LATE] = granted[i];
    life[i] = 0; drop_record(i);
    cut(i); lose_orphans(i);
    leased[i] = 0; seen[i] = 0; right[i] = 0; known_epoch[i] = 0;
    start_process(i)
}

/* lender_new() */
inline start_process(i)
{
    stage[i] = AWAY
}

/*
 * Grants are compared, never used as such: when nothing is under way, they may be counted from zero
 * again. So there is no end to the calls, only to the grants that one does not know of.
 */
inline rebase(i)
{
    if
    :: len(request[i]) == 0 && len(answer[i]) == 0 && len(orphan[i]) == 0 && news[i] == 0 ->
        if
        :: !recorded[i] -> seen[i] = 0
        :: recorded[i] && counted[i] <= seen[i] ->
            seen[i] = seen[i] - counted[i]; granted[i] = granted[i] - counted[i]; counted[i] = 0
        :: else
        fi
    :: else
    fi
}

/* ---- Everything that can happen ---- */

#define REDIS(i) \
    :: atomic { len(request[i]) > 0 -> redis_runs(i) } \
    :: atomic { len(orphan[i]) > 0 -> redis_runs_orphan(i) } \
    :: d_step { len(orphan[i]) > 0 -> lose_orphans(i) }

#define PROCESS(i) \
    :: d_step { stage[i] == AWAY -> enter_all(i) } /* lender_up */ \
    :: atomic { len(answer[i]) > 0 -> hear_answer(i); rebase(i) } \
    :: atomic { news[i] > 0 -> hear_news(i); rebase(i) } \
    :: d_step { /* a call that waited, under a lease that Redis cannot recall now */ \
        !decides(i) && used(i) < allowance(i) -> begin_call(i) } \
    :: d_step { calls[(i) * SPAN] > 0 -> calls[(i) * SPAN]--; settle(i) } \
    :: d_step { calls[(i) * SPAN + 1] > 0 -> calls[(i) * SPAN + 1]--; settle(i) } \
    :: d_step { decides(i) && has_room(i) && has_to_tell(i) -> turn(i, wanted[i]) } \
    :: d_step { decides(i) && has_room(i) && !wanted[i] && seen[i] < GRANTS -> turn(i, true) } \
    :: d_step { \
        stage[i] == LIVE && has_room(i) && !renewing[i] && (right[i] < RIGHT || closed[i]) -> \
        renew(i) }

#define WORLD \
    :: d_step { (stage[0] == ENTERING || stage[0] == LIVE) && breaks < BREAKS -> \
        breaks++; cut(0) } \
    :: d_step { crashes < CRASHES -> crashes++; crash(VICTIM) } \
    :: d_step { restarts < RESTARTS -> restarts++; redis_starts_empty() } \
    :: d_step { wall_clocks(); epoch_clock(); own_clock(0); down(rest) } \
    :: d_step { STALLS -> wall_clocks(); own_clock(0); down(rest); is_behind = true } \
    :: d_step { is_behind && STALLS == 1 -> epoch_clock(); is_behind = false } \
    :: d_step { LAGS && rest == 0 -> wall_clocks(); epoch_clock(); rest = TTL }

/*
 * No slot is lost: wherever the world stands, if nothing bad happens any more and nobody asks, then
 * after the longest lease, hold and grace every slot is free. One step: from here on there is no
 * choice.
 */
#ifdef CALM
#define CALM_ROUNDS (TTL + HOLD + SLACK + 2)

inline calm_process(i)
{
    if
    :: len(orphan[i]) > 0 -> is_idle = false; redis_runs_orphan(i)
    :: else ->
        if
        :: len(answer[i]) > 0 -> is_idle = false; hear_answer(i)
        :: else ->
            if
            :: len(request[i]) > 0 -> is_idle = false; redis_runs(i)
            :: else ->
                if
                :: news[i] > 0 -> is_idle = false; hear_news(i)
                :: else ->
                    if
                    :: stage[i] == AWAY -> is_idle = false; enter_all(i)
                    :: else ->
                        calm_live(i)
                    fi
                fi
            fi
        fi
    fi
}

inline calm_live(i)
{
    calls[i * SPAN] = 0; calls[i * SPAN + 1] = 0;
    settle(i);
    if
    :: decides(i) && (has_to_tell(i) || wanted[i]) -> is_idle = false; turn(i, false)
    :: else ->
        if
        :: stage[i] == LIVE && !renewing[i] && right[i] < RIGHT -> is_idle = false; renew(i)
        :: else
        fi
    fi
}

inline calm()
{
    rounds = 0;
    do
    :: rounds < CALM_ROUNDS ->
        is_idle = true;
        calm_process(0); calm_process(1);
        if
        :: is_idle -> rounds++; wall_clocks(); epoch_clock(); own_clock(0)
        :: else
        fi
    :: else -> break
    od;
    rounds = 0; is_idle = false;
    assert(grace == 0 && held(0) + held(1) + held(2) == 0);
    assert(stage[0] == LIVE && stage[1] == LIVE && !closed[0] && !closed[1])
}
#endif

active proctype world()
{
    d_step {
        epoch = 1;
        start_process(0); start_process(1)
    };
    do
    REDIS(0)
    REDIS(1)
    PROCESS(0)
    PROCESS(1)
    WORLD
#ifdef CALM
    :: d_step { calm() } -> break
#endif
    od
}
