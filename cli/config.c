/* SPDX-License-Identifier: Apache-2.0 */
/* One table binds name, type, range, default and help; file, environment and flags meet
 * in it. */
#include "cli/config.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/limits.h"
#include "cli/coordination.h"
#include "connectors/connector.h"
#include "core/workers.h"
#include "io/http_url.h"
#include "store/claim.h"

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_LIST, OPTION_SWITCH };

struct option {
    const char *name;
    enum option_type type;
    size_t offset; /* in struct config */
    const char *fallback;
    long long least, most;
    const char *help;
};

#define AT(member) offsetof(struct config, member)
#define BILLION 1000000000LL
#define DIGITS_OF(number) #number
#define LIMIT_TEXT(limit) DIGITS_OF(limit)
#define LIST_BYTES ((size_t)64 * 1024)

/* clang-format off */
static const struct option options[] = {
    {"catalog_dir", OPTION_TEXT, AT(catalog_dir), NULL, 0, 0,
     "folder of the tool catalogs; by default ../share/sluice/catalog beside the program"},
    {"connect.netsuite.base_urls", OPTION_LIST, AT(netsuite_base_urls), "", 0, 0,
     "for test systems: suitetalk=URL, restlets=URL, app=URL; {account} in a URL is the account's host name form"},
    {"connect.netsuite.client_id", OPTION_TEXT, AT(netsuite_client_id), "", 0, 0,
     "the OAuth 2.0 client by which people connect NetSuite accounts with their consent"},
    {"connect.netsuite.client_secret_file", OPTION_TEXT, AT(netsuite_client_secret_file), "", 0, 0,
     "file of that client's secret, mode 0600; none: a public client"},
    {"connect.netsuite.grant_hours", OPTION_NUMBER, AT(netsuite_grant_hours), "168", 1, 720,
     "how long a consent lasts there: of a public client the integration record says it"},
    {"coordination.call_max_ms", OPTION_NUMBER, AT(lease_hold_ms), "900000", 100, 3600000,
     "longest that an ERP may work on a call: so long a slot stays taken after its process was lost"},
    {"coordination.lease_ms", OPTION_NUMBER, AT(lease_ttl_ms), "10000", 400, 600000,
     "a process that cannot renew its leases stops calling before that time is over"},
    {"coordination.node", OPTION_NUMBER, AT(node), "0", 0, 1000,
     "which of the coordination.nodes this process is, from 1; each another one"},
    {"coordination.nodes", OPTION_NUMBER, AT(nodes), "0", 0, 1000,
     "how many processes there are at most; each grants its part of tenants' ceilings; needed with when_away share"},
    {"coordination.redis", OPTION_TEXT, AT(redis), "", 0, 0,
     "Redis 7 by which processes share ceilings: redis://[user@]host[:port][/db] or unix:///path[?db=n]"},
    {"coordination.redis_password_file", OPTION_TEXT, AT(redis_password_file), "", 0, 0,
     "file of that Redis's password, mode 0600"},
    {"coordination.shares", OPTION_NUMBER, AT(coordination_shares), "1", 1, CLAIM_PLACES_MOST,
     "processes on this machine that may work on one data_dir at a time; each has its share of every ceiling"},
    {"coordination.when_away", OPTION_TEXT, AT(when_away), "strict", 0, 0,
     "while Redis is away: strict (no calls) or share (ceiling / coordination.nodes each, rounded down)"},
    {"data_dir", OPTION_TEXT, AT(data_dir), "sluice-data", 0, 0,
     "folder of the database, made with mode 0700"},
    {"governor.lost_connection_hold_ms", OPTION_NUMBER, AT(lost_hold_ms), "30000", 0, 3600000,
     "a slot whose connection was lost stays taken this long"},
    {"governor.queue_limit", OPTION_NUMBER, AT(queue_limit), "32", 0, LIMIT_QUEUE,
     "waiting calls of an account that sets none"},
    {"governor.queue_wait_ms", OPTION_NUMBER, AT(queue_wait_ms), "10000", 0, LIMIT_QUEUE_WAIT_MS,
     "longest wait of an account that sets none"},
    {"integrations.enable", OPTION_LIST, AT(enabled), "", 0, 0,
     "built-in integrations to serve that are off by default: conformance, for testing clients"},
    {"keys_file", OPTION_TEXT, AT(keys_file), NULL, 0, 0,
     "signing and vault keys; by default keys.json in data_dir; SLUICE_KEYS holds them instead"},
    {"log.level", OPTION_TEXT, AT(log_level), "info", 0, 0, "debug, info, warn or error"},
    {"mcp.default_ttl_days", OPTION_NUMBER, AT(default_ttl_days), "30", 1, 36500,
     "life of an MCP URL that names no expiry"},
    {"memory.ready_accounts", OPTION_NUMBER, AT(ready_accounts),
     LIMIT_TEXT(LIMIT_READY_ACCOUNTS), 1, 1000000,
     "accounts kept ready for calls, some 3 KiB each; others are opened when they are called"},
    {"memory.ready_servers", OPTION_NUMBER, AT(ready_servers), LIMIT_TEXT(LIMIT_READY_SERVERS),
     1, 1000000, "MCP servers kept ready for calls, some 500 bytes each"},
    {"net.allow_cidrs", OPTION_LIST, AT(allow_cidrs), "", 0, 0,
     "private address ranges that ERP hosts may have, e.g. 10.2.0.0/16"},
    {"net.allow_plain_http_hosts", OPTION_LIST, AT(plain_http_hosts), "", 0, 0,
     "ERP hosts that may be called without TLS"},
    {"net.ca_file", OPTION_TEXT, AT(ca_file), "", 0, 0,
     "PEM file of authorities that may vouch for ERP hosts, beside those of the system"},
    {"server.allowed_origins", OPTION_LIST, AT(allowed_origins), "", 0, 0,
     "browser origins that may call, beside server.public_url"},
    {"server.host", OPTION_TEXT, AT(host), "127.0.0.1", 0, 0,
     "address to listen on; another than loopback needs TLS or server.insecure_bind"},
    {"server.insecure_bind", OPTION_SWITCH, AT(insecure_bind), "false", 0, 0,
     "true: listen without TLS on an address that is not loopback (also --insecure-bind)"},
    {"server.max_body_bytes", OPTION_NUMBER, AT(max_body_bytes), "4194304", 1024, BILLION,
     "largest request body"},
    {"server.max_body_memory_bytes", OPTION_NUMBER, AT(max_body_memory_bytes), "268435456",
     1048576, 1000 * BILLION, "memory for the bodies of all requests above 16 KiB; beyond, 503"},
    {"server.max_connections", OPTION_NUMBER, AT(max_connections), "4096", 1, 1000000,
     "client connections at once"},
    {"server.port", OPTION_NUMBER, AT(port), "8080", 0, 65535, "0 takes a free one"},
    {"server.public_url", OPTION_TEXT, AT(public_url), "", 0, 0,
     "base of minted URLs and what the Host header must name; by default host and port"},
    {"server.tls.certificate_file", OPTION_TEXT, AT(tls_certificate), "", 0, 0,
     "PEM file of the certificate and its chain: the server speaks TLS 1.2 and 1.3"},
    {"server.tls.key_file", OPTION_TEXT, AT(tls_key), "", 0, 0,
     "PEM file of its private key, without a passphrase, mode 0600"},
    {"server.workers", OPTION_NUMBER, AT(workers), "1", 1, WORKERS_MOST,
     "loops that serve, a thread each; an account is one loop's, ceilings hold over all"},
    {"tokens.requests_at_once", OPTION_NUMBER, AT(token_requests_at_once), "16", 1, 256,
     "requests to token hosts at the same time, over all accounts"},
    {"upstream.max_body_bytes", OPTION_NUMBER, AT(upstream_body_bytes), "16777216", 1024, BILLION,
     "largest answer of an ERP"},
    {"upstream.read_timeout_ms", OPTION_NUMBER, AT(read_timeout_ms), "60000", 100, 3600000,
     "a caller of a read waits this long for the ERP"},
    {"upstream.write_timeout_ms", OPTION_NUMBER, AT(write_timeout_ms), "120000", 100, 3600000,
     "a caller of a write waits this long for the ERP"},
};
/* clang-format on */
#define OPTION_COUNT (sizeof options / sizeof options[0])

