/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as an answer of SuiteTalk: items and texts within their ceilings, the same at
 * every reading, and nothing at all where a DOCTYPE stands. */
#include "fuzz/catalog_fixture.h"

#include "base/text.h"
#include "connectors/netsuite/soap_answer.h"

#define ITEM SLICE("recordRef")

/* A member is a record's value: what controls (a line's end in a name) is part of it. */
static void check_item(const struct jval *item)
{
    REQUIRE(item->type == JVAL_OBJECT);
    for (size_t i = 0; i < item->count; i++) {
        struct slice text = jval_text(&item->members[i].value);
        REQUIRE(text.len <= SOAP_TEXT_MAX && text_is_utf8(text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct arena *arena = arena_new();
    struct soap_answer answer, again;

    if (soap_answer_read(arena, input, ITEM, &answer)) {
        REQUIRE(answer.items->count <= SOAP_ITEMS_MAX);
        for (size_t i = 0; i < answer.items->count; i++) {
            check_item(&answer.items->items[i]);
        }
        REQUIRE(soap_answer_read(arena, input, ITEM, &again));
        REQUIRE(again.items->count == answer.items->count &&
                again.is_fault == answer.is_fault &&
                slice_eq(again.code, answer.code) &&
                slice_eq(again.message, answer.message));
        if (input.len > 1 && input.ptr[0] == '<' && input.ptr[1] != '?') {
            struct slice bomb = arena_printf(
                arena, "<!DOCTYPE a [<!ENTITY b \"c\">]>%.*s", SLICE_ARG(input));
            REQUIRE(!soap_answer_read(arena, bomb, ITEM, &again));
        }
    } else {
        REQUIRE(answer.items->count == 0 && !answer.is_fault && !answer.has_status);
    }
    arena_free(arena);
    return 0;
}
