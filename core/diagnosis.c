/* SPDX-License-Identifier: Apache-2.0 */
/* How far a trial came is read from its traces; what stands behind that was not reached. */
#include "core/diagnosis_private.h"

#include "base/timefmt.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define NOT_REACHED SLICE("Not reached: an earlier step failed.")
#define LET_IN SLICE("The ERP took the login.")

static const char *const names[STEP_COUNT] = {
    [STEP_CONFIGURATION] = "configuration",
    [STEP_CERTIFICATE] = "client_certificate",
    [STEP_RESOLVE] = "resolve",
    [STEP_CONNECT] = "connect",
    [STEP_TLS] = "tls",
    [STEP_BEHIND] = "behind",
    [STEP_CLOCK] = "clock",
    [STEP_TOKEN_RESOLVE] = "token_resolve",
    [STEP_TOKEN_CONNECT] = "token_connect",
    [STEP_TOKEN_TLS] = "token_tls",
    [STEP_TOKEN] = "token",
    [STEP_LOGIN] = "login",
    [STEP_PERMISSION] = "permission",
    [STEP_READ] = "read",
};

const char *diagnosis_step_name(enum diagnosis_place place)
{
    return names[place];
}

const char *diagnosis_outcome_name(enum diagnosis_outcome outcome)
{
    static const char *const outcomes[] = {[DIAGNOSIS_SKIPPED] = "skipped",
                                           [DIAGNOSIS_PASS] = "pass",
                                           [DIAGNOSIS_FAIL] = "fail"};
    return outcomes[outcome];
}

/* ---- Small parts ---- */

static void set(struct diagnosis_step *step, enum diagnosis_outcome outcome,
                struct slice detail)
{
    step->outcome = outcome;
    step->detail = detail;
}

static void fail(struct diagnosis_step *step, struct slice detail, struct slice remedy)
{
    set(step, DIAGNOSIS_FAIL, detail);
    step->remedy = remedy;
}

/* ---- The way to the ERP ---- */

/* The ERP's own exchange; or the token host's, where the ERP itself gives the tokens. */
static const struct http_trace *way_of(const struct diagnosis_facts *facts)
{
    if (facts->erp != NULL) {
        return facts->erp;
    }
    bool is_same = facts->token != NULL &&
                   slice_eq(slice_str(facts->token->origin), facts->origin);
    return is_same ? facts->token : NULL;
}

static void pass_resolve(const struct diagnosis_facts *facts,
                         const struct http_trace *way, struct arena *arena,
                         struct diagnosis_step *step)
{
    step->duration_us = way->resolve_us;
    if (way->is_literal) {
        set(step, DIAGNOSIS_SKIPPED, SLICE("The address is a number, not a name."));
        return;
    }
    set(step, DIAGNOSIS_PASS,
        facts->shows_addresses
            ? arena_printf(arena, "The name has the address %s.", way->addresses)
            : SLICE("The name has an address that may be called."));
}

/* Known without asking anybody. Of a key that the ERP has the certificate of (NetSuite, machine to
 * machine) only the ERP knows the end. */
static void judge_certificate(const struct diagnosis_facts *facts, struct arena *arena,
                              struct diagnosis_step *step)
{
    char day[TIMEFMT_BYTES];
    int64_t left_ms = facts->certificate_ends_ms - facts->now_ms;
    if (facts->certificate_ends_ms == 0) {
        set(step, DIAGNOSIS_SKIPPED, SLICE("This login shows no certificate."));
        return;
    }
    timefmt_utc(facts->certificate_ends_ms, day);
    if (left_ms <= 0) {
        fail(step, arena_printf(arena, "The login's certificate ended on %.10s.", day),
             SLICE("Send a new pair of certificate and key: sluice account update ID "
                   "--file auth.json."));
        return;
    }
    set(step, DIAGNOSIS_PASS,
        arena_printf(arena,
                     "The login's certificate is good for %lld more days (%.10s).",
                     (long long)(left_ms / DAY_MS), day));
}

