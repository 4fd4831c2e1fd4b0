/* SPDX-License-Identifier: Apache-2.0 */
/* Why a transfer failed, for a person: where, in which words, and what to do about it. */
#include "core/diagnosis_private.h"

/* What a transfer's reason means: the step it failed in, and the way out. */
static const struct cause {
    const char *reason;
    enum diagnosis_place place;
    const char *words, *hint;
} causes[] = {
    {"address", STEP_CONFIGURATION, "has an address that this server may not call",
     "The operator opens private addresses with net.allow_cidrs."},
    {"plain_http", STEP_CONFIGURATION, "would be called without TLS",
     "Use https; the operator allows plain http to a host with "
     "net.allow_plain_http_hosts."},
    {"resolve", STEP_RESOLVE, "has no address by its name",
     "The host's name could not be resolved: check the address and this server's name "
     "service."},
    {"resolve_timeout", STEP_RESOLVE, "was not resolved in time",
     "This server's name service did not answer: check /etc/resolv.conf and the way to "
     "it."},
    {"connect", STEP_CONNECT, "took no connection",
     "No connection could be made: check the address, the port and this server's way "
     "out (firewall, proxy)."},
    {"connect_timeout", STEP_CONNECT, "took no connection in time",
     "No connection came about in time: check the address, the port and this server's "
     "way out (firewall, proxy)."},
    {"tls_certificate", STEP_TLS, "shows a certificate that is not trusted here",
     "The host's TLS certificate is not trusted here, or is of another host: something "
     "between may answer for it. The operator names an authority of your own in "
     "net.ca_file."},
    {"tls", STEP_TLS, "does not agree on TLS",
     "The TLS handshake failed: the port may speak no TLS, or only a version older "
     "than 1.2."},
    {"identity", STEP_TLS, "was to be shown a client certificate that cannot be used",
     "Send certificate and key of the account's auth again: they have to be PEM, and "
     "belong together."},
    {"tls_trust_store", STEP_TLS, "cannot be judged: no authorities could be read",
     "The file of net.ca_file cannot be read."},
    {"answer_timeout", STEP_READ, "did not answer in time",
     "The ERP has the request and is silent: look at its load, or for a firewall that "
     "drops long connections."},
};

static const struct cause *cause_of(const char *reason)
{
    for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
        if (strcmp(reason, causes[i].reason) == 0) {
            return &causes[i];
        }
    }
    return NULL;
}

struct slice diagnosis_hint(const char *reason)
{
    const struct cause *cause = cause_of(reason);
    bool is_hint = cause != NULL && cause->place != STEP_READ;
    return is_hint ? slice_str(cause->hint) : SLICE_EMPTY;
}

enum diagnosis_place diagnosis_place_of(const struct http_trace *trace)
{
    const struct cause *cause = cause_of(trace->reason);
    if (trace->err == ERR_POLICY_DENIED) {
        return STEP_CONFIGURATION;
    }
    /* The time to connect counts for the handshake too. */
    if (cause != NULL && cause->place == STEP_CONNECT && trace->is_tls &&
        trace->connect_us > 0) {
        return STEP_TLS;
    }
    return cause != NULL ? cause->place : STEP_READ;
}

static const char *certificate_words(const char *fault)
{
    if (strcmp(fault, "expired") == 0) {
        return "shows a certificate that has ended, by this server's clock";
    }
    if (strcmp(fault, "not_yet_valid") == 0) {
        return "shows a certificate that is not valid yet, by this server's clock";
    }
    return strcmp(fault, "other_host") == 0
               ? "shows a certificate that is of another host"
               : "shows a certificate of an authority that is not trusted here";
}

struct slice diagnosis_reason(const struct http_trace *trace, struct arena *arena)
{
    const struct cause *cause = cause_of(trace->reason);
    const char *words = cause != NULL ? cause->words : "cut the exchange short";
    if (trace->certificate != NULL) {
        words = certificate_words(trace->certificate);
    } else if (diagnosis_place_of(trace) == STEP_TLS && cause != NULL &&
               cause->place == STEP_CONNECT) {
        words = "took the connection, but no TLS handshake came about in time";
    }
    return arena_printf(arena, "%s %s (%s).", trace->origin, words, trace->reason);
}

struct slice diagnosis_remedy(const struct http_trace *trace)
{
    const struct cause *cause = cause_of(trace->reason);
    if (cause != NULL) {
        return slice_str(cause->hint);
    }
    return trace->err == ERR_POLICY_DENIED
               ? SLICE(
                     "The address cannot be called as it stands: correct the account's "
                     "connection.")
               : SLICE(
                     "Something on the way ended the exchange: look at proxies and "
                     "firewalls between here and the ERP, and at the ERP's own state.");
}
