/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NetSuite's namespaces carry the version that was asked for: elements are told by their
 * local names.
 */
#include "connectors/netsuite/soap_answer.h"

#include "base/text.h"
#include "connectors/xml.h"

#define BYTES_MAX ((size_t)8 * 1024 * 1024)
#define NODES_MAX 400000

struct reading {
    struct arena *arena;
    struct slice item_name;
    struct soap_answer *out;
    struct jval *item; /* the one we are in */
    int item_depth;
};

static struct slice kept(struct reading *reading, struct slice text)
{
    struct slice cut =
        slice_of(text.ptr, text.len < SOAP_TEXT_MAX ? text.len : SOAP_TEXT_MAX);
    cut.len = text_utf8_prefix(cut);
    return arena_slice(reading->arena, cut);
}

static void put_member(struct reading *reading, struct slice name, struct slice text)
{
    jval_set(reading->arena, reading->item, arena_slice(reading->arena, name),
             jval_new_string(reading->arena, kept(reading, text)));
}

static bool begin_item(struct reading *reading, int depth)
{
    if (reading->out->items->count >= SOAP_ITEMS_MAX) {
        return false;
    }
    reading->item = jval_new_object(reading->arena, 4);
    reading->item_depth = depth;
    return true;
}

static bool on_element(void *arg, const struct xml_place *place)
{
    struct reading *reading = arg;
    struct soap_answer *out = reading->out;
    const char *name = place->names[place->depth];
    int depth = place->depth;

    if ((depth == 0 && !xml_is_named(place, 0, "Envelope")) ||
        (depth == 1 && !xml_is_named(place, 1, "Header") &&
         !xml_is_named(place, 1, "Body"))) {
        return false;
    }
    if (depth == 2 && xml_is_named(place, 1, "Body")) {
        out->is_fault = xml_is_named(place, 2, "Fault");
    }
    if (depth == 4 && xml_is_named(place, 3, "detail") && out->is_fault &&
        out->fault.len == 0) {
        out->fault = kept(reading, slice_str(name));
    }
    if (reading->item == NULL && slice_is(reading->item_name, name) && depth > 2) {
        return begin_item(reading, depth);
    }
    return true;
}

static bool on_attribute(void *arg, const struct xml_place *place, struct slice name,
                         struct slice value)
{
    struct reading *reading = arg;

    if (reading->item != NULL && place->depth == reading->item_depth) {
        put_member(reading, name, value);
    } else if (reading->item == NULL && xml_is_named(place, place->depth, "status") &&
               slice_is(name, "isSuccess")) {
        reading->out->has_status = true;
        reading->out->succeeded = slice_is(value, "true");
    }
    return true;
}

static bool on_text(void *arg, const struct xml_place *place, struct slice text)
{
    struct reading *reading = arg;
    struct soap_answer *out = reading->out;
    int at = place->depth;

    if (reading->item != NULL) {
        if (at == reading->item_depth + 1) {
            put_member(reading, slice_str(place->names[at]), text);
        }
    } else if (xml_is_named(place, at, "code") && out->code.len == 0) {
        out->code = kept(reading, text);
    } else if ((xml_is_named(place, at, "message") ||
                xml_is_named(place, at, "faultstring")) &&
               out->message.len == 0) {
        out->message = kept(reading, text);
    }
    return true;
}

static void on_end(void *arg, const struct xml_place *place)
{
    struct reading *reading = arg;

    if (reading->item != NULL && place->depth == reading->item_depth) {
        jval_push(reading->arena, reading->out->items, reading->item);
        reading->item = NULL;
    }
}

static const struct xml_reader soap_reader = {
    .bytes_max = BYTES_MAX,
    .nodes_max = NODES_MAX,
    .on_element = on_element,
    .on_attribute = on_attribute,
    .on_text = on_text,
    .on_end = on_end,
};

bool soap_answer_read(struct arena *arena, struct slice text, struct slice item,
                      struct soap_answer *out)
{
    struct reading reading = {.arena = arena, .item_name = item, .out = out};

    *out = (struct soap_answer){.items = jval_new_array(arena, 8)};
    if (xml_walk(&soap_reader, text, &reading)) {
        return true;
    }
    *out = (struct soap_answer){.items = jval_new_array(arena, 0)};
    return false;
}
