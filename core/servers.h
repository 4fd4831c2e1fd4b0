/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: an MCP server ready for use: its compiled filter and the settings of its
 * config. Owns: the cached servers; a server lives until its last holder has dropped
 * it. Threads: the loop's. Errors: ERR_UNPROCESSABLE with details for a config that is
 * not allowed. Start reading at: server_config_parse.
 */
#ifndef SLUICE_CORE_SERVERS_H
#define SLUICE_CORE_SERVERS_H

#include "base/list.h"
#include "catalog/catalog.h"
#include "governor/governor.h"
#include "store/store.h"

struct servers;

struct server_config {
    struct filter *filter;
    bool require_api_token_auth;
    bool rate_limit_in_tool; /* rate_limit_signal "tool": HTTP 200 instead of 429 */
    enum governor_priority priority;
    int weight; /* 1..100: its part of a lane, against the other servers there */
};

struct server {
    struct slice id, account;
    struct server_config config;
    int64_t version;
    int64_t ends_ms; /* 0: never */
    struct arena *arena;
    struct list ready; /* among those kept, the longest unused first */
    int holders;
};

/* Keeps `most` ready, more only while more are in use. */
struct servers *servers_new(size_t most);
void servers_free(struct servers *servers); /* accepts NULL */

/* From the record that the URL's token led to; built once per version. Holds the
 * result. */
MUST_USE enum err servers_get(struct servers *servers,
                              const struct store_server *record, struct server **out);
struct server *server_hold(struct server *server);
void server_drop(struct server *server); /* accepts NULL */
void servers_forget(struct servers *servers, struct slice id);

/*
 * {methods?, tags?, tools?, require_api_token_auth?, rate_limit_signal?, priority?,
 * weight?}. Compiles into `arena`; names what is wrong, and a filter that leaves no tool,
 * in `fault`. `integration` NULL: a config that was taken once, whatever tools there are now.
 */
MUST_USE enum err server_config_parse(const struct jval *config,
                                      const struct integration *integration,
                                      struct arena *arena, struct server_config *out,
                                      struct fault *fault);

#endif
