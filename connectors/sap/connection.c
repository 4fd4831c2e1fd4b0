/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an account's `connection` to where its requests go. A lane is a route to one
 * client of one host: other clients are other accounts of the same machine, and an
 * operator who wants them under one ceiling joins their lanes.
 */
#include "connectors/sap/connection.h"

#include "base/text.h"
#include "base/web_origin.h"
#include "connectors/connect_faults.h"

#define CEILING_DIRECT 8
#define CEILING_ON_PREMISE 4

#define KEY_HEADER "APIKey" /* by convention: SAP Business Accelerator Hub */
#define PATH_BYTES_MAX 512
#define WORD_BYTES_MAX 128
#define DESTINATION_BYTES_MAX 200

static const char *const known_members[] = {
    "route", "base_url", "sap_client", "location_id", "destination", "api_key_header"};

static const struct route {
    const char *name;
    const char *own_member; /* which no other route has */
    bool wants_client;
    bool plain_only; /* the tunnel is encrypted, what goes through it is not */
    bool takes_path;
    int ceiling;
} routes[] = {
    {"direct", NULL, false, false, false, CEILING_DIRECT},
    {"on_premise", NULL, true, false, false, CEILING_ON_PREMISE},
    {"connectivity", "location_id", true, true, false, CEILING_ON_PREMISE},
    {"destination", NULL, false, false, false, CEILING_DIRECT},
    {"api_management", "api_key_header", false, false, true, CEILING_DIRECT},
};

/* ---- The members ---- */

static const struct route *read_route(struct connect_faults *faults,
                                      const struct jval *connection)
{
    struct slice name = jval_text(jval_get(connection, "route"));

    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (slice_is(name, routes[i].name)) {
            return &routes[i];
        }
    }
    connect_fault(
        faults, SLICE("/route"),
        SLICE("route is direct (S/4HANA Cloud), on_premise (a system of your own "
              "that this server can reach), destination (as SAP BTP's destination "
              "service describes it), connectivity (SAP Cloud Connector) or "
              "api_management (API proxies)."));
    return NULL;
}

static bool is_client(struct slice text)
{
    unsigned long long number;

    return text.len == 3 && slice_to_u64(text, &number);
}

static struct slice read_client(struct connect_faults *faults,
                                const struct jval *connection,
                                const struct route *route)
{
    const struct jval *client = jval_get(connection, "sap_client");

    if (client == NULL) {
        if (route != NULL && route->wants_client) {
            connect_fault(
                faults, SLICE("/sap_client"),
                SLICE("An on-premise system has several clients: name one by its "
                      "three digits, such as \"100\"."));
        }
        return SLICE_EMPTY;
    }
    if (!is_client(jval_text(client))) {
        connect_fault(faults, SLICE("/sap_client"),
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

/* A word for a field's value; or for its name, where `is_name`. */
static bool is_word(struct slice text, bool is_name)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!is_plain && (is_name || c <= 0x20 || c >= 0x7f)) {
            return false;
        }
    }
    return text.len > 0 && text.len <= WORD_BYTES_MAX;
}

/* Of the route's own member. */
static struct slice read_word(struct connect_faults *faults,
                              const struct jval *connection, const struct route *route)
{
    const struct jval *value = NULL;

    if (route != NULL && route->own_member != NULL) {
        value = jval_get(connection, route->own_member);
    }
    if (value == NULL) {
        return SLICE_EMPTY;
    }
    bool is_name = strcmp(route->own_member, "api_key_header") == 0;
    if (!is_word(jval_text(value), is_name)) {
        connect_fault(
            faults, arena_printf(faults->arena, "/%s", route->own_member),
            is_name ? SLICE("The name of a header field is needed: letters, digits, "
                            "'-' and '_'.")
                    : SLICE("The location id of a Cloud Connector is needed: "
                            "visible ASCII without blanks; leave it out for the "
                            "one that has none."));
        return SLICE_EMPTY;
    }
    return value->text;
}