static const struct option *find_option(struct slice name)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (slice_is(name, options[i].name)) {
            return &options[i];
        }
    }
    return NULL;
}

bool config_knows(struct slice name)
{
    return find_option(name) != NULL;
}

/* server.port -> SLUICE_SERVER_PORT */
static void variable_name(const struct option *option, char out[64])
{
    size_t len = 0;
    for (const char *c = "SLUICE_"; *c != '\0'; c++) {
        out[len++] = *c;
    }
    for (const char *c = option->name; *c != '\0' && len < 63; c++) {
        out[len++] =
            *c == '.' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    }
    out[len] = '\0';
}

void config_help(FILE *out)
{
    fputs("Options (flag --NAME VALUE; variable SLUICE_NAME with _ for dots; or the "
          "file's\n"
          "member of that name, nested or dotted; lists separated by commas):\n",
          out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        fprintf(out, "  --%-34s %s\n", options[i].name, options[i].help);
        if (options[i].fallback != NULL && *options[i].fallback != '\0') {
            fprintf(out, "    %-34s default: %s", "", options[i].fallback);
            if (options[i].type == OPTION_NUMBER) {
                fprintf(out, " (%lld to %lld)", options[i].least, options[i].most);
            }
            fputc('\n', out);
        }
    }
}

/* ---- One value into its place ---- */

