/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as one of SAP's XML documents: remarks within their ceilings, the same at
 * every reading, and none at all where a DOCTYPE stands. */
#include "fuzz/catalog_fixture.h"

#include "connectors/sap/xml.h"

static void check_remarks(const struct sap_remarks *remarks)
{
    REQUIRE(remarks->count >= 1 && remarks->count <= SAP_REMARKS_MAX);
    for (size_t i = 0; i < remarks->count; i++) {
        const struct sap_remark *remark = &remarks->list[i];
        REQUIRE(remark->code.len + remark->text.len > 0);
        fixture_check_text(remark->code, SAP_CODE_MAX);
        fixture_check_text(remark->text, SAP_MESSAGE_MAX);
        fixture_check_text(remark->severity, SAP_CODE_MAX);
    }
    fixture_check_text(remarks->transaction, SAP_CODE_MAX);
}

static void check_same(const struct sap_remarks *a, const struct sap_remarks *b)
{
    REQUIRE(a->count == b->count && slice_eq(a->transaction, b->transaction));
    for (size_t i = 0; i < a->count; i++) {
        REQUIRE(slice_eq(a->list[i].code, b->list[i].code));
        REQUIRE(slice_eq(a->list[i].text, b->list[i].text));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct arena *arena = arena_new();
    struct sap_remarks remarks = {.count = 0}, again = {.count = 0};

    if (sap_xml_remarks(arena, input, &remarks)) {
        check_remarks(&remarks);
        REQUIRE(sap_xml_remarks(arena, input, &again));
        check_same(&remarks, &again);
        /* The same document with a DOCTYPE before it is none. */
        if (size > 0 && input.ptr[0] == '<' && input.len > 1 && input.ptr[1] != '?') {
            struct slice bomb = arena_printf(
                arena, "<!DOCTYPE a [<!ENTITY b \"c\">]>%.*s", SLICE_ARG(input));
            REQUIRE(!sap_xml_remarks(arena, bomb, &again));
        }
    } else {
        REQUIRE(remarks.count == 0);
    }
    arena_free(arena);
    return 0;
}
