/* SPDX-License-Identifier: Apache-2.0 */
#include "connectors/xml.h"

#include <libxml/xmlreader.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/require.h"
#include "base/text.h"

struct walk {
    const struct xml_reader *reader;
    void *arg;
    xmlTextReaderPtr source;
    struct xml_place place;
};

void xml_memory_begin(void)
{
    REQUIRE(xmlMemSetup(memory_free, memory_alloc, memory_resize, memory_copy_text) ==
            0);
    xmlInitParser();
}

bool xml_is_named(const struct xml_place *place, int depth, const char *name)
{
    return depth >= 0 && strcmp(place->names[depth], name) == 0;
}

/* ---- Nodes ---- */

/* False for text that is none: libxml2 does not look into a CDATA section. */
static bool read_text(const xmlChar *value, struct slice *out)
{
    *out = value != NULL ? slice_str((const char *)value) : SLICE_EMPTY;
    return text_is_utf8(*out);
}

static bool tell_attribute(struct walk *walk)
{
    const xmlChar *name = xmlTextReaderConstLocalName(walk->source);
    struct slice value;

    if (name == NULL || !read_text(xmlTextReaderConstValue(walk->source), &value)) {
        return false;
    }
    return xmlTextReaderIsNamespaceDecl(walk->source) == 1 ||
           walk->reader->on_attribute(walk->arg, &walk->place,
                                      slice_str((const char *)name), value);
}

static bool tell_attributes(struct walk *walk)
{
    int state = xmlTextReaderMoveToFirstAttribute(walk->source);

    while (state == 1) {
        if (!tell_attribute(walk)) {
            return false;
        }
        state = xmlTextReaderMoveToNextAttribute(walk->source);
    }
    return state == 0 && xmlTextReaderMoveToElement(walk->source) >= 0;
}

static void on_end(struct walk *walk, int depth)
{
    walk->place.depth = depth;
    if (walk->reader->on_end != NULL) {
        walk->reader->on_end(walk->arg, &walk->place);
    }
    walk->place.depth = depth - 1;
}

static bool on_element(struct walk *walk)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(walk->source);
    int depth = xmlTextReaderDepth(walk->source);
    bool is_empty = xmlTextReaderIsEmptyElement(walk->source) == 1;

    if (name == NULL || depth < 0 || depth >= XML_DEPTH_MAX) {
        return false;
    }
    /* A longer name is none that a reader looks for; cut, it is none either. */
    snprintf(walk->place.names[depth], XML_NAME_BYTES, "%s", name);
    walk->place.depth = depth;
    if (!walk->reader->on_element(walk->arg, &walk->place) ||
        (walk->reader->on_attribute != NULL && !tell_attributes(walk))) {
        return false;
    }
    if (is_empty) { /* no end of it will be told */
        on_end(walk, depth);
    }
    return true;
}

static bool on_text(struct walk *walk)
{
    struct slice text;

    return read_text(xmlTextReaderConstValue(walk->source), &text) &&
           walk->reader->on_text(walk->arg, &walk->place, text);
}

static bool on_node(struct walk *walk)
{
    switch (xmlTextReaderNodeType(walk->source)) {
    case XML_READER_TYPE_ELEMENT:
        return on_element(walk);
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
        return on_text(walk);
    case XML_READER_TYPE_END_ELEMENT:
        on_end(walk, xmlTextReaderDepth(walk->source));
        return true;
    case XML_READER_TYPE_DOCUMENT_TYPE:
    case XML_READER_TYPE_ENTITY:
    case XML_READER_TYPE_ENTITY_REFERENCE:
        return false;
    default:
        return true; /* white space, comments, the declaration */
    }
}

static bool walk_all(struct walk *walk)
{
    int state = xmlTextReaderRead(walk->source);

    for (int nodes = 0; state == 1 && nodes < walk->reader->nodes_max; nodes++) {
        if (!on_node(walk)) {
            return false;
        }
        state = xmlTextReaderRead(walk->source);
    }
    return state == 0;
}

/* ---- Silence ---- */

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

bool xml_walk(const struct xml_reader *reader, struct slice text, void *arg)
{
    struct walk walk = {.reader = reader, .arg = arg, .place = {.depth = -1}};
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;

    if (text.len == 0 || text.len > reader->bytes_max) {
        return false;
    }
    /* Each thread has general handlers of its own. */
    xmlSetStructuredErrorFunc(NULL, say_nothing_at_all);
    xmlSetGenericErrorFunc(NULL, print_nothing);
    walk.source = xmlReaderForMemory(text.ptr, (int)text.len, NULL, NULL, options);
    if (walk.source == NULL) {
        return false;
    }
    xmlTextReaderSetErrorHandler(walk.source, say_nothing, NULL);
    bool read = walk_all(&walk);
    xmlFreeTextReader(walk.source);
    xmlResetLastError(); /* quotes the document, and stays until the next error */
    return read;
}
