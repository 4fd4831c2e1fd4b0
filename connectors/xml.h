/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: walks an XML document of an ERP, element by element, and tells a connector what
 * it meets. Owns: nothing beyond the walk. Threads: any. Errors: false for everything that
 * is not such a document; nothing is printed and no byte of it is kept. Start reading at:
 * xml_walk. No DTD (all XML bombs need one), no entities but the predefined ones, no
 * network; ceilings on size, depth and nodes.
 */
#ifndef SLUICE_CONNECTORS_XML_H
#define SLUICE_CONNECTORS_XML_H

#include <stdbool.h>

#include "base/slice.h"

#define XML_DEPTH_MAX 24
#define XML_NAME_BYTES 64 /* of a local name, with its NUL; longer ones are cut */

/* Where a walk stands; lent to the callbacks. */
struct xml_place {
    int depth; /* of the element we are in; the root's is 0 */
    char names[XML_DEPTH_MAX]
              [XML_NAME_BYTES]; /* local ones: prefixes are the ERP's affair */
};

/*
 * The callbacks of one kind of document. Names and texts are UTF-8 and live until the
 * callback returns. False says that this is not such a document and ends the walk.
 */
struct xml_reader {
    size_t bytes_max;
    int nodes_max;
    bool (*on_element)(void *arg, const struct xml_place *place);
    /* After on_element, one by one, without namespace declarations; NULL: not read. */
    bool (*on_attribute)(void *arg, const struct xml_place *place, struct slice name,
                         struct slice value);
    bool (*on_text)(void *arg, const struct xml_place *place, struct slice text);
    void (*on_end)(void *arg, const struct xml_place *place); /* NULL: of no interest */
};

/* libxml2 onto the memory that is wiped; once, before any other thread runs. */
void xml_memory_begin(void);

bool xml_walk(const struct xml_reader *reader, struct slice text, void *arg);

/* Whether the element at `depth` on the way to this place has that local name. */
bool xml_is_named(const struct xml_place *place, int depth, const char *name);

#endif
