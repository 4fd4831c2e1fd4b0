/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what a tool is, and the record of one operation that a connector works on.
 * Owns: nothing: tools live in their catalog, an op lives in its call.
 * Threads: tools are read-only after load.
 * Errors: none.
 * Start reading at: struct tool, then struct op. This is all that connectors see of the
 * rest.
 */
#ifndef SLUICE_CATALOG_TOOL_H
#define SLUICE_CATALOG_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "base/slice.h"
#include "catalog/field.h"
#include "catalog/schema.h"

enum method_kind {
    METHOD_LIST,
    METHOD_GET,
    METHOD_CREATE,
    METHOD_UPDATE,
    METHOD_DELETE,
    METHOD_CUSTOM
};

enum argument_place {
    ARGUMENT_PATH,
    ARGUMENT_QUERY,
    ARGUMENT_BODY,
    ARGUMENT_PAGING,
    ARGUMENT_POLL
};

struct argument {
    struct slice name;
    enum argument_place place;
    const struct field_path
        *target; /* ARGUMENT_BODY: its place inside the upstream body */
    /* x-mcp-header: clients mirror it as Mcp-Param-<header>; empty: they do not */
    struct slice header;
};

struct integration; /* catalog/catalog.h */

struct tool {
    struct slice name; /* list_all_netsuite_invoices */
    struct slice title, description;
    struct slice resource, method; /* invoices, list */
    enum method_kind kind;
    bool writes; /* create, update, delete, or a custom method that says so */
    /* Goes before other calls in the line, whatever the server's class. */
    bool critical;
    bool pages;   /* a list, or a custom method that says so */
    bool opt_in;  /* shown only where an MCP server's filter names it */
    bool as_sent; /* returns the connector's records as they are */
    /* Whose credential signs it, active or not; empty: the active one. */
    struct slice scheme;
    struct slice lookup;      /* how to find out whether a write whose answer was lost
                            happened; empty: nothing is known */
    const struct slice *tags; /* of resource and method, sorted */
    size_t tag_count;
    const struct argument *arguments; /* sorted by name */
    size_t argument_count;
    const struct schema *input;
    const struct schema *floor; /* the platform's, where an override is in front of it:
                                   arguments have to fit both. Else NULL */
    const struct field *fields;
    size_t field_count;
    /* It answers MCP content as the connector makes it, without the envelope. */
    bool answers_content;
    /* Client capabilities without which it is not run; NULL: none. */
    const struct jval *client_needs;
    /* Of a tool that may start long work: the tool that asks how it goes; empty: none. */
    struct slice poll_tool;
    bool polls; /* it is such a tool, and takes a poll_id */
    const struct integration *integration;
    const struct jval *upstream; /* the method's "upstream" object */
    const void *plan;            /* what the connector compiled out of it */
    /* JSON text, ready for tools/list; content has no output schema */
    struct slice input_schema, output_schema, annotations;
    size_t list_bytes; /* its share of a tools/list answer, for estimates */
};

/* ---- One operation: at least one exchange with the upstream, under one slot ---- */

/* What the connector knows about the account's upstream; made by connector->connect. */
struct op_target {
    struct slice lane;  /* "<integration>:<upstream account>": who shares it */
    struct slice realm; /* for signing: the upstream's own name of the account */
    struct slice route; /* how it is reached, where there are several ways; some auth
                           schemes are for one of them */
    struct slice key_header; /* where a gateway wants its key; empty: there is none */
    /* Where the login looks the system up; empty: it says itself. */
    struct slice destination;
    struct slice location; /* which of several connectors leads there; empty: any */
    /* Of the system at the first origin: which of its clients, and behind which path of a
     * gateway it is; empty: its default, or there are none. */
    struct slice client, path;
    const struct slice
        *origins; /* scheme://host[:port], where the credential may be used */
    size_t origin_count;
    struct slice consent_origin;   /* of the pages where people consent; empty: none */
    const struct jval *connection; /* checked and completed, as it is stored */
    int default_ceiling;           /* 0: the integration's */
    void *private_data;            /* the connector's own */
};

