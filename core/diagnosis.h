/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the trial of an account says of each step between here and the ERP: did it
 * pass, and if not, what a person does about it. Pure: facts in, steps out. Owns: nothing;
 * texts live in the arena or are literals. Threads: any. Errors: none. Start reading at:
 * diagnosis_make.
 *
 * One request, or two with a token host, tells of every step: five refused logins lock a
 * user, so nothing is tried twice.
 */
#ifndef SLUICE_CORE_DIAGNOSIS_H
#define SLUICE_CORE_DIAGNOSIS_H

#include "auth/outbound.h"
#include "io/http_client.h"

enum diagnosis_outcome { DIAGNOSIS_SKIPPED, DIAGNOSIS_PASS, DIAGNOSIS_FAIL };

enum diagnosis_place {
    STEP_CONFIGURATION, /* the address may be called */
    STEP_CERTIFICATE,   /* the login's own, which the ERP or a token host is shown */
    STEP_RESOLVE,
    STEP_CONNECT,
    STEP_TLS,
    STEP_BEHIND, /* through a proxy: the host behind it */
    STEP_CLOCK,
    STEP_TOKEN_RESOLVE, /* of the host that was asked last for what the login needs */
    STEP_TOKEN_CONNECT,
    STEP_TOKEN_TLS,
    STEP_TOKEN,
    STEP_LOGIN,
    STEP_PERMISSION,
    STEP_READ,
    STEP_COUNT
};

struct diagnosis_step {
    enum diagnosis_outcome outcome;
    struct slice detail;
    struct slice remedy; /* empty unless it failed */
    int64_t duration_us;
};

/* Borrowed. */
struct diagnosis_facts {
    const struct outbound_scheme *scheme;
    struct slice origin;     /* of the ERP's API */
    bool by_proxy;           /* which the request went to in the ERP's place */
    struct slice reauth_url; /* or empty */
    bool shows_addresses;    /* what a name resolves to is the operator's affair */
    int64_t now_ms;
    /* Of the login's own that ends first; 0: it has none. */
    int64_t certificate_ends_ms;

    bool asked_token;
    enum err token_err;
    int token_status;
    struct slice token_code;
    int64_t token_us;
    const struct http_trace *token; /* NULL: nothing was sent to the token host */
    int64_t token_skew_ms; /* how far that host's clock is ahead, by its Date */

    const struct http_trace *erp; /* of the last exchange; NULL: none */
    int64_t erp_skew_ms;
    int status;                /* of its answer; 0: none */
    const struct fault *fault; /* err ERR_OK: the read worked */
};

void diagnosis_make(const struct diagnosis_facts *facts, struct arena *arena,
                    struct diagnosis_step steps[STEP_COUNT]);

/* "resolve", "tls", …; "pass", "fail", "skipped". */
const char *diagnosis_step_name(enum diagnosis_place place);
const char *diagnosis_outcome_name(enum diagnosis_outcome outcome);

/* The way out when a transfer ended for that reason (struct http_outcome), for those who
 * connect an account or look after the server; empty where there is none to name. */
struct slice diagnosis_hint(const char *reason);

#endif
