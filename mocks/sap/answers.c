/* SPDX-License-Identifier: Apache-2.0 */
/* Recorded shapes; ids and times are invented anew for each answer. */
#include "mocks/sap/answers.h"

#include <openssl/rand.h>
#include <stdio.h>

#include "base/require.h"
#include "mocks/common/json_out.h"

static void transaction_id(char out[33])
{
    unsigned char random[16];
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(out + 2 * i, 3, "%02X", random[i]);
    }
}

void answer_error(struct response *response, int status, const char *code,
                  struct slice message)
{
    char id[33];
    transaction_id(id);
    response_reset(response, status);
    response_field(response, "content-type", "application/json;charset=utf-8");
    struct buf *out = &response->body;
    buf_printf(
        out,
        "{\"error\":{\"code\":\"%s\",\"message\":{\"lang\":\"en\",\"value\":", code);
    json_out_string(out, message);
    buf_printf(out,
               "},\"innererror\":{\"application\":{\"component_id\":\"MM-PUR-PO\","
               "\"service_namespace\":\"/SAP/\"},\"transactionid\":\"%s\","
               "\"timestamp\":\"20261120143348.4420100\",\"Error_Resolution\":{"
               "\"SAP_Transaction\":\"\",\"SAP_Note\":\"See SAP Note 1797736\"},"
               "\"errordetails\":[{\"code\":\"%s\",\"message\":",
               id, code);
    json_out_string(out, message);
    buf_printf(out,
               ",\"longtext_url\":\"\",\"propertyref\":\"\",\"severity\":\"error\","
               "\"transition\":false,\"target\":\"\"}]}}}");
}

void answer_no_service(struct response *response, struct slice name)
{
    char id[33];
    struct buf body;
    transaction_id(id);
    buf_init(&body, 4096);
    size_t shown = 0;
    while (shown < name.len && shown < 60 &&
           (name.ptr[shown] == '_' ||
            (name.ptr[shown] >= '0' && name.ptr[shown] <= '9') ||
            (name.ptr[shown] >= 'A' && name.ptr[shown] <= 'Z'))) {
        shown++;
    }
    buf_printf(
        &body,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><error xmlns=\"http://schemas."
        "microsoft.com/ado/2007/08/dataservices/metadata\"><code>/IWFND/MED/170</code>"
        "<message xml:lang=\"en\">No service found for namespace '', name '%.*s', "
        "version '0001'</message><innererror><transactionid>%s</transactionid>"
        "</innererror></error>",
        (int)shown, name.ptr, id);
    response_plain(response, 403, "application/xml;charset=utf-8", buf_slice(&body));
    buf_free(&body);
}

void answer_logon_failed(struct response *response, const char *client)
{
    response_plain(
        response, 401, "text/html; charset=utf-8",
        SLICE("<html><head><title>Logon Error Message</title></head><body><h1>"
              "Anmeldung fehlgeschlagen</h1><p>What happened? You could not be "
              "logged on.</p></body></html>"));
    response_field(response, "WWW-Authenticate",
                   "Basic realm=\"SAP NetWeaver Application Server [S4H/%s]\"", client);
    response_field(response, "sap-system", "S4H");
}

void answer_csrf_required(struct response *response)
{
    response_plain(response, 403, "text/plain;charset=utf-8",
                   SLICE("CSRF token validation failed"));
    response_field(response, "x-csrf-token", "Required");
}

void answer_overload(struct response *response)
{
    response_plain(
        response, 503, "text/html; charset=utf-8",
        SLICE("<html><head><title>Service Unavailable</title></head><body><h1>503 "
              "Service Unavailable</h1><p>The server is overloaded "
              "(EOVERLOAD).</p></body></html>"));
    response_field(response, "server", "SAP NetWeaver Application Server / ABAP 757");
}
