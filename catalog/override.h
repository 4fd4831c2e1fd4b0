/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: overrides: layers of JSON over the platform's tools, merged as RFC 7396 says.
 * Owns: what it makes is a catalog of its own that holds the one below.
 * Threads: one at a time. Errors: ERR_UNPROCESSABLE with pointer and sentence.
 * Start reading at: catalog_override.
 *
 * A layer: {"instructions":{"<integration>":"…"},
 *           "tools":{"<tool>":{"description":"…","instructions":"…","schema":{…}}}}.
 * "description" takes the platform's place, "instructions" stand behind it, "schema" is a merge
 * patch of the input schema. An override narrows: arguments have to fit the platform's schema
 * as well, which is what the connectors rely on.
 */
#ifndef SLUICE_CATALOG_OVERRIDE_H
#define SLUICE_CATALOG_OVERRIDE_H

#include "catalog/catalog.h"

/*
 * Whether a layer has the form above and names what there is: tools of `integration`, or of any
 * when that is NULL. The problem's pointer leads into the layer.
 */
MUST_USE enum err override_check(const struct catalog *catalog,
                                 const struct integration *integration,
                                 const struct jval *layer, struct arena *arena,
                                 struct schema_problem *problem);

/* Told of each tool whose merged description or schema is none. Lent until it returns. */
struct override_misfit {
    struct slice tool;
    struct slice pointer; /* into the merged layer: "/tools/<tool>/schema/…" */
    struct slice message;
};
typedef void (*override_misfit_fn)(void *ctx, const struct override_misfit *misfit);

/*
 * `base` with the layers over its `integration`, lowest first: a catalog of that integration
 * alone. A tool whose overrides do not fit (any more) is left out of it: they may be there to
 * keep something from happening; for the same reason what a layer says of one tool holds though
 * another tool that it names is gone. Layers were found right by override_check when they came.
 */
struct catalog *catalog_override(struct catalog *base,
                                 const struct integration *integration,
                                 const struct jval *const *layers, size_t count,
                                 override_misfit_fn on_misfit, void *ctx);

#endif
