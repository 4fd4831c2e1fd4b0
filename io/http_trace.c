/* SPDX-License-Identifier: Apache-2.0 */
/* What curl and OpenSSL know of a connection, copied while they know it. */
#include "io/http_trace.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <time.h>

#include "base/clock.h"
#include "base/timefmt.h"

static int64_t now_us(void)
{
    const struct clock clock = clock_system();
    return clock_mono_us(&clock);
}

/* As much of it as there is room for, up to a whole item where it is a list. */
static void copy(char *to, size_t room, struct slice text)
{
    size_t len = text.len < room ? text.len : room - 1;
    while (len < text.len && len > 0 && text.ptr[len] != ',') {
        len--;
    }
    if (len > 0) { /* of a URL that cannot be read there is nothing */
        memcpy(to, text.ptr, len);
    }
    to[len] = '\0';
}

void http_trace_begin(struct http_trace *trace, const struct http_url *peer)
{
    if (trace == NULL) {
        return;
    }
    *trace = (struct http_trace){.reason = "", .started_us = now_us()};
    copy(trace->origin, sizeof trace->origin, peer->origin);
    trace->is_tls = peer->is_tls;
    trace->is_literal = peer->is_literal;
}

void http_trace_resolved(struct http_trace *trace, struct slice addresses)
{
    if (trace != NULL) {
        trace->resolve_us = now_us() - trace->started_us;
        copy(trace->addresses, sizeof trace->addresses, addresses);
    }
}

static int64_t end_of(const X509 *certificate)
{
    struct tm tm = {0};
    return certificate != NULL &&
                   ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1
               ? (int64_t)timegm(&tm) * 1000
               : 0;
}

void http_trace_connected(struct http_trace *trace, CURL *curl)
{
    struct curl_tlssessioninfo *info = NULL;
    if (trace == NULL) {
        return;
    }
    trace->is_connected = true;
    if (trace->is_tls &&
        curl_easy_getinfo(curl, CURLINFO_TLS_SSL_PTR, &info) == CURLE_OK &&
        info->backend == CURLSSLBACKEND_OPENSSL && info->internals != NULL) {
        trace->certificate_ends_ms = end_of(SSL_get0_peer_certificate(info->internals));
    }
}

/* curl compares the name before it asks OpenSSL for its verdict, which then is still curl's
 * own first value, X509_V_ERR_UNSPECIFIED. */
static const char *certificate_fault(CURL *curl)
{
    long result = X509_V_OK;
    (void)curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &result);
    switch (result) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
        return "other_host";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "not_yet_valid";
    default:
        return "untrusted";
    }
}

void http_trace_answered(struct http_trace *trace, const struct http_reply *reply)
{
    for (size_t i = 0; trace != NULL && i < reply->field_count; i++) {
        if (slice_is(reply->fields[i].name, "date") &&
            !timefmt_parse_http(reply->fields[i].value, &trace->date_ms)) {
            trace->date_ms = 0;
        }
    }
}

void http_trace_end(struct http_trace *trace, CURL *curl, enum err err,
                    const char *reason)
{
    curl_off_t connect_us = 0, tls_us = 0;
    char *address = NULL;
    if (trace == NULL) {
        return;
    }
    trace->err = err;
    trace->reason = reason;
    trace->total_us = now_us() - trace->started_us;
    if (curl == NULL) {
        return;
    }
    (void)curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connect_us);
    (void)curl_easy_getinfo(curl, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    if (strcmp(reason, "tls_certificate") == 0) {
        trace->certificate = certificate_fault(curl);
    }
    (void)curl_easy_getinfo(curl, CURLINFO_PRIMARY_IP, &address);
    trace->connect_us = connect_us;
    trace->tls_us = tls_us > connect_us ? tls_us - connect_us : 0;
    copy(trace->address, sizeof trace->address,
         slice_str(address != NULL ? address : ""));
}