static bool set_number(const struct option *option, struct slice value,
                       struct arena *arena, long long *out, struct slice *problem)
{
    unsigned long long number = 0;
    if (slice_to_u64(value, &number) && (long long)number >= option->least &&
        (long long)number <= option->most) {
        *out = (long long)number;
        return true;
    }
    *problem = arena_printf(arena, "%s: a whole number from %lld to %lld is needed",
                            option->name, option->least, option->most);
    return false;
}

static void set_list(struct slice value, struct arena *arena, struct config_list *out)
{
    size_t room = 1;
    for (size_t i = 0; i < value.len; i++) {
        room += value.ptr[i] == ',';
    }
    out->items = arena_array(arena, room, sizeof *out->items);
    out->count = 0;
    while (value.len > 0) {
        ptrdiff_t comma = slice_find(value, ',');
        struct slice item = comma < 0 ? value : slice_of(value.ptr, (size_t)comma);
        value = comma < 0 ? SLICE_EMPTY : slice_from(value, (size_t)comma + 1);
        item = slice_trim(item);
        if (item.len > 0) {
            out->items[out->count++] = arena_slice(arena, item);
        }
    }
}

static bool set_option(const struct option *option, struct slice value,
                       struct arena *arena, struct config *config,
                       struct slice *problem)
{
    void *place = (char *)config + option->offset;
    switch (option->type) {
    case OPTION_TEXT:
        *(struct slice *)place = arena_slice(arena, value);
        return true;
    case OPTION_LIST:
        set_list(value, arena, place);
        return true;
    case OPTION_NUMBER:
        return set_number(option, value, arena, place, problem);
    case OPTION_SWITCH:
        *(bool *)place = slice_is(value, "true");
        if (!slice_is(value, "true") && !slice_is(value, "false")) {
            *problem = arena_printf(arena, "%s: true or false is needed", option->name);
            return false;
        }
        return true;
    }
    return false;
}

/* ---- The file ---- */

/* Joined by commas, as flags and variables give a list; false when an item is no text, or
 * the whole is too long. */
static bool list_as_text(const json_t *array, struct arena *arena, struct slice *out)
{
    struct buf text;
    size_t index = 0;
    const json_t *item = NULL;
    bool ok = true;
    buf_init(&text, LIST_BYTES);
    json_array_foreach (array, index, item) {
        ok = ok && json_is_string(item);
        if (index > 0) {
            buf_append_byte(&text, ',');
        }
        buf_append(&text, slice_str(json_string_value(item)));
    }
    ok = ok && !buf_full(&text);
    *out = arena_slice(arena, buf_slice(&text));
    buf_free(&text);
    return ok;
}

/* As a flag or a variable would give it; false when it is of another kind. */
static bool value_as_text(const struct option *option, const json_t *value,
                          struct arena *arena, struct slice *out)
{
    switch (option->type) {
    case OPTION_TEXT:
        *out = slice_str(json_string_value(value));
        return json_is_string(value);
    case OPTION_NUMBER:
        *out = arena_printf(arena, "%lld", (long long)json_integer_value(value));
        return json_is_integer(value);
    case OPTION_LIST:
        return json_is_array(value) && list_as_text(value, arena, out);
    case OPTION_SWITCH:
        *out = json_is_true(value) ? SLICE("true") : SLICE("false");
        return json_is_boolean(value);
    }
    return false;
}

static bool set_from_json(const char *name, const json_t *value, struct arena *arena,
                          struct config *config, struct slice *problem)
{
    const struct option *option = find_option(slice_str(name));
    struct slice text;
    if (option == NULL) {
        *problem = arena_printf(arena, "%s: there is no such option", name);
        return false;
    }
    if (!value_as_text(option, value, arena, &text)) {
        static const char *const kinds[] = {"a text", "a whole number",
                                            "a list of texts (64 KiB at most)",
                                            "true or false"};
        *problem = arena_printf(arena, "%s: %s is needed", name, kinds[option->type]);
        return false;
    }
    return set_option(option, text, arena, config, problem);
}

/* "server." begins the names of some options. */
static bool is_section(struct slice prefix)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (slice_starts(slice_str(options[i].name), prefix)) {
            return true;
        }
    }
    return false;
}

static bool set_members(const char *prefix, json_t *object, struct arena *arena,
                        struct config *config, struct slice *problem)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach (object, key, value) {
        struct slice name = arena_printf(arena, "%s%s", prefix, key);
        struct slice nested = arena_printf(arena, "%s.", name.ptr);
        if (json_is_object(value) && is_section(nested)) {
            if (!set_members(nested.ptr, value, arena, config, problem)) {
                return false;
            }
        } else if (!set_from_json(name.ptr, value, arena, config, problem)) {
            return false;
        }
    }
    return true;
}

