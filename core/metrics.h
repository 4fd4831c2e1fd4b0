/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: counters for /metrics. Labels are names of the program and of integrations;
 * never a tenant, an account or anything out of a call. Owns: its numbers. Threads: the
 * loop's. Errors: none. Start reading at: metrics_call.
 */
#ifndef SLUICE_CORE_METRICS_H
#define SLUICE_CORE_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "io/http_server.h"

struct gateway;
struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics); /* accepts NULL */

/* One finished tool call. */
void metrics_call(struct metrics *metrics, enum err err, int64_t total_us,
                  int64_t wait_us, int64_t upstream_us);
/* One HTTP request answered, by status class. */
void metrics_http(struct metrics *metrics, int status);

/* What the listening side knows of itself. */
struct metrics_listening {
    struct http_server_counts counts;
    size_t connections;
    int64_t tls_not_after_s; /* 0: it speaks plain HTTP */
};

/* Prometheus text exposition format 0.0.4. */
void metrics_write(const struct gateway *gateway, struct buf *out);

#endif