static void pass_connect(const struct diagnosis_facts *facts,
                         const struct http_trace *way, struct arena *arena,
                         struct diagnosis_step *step)
{
    bool is_new = way->connect_us > 0;
    bool shows = facts->shows_addresses && way->address[0] != '\0';
    step->duration_us = way->connect_us;
    set(step, DIAGNOSIS_PASS,
        arena_printf(arena, "%s%s%s.",
                     is_new ? "A connection was made" : "A connection was open already",
                     shows ? ", to " : "", shows ? way->address : ""));
}

static void pass_tls(const struct diagnosis_facts *facts, const struct http_trace *way,
                     struct arena *arena, struct diagnosis_step *step)
{
    char day[TIMEFMT_BYTES];
    step->duration_us = way->tls_us;
    if (!way->is_tls) {
        set(step, DIAGNOSIS_SKIPPED,
            SLICE("Plain http, which net.allow_plain_http_hosts allows here."));
        return;
    }
    if (way->certificate_ends_ms == 0) {
        set(step, DIAGNOSIS_PASS, SLICE("The certificate is trusted."));
        return;
    }
    timefmt_utc(way->certificate_ends_ms, day);
    set(step, DIAGNOSIS_PASS,
        arena_printf(
            arena, "The certificate is trusted, and good for %lld more days (%.10s).",
            (long long)((way->certificate_ends_ms - facts->now_ms) / DAY_MS), day));
}

static void judge_clock(const struct diagnosis_facts *facts,
                        const struct http_trace *way, struct arena *arena,
                        struct diagnosis_step *step)
{
    int64_t skew_ms = way == facts->erp ? facts->erp_skew_ms : facts->token_skew_ms;
    int64_t apart_ms = skew_ms < 0 ? -skew_ms : skew_ms;
    int64_t most_ms = outbound_scheme_clock_ms(facts->scheme);
    if (way->date_ms == 0) {
        set(step, DIAGNOSIS_SKIPPED, SLICE("No answer told the time."));
        return;
    }
    struct slice measured = arena_printf(
        arena, "The ERP's clock is %lld seconds %s this server's; %s",
        (long long)(apart_ms / 1000), skew_ms < 0 ? "behind" : "ahead of",
        most_ms == 0 ? "this way of logging in does not depend on it." : "");
    if (most_ms > 0) {
        measured = arena_printf(arena, "%.*sup to %lld are tolerated.",
                                SLICE_ARG(measured), (long long)(most_ms / 1000));
    }
    if (most_ms == 0 || apart_ms < most_ms) {
        set(step, DIAGNOSIS_PASS, measured);
        return;
    }
    fail(
        step, measured,
        SLICE("Set this server's clock (timedatectl, chronyc tracking): what is signed "
              "by it is refused as too old or not valid yet. If it is right, the ERP's "
              "is wrong."));
}

/* Its name is resolved behind the proxy, so that it answers is all that can be seen here. */
static void judge_behind(const struct diagnosis_facts *facts, struct arena *arena,
                         struct diagnosis_step *step)
{
    enum err err = facts->fault->err;
    if (!facts->by_proxy) {
        set(step, DIAGNOSIS_SKIPPED,
            SLICE("The host is asked directly: no proxy stands between."));
    } else if (facts->status == 0 || facts->status == 407) {
        set(step, DIAGNOSIS_SKIPPED,
            arena_printf(arena,
                         "Not known: the proxy did not pass the request on to %.*s.",
                         SLICE_ARG(facts->origin)));
    } else if (err == ERR_OK || err == ERR_NEEDS_REAUTH) {
        set(step, DIAGNOSIS_PASS,
            arena_printf(arena, "%.*s answered through the proxy.",
                         SLICE_ARG(facts->origin)));
    } else {
        set(step, DIAGNOSIS_SKIPPED,
            arena_printf(arena,
                         "Not known: HTTP %d may be the proxy's own word, or that of "
                         "%.*s behind it.",
                         facts->status, SLICE_ARG(facts->origin)));
    }
}