static bool read_file(const char *path, struct arena *arena, struct config *config,
                      struct slice *problem)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        *problem =
            error.line > 0
                ? arena_printf(arena, "%s, line %d: %s", path, error.line, error.text)
                : arena_printf(arena, "the configuration: %s", error.text);
        return false;
    }
    *problem = SLICE("a JSON object is needed");
    bool ok = json_is_object(root) && set_members("", root, arena, config, problem);
    if (!ok) {
        *problem = arena_printf(arena, "%s: %.*s", path, SLICE_ARG(*problem));
    }
    json_decref(root);
    return ok;
}

/* ---- Together ---- */

static bool read_environment(struct arena *arena, struct config *config,
                             struct slice *problem)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[64];
        variable_name(&options[i], name);
        const char *value = getenv(name);
        if (value != NULL &&
            !set_option(&options[i], slice_str(value), arena, config, problem)) {
            *problem = arena_printf(arena, "%s: %.*s", name, SLICE_ARG(*problem));
            return false;
        }
    }
    return true;
}

static struct slice default_catalog(struct arena *arena)
{
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    return arena_printf(arena, "%.*s../share/sluice/catalog", len > 0 ? (int)len : 0,
                        path);
}

static void fill_gaps(struct arena *arena, struct config *config)
{
    if (config->catalog_dir.len == 0) {
        config->catalog_dir = default_catalog(arena);
    }
    if (config->keys_file.len == 0) {
        config->keys_file =
            arena_printf(arena, "%.*s/keys.json", SLICE_ARG(config->data_dir));
    }
    while (config->public_url.len > 0 &&
           config->public_url.ptr[config->public_url.len - 1] == '/') {
        config->public_url.len--;
    }
}

static bool is_base_url(struct slice text)
{
    struct http_url url;
    return http_url_parse(text, &url) && slice_find(url.target, '?') < 0;
}

/* Naming one that is on anyway does no harm. */
static bool check_enabled(struct arena *arena, const struct config *config,
                          struct slice *problem)
{
    for (size_t i = 0; i < config->enabled.count; i++) {
        if (connector_find(config->enabled.items[i]) == NULL) {
            *problem = arena_printf(
                arena, "integrations.enable: this program has no integration %.*s",
                SLICE_ARG(config->enabled.items[i]));
            return false;
        }
    }
    return true;
}

/* What would start, and then refuse everybody. */
static bool check_values(struct arena *arena, const struct config *config,
                         struct slice *problem)
{
    if (config->data_dir.len == 0) {
        *problem = SLICE("data_dir: the name of a folder is needed");
        return false;
    }
    if ((config->tls_certificate.len > 0) != (config->tls_key.len > 0)) {
        *problem =
            SLICE("server.tls.certificate_file and server.tls.key_file are given "
                  "together or not at all");
        return false;
    }
    if (config->public_url.len > 0 && !is_base_url(config->public_url)) {
        *problem = SLICE("server.public_url: a URL such as https://erp.example.com is "
                         "needed");
        return false;
    }
    for (size_t i = 0; i < config->allowed_origins.count; i++) {
        struct slice origin = config->allowed_origins.items[i];
        if (!is_base_url(origin)) {
            *problem = arena_printf(arena,
                                    "server.allowed_origins: %.*s is no origin such as "
                                    "https://desk.example.com",
                                    SLICE_ARG(origin));
            return false;
        }
    }
    return coordination_check(config, problem) && check_enabled(arena, config, problem);
}

bool config_load(const char *file, const struct config_flag *flags, size_t flag_count,
                 struct arena *arena, struct config *out, struct slice *problem)
{
    *out = (struct config){.host = SLICE_EMPTY};
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *fallback = options[i].fallback != NULL ? options[i].fallback : "";
        if (!set_option(&options[i], slice_str(fallback), arena, out, problem)) {
            return false;
        }
    }
    if (file == NULL) {
        file = getenv("SLUICE_CONFIG");
        file = file != NULL && *file != '\0' ? file : NULL;
    }
    if (file != NULL && !read_file(file, arena, out, problem)) {
        return false;
    }
    if (!read_environment(arena, out, problem)) {
        return false;
    }
    for (size_t i = 0; i < flag_count; i++) {
        const struct option *option = find_option(flags[i].name);
        if (!set_option(option, flags[i].value, arena, out, problem)) {
            *problem = arena_printf(arena, "--%.*s", SLICE_ARG(*problem));
            return false;
        }
    }
    fill_gaps(arena, out);
    return check_values(arena, out, problem);
}
