/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the tools that exist, read from data files: integration, resources,
 * documentation. Owns: everything it lends; immutable once loaded. Threads: read-only
 * after load. Errors: a broken file is refused whole, with file, pointer and sentence.
 * Start reading at: catalog_load. The files have JSON Schemas in catalog/schema/.
 */
#ifndef SLUICE_CATALOG_CATALOG_H
#define SLUICE_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "base/slice.h"
#include "catalog/tool.h"

struct catalog;
struct catalog_watch; /* catalog/watch.h */

struct catalog_problem {
    struct slice file, pointer, message;
};

/* Lets a connector compile an "upstream" object: problems there are load problems too.
 */
struct catalog_compiler {
    /* ERR_OK and *plan (in `arena`), or ERR_UNPROCESSABLE with pointer (inside
     * `upstream`) and message. ERR_NOT_FOUND: no connector of that name in this
     * program. `tool` is NULL for the integration's "verify"; else its arguments and
     * kind are there, its texts not yet. */
    enum err (*compile)(void *ctx, struct slice integration, struct arena *arena,
                        const struct jval *upstream, const struct tool *tool,
                        const void **plan, struct schema_problem *problem);
    void *ctx;
    /* Whether an integration's folder is read at all; NULL: every one is. */
    bool (*serves)(void *ctx, struct slice integration);
};

/*
 * Reads `directory`/<integration>/integration.json, resources/<name>.json and
 * documentation/<name>.json for every integration folder there (sorted by name). In a
 * source tree the files may lie one folder deeper, in <integration>/catalog. `compiler`
 * may be NULL: then the "upstream" objects are taken as they are. `watch`, a new one or NULL,
 * learns what was looked at, also when the load fails. `problem` is written in `arena`.
 */
MUST_USE enum err catalog_load(const char *directory,
                               const struct catalog_compiler *compiler,
                               struct catalog_watch *watch, struct catalog **out,
                               struct arena *arena, struct catalog_problem *problem);
/* Counted: calls keep the catalog that they began with. Of one thread at a time. */
struct catalog *catalog_hold(struct catalog *catalog);
void catalog_free(struct catalog *catalog); /* drops one hold; accepts NULL */

/* ---- Integrations ---- */

/* A method without a documentation record is no tool; somebody may look for it. */
struct undocumented {
    struct slice resource, method;
};

enum catalog_rule_action { RULE_MAPS, RULE_RATE_LIMITED };

struct integration {
    struct slice name, title;
    struct slice instructions;         /* for server/discover and initialize */
    bool closed_world;                 /* its tools reach nothing outside this server */
    int default_ceiling;               /* of an account */
    int calls_per_minute, calls_burst; /* the same; 0: no limit, those of a second */
    int writes_per_minute, writes_burst;
    size_t default_limit;      /* of a list that names none */
    int64_t upstream_max_ms;   /* a transfer is cut then */
    int64_t login_overload_ms; /* a login refused this late is load; 0: never */
    /* What an operator has to say yes to before an account is made, and why; empty:
     * nothing. The member is looked for in the account's connect request. */
    struct slice acknowledgement_member, acknowledgement_message;
    /* The same for a person at a page: what they confirm, and where the terms are. */
    struct slice acknowledgement_statement, acknowledgement_url;
    const struct jval *verify; /* an "upstream" object for a cheap authenticated read */
    const void *verify_plan;
    const struct jval *document; /* integration.json, whole */
    const struct error_rule *rules;
    size_t rule_count;
    struct tool *const *tools; /* sorted by name */
    size_t tool_count;
    struct undocumented *undocumented;
    size_t undocumented_count;
    const struct integration *platform; /* without overrides; NULL: this is it */
};

const struct integration *catalog_integration(const struct catalog *catalog,
                                              struct slice name);
const struct integration *catalog_integration_at(const struct catalog *catalog,
                                                 size_t n);

/* By exact name within an integration; NULL when there is none. */
const struct tool *catalog_tool(const struct integration *integration,
                                struct slice name);

/*
 * What an upstream error means: the first of the integration's rules that fits status,
 * code and message. ERR_UPSTREAM_UNAVAILABLE for 5xx, ERR_VALIDATION_FAILED for other
 * 4xx when none fits; `hint` gets the rule's (or stays empty).
 */
enum err catalog_classify(const struct integration *integration, int status,
                          struct slice code, struct slice message, struct slice *hint);

/* ---- Filters of an MCP server ---- */

struct filter;

/*
 * From a server's config object: methods, tags, tools (arrays of text). Names a member
 * that is ill-formed, and one that alone or together leaves no tool, in `problem`
 * (ERR_UNPROCESSABLE). `integration` NULL: as it was set once, whatever the catalog has
 * become since; a name that is nothing any more then allows nothing.
 */
MUST_USE enum err filter_compile(struct arena *arena,
                                 const struct integration *integration,
                                 const struct jval *config, struct filter **out,
                                 struct schema_problem *problem);
bool filter_allows(const struct filter *filter, const struct tool *tool);

/* ---- Arguments ---- */

struct split {
    struct jval *path, *query, *body;
    size_t limit;         /* of a tool that pages: 1..200, default 25 */
    struct slice cursor;  /* next_cursor as it came; empty: none */
    struct slice poll_id; /* of a tool that polls, as it came */
};

/*
 * Checks `arguments` (an object, or NULL for none) against the tool's input schema and
 * splits it. ERR_INVALID_ARGUMENTS with details in `fault`.
 */
MUST_USE enum err split_arguments(const struct tool *tool, const struct jval *arguments,
                                  struct arena *arena, struct split *out,
                                  struct fault *fault);

/*
 * The canonical text of all arguments but limit and next_cursor (members sorted,
 * numbers normalised): what a cursor is bound to.
 */
struct slice split_canonical(const struct split *split, struct arena *arena);

#endif
