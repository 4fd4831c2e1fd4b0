/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an account ready for use: its connector's target, its opened credential, its
 * limits; built from the store once and kept until it changes. Owns: the cached
 * accounts; an account lives until its last holder has dropped it. Threads: the loop's.
 * Errors: ERR_NOT_FOUND, ERR_IO, ERR_INTERNAL (a secret cannot be opened).
 * Start reading at: accounts_get.
 */
#ifndef SLUICE_CORE_ACCOUNTS_H
#define SLUICE_CORE_ACCOUNTS_H

#include "auth/outbound.h"
#include "base/list.h"
#include "base/slab.h"
#include "catalog/catalog.h"
#include "connectors/connector.h"
#include "core/gateway.h"
#include "core/lockout.h"
#include "core/login_turns.h"
#include "store/store.h"

struct login_leases;

struct account_limits {
    int ceiling;           /* 0: the integration's default */
    int queue_limit;       /* -1: the server's default */
    int64_t queue_wait_ms; /* -1: the server's default */
    /* -1: the integration's default; 0: no limit. A burst of 0: the integration's default. */
    int calls_per_minute, calls_burst;
    int writes_per_minute, writes_burst;
    int latency_factor; /* 0: nobody looks how long answers take */
};

/* A place in the line of those who wait for another operation of the same account. */
struct account_parked {
    struct list link;
    void (*wake)(struct account_parked *parked);
};

/* How a login stands with the ERP, in this process: core/standing.c's. */
struct login_standing {
    bool on_trial;
    int64_t worked_us;        /* when the ERP last took it; 0: not since it was built */
    int64_t refused_us;       /* when it last refused it */
    int refusals;             /* of tokens that were fetched anew, in a row */
    uint64_t refused_version; /* which token that was */
};

/* A credential of another scheme than the active one: core/logins.h. */
struct account_standby {
    struct slice scheme;
    struct credential *credential;
    bool proven; /* has been verified as it is */
    struct login_standing standing;
};

/* What a change of the stored record leaves as it was. */
enum login_change {
    LOGIN_SAME,     /* the active credential; standby ones may be others */
    LOGIN_SWITCHED, /* all credentials; another one is active */
    LOGIN_NEW       /* at most the standby ones */
};

struct account {
    struct store_account record; /* in `arena`; without connection and auth: used up */
    struct list ready;           /* among those kept, the longest unused first */
    struct catalog *catalog;     /* held: what it is served from now */
    const struct integration *integration; /* there */
    uint64_t epoch;                        /* of that */
    /* What store_generation() was when the record was last found to be this one. */
    uint64_t seen;
    const struct connector *connector;
    struct op_target target;
    struct account_limits limits;  /* defaults filled in */
    struct credential *credential; /* the active one */
    struct account_standby *standbys;
    size_t standby_count;
    struct arena *arena;
    struct op_session *session; /* the connector's memory of this upstream; or NULL */
    struct list parked;
    struct accounts *owner;
    int holders;
    bool proven, waking;
    bool apart; /* made to try a credential: says nothing of the account kept ready */
    bool verifying; /* core/admin_verify.c's: one at a time */
    /* core/standing.c's, as record.state and record.cause are. */
    struct login_standing standing; /* of the active credential */
    int64_t probed_us;              /* when a call was last let through all the same */
    /* In `arena`: the account's, or its environment's; or empty. */
    struct slice reauth_url;
};

struct accounts *accounts_new(struct gateway *gateway);
void accounts_free(struct accounts *accounts); /* accepts NULL */

/* Tells the governor of every stored account, so that lanes and ceilings are whole from
 * the start. Accounts whose integration is not loaded are skipped with a log line. */
MUST_USE enum err accounts_restore(struct accounts *accounts);
/* The governor hears of those that somebody else has added since, a page of them; *is_more: there
 * are others. An account of which nothing can be made is logged and passed over. ERR_IO, which is
 * logged when it begins: the page is looked at again the next time. */
MUST_USE enum err accounts_look_for_added(struct accounts *accounts, bool *is_more);

/* Holds *out: drop it with account_drop. */
MUST_USE enum err accounts_get(struct accounts *accounts, struct slice id,
                               struct account **out);
/* An account that was got before: what it is served from is what is in force now. Calls keep
 * what they began with. ERR_NOT_FOUND: its integration is not in force any more. */
MUST_USE enum err account_refresh(struct account *account);
struct account *account_hold(struct account *account);
void account_drop(struct account *account); /* accepts NULL */

/* Keeps `parked` until it is woken (once) or removes its link. */
void account_park(struct account *account, struct account_parked *parked);
/* An operation of the account has moved on: those parked are woken at the next turn. */
void account_wake_parked(struct account *account);

/* The stored record changed or went: the next accounts_get builds anew. The governor is
 * told. */
void accounts_changed(struct accounts *accounts, struct slice id,
                      enum login_change change);
void accounts_removed(struct accounts *accounts, struct slice id);

/*
 * Builds an account that is not stored yet, with the secrets given in `auth` (an object
 * that outbound_check has passed), and tells the governor of it. Copies the record.
 */
MUST_USE enum err accounts_build_new(struct accounts *accounts,
                                     const struct store_account *record,
                                     const struct jval *auth, struct account **out);

/*
 * The same beside a stored account, to try the credential that `record` names with: its
 * values are those in `auth`, or the stored ones when that is NULL. The governor hears
 * nothing: its operations take places of the stored one.
 */
MUST_USE enum err accounts_build_apart(struct accounts *accounts,
                                       const struct store_account *record,
                                       const struct jval *auth, struct account **out);

struct gateway *account_gateway(const struct account *account);
/* For what lives as long as the account. */
struct slab *account_slab(const struct account *account);
/* What was refused of each login, and of each user at an ERP. */
struct lockout *account_lockout(const struct account *account);
struct lockout *account_user_lockout(const struct account *account);
struct login_leases *account_login_leases(const struct account *account);
struct login_turns *account_login_turns(const struct account *account);
/* The governor hears how the account stands. */
void account_tell_governor(struct account *account);
/* The one that is kept ready, or one made to try a login: not changed or removed since. */
bool account_is_current(const struct account *account);
/* The account as it is by now, held: this one, or the one that has replaced it. */
struct account *account_now(struct account *account);

/*
 * {"ceiling":1..1000,"queue_limit":0..10000,"queue_wait_ms":0..600000,
 * "calls_per_minute":0..60000,"calls_burst":1..1000,"writes_per_minute","writes_burst",
 * "latency_factor":2..100}, each optional; NULL and an empty object leave the defaults.
 * ERR_UNPROCESSABLE with details in
 * `fault`.
 */
MUST_USE enum err account_limits_parse(const struct jval *json, struct arena *arena,
                                       struct account_limits *out, struct fault *fault);
/* What it leaves open: `ceiling`, where the connection has one of its own (else 0), and the
 * defaults. */
void account_limits_complete(struct account_limits *limits, int ceiling,
                             const struct integration *integration,
                             const struct gateway_config *config);

#endif