/* The login's member of that name, said here: it is kept there. */
static struct slice read_destination(struct connect_faults *faults,
                                     const struct jval *connection)
{
    const struct jval *value = jval_get(connection, "destination");
    struct slice name = jval_text(value);

    if (value != NULL && (name.len == 0 || name.len > DESTINATION_BYTES_MAX)) {
        connect_fault(
            faults, SLICE("/destination"),
            SLICE("The name of a destination is needed, as the cockpit of SAP BTP "
                  "shows it."));
    }
    return name;
}

static bool is_of_other_route(const struct route *route, struct slice name)
{
    static const char *const own[] = {"location_id", "api_key_header"};

    if (slice_is(name, "destination")) {
        return strcmp(route->name, "destination") != 0;
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (slice_is(name, own[i])) {
            return route->own_member == NULL || !slice_is(name, route->own_member);
        }
    }
    return false;
}

static void refuse_strangers(struct connect_faults *faults,
                             const struct jval *connection, const struct route *route)
{
    for (size_t i = 0; i < connection->count; i++) {
        struct slice name = connection->members[i].name;
        struct slice pointer = text_pointer(faults->arena, SLICE_EMPTY, name);
        if (!is_known(name)) {
            connect_fault(
                faults, pointer,
                SLICE("A SAP connection takes route, base_url and sap_client, and "
                      "what its route needs; nothing else."));
        } else if (route != NULL && is_of_other_route(route, name)) {
            connect_fault(faults, pointer,
                          arena_printf(faults->arena,
                                       "The route %s has no %.*s: leave it out.",
                                       route->name, SLICE_ARG(name)));
        }
    }
}

/* ---- The address ---- */

struct address {
    struct web_origin origin;
    struct slice base; /* the origin, and the path behind it */
};

/* Without a slash at the end, since services begin with one. */
static bool is_path(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                        (c >= '0' && c <= '9') ||
                        (c != '\0' && strchr("-_.~/", c) != NULL);
        bool is_empty = i > 0 && (c == '/' || c == '.') && text.ptr[i - 1] == '/';
        if (!is_plain || is_empty) {
            return false;
        }
    }
    return text.len == 0 ||
           (text.len <= PATH_BYTES_MAX && text.ptr[text.len - 1] != '/');
}

static size_t end_of_origin(struct slice url)
{
    ptrdiff_t colon = slice_find(url, ':');
    size_t at = colon < 0 ? url.len : (size_t)colon + sizeof "://" - 1;

    while (at < url.len && url.ptr[at] != '/') {
        at++;
    }
    return at < url.len ? at : url.len;
}

static bool split_address(struct arena *arena, const struct route *route,
                          struct slice url, struct address *out)
{
    size_t end = route != NULL && route->takes_path ? end_of_origin(url) : url.len;
    struct slice path = slice_from(url, end);

    if (!web_origin_parse(arena, slice_of(url.ptr, end), &out->origin) ||
        !is_path(path)) {
        return false;
    }
    out->base =
        arena_printf(arena, "%.*s%.*s", SLICE_ARG(out->origin.text), SLICE_ARG(path));
    return true;
}

static void read_address(struct connect_faults *faults, const struct jval *connection,
                         const struct route *route, struct address *out)
{
    struct slice url = jval_text(jval_get(connection, "base_url"));

    if (!split_address(faults->arena, route, url, out)) {
        connect_fault(
            faults, SLICE("/base_url"),
            route != NULL && route->takes_path
                ? SLICE("base_url is scheme://host[:port], and the path of the API "
                        "proxy without a slash at its end, such as "
                        "https://sandbox.api.sap.com/s4hanacloud.")
                : SLICE("base_url is scheme://host[:port] with http or https and "
                        "nothing behind it, such as "
                        "https://my300000-api.s4hana.cloud.sap."));
    } else if (route != NULL && route->plain_only && out->origin.is_tls) {
        connect_fault(
            faults, SLICE("/base_url"),
            SLICE("The connectivity proxy takes http only, since its tunnel is "
                  "encrypted: base_url is http://, with the virtual host and port "
                  "of the Cloud Connector."));
    }
}

/* ---- What comes of it ---- */

