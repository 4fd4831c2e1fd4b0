/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes out is what the caller gave and nothing more: curl's own Accept,
 * Content-Type and Expect are switched off by name, its URL reader is bypassed for the
 * request target, and cookies, redirects, decoding, other protocols and every proxy but
 * the request's own are off.
 */
#include "io/http_easy.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/secret.h"

#define SET(easy, option, value) \
    REQUIRE(curl_easy_setopt((easy)->curl, (option), (value)) == CURLE_OK)

#define METHOD_BYTES 32
#define KEEPALIVE_S 60L /* before a silent upstream is asked whether it is there */
/* A peer may close a connection that was idle for long just as it is used again. */
#define IDLE_REUSE_S 50L
#define CURL_BUFFER_BYTES (16L * 1024 - 9) /* 16 KiB with what curl and malloc add */

/* Fields that curl adds by itself, as the lines that tell it not to. */
struct quiet {
    struct slice name;
    struct slice line;
};
static const struct quiet quiet[] = {
    {{"accept", 6}, {"Accept:", 7}},
    {{"content-type", 12}, {"Content-Type:", 13}},
    {{"expect", 6}, {"Expect:", 7}},
};
static const struct quiet quiet_proxy[] = {
    {{"proxy-connection", 16}, {"Proxy-Connection:", 17}},
};

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

/* The high bit of each byte below 0x20 and of each 0x7f, and perhaps of others above them. */
static uint64_t control_bits(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t deleted = word ^ ones * 0x7f;

    return (((word - ones * 0x20) & ~word) | ((deleted - ones) & ~deleted)) &
           ones * 0x80;
}

/* A line end inside a value would be a field, or a request, of somebody else's making.
 */
static bool is_value(struct slice text)
{
    size_t plain = 0; /* eight bytes at once: a signature is long */
    uint64_t word;

    for (; text.len - plain >= sizeof word; plain += sizeof word) {
        memcpy(&word, text.ptr + plain, sizeof word);
        if (control_bits(word) != 0) {
            break;
        }
    }
    for (size_t i = plain; i < text.len; i++) {
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

static bool are_fields(const struct http_field *fields, size_t count, size_t *bytes)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_token(fields[i].name) || !is_value(fields[i].value) ||
            !may_be_given(fields[i].name)) {
            return false;
        }
        *bytes += fields[i].name.len + fields[i].value.len + sizeof ": \r\n";
    }
    return true;
}

static size_t longest_of(const struct http_field *fields, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t bytes = fields[i].name.len + fields[i].value.len + sizeof ": \r\n" - 1;
        most = bytes > most ? bytes : most;
    }
    return most;
}

/* The request line of a proxy has the whole URL in it. */
static bool has_long_line(const struct http_send *request)
{
    const struct http_proxy *proxy = request->proxy;
    if (proxy == NULL || proxy->max_line_bytes == 0) {
        return false;
    }
    size_t first = request->method.len + request->url.len + sizeof "  HTTP/1.1\r\n" - 1;
    return first > proxy->max_line_bytes ||
           longest_of(request->fields, request->field_count) > proxy->max_line_bytes ||
           longest_of(proxy->fields, proxy->field_count) > proxy->max_line_bytes;
}

static const char *check(const struct http_send *request, const struct http_url *url)
{
    const struct http_proxy *proxy = request->proxy;
    size_t bytes = url->target.len;
    if (!is_token(request->method) || request->method.len > METHOD_BYTES ||
        slice_is(request->method, "CONNECT")) {
        return "method";
    }
    if (!are_fields(request->fields, request->field_count, &bytes) ||
        (proxy != NULL && !are_fields(proxy->fields, proxy->field_count, &bytes))) {
        return "field";
    }
    if (bytes > LIMIT_UPSTREAM_HEAD_BYTES) {
        return "head";
    }
    return has_long_line(request) ? "proxy_line" : NULL;
}

