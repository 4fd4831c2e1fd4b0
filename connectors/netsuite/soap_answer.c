/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over the envelope, element by element, told by local names: NetSuite's prefixes are
 * its own affair, and its namespaces carry the version that was asked for. A document with a
 * DOCTYPE is refused where it stands.
 */
#include "connectors/netsuite/soap_answer.h"

#include <libxml/xmlreader.h>

#include "base/text.h"

#define BYTES_MAX ((size_t)8 * 1024 * 1024)
#define DEPTH_MAX 24
#define NODES_MAX 400000
#define NAME_BYTES 64

struct walk {
    struct arena *arena;
    struct slice item_name;
    struct soap_answer *out;
    struct jval *item; /* the one we are in */
    int item_depth;
    char names[DEPTH_MAX][NAME_BYTES];
    int depth; /* of the element we are in */
};

static bool is_named(const struct walk *walk, int depth, const char *name)
{
    return depth >= 0 && strcmp(walk->names[depth], name) == 0;
}

static struct slice kept(struct walk *walk, struct slice text)
{
    struct slice cut =
        slice_of(text.ptr, text.len < SOAP_TEXT_MAX ? text.len : SOAP_TEXT_MAX);
    cut.len = text_utf8_prefix(cut);
    return arena_slice(walk->arena, cut);
}

static void put_member(struct walk *walk, struct slice name, struct slice text)
{
    jval_set(walk->arena, walk->item, arena_slice(walk->arena, name),
             jval_new_string(walk->arena, kept(walk, text)));
}

/* ---- Elements ---- */

static bool read_attributes(struct walk *walk, xmlTextReaderPtr reader, bool of_item)
{
    int state = xmlTextReaderMoveToFirstAttribute(reader);
    while (state == 1) {
        const char *name = (const char *)xmlTextReaderConstLocalName(reader);
        const char *value = (const char *)xmlTextReaderConstValue(reader);
        if (name == NULL || value == NULL || !text_is_utf8(slice_str(value))) {
            return false;
        }
        if (of_item && xmlTextReaderIsNamespaceDecl(reader) != 1) {
            put_member(walk, slice_str(name), slice_str(value));
        } else if (!of_item && strcmp(name, "isSuccess") == 0) {
            walk->out->has_status = true;
            walk->out->succeeded = strcmp(value, "true") == 0;
        }
        state = xmlTextReaderMoveToNextAttribute(reader);
    }
    return state == 0 && xmlTextReaderMoveToElement(reader) >= 0;
}

static bool begin_item(struct walk *walk, xmlTextReaderPtr reader)
{
    if (walk->out->items->count >= SOAP_ITEMS_MAX) {
        return false;
    }
    walk->item = jval_new_object(walk->arena, 4);
    walk->item_depth = walk->depth;
    return read_attributes(walk, reader, true);
}

static void end_element(struct walk *walk, int depth)
{
    if (walk->item != NULL && depth == walk->item_depth) {
        jval_push(walk->arena, walk->out->items, walk->item);
        walk->item = NULL;
    }
    walk->depth = depth - 1;
}

static bool on_element(struct walk *walk, xmlTextReaderPtr reader)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(reader);
    int depth = xmlTextReaderDepth(reader);
    bool is_empty = xmlTextReaderIsEmptyElement(reader) == 1, read = true;

    if (name == NULL || depth < 0 || depth >= DEPTH_MAX) {
        return false;
    }
    /* A longer name is none of those we look for; cut, it is none either. */
    snprintf(walk->names[depth], NAME_BYTES, "%s", name);
    walk->depth = depth;
    if ((depth == 0 && !is_named(walk, 0, "Envelope")) ||
        (depth == 1 && !is_named(walk, 1, "Header") && !is_named(walk, 1, "Body"))) {
        return false;
    }
    if (depth == 2 && is_named(walk, 1, "Body")) {
        walk->out->is_fault = is_named(walk, 2, "Fault");
    }
    if (depth == 4 && is_named(walk, 3, "detail") && walk->out->is_fault &&
        walk->out->fault.len == 0) {
        walk->out->fault = kept(walk, slice_str(name));
    }
    if (walk->item == NULL && slice_is(walk->item_name, name) && depth > 2) {
        read = begin_item(walk, reader);
    } else if (walk->item == NULL && is_named(walk, depth, "status")) {
        read = read_attributes(walk, reader, false);
    }
    if (read && is_empty) {
        end_element(walk, depth);
    }
    return read;
}

/* ---- Texts ---- */

/* False for text that is none: libxml2 does not look into a CDATA section. */
static bool on_text(struct walk *walk, const char *value)
{
    struct soap_answer *out = walk->out;
    struct slice text = value != NULL ? slice_str(value) : SLICE_EMPTY;
    int at = walk->depth;

    if (!text_is_utf8(text)) {
        return false;
    }
    if (walk->item != NULL) {
        if (at == walk->item_depth + 1) {
            put_member(walk, slice_str(walk->names[at]), text);
        }
    } else if (is_named(walk, at, "code") && out->code.len == 0) {
        out->code = kept(walk, text);
    } else if ((is_named(walk, at, "message") || is_named(walk, at, "faultstring")) &&
               out->message.len == 0) {
        out->message = kept(walk, text);
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
        return on_text(walk, (const char *)xmlTextReaderConstValue(reader));
    case XML_READER_TYPE_END_ELEMENT:
        end_element(walk, xmlTextReaderDepth(reader));
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

bool soap_answer_read(struct arena *arena, struct slice text, struct slice item,
                      struct soap_answer *out)
{
    struct walk walk = {.arena = arena, .item_name = item, .out = out, .depth = -1};
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

    *out = (struct soap_answer){.items = jval_new_array(arena, 8)};
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
    if (!read) {
        *out = (struct soap_answer){.items = jval_new_array(arena, 0)};
    }
    return read;
}