struct op_field {
    struct slice name, value;
};

/* What the connector wants sent next. */
struct op_request {
    struct slice method;
    struct slice url; /* absolute, encoded; sent byte for byte */
    const struct op_field *fields;
    size_t field_count;
    struct slice body;
    bool has_body;
    size_t passport_at; /* of a signature in the body: where its element goes; else 0 */
    bool is_write;      /* its outcome is unknown when the answer is lost */
};

/* What came back. Lent until on_response returns. */
struct op_response {
    int status;
    const struct op_field *fields; /* names in lower case */
    size_t field_count;
    struct slice body;
};

/* What the upstream remarked on a success: warnings of a saved document, say. It is
 * payload: for the caller, and for nobody else. */
struct op_message {
    struct slice severity; /* info, warning, error or success */
    struct slice code, text;
};

/* How far the operation is, in the connector's own measure. */
struct op_progress {
    long done, total;     /* total 0: nobody knows */
    struct slice message; /* empty: none */
};

/* What the client may be asked in the middle of an operation, and has answered. */
struct op_input {
    bool may_ask;                    /* its protocol revision knows questions */
    const struct jval *capabilities; /* that this request declares; an object */
    const struct jval *responses;    /* by the keys of the questions; or NULL */
    struct slice state; /* result.state as it was, when it was asked; empty: nothing */
};

/* Work that outlives the call that started it. */
enum op_job_status {
    OP_JOB_NONE, /* there is none: the result is the result */
    OP_JOB_ACCEPTED,
    OP_JOB_RUNNING,
    OP_JOB_COMPLETE, /* records hold what came of it */
    OP_JOB_FAILED    /* fault says why */
};

struct op_job {
    enum op_job_status status;
    struct slice words; /* connector's own, by which it finds the work again */
    long retry_after_s; /* when it is worth asking */
};

/* What the operation came to. */
struct op_result {
    const struct jval *records; /* JVAL_ARRAY of upstream records */
    /* Connector's own words for where to go on; empty: the end. */
    struct slice next_page;
    const struct op_message *messages;
    size_t message_count;
    /* Of a tool that answers content: MCP content blocks (JVAL_ARRAY), and ERR_OK or
     * the failure that they tell of. */
    const struct jval *content;
    enum err content_is;
    /* Instead of all that: questions to the client (an object of MCP input requests), and
     * the connector's own words for where it stands. The same call then comes again. */
    const struct jval *questions; /* NULL: none */
    struct slice state;           /* empty: none */
    struct op_job job;
};

/* What a connector remembers of an account's upstream between operations, in memory
 * only: a CSRF token and its cookies, say. The connector's own. */
struct op_session;

struct op {
    struct arena *arena; /* the call's */
    const struct integration *integration;
    const struct tool *tool; /* NULL for the integration's "verify" */
    const struct op_target *target;
    const struct jval *path, *query, *body; /* objects, never NULL */
    struct slice request_id; /* of the call: unlike any other's; empty for "verify" */
    size_t limit;            /* of a list; 0 when the tool does not page */
    struct slice page;       /* what next_page was; empty: the first page */
    struct slice job;        /* of a tool that polls: what result.job.words was */
    struct op_input input;
    struct op_request request;
    struct op_result result;
    struct fault fault;
    bool rate_limited;  /* with fault: the upstream refused because of load */
    bool login_refused; /* by the last answer, though the operation ends otherwise */
    long retry_after_s; /* what it asked for; 0: nothing */
    int64_t wait_ms;    /* with CONNECTOR_WAIT */
    struct op_progress progress; /* likewise: what may be told now */
    bool overdue;                /* the upstream did not answer in time; it still may */
    void *private_data;          /* the connector's, between begin and the end */
    struct op_session *session;  /* the account's, shared by its operations; or NULL */
};

#endif
