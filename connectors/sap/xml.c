/* SPDX-License-Identifier: Apache-2.0 */
/* The few texts that matter are told by their own name and their parent's. */
#include "connectors/sap/xml.h"

#include "connectors/xml.h"

#define BYTES_MAX ((size_t)256 * 1024)
#define NODES_MAX 4000

struct reading {
    struct arena *arena;
    struct sap_remarks *out;
    struct sap_remark *remark; /* of the detail we are in; NULL: there are enough */
};

static bool is_detail(const struct xml_place *place, int depth)
{
    return xml_is_named(place, depth, "errordetail") ||
           xml_is_named(place, depth, "detail");
}

static bool on_element(void *arg, const struct xml_place *place)
{
    struct reading *reading = arg;

    if (place->depth == 0) {
        (void)sap_remarks_add(reading->out); /* the leading one */
        return xml_is_named(place, 0, "error") ||
               xml_is_named(place, 0, "notification");
    }
    if (is_detail(place, place->depth)) {
        reading->remark = sap_remarks_add(reading->out);
    }
    return true;
}

/* The remark that the text of an element belongs to; NULL: none that is kept. */
static struct sap_remark *remark_of(const struct reading *reading,
                                    const struct xml_place *place)
{
    int parent = place->depth - 1;

    if (parent == 0) {
        return &reading->out->list[0]; /* it may come behind the details */
    }
    return is_detail(place, parent) ? reading->remark : NULL;
}

static bool on_text(void *arg, const struct xml_place *place, struct slice text)
{
    struct reading *reading = arg;
    struct sap_remark *remark = remark_of(reading, place);
    int at = place->depth;

    if (xml_is_named(place, at, "transactionid")) {
        reading->out->transaction = sap_clean(reading->arena, text, SAP_CODE_MAX);
    } else if (remark == NULL) {
        return true;
    } else if (xml_is_named(place, at, "code")) {
        remark->code = sap_clean(reading->arena, text, SAP_CODE_MAX);
    } else if (xml_is_named(place, at, "message")) {
        remark->text = sap_clean(reading->arena, text, SAP_MESSAGE_MAX);
    } else if (xml_is_named(place, at, "severity")) {
        remark->severity = sap_clean(reading->arena, text, SAP_CODE_MAX);
    }
    return true;
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

static const struct xml_reader remarks_reader = {
    .bytes_max = BYTES_MAX,
    .nodes_max = NODES_MAX,
    .on_element = on_element,
    .on_text = on_text,
};

bool sap_xml_remarks(struct arena *arena, struct slice text, struct sap_remarks *out)
{
    struct reading reading = {.arena = arena, .out = out};
    bool read = xml_walk(&remarks_reader, text, &reading);

    drop_empty(out);
    if (!read) {
        out->count = 0;
        out->transaction = SLICE_EMPTY;
    }
    return read && out->count > 0;
}
