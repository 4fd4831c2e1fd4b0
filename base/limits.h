/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: every ceiling of the program in one list, so that a reviewer reads one page.
 * Owns: nothing.  Threads: any.  Errors: none.
 * Start reading at: the first line. Those an operator may change are defaults here; the
 *         configuration table in cli/config.c says which.
 */
#ifndef SLUICE_BASE_LIMITS_H
#define SLUICE_BASE_LIMITS_H

/* HTTP in */
#define LIMIT_HEAD_BYTES (32 * 1024)                /* request line and fields */
#define LIMIT_HEAD_FIELDS 64                        /* fields of one head */
#define LIMIT_BODY_BYTES (4 * 1024 * 1024)          /* request body */
#define LIMIT_BODY_MEMORY_BYTES (256 * 1024 * 1024) /* all bodies that are not small */
#define LIMIT_SMALL_BODY_BYTES (16 * 1024)
#define LIMIT_ANSWER_MEMORY_BYTES (256 * 1024 * 1024) /* that peers have yet to take */
#define LIMIT_CONNECTIONS 4096                        /* open at once */
#define LIMIT_CONNECTION_IDLE_MS 75000                /* between requests */
#define LIMIT_HEAD_READ_MS 10000                      /* first byte to end of head */
#define LIMIT_BODY_READ_MS 30000                      /* end of head to end of body */
#define LIMIT_WRITE_STALL_MS 30000                    /* a peer that does not read */
#define LIMIT_PIPELINED_BYTES (64 * 1024)             /* kept while a request runs */
#define LIMIT_DRAIN_MS 30000                          /* SIGTERM to the end */

/* HTTP out */
#define LIMIT_UPSTREAM_BODY_BYTES (16 * 1024 * 1024)
#define LIMIT_UPSTREAM_HEAD_BYTES (64 * 1024)
#define LIMIT_UPSTREAM_CONNECT_MS 10000
#define LIMIT_UPSTREAM_CONNECTIONS 256
#define LIMIT_ACCOUNT_CREDENTIALS 4 /* the active one and those that stand by */
#define LIMIT_REAUTH_URL_BYTES 512  /* it stands in answers to agents */
#define LIMIT_TOKEN_ANSWER_BYTES (256 * 1024)
#define LIMIT_ACCESS_TOKEN_BYTES (32 * 1024) /* it stands in one field of a head */
#define LIMIT_UPSTREAM_MAX_MS 3600000        /* a transfer, whatever its catalog says */

/* JSON */
#define LIMIT_JSON_DEPTH 128
#define LIMIT_JSON_NODES (1024 * 1024)
#define LIMIT_NUMBER_BYTES 1024

/* MCP */
#define LIMIT_BATCH_ELEMENTS 32
#define LIMIT_RPC_ID_BYTES 1024 /* id and progress token of a message */
#define LIMIT_TOOL_NAME 64
#define LIMIT_RESULT_BYTES (8 * 1024 * 1024)
#define LIMIT_FAULT_DETAILS 16 /* named faults of one argument object */
/* A cursor, a requestState or a poll_id, as it is sent. */
#define LIMIT_SEALED_BYTES 8192
#define LIMIT_OP_WAIT_MS 60000 /* a connector's pause between two steps */

/* Admin API */
#define LIMIT_ADMIN_BODY_BYTES (256 * 1024)
#define LIMIT_NAME_BYTES 200
#define LIMIT_SECRET_BYTES (64 * 1024)
#define LIMIT_PAGE 200
#define LIMIT_OVERRIDES_BYTES (64 * 1024) /* of an environment, of an account */

/* Webhooks */
#define LIMIT_WEBHOOK_ENDPOINTS 64
#define LIMIT_WEBHOOK_OUTBOX 10000 /* deliveries of an endpoint that are to be made */
#define LIMIT_WEBHOOK_LOG 10000    /* of an endpoint that are kept when they are over */
#define LIMIT_WEBHOOK_LOG_MS 604800000
#define LIMIT_WEBHOOK_URL_BYTES 2048
#define LIMIT_WEBHOOK_ANSWER_BYTES (64 * 1024)

/* Pages for people */
#define LIMIT_CONNECT_SESSIONS 100 /* open links of one tenant */
#define LIMIT_CONNECT_LIFE_MS 900000
#define LIMIT_CONNECT_TRIES 5 /* of one link: five lock a user of NetSuite */
#define LIMIT_CONNECT_FORM_BYTES (128 * 1024)
#define LIMIT_CONNECT_PAGE_BYTES (512 * 1024)
#define LIMIT_FORM_FIELDS 48
#define LIMIT_RETURN_URL_BYTES 2048

/* Catalog */
#define LIMIT_CATALOG_FILE_BYTES (4 * 1024 * 1024)
#define LIMIT_SCHEMA_DEPTH 64
#define LIMIT_SCHEMA_NODES 16384

/* Kept in memory, ready for use; the longest unused goes first */
#define LIMIT_READY_ACCOUNTS 10240 /* about 3.5 KiB each */
#define LIMIT_READY_SERVERS 10240  /* some 500 bytes each */

/* Governor */
#define LIMIT_CEILING 1000
#define LIMIT_PER_MINUTE 60000
#define LIMIT_BURST 1000
#define LIMIT_QUEUE 10000
#define LIMIT_QUEUE_WAIT_MS 600000
#define LIMIT_LATENCY_FACTOR 100
/* Streams of lane events: of all admins, of all tenants, of one tenant */
#define LIMIT_LANE_WATCHERS 16
#define LIMIT_LANE_TENANT_WATCHERS 48
#define LIMIT_LANE_WATCHERS_OF_ONE 4

#endif
