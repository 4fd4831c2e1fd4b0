/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over the document, element by element: the few texts that matter are told by
 * their own name and their parent's. A document with a DOCTYPE is refused where it
 * stands: no error of SAP has one, and all XML bombs need one.
 */
#include "connectors/sap/xml.h"

#include <libxml/xmlreader.h>

#include "base/memory.h"
#include "base/require.h"
#include "base/text.h"
#include "connectors/sap/sap.h"

#define BYTES_MAX ((size_t)256 * 1024)
#define DEPTH_MAX 16
#define NODES_MAX 4000
#define NAME_BYTES 32

void sap_memory_begin(void)
{
    REQUIRE(xmlMemSetup(memory_free, memory_alloc, memory_resize, memory_copy_text) ==
            0);
    xmlInitParser();
}

/* ---- The walk ---- */

struct walk {
    struct arena *arena;
    struct sap_remarks *out;
    struct sap_remark *remark; /* of the detail we are in; NULL: there are enough */
    char names[DEPTH_MAX][NAME_BYTES];
    int depth; /* of the element we are in */
};

static bool is_named(const struct walk *walk, int depth, const char *name)
{
    return depth >= 0 && strcmp(walk->names[depth], name) == 0;
}

static bool is_detail(const struct walk *walk, int depth)
{
    return is_named(walk, depth, "errordetail") || is_named(walk, depth, "detail");
}

static bool on_element(struct walk *walk, xmlTextReaderPtr reader)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(reader);
    int depth = xmlTextReaderDepth(reader);

    if (name == NULL || depth < 0 || depth >= DEPTH_MAX) {
        return false;
    }
    /* A longer name is none of those we look for; cut, it is none either. */
    snprintf(walk->names[depth], NAME_BYTES, "%s", name);
    walk->depth = depth;
    if (depth == 0) {
        (void)sap_remarks_add(walk->out); /* the leading one */
        return is_named(walk, 0, "error") || is_named(walk, 0, "notification");
    }
    if (is_detail(walk, depth)) {
        walk->remark = sap_remarks_add(walk->out);
    }
    if (xmlTextReaderIsEmptyElement(reader) == 1) {
        walk->depth = depth - 1; /* no end of it will be told */
    }
    return true;
}

/* The remark that the text of an element belongs to; NULL: none that is kept. */
static struct sap_remark *remark_of(const struct walk *walk)
{
    int parent = walk->depth - 1;

    if (parent == 0) {
        return &walk->out->list[0]; /* it may come behind the details */
    }
    return is_detail(walk, parent) ? walk->remark : NULL;
}

/* False for text that is none: libxml2 does not look into a CDATA section. */
static bool on_text(struct walk *walk, struct slice text)
{
    struct sap_remark *remark = remark_of(walk);

    if (!text_is_utf8(text)) {
        return false;
    }
    if (is_named(walk, walk->depth, "transactionid")) {
        walk->out->transaction = sap_clean(walk->arena, text, SAP_CODE_MAX);
    } else if (remark == NULL) {
        return true;
    } else if (is_named(walk, walk->depth, "code")) {
        remark->code = sap_clean(walk->arena, text, SAP_CODE_MAX);
    } else if (is_named(walk, walk->depth, "message")) {
        remark->text = sap_clean(walk->arena, text, SAP_MESSAGE_MAX);
    } else if (is_named(walk, walk->depth, "severity")) {
        remark->severity = sap_clean(walk->arena, text, SAP_CODE_MAX);
    }
    return true;
}

static bool on_node(struct walk *walk, xmlTextReaderPtr reader)
{
    switch (xmlTextReaderNodeType(reader)) {
    case XML_READER_TYPE_ELEMENT:
        return on_element(walk, reader);
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
        return on_text(walk, slice_str((const char *)xmlTextReaderConstValue(reader)));
    case XML_READER_TYPE_END_ELEMENT:
        walk->depth = xmlTextReaderDepth(reader) - 1;
        return true;
    case XML_READER_TYPE_DOCUMENT_TYPE:
    case XML_READER_TYPE_ENTITY:
    case XML_READER_TYPE_ENTITY_REFERENCE:
        return false;
    default:
        return true; /* white space, comments, the declaration */
    }
}

static bool walk_all(struct walk *walk, xmlTextReaderPtr reader)
{
    int state = xmlTextReaderRead(reader);

    for (int nodes = 0; state == 1 && nodes < NODES_MAX; nodes++) {
        if (!on_node(walk, reader)) {
            return false;
        }
        state = xmlTextReaderRead(reader);
    }
    return state == 0;
}

/* libxml2 would print to the standard error stream what it did not like, and bytes of
 * it: of a document to the reader's handler, of an encoding to the general one. */
static void say_nothing(void *arg, const char *message, xmlParserSeverities severity,
                        xmlTextReaderLocatorPtr locator)
{
    (void)arg;
    (void)message;
    (void)severity;
    (void)locator;
}

static void say_nothing_at_all(void *arg, xmlErrorPtr error)
{
    (void)arg;
    (void)error;
}

static void print_nothing(void *arg, const char *format, ...)
{
    (void)arg;
    (void)format;
}

/* A remark without a word, as a <detail/> makes it. */
static void drop_empty(struct sap_remarks *remarks)
{
    size_t kept = 0;

    for (size_t i = 0; i < remarks->count; i++) {
        if (remarks->list[i].code.len > 0 || remarks->list[i].text.len > 0) {
            remarks->list[kept++] = remarks->list[i];
        }
    }
    remarks->count = kept;
}

bool sap_xml_remarks(struct arena *arena, struct slice text, struct sap_remarks *out)
{
    struct walk walk = {.arena = arena, .out = out, .depth = -1};
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

    if (text.len == 0 || text.len > BYTES_MAX) {
        return false;
    }
    /* Each thread has general handlers of its own. */
    xmlSetStructuredErrorFunc(NULL, say_nothing_at_all);
    xmlSetGenericErrorFunc(NULL, print_nothing);
    xmlTextReaderPtr reader =
        xmlReaderForMemory(text.ptr, (int)text.len, NULL, NULL, options);
    if (reader == NULL) {
        return false;
    }
    xmlTextReaderSetErrorHandler(reader, say_nothing, NULL);
    bool read = walk_all(&walk, reader);
    xmlFreeTextReader(reader);
    xmlResetLastError(); /* quotes the document, and stays until the next error */
    drop_empty(out);
    if (!read) {
        out->count = 0;
        out->transaction = SLICE_EMPTY;
    }
    return read && out->count > 0;
}
