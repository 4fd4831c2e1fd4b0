/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the configuration: one JSON file, overridden by SLUICE_* variables,
 * overridden by flags. Owns: everything in struct config lives in the arena it was
 * loaded into. Threads: read-only after config_load. Errors: one sentence that names
 * the option, where it came from and what is allowed. Start reading at: the table of
 * options in config.c; "sluice serve --help" prints it.
 */
#ifndef SLUICE_CLI_CONFIG_H
#define SLUICE_CLI_CONFIG_H

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/slice.h"

struct config_list {
    struct slice *items;
    size_t count;
};

struct config {
    struct slice host, public_url, data_dir, keys_file, catalog_dir, log_level, ca_file;
    struct slice netsuite_client_id, netsuite_client_secret_file;
    struct slice tls_certificate, tls_key; /* both or none */
    bool insecure_bind;
    long long port, max_connections, max_body_bytes, max_body_memory_bytes;
    long long default_ttl_days, queue_limit, queue_wait_ms, lost_hold_ms;
    long long ready_accounts, ready_servers;
    long long token_requests_at_once, netsuite_grant_hours;
    long long coordination_shares, workers;
    long long read_timeout_ms, write_timeout_ms, upstream_body_bytes;
    struct config_list allowed_origins, allow_cidrs, plain_http_hosts, enabled;
    struct config_list netsuite_base_urls;
    struct slice redis, redis_password_file, when_away; /* redis empty: none is used */
    long long lease_ttl_ms, lease_hold_ms, nodes, node;
};

/* One override of the command line: "--server.port 8080". */
struct config_flag {
    struct slice name, value;
};

/* `file`: NULL takes SLUICE_CONFIG, and none when that is not set. False: *problem says
 * why. */
bool config_load(const char *file, const struct config_flag *flags, size_t flag_count,
                 struct arena *arena, struct config *out, struct slice *problem);

/* Whether there is an option of that name. */
bool config_knows(struct slice name);
void config_help(FILE *out);

#endif