static bool is_given(const struct http_field *fields, size_t count, struct slice name)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq_nocase(fields[i].name, name)) {
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

static struct curl_slist *make_head(struct http_head *head,
                                    const struct http_field *fields, size_t count,
                                    const struct quiet *silent, size_t silent_count)
{
    size_t lines = count + silent_count;
    size_t bytes = lines * (sizeof(struct curl_slist) + sizeof ": ");
    for (size_t i = 0; i < count; i++) {
        bytes += fields[i].name.len + fields[i].value.len;
    }
    for (size_t i = 0; i < silent_count; i++) {
        bytes += silent[i].line.len;
    }
    head->block = memory_zeroed(1, bytes);
    struct writer writer = {.node = head->block};
    writer.text = (char *)(writer.node + lines);
    for (size_t i = 0; i < silent_count; i++) {
        if (!is_given(fields, count, silent[i].name)) {
            open_line(&writer);
            write_text(&writer, silent[i].line);
            close_line(&writer);
        }
    }
    for (size_t i = 0; i < count; i++) {
        write_field(&writer, &fields[i]);
    }
    return writer.last != NULL ? head->block : NULL;
}

static void set_fields(struct http_easy *easy, const struct http_send *request)
{
    struct curl_slist *list =
        make_head(&easy->head, request->fields, request->field_count, quiet,
                  sizeof quiet / sizeof quiet[0]);
    if (list != NULL) {
        SET(easy, CURLOPT_HTTPHEADER, list);
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
    char *copy = memory_alloc(text.len + 1);
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    REQUIRE(curl_easy_setopt(easy->curl, option, copy) == CURLE_OK);
    memory_free(copy);
}

static void set_guards(struct http_easy *easy, bool is_tls)
{
    SET(easy, CURLOPT_PROTOCOLS_STR, is_tls ? "https" : "http");
    SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    SET(easy, CURLOPT_PROXY, "");
    SET(easy, CURLOPT_NOPROXY, ""); /* else the environment's exceptions count */
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

/* curl would share a connection among requests with the same certificate, whatever their
 * keys, and resume TLS sessions. These requests are few: each has a connection of its own. */
static void set_identity(struct http_easy *easy, const struct http_identity *identity)
{
    struct curl_blob certificate = {
        .data = (void *)(uintptr_t)identity->certificate_pem.ptr,
        .len = identity->certificate_pem.len,
        .flags = CURL_BLOB_COPY};
    struct curl_blob key = {.data = (void *)(uintptr_t)identity->private_key_pem.ptr,
                            .len = identity->private_key_pem.len,
                            .flags = CURL_BLOB_COPY};
    SET(easy, CURLOPT_SSLCERT_BLOB, &certificate);
    SET(easy, CURLOPT_SSLCERTTYPE, "PEM");
    SET(easy, CURLOPT_SSLKEY_BLOB, &key);
    SET(easy, CURLOPT_SSLKEYTYPE, "PEM");
    SET(easy, CURLOPT_FRESH_CONNECT, 1L);
    SET(easy, CURLOPT_FORBID_REUSE, 1L);
    SET(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

/* A proxy is asked for the whole URL (RFC 9112 section 3.2.2). */
static void set_proxy(struct http_easy *easy, const struct http_send *request,
                      const struct http_url *proxy)
{
    struct curl_slist *list = make_head(&easy->proxy_head, request->proxy->fields,
                                        request->proxy->field_count, quiet_proxy,
                                        sizeof quiet_proxy / sizeof quiet_proxy[0]);
    set_text(easy, CURLOPT_PROXY, proxy->origin);
    SET(easy, CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP);
    SET(easy, CURLOPT_HTTPPROXYTUNNEL, 0L);
    SET(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
    SET(easy, CURLOPT_PROXYHEADER, list);
    set_text(easy, CURLOPT_REQUEST_TARGET, request->url);
}

/* The origin taken apart; NULL when curl cannot. Calls often go where the last one went. */
static CURLU *parts_of(struct http_origin *last, struct slice origin)
{
    if (last->parts != NULL && slice_is(origin, last->text)) {
        return curl_url_dup(last->parts);
    }
    http_origin_free(last);
    last->text = calloc(1, origin.len + 1);
    last->parts = curl_url();
    REQUIRE(last->text != NULL && last->parts != NULL);
    memcpy(last->text, origin.ptr, origin.len);
    if (curl_url_set(last->parts, CURLUPART_URL, last->text, CURLU_DISALLOW_USER) !=
        CURLUE_OK) {
        http_origin_free(last);
        return NULL;
    }
    return curl_url_dup(last->parts);
}

void http_origin_free(struct http_origin *origin)
{
    curl_url_cleanup(origin->parts);
    free(origin->text);
    *origin = (struct http_origin){0};
}

/* Where to connect; what to ask for is the target, which curl does not touch. Given only the
 * text, curl takes it apart and then writes it anew for nobody. */
static void set_url(struct http_easy *easy, struct http_origin *last,
                    const struct http_url *url)
{
    easy->url = parts_of(last, url->origin);
    if (easy->url != NULL) {
        SET(easy, CURLOPT_CURLU, easy->url);
    }
    set_text(easy, CURLOPT_URL,
             url->origin); /* and what is no URL is refused as such */
    set_text(easy, CURLOPT_REQUEST_TARGET, url->target);
    SET(easy, CURLOPT_PATH_AS_IS, 1L);
}

const char *http_easy_set(struct http_easy *easy, struct http_origin *last,
                          const struct http_send *request, const struct http_url *url,
                          const struct http_url *proxy)
{
    const char *fault = check(request, url);
    if (fault != NULL) {
        return fault;
    }
    easy->curl = curl_easy_init();
    REQUIRE(easy->curl != NULL);
    set_guards(easy, url->is_tls);
    set_transport(easy);
    set_url(easy, last, url);
    set_method(easy, request);
    set_fields(easy, request);
    if (request->identity != NULL) {
        set_identity(easy, request->identity);
    }
    if (request->proxy != NULL) {
        set_proxy(easy, request, proxy);
    }
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

static void free_head(const struct http_head *head)
{
    memory_free(head->block);
}

void http_easy_free(struct http_easy *easy)
{
    curl_easy_cleanup(easy->curl);
    curl_url_cleanup(easy->url);
    free_head(&easy->head);
    free_head(&easy->proxy_head);
    free(easy->pin.data);
    *easy = (struct http_easy){0};
}

long http_easy_bytes_sent(const struct http_easy *easy)
{
    long bytes = 0;
    REQUIRE(curl_easy_getinfo(easy->curl, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK);
    return bytes;
}