/* True where the exchange got past all of it. */
static bool judge_way(const struct diagnosis_facts *facts, const struct http_trace *way,
                      struct arena *arena, struct diagnosis_step *steps)
{
    enum diagnosis_place failed = diagnosis_place_of(way);
    if (failed > STEP_CONFIGURATION) {
        set(&steps[STEP_CONFIGURATION], DIAGNOSIS_PASS,
            arena_printf(arena, "%s may be called.", way->origin));
    }
    if (failed > STEP_RESOLVE) {
        pass_resolve(facts, way, arena, &steps[STEP_RESOLVE]);
    }
    if (failed > STEP_CONNECT) {
        pass_connect(facts, way, arena, &steps[STEP_CONNECT]);
    }
    if (failed > STEP_TLS) {
        pass_tls(facts, way, arena, &steps[STEP_TLS]);
        judge_behind(facts, arena, &steps[STEP_BEHIND]);
        judge_clock(facts, way, arena, &steps[STEP_CLOCK]);
        return true;
    }
    fail(&steps[failed], diagnosis_reason(way, arena), diagnosis_remedy(way));
    steps[failed].duration_us = way->total_us;
    return false;
}

/* ---- The token ---- */

/* The scheme's causes, and where a person connects the account again. */
static struct slice login_remedy(const struct diagnosis_facts *facts, int64_t skew_ms,
                                 struct arena *arena)
{
    return arena_printf(
        arena, "%.*s%s%s%.*s",
        SLICE_ARG(outbound_scheme_causes(facts->scheme, skew_ms, arena)),
        outbound_scheme_locks(facts->scheme)
            ? " Each further attempt counts: five refused logins lock the user."
            : "",
        facts->reauth_url.len > 0
            ? " A person with access to the ERP connects it again here: "
            : "",
        SLICE_ARG(facts->reauth_url));
}

static void refuse_token(const struct diagnosis_facts *facts, struct arena *arena,
                         struct diagnosis_step *step)
{
    const char *host = facts->token != NULL ? facts->token->origin : "The token host";
    if (facts->token_err == ERR_NEEDS_REAUTH || facts->token_err == ERR_NOT_FOUND) {
        fail(step,
             facts->token_status > 0
                 ? arena_printf(arena, "%s refused to give a token (HTTP %d%s%.*s).",
                                host, facts->token_status,
                                facts->token_code.len > 0 ? ", " : "",
                                SLICE_ARG(facts->token_code))
                 : SLICE("Nobody has consented yet, or the consent has ended."),
             login_remedy(facts, facts->token_skew_ms, arena));
        return;
    }
    if (facts->token == NULL) {
        fail(step,
             SLICE("The token host failed several times in a row and is left alone for "
                   "half a minute."),
             SLICE("Try again in a minute; the log says token_fetched and why it "
                   "failed."));
        return;
    }
    if (facts->token_status == 0) {
        fail(step, diagnosis_reason(facts->token, arena),
             diagnosis_remedy(facts->token));
        return;
    }
    fail(step,
         arena_printf(arena, "%s answered HTTP %d, which is no token.", host,
                      facts->token_status),
         facts->token_err == ERR_UPSTREAM_MALFORMED
             ? SLICE("Check the token host's address: what answers there is no token "
                     "endpoint.")
             : SLICE("The token host is in trouble, or limits how often it is asked: "
                     "try again in some minutes, and look at its status page."));
}

/* The way to the token host was not looked at, or is the ERP's own. */
static void skip_token_way(const char *why, struct diagnosis_step *steps)
{
    for (enum diagnosis_place place = STEP_TOKEN_RESOLVE; place < STEP_TOKEN; place++) {
        set(&steps[place], DIAGNOSIS_SKIPPED, slice_str(why));
    }
}

/* Which host it is stands in each line: the ERP's own lines are above. */
static void name_host(const struct http_trace *trace, struct arena *arena,
                      struct diagnosis_step *step)
{
    if (step->outcome != DIAGNOSIS_FAIL) {
        step->detail =
            arena_printf(arena, "%s: %.*s", trace->origin, SLICE_ARG(step->detail));
    }
}

