/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what webhooks tell of: adds an event to the batch that makes it true, so that both
 * are stored or none. Owns: nothing. Threads: the loop's. Errors: ERR_IO where it reads.
 * Start reading at: events_account.
 *
 * A body holds ids, states, causes and times: no payload, no secret, no URL.
 */
#ifndef SLUICE_CORE_EVENTS_H
#define SLUICE_CORE_EVENTS_H

#include "store/outbox.h"

enum event_type {
    EVENT_ACCOUNT_CONNECTED,    /* its login has worked, for the first time or again */
    EVENT_ACCOUNT_NEEDS_REAUTH, /* somebody has to connect it again */
    EVENT_ACCOUNT_EXPIRING,     /* its grant ends in 48 hours, in 12 hours; its client
                                 * certificate in 30 days, in 7 days */
    EVENT_ACCOUNT_DISABLED,     /* an operator or its tenant has switched it off */
    EVENT_MCP_SERVER_EXPIRED,   /* it has reached its end and is gone */
    EVENT_TYPE_COUNT
};
#define EVENT_BIT(type) (INT64_C(1) << (type))
#define EVENT_ALL INT64_MAX /* also those of later versions */

const char *event_type_name(enum event_type type); /* "account.connected" */
bool event_type_parse(struct slice name, enum event_type *out);

/* `account` as it is being stored. */
void events_account(struct store_batch *batch, enum event_type type,
                    const struct store_account *account, int64_t now_ms);
/* To this endpoint alone, whatever it hears of. The event's id lives in `arena`. */
struct slice events_test(struct store_batch *batch,
                         const struct store_endpoint *endpoint, int64_t now_ms,
                         struct arena *arena);
/* How far the client certificates were looked through: some at a time, all of them within an hour
 * or so. Zeroed at first. */
struct events_scan {
    char account[64], scheme[64];
    int64_t again_ms; /* all were looked at; not before */
};
/* What ends by itself: MCP servers whose time is over are removed, ends of grants and client
 * certificates that come near are noted, and all told. */
MUST_USE enum err events_ends(struct store *store, struct store_batch *batch,
                              struct events_scan *scan, int64_t now_ms);

#endif
