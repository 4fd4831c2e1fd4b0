/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAP BTP's destination service: an administrator describes a system there, with its
 * login; we ask for the description and do what it says. The account's base_url has to be
 * the destination's: who may edit a destination cannot send our calls elsewhere, and the
 * account keeps its lane. SAP BTP documentation, "Calling the Destination Service REST API".
 */
#include "auth/destination_source.h"
#include "auth/sap_client.h"

static const struct outbound_field fields[] = {
    SAP_CLIENT_FIELDS,
    {"service_url", false, true, 2048},
    {"destination", false, true, 200},
    {"proxy_url", false, false, 2048},
    {"connectivity_token_url", false, false, 2048},
    {"connectivity_client_id", false, false, 1024},
    {"connectivity_client_secret", true, false, 4096},
    {"connectivity_certificate_pem", false, false, SAP_PEM_BYTES},
    {"connectivity_private_key_pem", true, false, SAP_PEM_BYTES},
};

/* All of the connectivity service's, or none. */
static const char *complain_of_connectivity(const struct jval *auth,
                                            struct arena *arena, const char **field)
{
    static const char *const all[] = {
        "proxy_url",
        "connectivity_token_url",
        "connectivity_client_id", /* up to here: always */
        "connectivity_client_secret",
        "connectivity_certificate_pem",
        "connectivity_private_key_pem",
    };
    const char *missing = NULL;
    bool is_asked = false;

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        bool is_there = jval_get(auth, all[i]) != NULL;
        is_asked = is_asked || is_there;
        missing = is_there || i > 2 ? missing : all[i];
    }
    if (!is_asked) {
        return NULL;
    }
    *field = missing;
    if (missing != NULL) {
        return "is needed: proxy_url, connectivity_token_url, connectivity_client_id "
               "and what proves that client go together";
    }
    const char *problem =
        sap_client_complain_of(auth, &sap_client_of_connectivity, arena, field);
    if (problem != NULL) {
        return problem;
    }
    *field = "proxy_url";
    return sap_proxy_complain(jval_text(jval_get(auth, *field)), arena);
}

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    struct slice service = jval_text(jval_get(auth, "service_url"));
    const char *problem = sap_client_complain(auth, arena, field);

    if (problem != NULL) {
        return problem;
    }
    *field = "service_url";
    if (!sap_is_url(service, arena) || slice_find(service, '?') >= 0) {
        return "the uri of the destination service's key is needed, such as "
               "https://destination-configuration.cfapps.eu10.hana.ondemand.com";
    }
    return complain_of_connectivity(auth, arena, field);
}

static struct token_source *source(const struct credential *credential,
                                   const struct token_means *means)
{
    const struct destination_asked asked = {
        .service = sap_client_grant(credential, means),
        .service_url = credential_reveal(credential, "service_url"),
        .name = credential_reveal(credential, "destination"),
        .origin = means->origin,
        .connectivity =
            sap_client_grant_of(credential, &sap_client_of_connectivity, means)};
    return destination_source(means->tokens, &asked);
}

static bool has_field(const struct outbound_request *request, struct slice name)
{
    for (size_t i = 0; i < request->field_count; i++) {
        if (slice_eq_nocase(request->fields[i].name, name)) {
            return true;
        }
    }
    return false;
}

static size_t end_of_origin(struct slice url)
{
    ptrdiff_t colon = slice_find(url, ':');
    size_t end = (size_t)colon + 3;
    while (end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?') {
        end++;
    }
    return end;
}

/* The destination's path goes before the request's, its queries behind the request's own.
 * The host stays the account's. */
static struct slice as_it_wants(struct slice url, const struct destination *found,
                                struct arena *arena)
{
    size_t end = end_of_origin(url);
    struct slice rest = slice_from(url, end);
    const char *joint = slice_find(rest, '?') < 0 ? "?" : "&";
    if (found->path.len == 0 && found->queries.len == 0) {
        return url;
    }
    return arena_printf(arena, "%.*s%.*s%.*s%s%.*s", (int)end, url.ptr,
                        SLICE_ARG(found->path), SLICE_ARG(rest),
                        found->queries.len > 0 ? joint : "", SLICE_ARG(found->queries));
}

/* A client that the connection names is the account's own choice. */
static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    struct destination found;

    (void)means;
    if (!destination_reveal(credential_token(credential), arena, &found)) {
        return ERR_NEEDS_REAUTH;
    }
    for (size_t i = 0; i < found.field_count; i++) {
        outbound_add_field(request, found.fields[i].name, found.fields[i].value);
    }
    if (found.client.len > 0 && !has_field(request, SLICE("sap-client"))) {
        outbound_add_field(request, SLICE("sap-client"), found.client);
    }
    request->url = as_it_wants(request->url, &found, arena);
    if (found.on_premise) {
        sap_use_proxy(request, credential_reveal(credential, "proxy_url"),
                      found.proxy_token, found.location, arena);
    }
    return ERR_OK;
}

/* A password that was refused is not sent again: it would count towards the user's lock.
 * The next call asks for the destination anew, where it may have been changed. */
static bool renew(struct token_source *source, uint64_t version, int status)
{
    struct arena *arena = arena_new();
    struct destination found = {.is_basic = false};
    bool is_found = destination_reveal(token_source_reveal(source), arena, &found);
    bool is_basic = is_found && found.is_basic;

    arena_free(arena);
    if (status == 407) {
        destination_refuse_proxy(source);
    }
    if (status == 401 || status == 407) {
        token_source_refuse(source, version);
    }
    return status == 407 || (status == 401 && !is_basic);
}

const struct outbound_scheme outbound_destination = {
    .name = "sap_destination",
    .integration = "sap",
    .route = "destination",
    .lane_field = "token_url", /* a destination on premise is at a virtual host */
    .lock_minutes =
        OUTBOUND_SAP_LOCK_MINUTES, /* where the destination has BasicAuthentication */
    .causes =
        "Probable causes, the most likely first: the destination's user, password "
        "or client is wrong there; the user is locked; the system does not trust "
        "the token host that the destination names.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
    .complain = complain,
    .source = source,
    .renew = renew,
};
