/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate's files are looked at every few seconds rather than watched: tools that renew
 * certificates swap links in folders above, which a watch of the files does not see.
 */
#include "cli/listener.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/timefmt.h"
#include "cli/command.h"

#define LOOK_EVERY_MS 10000
#define DAY_S 86400
#define WARN_DAYS 14
#define OTHER_FILES 64 /* database, logs, catalogs, timers */

struct listener {
    const struct config *config;
    const struct log *log;
    struct tls *tls;
    bool told_of_end; /* of the certificate in force */
};

static bool is_loopback(struct slice host)
{
    return slice_is(host, "::1") || slice_starts(host, SLICE("127."));
}

static bool is_any(struct slice host)
{
    return slice_is(host, "0.0.0.0") || slice_is(host, "::");
}

static int check_address(const struct config *config, bool insecure)
{
    if (is_loopback(config->host)) {
        return 0;
    }
    if (config->tls_certificate.len == 0 && !insecure) {
        return command_fail(
            "server.host %.*s is not a loopback address, and without TLS the secret "
            "URLs would cross the network in clear text. Set "
            "server.tls.certificate_file and server.tls.key_file; or, behind a proxy "
            "that ends TLS on a network of its own, start with --insecure-bind",
            SLICE_ARG(config->host));
    }
    if (is_any(config->host) && config->public_url.len == 0) {
        return command_fail("server.host %.*s is no address that a client can ask for; "
                            "set server.public_url to the one it uses",
                            SLICE_ARG(config->host));
    }
    return 0;
}

/* ---- The certificate ---- */

static int64_t now_s(const struct listener *listener)
{
    return clock_wall_ms(listener->log->clock) / 1000;
}

/* Clients refuse it, and nobody is served: who looks at the log has to see it. */
static void tell_invalid(const struct listener *listener, struct tls_validity validity)
{
    bool has_ended = validity.to_s < now_s(listener);
    char when[TIMEFMT_BYTES];
    timefmt_utc((has_ended ? validity.to_s : validity.from_s) * 1000, when);
    if (has_ended) {
        log_event(listener->log, LOG_ERROR, "tls_certificate_ended",
                  LOG_PATH(file, listener->config->tls_certificate),
                  LOG_NAME(since, when),
                  LOG_WORD(remedy, "put a new certificate and its key there: they are "
                                   "read at once"));
        return;
    }
    log_event(listener->log, LOG_ERROR, "tls_certificate_not_yet_valid",
              LOG_PATH(file, listener->config->tls_certificate), LOG_NAME(until, when),
              LOG_WORD(remedy, "compare this machine's clock with the certificate, or "
                               "put another one there: it is read at once"));
}

static void tell_certificate(struct listener *listener)
{
    struct tls_validity validity = tls_validity(listener->tls);
    listener->told_of_end = !tls_is_valid(validity, now_s(listener));
    if (listener->told_of_end) {
        tell_invalid(listener, validity);
        return;
    }
    int64_t days = (validity.to_s - now_s(listener)) / DAY_S;
    log_event(listener->log, days < WARN_DAYS ? LOG_WARN : LOG_INFO, "tls_certificate",
              LOG_PATH(file, listener->config->tls_certificate),
              LOG_INT(days_left, days));
}

static void reload(struct listener *listener)
{
    struct arena *arena = arena_new();
    struct tls_fault fault = {.cause = ""};
    if (tls_reload(listener->tls, now_s(listener), arena, &fault) == ERR_OK) {
        tell_certificate(listener);
    } else {
        log_event(listener->log, LOG_ERROR, "tls_reload_refused",
                  LOG_PATH(file, fault.file), LOG_NAME(cause, fault.cause));
    }
    arena_free(arena);
}

static void on_look(void *ctx)
{
    struct listener *listener = ctx;
    if (tls_has_changed(listener->tls, now_s(listener))) {
        reload(listener);
    }
    bool is_valid = tls_is_valid(tls_validity(listener->tls), now_s(listener));
    if (is_valid == listener->told_of_end) { /* it has ended, or begun, by itself */
        tell_certificate(listener);
    }
}

void listener_reload(struct listener *listener)
{
    if (listener->tls != NULL) {
        reload(listener);
    }
}

void listener_watch(struct listener *listener, struct loop *loop)
{
    if (listener->tls != NULL) {
        tell_certificate(listener);
        loop_timer_every(loop, LOOK_EVERY_MS, on_look, listener);
    }
}

static int load_certificate(struct listener *listener, struct arena *arena)
{
    const struct config *config = listener->config;
    struct tls_fault fault = {.cause = ""};
    if (config->tls_certificate.len == 0) {
        return 0;
    }
    enum err err = tls_load(config->tls_certificate.ptr, config->tls_key.ptr, arena,
                            &listener->tls, &fault);
    return err == ERR_OK ? 0 : command_fail("TLS: %.*s", SLICE_ARG(fault.sentence));
}

/* ---- Room ---- */

/* The soft limit is a habit of shells; the hard one is the operator's word. */
static void take_descriptors(const struct listener *listener)
{
    struct rlimit limit;
    rlim_t needed = (rlim_t)listener->config->max_connections +
                    LIMIT_UPSTREAM_CONNECTIONS + OTHER_FILES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    if (limit.rlim_cur < needed && limit.rlim_cur != RLIM_INFINITY) {
        limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > needed
                             ? needed
                             : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            (void)getrlimit(RLIMIT_NOFILE, &limit); /* a sandbox may forbid it */
        }
    }
    if (limit.rlim_cur < needed && limit.rlim_cur != RLIM_INFINITY) {
        log_event(listener->log, LOG_WARN, "descriptors_few",
                  LOG_INT(count, limit.rlim_cur), LOG_INT(ceiling, needed),
                  LOG_WORD(remedy,
                           "raise LimitNOFILE= of the service, or ulimit -n, or "
                           "lower server.max_connections"));
    }
}

int listener_prepare(const struct config *config, bool insecure, const struct log *log,
                     struct arena *arena, struct listener **out)
{
    int code = check_address(config, insecure);
    if (code != 0) {
        return code;
    }
    struct listener *listener = calloc(1, sizeof *listener);
    REQUIRE(listener != NULL);
    *listener = (struct listener){.config = config, .log = log};
    *out = listener;
    if (!is_loopback(config->host) && config->tls_certificate.len == 0) {
        log_event(log, LOG_WARN, "insecure_bind",
                  LOG_WORD(remedy, "end TLS in front, on a network of its own"));
    }
    take_descriptors(listener);
    return load_certificate(listener, arena);
}

struct tls *listener_tls(const struct listener *listener)
{
    return listener->tls;
}

void listener_free(struct listener *listener)
{
    if (listener != NULL) {
        tls_free(listener->tls);
        free(listener);
    }
}
