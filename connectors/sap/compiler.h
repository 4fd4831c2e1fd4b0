/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files that compile an "upstream" object share: where it is wrong,
 * and names that are safe to write into a URL. Owns: nothing. Threads: any. Errors:
 * ERR_UNPROCESSABLE with the problem filled. Start reading at: sap_refuse.
 */
#ifndef SLUICE_CONNECTORS_SAP_COMPILER_H
#define SLUICE_CONNECTORS_SAP_COMPILER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/jval.h"
#include "catalog/tool.h"
#include "connectors/sap/plan.h"

struct sap_compiler {
    struct arena *arena;
    const struct jval *upstream;
    const struct tool *tool; /* NULL for "verify" */
    struct schema_problem *problem;
};

enum err sap_refuse(struct sap_compiler *compiler, struct slice pointer,
                    const char *message);
/* "/body" and "items" to "/body/items". */
struct slice sap_at(struct sap_compiler *compiler, struct slice pointer,
                    struct slice name);
/* Refuses a member that `names` (ending in NULL) does not list. */
MUST_USE enum err sap_only(struct sap_compiler *compiler, struct slice pointer,
                           const struct jval *object, const char *const *names);

/* A property or navigation; with `deep`, a path of them. */
bool sap_is_name(struct slice name);
bool sap_is_path(struct slice path);

/* An array of at least one name (or path); NULL and the problem filled otherwise. */
const struct slice *sap_names(struct sap_compiler *compiler, struct slice pointer,
                              const struct jval *list, size_t *count);

/* The type that "properties" declares for a path. */
MUST_USE enum err sap_type_of(struct sap_compiler *compiler, struct slice pointer,
                              struct slice path, struct edm *out);

const struct argument *sap_argument(const struct sap_compiler *compiler,
                                    struct slice name);

/* ---- body_plan.c, derive_plan.c ---- */

MUST_USE enum err sap_body_compile(struct sap_compiler *compiler,
                                   struct sap_plan *plan);
MUST_USE enum err sap_derive_compile(struct sap_compiler *compiler,
                                     struct sap_plan *plan);

#endif