/* The same three lines for the token host. False where the exchange ended in one of them. */
static bool judge_token_way(const struct diagnosis_facts *facts, struct arena *arena,
                            struct diagnosis_step *steps)
{
    const struct http_trace *token = facts->token;
    enum diagnosis_place failed = STEP_READ;
    if (!outbound_scheme_has_tokens(facts->scheme)) {
        skip_token_way("This way of logging in needs no token host.", steps);
        return true;
    }
    if (!facts->asked_token || token == NULL) {
        skip_token_way(facts->asked_token
                           ? "Not tried: nothing was sent to the token host."
                           : "Not asked: the access token at hand is good yet.",
                       steps);
        return true;
    }
    if (slice_eq(slice_str(token->origin), facts->origin)) {
        skip_token_way("The ERP's own host gives the tokens: see above.", steps);
        return true;
    }
    failed = diagnosis_place_of(token);
    if (failed == STEP_CONFIGURATION) {
        return true; /* said where the token is */
    }
    if (failed > STEP_RESOLVE) {
        pass_resolve(facts, token, arena, &steps[STEP_TOKEN_RESOLVE]);
    }
    if (failed > STEP_CONNECT) {
        pass_connect(facts, token, arena, &steps[STEP_TOKEN_CONNECT]);
    }
    if (failed > STEP_TLS) {
        pass_tls(facts, token, arena, &steps[STEP_TOKEN_TLS]);
    } else {
        struct diagnosis_step *step =
            &steps[failed - STEP_RESOLVE + STEP_TOKEN_RESOLVE];
        fail(step, diagnosis_reason(token, arena), diagnosis_remedy(token));
        step->duration_us = token->total_us;
    }
    for (enum diagnosis_place place = STEP_TOKEN_RESOLVE; place < STEP_TOKEN; place++) {
        name_host(token, arena, &steps[place]);
    }
    return failed > STEP_TLS;
}

/* True where a request could be signed. */
static bool judge_token(const struct diagnosis_facts *facts, struct arena *arena,
                        struct diagnosis_step *step)
{
    if (!outbound_scheme_has_tokens(facts->scheme)) {
        set(step, DIAGNOSIS_SKIPPED,
            SLICE("This way of logging in needs no token host."));
        return true;
    }
    if (!facts->asked_token) {
        set(step, DIAGNOSIS_PASS, SLICE("The access token at hand is good yet."));
        return true;
    }
    step->duration_us = facts->token_us;
    if (facts->token_err == ERR_OK) {
        set(step, DIAGNOSIS_PASS, SLICE("The token host gave an access token."));
        return true;
    }
    refuse_token(facts, arena, step);
    return false;
}

/* ---- What the ERP says ---- */

/* "HTTP 403, INSUFFICIENT_PERMISSION: You need …" */
static struct slice said(const struct diagnosis_facts *facts, const char *before,
                         struct arena *arena)
{
    const struct fault_upstream *upstream = &facts->fault->upstream;
    struct slice status = facts->status > 0
                              ? arena_printf(arena, " (HTTP %d%s%.*s)", facts->status,
                                             upstream->code.len > 0 ? ", " : "",
                                             SLICE_ARG(upstream->code))
                              : SLICE_EMPTY;
    return arena_printf(arena, "%s%.*s%s%.*s", before, SLICE_ARG(status),
                        upstream->message.len > 0 ? ": " : ".",
                        SLICE_ARG(upstream->message));
}

static struct slice hint_or(const struct fault *fault, const char *otherwise)
{
    return fault->hint.len > 0 ? fault->hint : slice_str(otherwise);
}

static void judge_login(const struct diagnosis_facts *facts, struct arena *arena,
                        struct diagnosis_step *step)
{
    if (facts->erp == NULL) {
        fail(step,
             SLICE("Nothing was sent: credentials are missing, or another call's login "
                   "was refused while this one waited."),
             login_remedy(facts, 0, arena));
    } else if (facts->status < 400) {
        fail(step, said(facts, "A page that asks for a login came instead", arena),
             hint_or(facts->fault, "Something stands before the ERP's interface and "
                                   "wants people to log in: check the address."));
    } else {
        fail(step, said(facts, "The ERP refused the login", arena),
             login_remedy(facts, facts->erp_skew_ms, arena));
    }
}

