/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an account's `connection` to where its requests go. A lane is a route to one
 * client of one host: other clients are other accounts of the same machine, and an
 * operator who wants them under one ceiling joins their lanes.
 */
#include "connectors/sap/connection.h"

#include "base/text.h"
#include "base/web_origin.h"

#define CONNECTION_FAULTS 8
#define CEILING_DIRECT 8
#define CEILING_ON_PREMISE 4

static const char *const known_members[] = {
    "route", "base_url", "sap_client", "location_id", "destination", "api_key_header"};

static const struct route {
    const char *name;
    bool served;
    bool wants_client;
    int ceiling;
} routes[] = {
    {"direct", true, false, CEILING_DIRECT},
    {"on_premise", true, true, CEILING_ON_PREMISE},
    {"destination", false, false, 0},
    {"connectivity", false, false, 0},
    {"api_management", false, false, 0},
};

/* Faults of one connection, collected so that the operator sees all of them at once. */
struct complaints {
    struct arena *arena;
    struct fault_detail *details;
    size_t count;
};

static void complain(struct complaints *complaints, struct slice pointer,
                     struct slice message)
{
    if (complaints->count < CONNECTION_FAULTS) {
        complaints->details[complaints->count++] =
            (struct fault_detail){.pointer = pointer, .message = message};
    }
}

/* ---- The members ---- */

static const struct route *read_route(struct complaints *complaints,
                                      const struct jval *connection)
{
    struct slice name = jval_text(jval_get(connection, "route"));

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (!slice_is(name, routes[i].name)) {
            continue;
        }
        if (!routes[i].served) {
            complain(complaints, SLICE("/route"),
                     arena_printf(complaints->arena,
                                  "The route %s is not available in this version; "
                                  "direct and on_premise are.",
                                  routes[i].name));
            return NULL;
        }
        return &routes[i];
    }
    complain(complaints, SLICE("/route"),
             SLICE("route is direct (S/4HANA Cloud) or on_premise (a system of your "
                   "own that this server can reach)."));
    return NULL;
}

static bool is_client(struct slice text)
{
    unsigned long long number;

    return text.len == 3 && slice_to_u64(text, &number);
}

static struct slice read_client(struct complaints *complaints,
                                const struct jval *connection,
                                const struct route *route)
{
    const struct jval *client = jval_get(connection, "sap_client");

    if (client == NULL) {
        if (route != NULL && route->wants_client) {
            complain(complaints, SLICE("/sap_client"),
                     SLICE("An on-premise system has several clients: name one by its "
                           "three digits, such as \"100\"."));
        }
        return SLICE_EMPTY;
    }
    if (!is_client(jval_text(client))) {
        complain(complaints, SLICE("/sap_client"),
                 SLICE("sap_client is text of three digits, such as \"100\"."));
        return SLICE_EMPTY;
    }
    return client->text;
}

static bool is_known(struct slice name)
{
    for (size_t i = 0; i < sizeof known_members / sizeof known_members[0]; i++) {
        if (slice_is(name, known_members[i])) {
            return true;
        }
    }
    return false;
}

static bool is_of_other_route(struct slice name)
{
    return slice_is(name, "location_id") || slice_is(name, "destination") ||
           slice_is(name, "api_key_header");
}

static void refuse_strangers(struct complaints *complaints,
                             const struct jval *connection, const struct route *route)
{
    for (size_t i = 0; i < connection->count; i++) {
        struct slice name = connection->members[i].name;
        struct slice pointer = text_pointer(complaints->arena, SLICE_EMPTY, name);
        if (!is_known(name)) {
            complain(complaints, pointer,
                     SLICE("A SAP connection takes route, base_url and sap_client, "
                           "nothing else."));
        } else if (route != NULL && is_of_other_route(name)) {
            complain(complaints, pointer,
                     arena_printf(complaints->arena,
                                  "The route %s has no %.*s: leave it out.",
                                  route->name, SLICE_ARG(name)));
        }
    }
}

/* ---- What comes of it ---- */

/* Only what was said, in its canonical form, so that it can be read again. */
static const struct jval *stored_connection(struct arena *arena,
                                            const struct route *route,
                                            const struct sap_system *system)
{
    struct jval *connection = jval_new_object(arena, 3);

    jval_set(arena, connection, SLICE("route"),
             jval_new_string(arena, slice_str(route->name)));
    jval_set(arena, connection, SLICE("base_url"),
             jval_new_string(arena, system->origin));
    if (system->client.len > 0) {
        jval_set(arena, connection, SLICE("sap_client"),
                 jval_new_string(arena, system->client));
    }
    return connection;
}

static void fill_target(struct arena *arena, struct arena *scratch,
                        const struct route *route, const struct web_origin *origin,
                        struct slice client, struct op_target *out)
{
    struct sap_system *system = arena_alloc(arena, sizeof *system);

    system->client = arena_slice(arena, client);
    system->origin = arena_slice(arena, origin->text);
    *out = (struct op_target){
        .lane = arena_printf(arena, "sap:%s:%.*s:%d:%.*s", route->name,
                             SLICE_ARG(origin->host), origin->port,
                             SLICE_ARG(client.len > 0 ? client : SLICE("-"))),
        .realm = SLICE_EMPTY,
        .origins = &system->origin,
        .origin_count = 1,
        .connection = stored_connection(scratch, route, system),
        .default_ceiling = route->ceiling,
        .private_data = system,
    };
}

enum err sap_connect(struct arena *arena, struct arena *scratch,
                     const struct jval *connection, struct op_target *out,
                     struct fault *fault)
{
    struct complaints complaints = {
        .arena = scratch,
        .details =
            arena_array(scratch, CONNECTION_FAULTS, sizeof(struct fault_detail))};
    struct web_origin origin = {.text = SLICE_EMPTY};
    struct slice client = SLICE_EMPTY;
    const struct route *route = NULL;

    if (!jval_is(connection, JVAL_OBJECT)) {
        complain(&complaints, SLICE_EMPTY,
                 SLICE("A connection is an object with route and base_url."));
    } else {
        route = read_route(&complaints, connection);
        if (!web_origin_parse(scratch, jval_text(jval_get(connection, "base_url")),
                              &origin)) {
            complain(&complaints, SLICE("/base_url"),
                     SLICE("base_url is scheme://host[:port] with http or https and "
                           "nothing behind it, such as "
                           "https://my300000-api.s4hana.cloud.sap."));
        }
        client = read_client(&complaints, connection, route);
        refuse_strangers(&complaints, connection, route);
    }
    if (complaints.count > 0) {
        *fault = (struct fault){
            .err = ERR_UNPROCESSABLE,
            .message = SLICE("The connection does not describe a SAP system."),
            .details = complaints.details,
            .detail_count = complaints.count};
        return ERR_UNPROCESSABLE;
    }
    fill_target(arena, scratch, route, &origin, client, out);
    return ERR_OK;
}
