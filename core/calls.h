/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the calls of a gateway that are open: neither answered nor cancelled. Who is asked to
 * cancel one finds it here; who takes a URL away ends those that came by it.
 * Owns: nothing; core/call.c puts a call on the list and takes it off.
 * Threads: the loop's.
 * Errors: none; a revoked call is answered ERR_UNAUTHORIZED.
 * Start reading at: calls_revoke.
 */
#ifndef SLUICE_CORE_CALLS_H
#define SLUICE_CORE_CALLS_H

#include "core/gateway.h"

struct call;

/* The one of that server with that JSON-RPC id, or NULL. Lends it until it is answered. */
struct call *calls_find(struct gateway *gateway, struct slice server,
                        const struct jval *rpc_id);

/*
 * Calls whose URL is gone: each is answered ERR_UNAUTHORIZED at once, wherever it stands. What
 * is at the ERP already goes on there without a caller, its slot kept. `server` empty: all calls
 * of the account.
 */
void calls_revoke(struct gateway *gateway, struct slice account, struct slice server);
/* Where others write the store too: each call's URL and account are looked up again, and what
 * has become of them holds for the call. */
void calls_look_again(struct gateway *gateway);
/* The server ends at another time now (0: never); its open calls end with it. */
void calls_end_with_server(struct gateway *gateway, struct slice server,
                           int64_t ends_ms);
/* The server's URLs so far end at `ends_ms`, and the calls that came by them. */
void calls_end_with_token(struct gateway *gateway, struct slice server,
                          int64_t ends_ms);

#endif