struct reading {
    const struct route *route;
    struct address address;
    struct slice client;
    struct slice word; /* the route's own member */
    struct slice destination;
};

static void store_text(struct arena *arena, struct jval *connection, const char *name,
                       struct slice text)
{
    if (text.len > 0) {
        jval_set(arena, connection, slice_str(name), jval_new_string(arena, text));
    }
}

/* Only what was said, in its canonical form, so that it can be read again. */
static const struct jval *stored_connection(struct arena *arena,
                                            const struct reading *reading)
{
    struct jval *connection = jval_new_object(arena, 4);

    store_text(arena, connection, "route", slice_str(reading->route->name));
    store_text(arena, connection, "base_url", reading->address.base);
    store_text(arena, connection, "sap_client", reading->client);
    if (reading->route->own_member != NULL) {
        store_text(arena, connection, reading->route->own_member, reading->word);
    }
    return connection;
}

/* route:host:port:client, and before the host the location id where there is one. */
static struct slice lane_of(struct arena *arena, const struct reading *reading,
                            struct slice location)
{
    const struct web_origin *origin = &reading->address.origin;
    struct slice client = reading->client.len > 0 ? reading->client : SLICE("-");

    return arena_printf(arena, "sap:%s:%.*s%s%.*s:%d:%.*s", reading->route->name,
                        SLICE_ARG(location), location.len > 0 ? ":" : "",
                        SLICE_ARG(origin->host), origin->port, SLICE_ARG(client));
}

/* A destination without TLS is at a virtual host: that of a system on premise. */
static int ceiling_of(const struct reading *reading)
{
    bool is_virtual = slice_is(slice_str(reading->route->name), "destination") &&
                      !reading->address.origin.is_tls;

    return is_virtual ? CEILING_ON_PREMISE : reading->route->ceiling;
}

static void fill_target(struct arena *arena, struct arena *scratch,
                        const struct reading *reading, struct op_target *out)
{
    const struct route *route = reading->route;
    struct sap_system *system = arena_alloc(arena, sizeof *system);
    struct slice word = arena_slice(arena, reading->word);
    bool is_gateway = route->takes_path;

    system->client = arena_slice(arena, reading->client);
    system->base = arena_slice(arena, reading->address.base);
    system->origin = slice_of(system->base.ptr, reading->address.origin.text.len);
    *out = (struct op_target){
        .lane = lane_of(arena, reading, is_gateway ? SLICE_EMPTY : word),
        .realm = SLICE_EMPTY,
        .route = slice_str(route->name),
        .key_header = !is_gateway    ? SLICE_EMPTY
                      : word.len > 0 ? word
                                     : SLICE(KEY_HEADER),
        .destination = arena_slice(arena, reading->destination),
        .location = is_gateway ? SLICE_EMPTY : word,
        .client = system->client,
        .path = slice_from(system->base, system->origin.len),
        .origins = &system->origin,
        .origin_count = 1,
        .connection = stored_connection(scratch, reading),
        .default_ceiling = ceiling_of(reading),
        .private_data = system,
    };
}

enum err sap_connect(struct arena *arena, struct arena *scratch,
                     const struct jval *connection, struct op_target *out,
                     struct fault *fault)
{
    struct connect_faults faults = connect_faults_begin(scratch);
    struct reading reading = {.route = NULL};

    if (!jval_is(connection, JVAL_OBJECT)) {
        connect_fault(&faults, SLICE_EMPTY,
                      SLICE("A connection is an object with route and base_url."));
    } else {
        reading.route = read_route(&faults, connection);
        read_address(&faults, connection, reading.route, &reading.address);
        reading.client = read_client(&faults, connection, reading.route);
        reading.word = read_word(&faults, connection, reading.route);
        reading.destination = read_destination(&faults, connection);
        refuse_strangers(&faults, connection, reading.route);
    }
    enum err err = connect_faults_end(
        &faults, SLICE("The connection does not describe a SAP system."), fault);
    if (err != ERR_OK) {
        return err;
    }
    REQUIRE(reading.route != NULL); /* that there is none is a fault */
    fill_target(arena, scratch, &reading, out);
    return ERR_OK;
}
