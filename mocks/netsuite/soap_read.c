/* SPDX-License-Identifier: Apache-2.0 */
/* SOAP requests with libxml2. No document type is taken: nothing can grow or be fetched. */
#include "mocks/netsuite/soap_read.h"

#include <libxml/parser.h>
#include <stdio.h>

#define MAX_BODY ((size_t)1024 * 1024)
#define PORT "/services/NetSuitePort_"
#define ENVELOPE_NS "http://schemas.xmlsoap.org/soap/envelope/"
#define MAX_NS 80

bool soap_version(struct slice path, char version[7])
{
    struct slice rest = slice_from(path, sizeof PORT - 1);
    if (!slice_starts(path, SLICE(PORT)) || rest.len != 6) {
        return false;
    }
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.ptr[i];
        if (i == 4 ? c != '_' : c < '0' || c > '9') {
            return false;
        }
    }
    slice_copy(version, rest);
    version[6] = '\0';
    return true;
}

struct slice soap_action(struct http_exchange *x)
{
    struct slice action = exchange_header(x, "soapaction");
    bool quoted =
        action.len >= 2 && action.ptr[0] == '"' && action.ptr[action.len - 1] == '"';
    return quoted ? slice_of(action.ptr + 1, action.len - 2) : action;
}

/* ---- the tree ---- */

static void drop_document(void *document)
{
    xmlFreeDoc(document);
}

static xmlNode *root_of(struct http_exchange *x)
{
    struct slice body = exchange_request(x)->body;
    if (body.len == 0 || body.len > MAX_BODY ||
        slice_contains_nocase(body, SLICE("<!DOCTYPE"))) {
        return NULL;
    }
    /* UTF-8 whatever the declaration says: a converter would print what it cannot read. */
    xmlDoc *document =
        xmlReadMemory(body.ptr, (int)body.len, NULL, "UTF-8",
                      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (document == NULL) {
        return NULL;
    }
    arena_on_free(exchange_arena(x), drop_document, document);
    return xmlDocGetRootElement(document);
}

static struct slice name_of(const xmlNode *node)
{
    return slice_str((const char *)node->name);
}

static bool is_in(const xmlNode *node, const char *space)
{
    return node->ns != NULL && slice_is(slice_str((const char *)node->ns->href), space);
}

static xmlNode *next_element(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

static xmlNode *child(const xmlNode *parent, const char *name)
{
    xmlNode *node = next_element(parent->children);
    while (node != NULL && !slice_is(name_of(node), name)) {
        node = next_element(node->next);
    }
    return node;
}

static struct slice trimmed(struct slice text)
{
    while (text.len > 0 && (unsigned char)text.ptr[0] <= ' ') {
        text = slice_from(text, 1);
    }
    while (text.len > 0 && (unsigned char)text.ptr[text.len - 1] <= ' ') {
        text.len--;
    }
    return text;
}

/* Takes `text`, which may be NULL. */
static struct slice kept(struct arena *arena, xmlChar *text)
{
    struct slice copy = arena_slice(arena, trimmed(slice_str((const char *)text)));
    xmlFree(text);
    return copy;
}

static struct slice content(struct arena *arena, xmlNode *parent, const char *name,
                            const char *space)
{
    xmlNode *node = child(parent, name);
    bool there = node != NULL && is_in(node, space);
    return there ? kept(arena, xmlNodeGetContent(node)) : SLICE_EMPTY;
}

static struct slice attribute(struct arena *arena, xmlNode *node, const char *name)
{
    return kept(arena, xmlGetNoNsProp(node, (const xmlChar *)name));
}

/* ---- the fields ---- */

static void read_token(struct arena *arena, xmlNode *node, const char *core,
                       struct soap_call *out)
{
    xmlNode *signature = child(node, "signature");
    out->token = (struct oauth_header){
        .realm = content(arena, node, "account", core),
        .consumer_key = content(arena, node, "consumerKey", core),
        .token = content(arena, node, "token", core),
        .method =
            signature == NULL ? SLICE_EMPTY : attribute(arena, signature, "algorithm"),
        .timestamp = content(arena, node, "timestamp", core),
        .nonce = content(arena, node, "nonce", core),
        .version = SLICE_EMPTY,
        .signature = content(arena, node, "signature", core)};
    const struct oauth_header *token = &out->token;
    bool whole = token->realm.len > 0 && token->consumer_key.len > 0 &&
                 token->token.len > 0 && token->method.len > 0 &&
                 token->timestamp.len > 0 && token->nonce.len > 0 &&
                 token->signature.len > 0;
    out->passport = whole ? PASSPORT_TOKEN : PASSPORT_INCOMPLETE;
}

static void read_header(struct arena *arena, xmlNode *header, const char *core,
                        struct soap_call *out)
{
    bool user = false;
    bool application = false;
    size_t tokens = 0;
    for (xmlNode *node = next_element(header->children); node != NULL;
         node = next_element(node->next)) {
        struct slice name = name_of(node);
        if (slice_is(name, "tokenPassport")) {
            read_token(arena, node, core, out);
            tokens++;
        }
        user = user || slice_is(name, "passport");
        application = application || slice_eq_nocase(name, SLICE("applicationInfo"));
    }
    if (tokens > 1 || (tokens == 1 && (user || application))) {
        out->passport = PASSPORT_AMBIGUOUS;
    } else if (user) {
        out->passport = PASSPORT_USER;
    }
}

static void read_body(struct arena *arena, xmlNode *operation, const char *messages,
                      struct soap_call *out)
{
    xmlNode *reference = child(operation, "baseRef");
    xmlNode *record = child(operation, "record");
    out->operation = arena_slice(arena, name_of(operation));
    out->account = content(arena, operation, "account", messages);
    if (reference != NULL) {
        out->type = attribute(arena, reference, "type");
        out->id = attribute(arena, reference, "internalId");
        out->eid = attribute(arena, reference, "externalId");
    }
    if (record != NULL) {
        out->search_type = attribute(arena, record, "searchType");
    }
}

enum soap_fault soap_read(struct http_exchange *x, struct soap_call *out)
{
    struct arena *arena = exchange_arena(x);
    char messages[MAX_NS], core[MAX_NS];
    *out = (struct soap_call){.operation = SLICE_EMPTY,
                              .account = SLICE_EMPTY,
                              .type = SLICE_EMPTY,
                              .id = SLICE_EMPTY,
                              .eid = SLICE_EMPTY,
                              .search_type = SLICE_EMPTY};
    REQUIRE(soap_version(exchange_request(x)->path, out->version));
    snprintf(messages, sizeof messages,
             "urn:messages_%s.platform.webservices.netsuite.com", out->version);
    snprintf(core, sizeof core, "urn:core_%s.platform.webservices.netsuite.com",
             out->version);
    if (exchange_header_count(x, "soapaction") != 1) {
        return SOAP_NO_ACTION;
    }
    xmlNode *root = root_of(x);
    if (root == NULL) {
        return SOAP_NOT_XML;
    }
    xmlNode *header = child(root, "Header");
    xmlNode *body = child(root, "Body");
    xmlNode *operation = body == NULL ? NULL : next_element(body->children);
    if (!slice_is(name_of(root), "Envelope") || !is_in(root, ENVELOPE_NS) ||
        operation == NULL) {
        return SOAP_NO_ENVELOPE;
    }
    if (header != NULL) {
        read_header(arena, header, core, out);
    }
    read_body(arena, operation, messages, out);
    return is_in(operation, messages) ? SOAP_FINE : SOAP_WRONG_VERSION;
}
