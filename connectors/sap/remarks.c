/* SPDX-License-Identifier: Apache-2.0 */
/* SAP's words, out of JSON; xml.c reads the other form. */
#include "connectors/sap/remarks.h"

#include "base/text.h"
#include "connectors/sap/xml.h"

#define HEADER_BYTES_MAX ((size_t)16 * 1024)

struct slice sap_clean(struct arena *arena, struct slice text, size_t max)
{
    return slice_trim(text_clean(arena, text, max));
}

struct sap_remark *sap_remarks_add(struct sap_remarks *remarks)
{
    if (remarks->count == SAP_REMARKS_MAX) {
        return NULL;
    }
    struct sap_remark *remark = &remarks->list[remarks->count++];
    *remark = (struct sap_remark){SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY};
    return remark;
}

static void add(struct arena *arena, struct sap_remarks *out, struct slice severity,
                struct slice code, struct slice text)
{
    struct sap_remark *remark =
        code.len > 0 || text.len > 0 ? sap_remarks_add(out) : NULL;

    if (remark != NULL) {
        remark->severity = sap_clean(arena, severity, SAP_CODE_MAX);
        remark->code = sap_clean(arena, code, SAP_CODE_MAX);
        remark->text = sap_clean(arena, text, SAP_MESSAGE_MAX);
    }
}

/* {"lang","value"}, or the text itself where somebody in front of SAP speaks. */
static struct slice message_of(const struct jval *message)
{
    return jval_is(message, JVAL_OBJECT) ? jval_text(jval_get(message, "value"))
                                         : jval_text(message);
}

static void add_details(struct arena *arena, struct sap_remarks *out,
                        const struct jval *details)
{
    for (size_t i = 0; jval_is(details, JVAL_ARRAY) && i < details->count; i++) {
        const struct jval *detail = &details->items[i];
        add(arena, out, jval_text(jval_get(detail, "severity")),
            jval_text(jval_get(detail, "code")),
            message_of(jval_get(detail, "message")));
    }
}

bool sap_json_error(struct arena *arena, const struct jval *body,
                    struct sap_remarks *out)
{
    const struct jval *error = jval_get(body, "error");
    const struct jval *fault = jval_get(body, "fault");
    const struct jval *inner = jval_get(error, "innererror");

    if (jval_is(fault, JVAL_OBJECT)) {
        add(arena, out, SLICE("error"),
            jval_text(jval_get(jval_get(fault, "detail"), "errorcode")),
            jval_text(jval_get(fault, "faultstring")));
        return true;
    }
    if (!jval_is(error, JVAL_OBJECT)) {
        return false;
    }
    add(arena, out, SLICE("error"), jval_text(jval_get(error, "code")),
        message_of(jval_get(error, "message")));
    add_details(arena, out, jval_get(inner, "errordetails"));
    out->transaction = jval_text(jval_get(inner, "transactionid"));
    return true;
}

bool sap_message_header(struct arena *arena, struct slice value,
                        struct sap_remarks *out)
{
    struct jval *message = NULL;

    if (value.len == 0 || value.len > HEADER_BYTES_MAX) {
        return false;
    }
    if (value.ptr[0] == '<') {
        return sap_xml_remarks(arena, value, out);
    }
    if (jval_parse(arena, value, &message, NULL) != ERR_OK ||
        message->type != JVAL_OBJECT) {
        return false;
    }
    add(arena, out, jval_text(jval_get(message, "severity")),
        jval_text(jval_get(message, "code")), message_of(jval_get(message, "message")));
    add_details(arena, out, jval_get(message, "details"));
    return out->count > 0;
}
