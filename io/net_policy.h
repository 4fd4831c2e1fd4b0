/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: which addresses the server may call: the guard against server-side request
 *          forgery.
 * Owns: its parsed rules.
 * Threads: read-only after net_policy_new.
 * Errors: ERR_UNPROCESSABLE for a rule that is no CIDR or no host.
 * Start reading at: net_policy_allows. Private, loopback, link-local, multicast,
 *         unspecified, documentation and mapped ranges (IPv4 and IPv6, also IPv4 inside
 *         IPv6) are refused unless a rule of the operator opens them.
 */
#ifndef SLUICE_IO_NET_POLICY_H
#define SLUICE_IO_NET_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/slice.h"

struct sockaddr;
struct net_policy;

/*
 * `allow_cidrs`: "10.1.0.0/16", "127.0.0.1/32", "fd00::/8", without bits behind the
 * prefix; `plain_http_hosts`: "127.0.0.1", "[::1]:80", "erp.example.com" or
 * "erp.example.com:8000" that may be called without TLS. Both borrowed.
 */
MUST_USE enum err net_policy_new(const struct slice *allow_cidrs, size_t cidr_count,
                                 const struct slice *plain_http_hosts,
                                 size_t host_count, struct net_policy **out);
void net_policy_free(struct net_policy *policy);

bool net_policy_allows(const struct net_policy *policy, const struct sockaddr *address);
/* https always; http only for the listed hosts. `host` without brackets. */
bool net_policy_allows_scheme(const struct net_policy *policy, struct slice scheme,
                              struct slice host, int port);

#endif
