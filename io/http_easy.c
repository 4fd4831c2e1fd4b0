/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out is what the caller gave and nothing more: curl's own Accept,
 * Content-Type and Expect are switched off by name, its URL reader is bypassed for the
 * request target, and proxies, cookies, redirects, decoding and other protocols are
 * off.
 */
#include "io/http_easy.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/secret.h"

#define SET(easy, option, value) \
    REQUIRE(curl_easy_setopt((easy)->curl, (option), (value)) == CURLE_OK)

#define METHOD_BYTES 32
#define KEEPALIVE_S 60L /* before a silent upstream is asked whether it is there */
/* A peer may close a connection that was idle for long just as it is used again. */
#define IDLE_REUSE_S 50L
#define CURL_BUFFER_BYTES (16L * 1024)

/* Fields that curl adds by itself, as the lines that tell it not to. */
static const struct quiet {
    struct slice name;
    struct slice line;
} quiet[] = {
    {{"accept", 6}, {"Accept:", 7}},
    {{"content-type", 12}, {"Content-Type:", 13}},
    {{"expect", 6}, {"Expect:", 7}},
};
#define QUIET_COUNT (sizeof quiet / sizeof quiet[0])

static bool is_token(struct slice text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-';
        if (!is_plain && (c == '\0' || strchr(marks, c) == NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

/* A line end inside a value would be a field, or a request, of somebody else's making.
 */
static bool is_value(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return slice_eq(text, slice_trim(text));
}

/* Framing and hop-by-hop fields are curl's. */
static bool may_be_given(struct slice name)
{
    return !slice_eq_nocase(name, SLICE("content-length")) &&
           !slice_eq_nocase(name, SLICE("transfer-encoding")) &&
           !slice_eq_nocase(name, SLICE("connection")) &&
           !slice_eq_nocase(name, SLICE("upgrade"));
}

static const char *check(const struct http_send *request, const struct http_url *url)
{
    size_t bytes = url->target.len;
    if (!is_token(request->method) || request->method.len > METHOD_BYTES ||
        slice_is(request->method, "CONNECT")) {
        return "method";
    }
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (!is_token(field->name) || !is_value(field->value) ||
            !may_be_given(field->name)) {
            return "field";
        }
        bytes += field->name.len + field->value.len + sizeof ": \r\n";
    }
    return bytes > LIMIT_UPSTREAM_HEAD_BYTES ? "head" : NULL;
}

static bool is_given(const struct http_send *request, struct slice name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        if (slice_eq_nocase(request->fields[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Nodes first, text behind them; curl only reads the list, so one block will do. */
struct writer {
    struct curl_slist *node, *last;
    char *text;
};

static void write_text(struct writer *writer, struct slice text)
{
    memcpy(writer->text, text.ptr, text.len);
    writer->text += text.len;
}

static void open_line(struct writer *writer)
{
    writer->node->data = writer->text;
    if (writer->last != NULL) {
        writer->last->next = writer->node;
    }
    writer->last = writer->node;
    writer->node++;
}

static void close_line(struct writer *writer)
{
    *writer->text = '\0';
    writer->text++;
}

static void write_field(struct writer *writer, const struct http_field *field)
{
    open_line(writer);
    write_text(writer, field->name);
    if (field->value.len == 0) {
        write_text(writer, SLICE(";")); /* curl's way to say "with an empty value" */
    } else {
        write_text(writer, SLICE(": "));
        write_text(writer, field->value);
    }
    close_line(writer);
}

static void set_fields(struct http_easy *easy, const struct http_send *request)
{
    size_t lines = request->field_count + QUIET_COUNT;
    size_t bytes = lines * (sizeof(struct curl_slist) + sizeof ": ");
    for (size_t i = 0; i < request->field_count; i++) {
        bytes += request->fields[i].name.len + request->fields[i].value.len;
    }
    for (size_t i = 0; i < QUIET_COUNT; i++) {
        bytes += quiet[i].line.len;
    }
    easy->head = calloc(1, bytes);
    REQUIRE(easy->head != NULL);
    easy->head_bytes = bytes;
    struct writer writer = {.node = easy->head};
    writer.text = (char *)(writer.node + lines);
    for (size_t i = 0; i < QUIET_COUNT; i++) {
        if (!is_given(request, quiet[i].name)) {
            open_line(&writer);
            write_text(&writer, quiet[i].line);
            close_line(&writer);
        }
    }
    for (size_t i = 0; i < request->field_count; i++) {
        write_field(&writer, &request->fields[i]);
    }
    if (writer.last != NULL) {
        SET(easy, CURLOPT_HTTPHEADER, (struct curl_slist *)easy->head);
    }
}

/* RFC 9110 section 8.6: these say how long their body is even when there is none. */
static bool announces_body(struct slice method)
{
    return slice_is(method, "POST") || slice_is(method, "PUT") ||
           slice_is(method, "PATCH");
}

static void set_method(struct http_easy *easy, const struct http_send *request)
{
    char method[METHOD_BYTES + 1];
    memcpy(method, request->method.ptr, request->method.len);
    method[request->method.len] = '\0';
    struct slice body = request->has_body ? request->body : SLICE_EMPTY;
    if (request->has_body || announces_body(request->method)) {
        SET(easy, CURLOPT_POST, 1L);
        SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        SET(easy, CURLOPT_COPYPOSTFIELDS, body.ptr);
    } else if (slice_is(request->method, "HEAD")) {
        SET(easy, CURLOPT_NOBODY, 1L);
    } else {
        SET(easy, CURLOPT_HTTPGET, 1L);
    }
    SET(easy, CURLOPT_CUSTOMREQUEST, method);
}

/* For the option calls that want a C string; curl copies it. */
static void set_text(struct http_easy *easy, CURLoption option, struct slice text)
{
    char *copy = calloc(1, text.len + 1);
    REQUIRE(copy != NULL);
    memcpy(copy, text.ptr, text.len);
    REQUIRE(curl_easy_setopt(easy->curl, option, copy) == CURLE_OK);
    wipe(copy, text.len);
    free(copy);
}

static void set_guards(struct http_easy *easy, bool is_tls)
{
    SET(easy, CURLOPT_PROTOCOLS_STR, is_tls ? "https" : "http");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

static void set_transport(struct http_easy *easy)
{
    SET(easy, CURLOPT_NOSIGNAL, 1L);
    SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(easy, CURLOPT_TCP_NODELAY, 1L);
    SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    SET(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_S);
    SET(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_S);
    SET(easy, CURLOPT_MAXAGE_CONN, IDLE_REUSE_S);
    SET(easy, CURLOPT_BUFFERSIZE, CURL_BUFFER_BYTES);
    SET(easy, CURLOPT_UPLOAD_BUFFERSIZE, CURL_BUFFER_BYTES);
}

const char *http_easy_set(struct http_easy *easy, const struct http_send *request,
                          const struct http_url *url)
{
    const char *fault = check(request, url);
    if (fault != NULL) {
        return fault;
    }
    easy->curl = curl_easy_init();
    REQUIRE(easy->curl != NULL);
    set_guards(easy, url->is_tls);
    set_transport(easy);
    /* Where to connect; what to ask for is the target, which curl does not touch. */
    set_text(easy, CURLOPT_URL, url->origin);
    set_text(easy, CURLOPT_REQUEST_TARGET, url->target);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
    set_method(easy, request);
    set_fields(easy, request);
    return NULL;
}

void http_easy_pin(struct http_easy *easy, struct slice host, int port,
                   struct slice addresses)
{
    struct buf text;
    buf_init(&text, 4096);
    /* "+": the entry ages in curl's cache like any other instead of staying for good.
     */
    REQUIRE(buf_printf(&text, "+%.*s:%d:%.*s", SLICE_ARG(host), port,
                       SLICE_ARG(addresses)));
    free(easy->pin.data);
    easy->pin = (struct curl_slist){.data = text.ptr};
    SET(easy, CURLOPT_RESOLVE, &easy->pin);
}

void http_easy_free(struct http_easy *easy)
{
    curl_easy_cleanup(easy->curl);
    wipe(easy->head, easy->head_bytes);
    free(easy->head);
    free(easy->pin.data);
    *easy = (struct http_easy){0};
}

long http_easy_bytes_sent(const struct http_easy *easy)
{
    long bytes = 0;
    REQUIRE(curl_easy_getinfo(easy->curl, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK);
    return bytes;
}