/* It answered, or failed to, without a word on whether login and role are right. */
static void judge_trouble(const struct diagnosis_facts *facts, struct arena *arena,
                          struct diagnosis_step *steps)
{
    const struct fault *fault = facts->fault;
    for (enum diagnosis_place place = STEP_LOGIN; place < STEP_READ; place++) {
        set(&steps[place], DIAGNOSIS_SKIPPED,
            SLICE("Not known: the ERP gave no answer that tells."));
    }
    if (facts->status == 0 && facts->erp != NULL) {
        fail(&steps[STEP_READ], diagnosis_reason(facts->erp, arena),
             diagnosis_remedy(facts->erp));
        return;
    }
    fail(&steps[STEP_READ],
         said(facts,
              facts->erp != NULL ? "The ERP answered, but not with what was asked for"
                                 : "The read could not be made",
              arena),
         hint_or(fault,
                 "The ERP is in trouble, or something else answers in its place: "
                 "check the address, and the ERP's own logs."));
}

static void pass_answer(const struct diagnosis_facts *facts,
                        struct diagnosis_step *steps)
{
    set(&steps[STEP_READ], DIAGNOSIS_PASS, SLICE("One read worked."));
    if (facts->erp == NULL) {
        steps[STEP_LOGIN].detail = steps[STEP_PERMISSION].detail =
            SLICE("This integration has no ERP behind it.");
        return;
    }
    set(&steps[STEP_LOGIN], DIAGNOSIS_PASS, LET_IN);
    set(&steps[STEP_PERMISSION], DIAGNOSIS_PASS, SLICE("The role may read."));
}

static void judge_answer(const struct diagnosis_facts *facts, struct arena *arena,
                         struct diagnosis_step *steps)
{
    const struct fault *fault = facts->fault;
    if (facts->erp != NULL) {
        steps[STEP_READ].duration_us = facts->erp->total_us;
    }
    if (fault->err == ERR_OK) {
        pass_answer(facts, steps);
        return;
    }
    if (fault->err == ERR_NEEDS_REAUTH) {
        judge_login(facts, arena, &steps[STEP_LOGIN]);
        return;
    }
    if (fault->err == ERR_PERMISSION_DENIED) {
        set(&steps[STEP_LOGIN], DIAGNOSIS_PASS, LET_IN);
        fail(
            &steps[STEP_PERMISSION], said(facts, "The role may not read", arena),
            hint_or(fault, "An administrator of the ERP has to grant it to the role."));
        return;
    }
    if (fault->err != ERR_NOT_FOUND && fault->err != ERR_VALIDATION_FAILED &&
        fault->err != ERR_CONFLICT) {
        judge_trouble(facts, arena, steps);
        return;
    }
    set(&steps[STEP_LOGIN], DIAGNOSIS_PASS, LET_IN);
    set(&steps[STEP_PERMISSION], DIAGNOSIS_PASS,
        SLICE("Nothing was refused for want of a permission."));
    fail(&steps[STEP_READ], said(facts, "The ERP refused the read", arena),
         hint_or(fault,
                 "The catalog's verify read does not fit this ERP: an operator has "
                 "to adapt it."));
}

void diagnosis_make(const struct diagnosis_facts *facts, struct arena *arena,
                    struct diagnosis_step steps[STEP_COUNT])
{
    const struct http_trace *way = way_of(facts);
    for (enum diagnosis_place place = STEP_CONFIGURATION; place < STEP_COUNT; place++) {
        steps[place] = (struct diagnosis_step){.detail = NOT_REACHED};
        if (way == NULL && place <= STEP_CLOCK) {
            steps[place].detail = SLICE("Not tried: nothing was sent to the ERP.");
        }
    }
    judge_certificate(facts, arena, &steps[STEP_CERTIFICATE]);
    bool arrived = way == NULL || judge_way(facts, way, arena, steps);
    bool token_asked_there = way != NULL && way == facts->token;
    if (!arrived && token_asked_there) {
        return;
    }
    if (judge_token_way(facts, arena, steps) &&
        judge_token(facts, arena, &steps[STEP_TOKEN]) && arrived) {
        judge_answer(facts, arena, steps);
    }
}
