/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that ask a running server through its management API: account, mcp, tenant,
 * lane, webhook. They send what the API takes and print what it answers, so there is nothing
 * here to learn twice.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/process.h"
#include "cli/remote.h"
#include "io/http_client.h"
#include "io/http_url.h"

#define ANSWER_MS 130000

struct errand {
    struct arena *arena;
    const struct config *config;
    const struct command_line *line;
    struct slice base, token;
    struct slice *reply; /* takes what was answered; NULL: it is printed */
    int code;
};

/* ---- The exchange ---- */

static void print_reply(struct slice body)
{
    json_error_t error;
    json_t *json = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL) {
        printf("%.*s\n", SLICE_ARG(body));
        return;
    }
    json_dumpf(json, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(json);
}

static void on_answer(void *ctx, const struct http_outcome *outcome)
{
    struct errand *errand = ctx;
    if (outcome->reply == NULL) {
        errand->code =
            command_fail("no answer from %.*s (%s): is the server running, and is "
                         "--url right?",
                         SLICE_ARG(errand->base), outcome->reason);
        return;
    }
    errand->code = outcome->reply->status < 300 ? 0 : 1;
    if (errand->reply != NULL && errand->code == 0) {
        *errand->reply = arena_slice(errand->arena, outcome->reply->body);
    } else if (outcome->reply->body.len > 0) {
        print_reply(outcome->reply->body);
    }
}

static void on_end(void *ctx, enum http_end end)
{
    (void)ctx;
    (void)end;
}

/* The operator named this URL, so its addresses are allowed whatever they are. */
static struct net_policy *policy_for_url(const struct errand *errand)
{
    const struct slice everywhere[] = {SLICE("0.0.0.0/0"), SLICE("::/0")};
    struct net_policy *policy = NULL;
    struct http_url url;
    if (!http_url_parse(errand->base, &url) || slice_find(url.target, '?') >= 0) {
        return NULL;
    }
    bool six = slice_find(url.host, ':') >= 0;
    struct slice host = arena_printf(errand->arena, "%s%.*s%s:%d", six ? "[" : "",
                                     SLICE_ARG(url.host), six ? "]" : "", url.port);
    if (net_policy_new(everywhere, 2, &host, 1, &policy) != ERR_OK) {
        return NULL;
    }
    return policy;
}

static int run_errand(struct errand *errand, struct slice method, struct slice path,
                      struct slice body)
{
    struct net_policy *policy = policy_for_url(errand);
    if (policy == NULL) {
        return command_fail("%.*s is not a URL of the form http(s)://host[:port]",
                            SLICE_ARG(errand->base));
    }
    struct loop *loop = loop_new();
    struct http_client_options options = http_client_defaults(policy);
    if (errand->config->ca_file.len > 0) {
        options.ca_file = errand->config->ca_file.ptr;
    }
    struct http_client *client = http_client_new(loop, &options);
    const struct http_field fields[] = {
        {SLICE("Authorization"),
         arena_printf(errand->arena, "Bearer %.*s", SLICE_ARG(errand->token))},
        {SLICE("Content-Type"), SLICE("application/json")},
    };
    struct http_send send = {
        .method = method,
        .url = arena_printf(errand->arena, "%.*s%.*s", SLICE_ARG(errand->base),
                            SLICE_ARG(path)),
        .fields = fields,
        .field_count = body.len > 0 ? 2 : 1,
        .body = body,
        .has_body = body.len > 0,
        .answer_ms = ANSWER_MS,
        .max_ms = ANSWER_MS,
    };
    struct http_transfer_handlers handlers = {on_answer, on_end, errand};
    errand->code = 1;
    http_send(client, &send, &handlers);
    loop_run(loop);
    http_client_free(client);
    loop_free(loop);
    net_policy_free(policy);
    return errand->code;
}

static bool begin(struct errand *errand)
{
    const struct config *config = errand->config;
    const char *url = getenv("SLUICE_URL");
    struct slice token = SLICE_EMPTY;
    process_take_secret("SLUICE_TOKEN", errand->arena, &token);
    bool given = false;
    errand->base = command_value(errand->line, "url", &given);
    if (!given) {
        errand->base = url != NULL ? slice_str(url) : config->public_url;
    }
    if (errand->base.len == 0) {
        errand->base = arena_printf(errand->arena, "http://%.*s:%lld",
                                    SLICE_ARG(config->host), config->port);
    }
    while (errand->base.len > 0 && errand->base.ptr[errand->base.len - 1] == '/') {
        errand->base.len--; /* paths bring their own */
    }
    errand->token = command_value(errand->line, "token", &given);
    if (!given) {
        errand->token = token;
    }
    if (errand->token.len == 0) {
        command_fail(
            "an API token is needed: set SLUICE_TOKEN, or make one with sluice token "
            "create --name me --role admin");
        return false;
    }
    return true;
}

struct errand *remote_begin(struct arena *arena, const struct config *config,
                            const struct command_line *line)
{
    struct errand *errand = arena_alloc(arena, sizeof *errand);
    *errand = (struct errand){.arena = arena, .config = config, .line = line};
    return begin(errand) ? errand : NULL;
}

int remote_ask(struct errand *errand, struct slice method, struct slice path,
               struct slice *reply)
{
    errand->reply = reply;
    return run_errand(errand, method, path, SLICE_EMPTY);
}

/* ---- Bodies ---- */

static bool read_body(struct errand *errand, struct slice *out)
{
    struct slice name = command_value(errand->line, "file", NULL);
    if (name.len == 0) {
        command_fail(
            "--file FILE (or - for standard input) is needed; the API reference shows "
            "the JSON");
        return false;
    }
    bool standard = slice_is(name, "-");
    FILE *file = standard ? stdin : fopen(arena_copy(errand->arena, name), "r");
    if (file == NULL) {
        command_fail("%.*s cannot be read", SLICE_ARG(name));
        return false;
    }
    struct buf body;
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    for (;;) {
        char piece[4096];
        size_t got = fread(piece, 1, sizeof piece, file);
        buf_append(&body, slice_of(piece, got));
        if (got < sizeof piece) {
            break;
        }
    }
    if (!standard) {
        fclose(file);
    }
    *out = arena_slice(errand->arena, buf_slice(&body));
    bool ok = out->len > 0 && !buf_full(&body);
    buf_free(&body);
    if (!ok) {
        command_fail("%.*s is empty or larger than 256 KiB", SLICE_ARG(name));
    }
    return ok;
}

static void write_list(struct jwriter *writer, const struct command_line *line,
                       const char *name)
{
    struct slice rest = command_value(line, name, NULL);
    if (rest.len == 0) {
        return;
    }
    jwriter_key(writer, slice_str(name));
    jwriter_array(writer);
    while (rest.len > 0) {
        ptrdiff_t comma = slice_find(rest, ',');
        jwriter_string(
            writer, slice_trim(comma < 0 ? rest : slice_of(rest.ptr, (size_t)comma)));
        rest = comma < 0 ? SLICE_EMPTY : slice_from(rest, (size_t)comma + 1);
    }
    jwriter_array_end(writer);
}

static struct slice server_body(struct errand *errand)
{
    bool has_expiry = false;
    struct slice expires = command_value(errand->line, "expires-at", &has_expiry);
    struct buf body;
    struct jwriter writer;
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    jwriter_init(&writer, &body);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "name", command_value(errand->line, "name", NULL));
    jwriter_key(&writer, SLICE("config"));
    jwriter_object(&writer);
    write_list(&writer, errand->line, "methods");
    write_list(&writer, errand->line, "tags");
    write_list(&writer, errand->line, "tools");
    jwriter_object_end(&writer);
    if (has_expiry) {
        jwriter_key(&writer, SLICE("expires_at"));
        if (slice_is(expires, "never")) {
            jwriter_null(&writer);
        } else {
            jwriter_string(&writer, expires);
        }
    }
    jwriter_object_end(&writer);
    struct slice text = arena_slice(errand->arena, buf_slice(&body));
    buf_free(&body);
    return text;
}

static bool ceiling_value(struct errand *errand, struct slice *out)
{
    unsigned long long number = 0;
    struct slice value = command_value(errand->line, "ceiling", NULL);
    if (slice_is(value, "none")) {
        *out = SLICE("null");
        return true;
    }
    if (!slice_to_u64(value, &number)) {
        command_fail("--ceiling needs a number from 1 to 1000, or none");
        return false;
    }
    *out = arena_printf(errand->arena, "%llu", number);
    return true;
}

/* ---- Commands ---- */

static struct slice word(const struct errand *errand, size_t n)
{
    return n < errand->line->word_count
               ? text_percent_arena(errand->arena, errand->line->words[n])
               : SLICE_EMPTY;
}

static bool verb_is(const struct errand *errand, const char *verb, size_t words)
{
    return errand->line->word_count == words && slice_is(errand->line->words[0], verb);
}

static int usage(const char *text)
{
    command_fail("usage: %s", text);
    return 2;
}

int command_account(struct arena *arena, const struct config *config,
                    const struct command_line *line)
{
    struct errand errand = {.arena = arena, .config = config, .line = line};
    struct slice body = SLICE_EMPTY;
    struct slice one =
        arena_printf(arena, "/integrated-account/%.*s", SLICE_ARG(word(&errand, 1)));
    bool no_verify = false;
    command_value(line, "no-verify", &no_verify);
    bool is_doctor = verb_is(&errand, "doctor", 2);
    if (!begin(&errand)) {
        return is_doctor ? 2 : 1;
    }
    if (is_doctor) {
        return doctor_run(&errand, arena, one);
    }
    if (verb_is(&errand, "list", 1)) {
        struct slice tenant =
            text_percent_arena(arena, command_value(line, "tenant", NULL));
        return run_errand(&errand, SLICE("GET"),
                          arena_printf(arena,
                                       "/integrated-account?limit=200&tenant_id=%.*s",
                                       SLICE_ARG(tenant)),
                          body);
    }
    if (verb_is(&errand, "get", 2)) {
        return run_errand(&errand, SLICE("GET"), one, body);
    }
    if (verb_is(&errand, "delete", 2)) {
        return run_errand(&errand, SLICE("DELETE"), one, body);
    }
    if (verb_is(&errand, "create", 1)) {
        return read_body(&errand, &body)
                   ? run_errand(&errand, SLICE("POST"),
                                no_verify ? SLICE("/integrated-account?verify=false")
                                          : SLICE("/integrated-account"),
                                body)
                   : 1;
    }
    if (verb_is(&errand, "update", 2)) {
        return read_body(&errand, &body)
                   ? run_errand(&errand, SLICE("PATCH"), one, body)
                   : 1;
    }
    return usage(
        "sluice account list | get ID | create --file F | update ID --file F | "
        "doctor ID | delete ID");
}

static int rotate(struct errand *errand, struct slice path)
{
    unsigned long long seconds = 0;
    bool given = false;
    struct slice overlap = command_value(errand->line, "overlap-seconds", &given);
    if (given && !slice_to_u64(overlap, &seconds)) {
        command_fail("--overlap-seconds needs a number of seconds, 604800 at most");
        return 2;
    }
    return run_errand(
        errand, SLICE("POST"), path,
        arena_printf(errand->arena, "{\"overlap_seconds\":%llu}", seconds));
}

int command_mcp(struct arena *arena, const struct config *config,
                const struct command_line *line)
{
    struct errand errand = {.arena = arena, .config = config, .line = line};
    struct slice body = SLICE_EMPTY;
    struct slice all = arena_printf(arena, "/integrated-account/%.*s/mcp",
                                    SLICE_ARG(word(&errand, 1)));
    struct slice one =
        arena_printf(arena, "%.*s/%.*s", SLICE_ARG(all), SLICE_ARG(word(&errand, 2)));
    if (!begin(&errand)) {
        return 1;
    }
    if (verb_is(&errand, "list", 2)) {
        return run_errand(&errand, SLICE("GET"), all, body);
    }
    if (verb_is(&errand, "get", 3)) {
        return run_errand(&errand, SLICE("GET"), one, body);
    }
    if (verb_is(&errand, "delete", 3)) {
        return run_errand(&errand, SLICE("DELETE"), one, body);
    }
    if (verb_is(&errand, "create", 2)) {
        bool from_file = false;
        command_value(line, "file", &from_file);
        if (!from_file) {
            return run_errand(&errand, SLICE("POST"), all, server_body(&errand));
        }
        return read_body(&errand, &body) ? run_errand(&errand, SLICE("POST"), all, body)
                                         : 1;
    }
    if (verb_is(&errand, "update", 3)) {
        return read_body(&errand, &body)
                   ? run_errand(&errand, SLICE("PATCH"), one, body)
                   : 1;
    }
    if (verb_is(&errand, "rotate", 3)) {
        return rotate(&errand, arena_printf(arena, "%.*s/rotate", SLICE_ARG(one)));
    }
    return usage(
        "sluice mcp list ACCOUNT | get ACCOUNT ID | create ACCOUNT --name N | update "
        "ACCOUNT ID --file F | rotate ACCOUNT ID | delete ACCOUNT ID");
}

int command_tenant(struct arena *arena, const struct config *config,
                   const struct command_line *line)
{
    struct errand errand = {.arena = arena, .config = config, .line = line};
    struct slice path =
        arena_printf(arena, "/tenant/%.*s", SLICE_ARG(word(&errand, 1)));
    struct slice ceiling = SLICE_EMPTY;
    if (!begin(&errand)) {
        return 1;
    }
    if (verb_is(&errand, "get", 2)) {
        return run_errand(&errand, SLICE("GET"), path, SLICE_EMPTY);
    }
    if (!verb_is(&errand, "set", 2) || !ceiling_value(&errand, &ceiling)) {
        return usage("sluice tenant get ID | set ID --ceiling N");
    }
    return run_errand(
        &errand, SLICE("PATCH"), path,
        arena_printf(arena, "{\"governor\":{\"ceiling\":%.*s}}", SLICE_ARG(ceiling)));
}

int command_environment(struct arena *arena, const struct config *config,
                        const struct command_line *line)
{
    struct errand errand = {.arena = arena, .config = config, .line = line};
    struct slice path =
        arena_printf(arena, "/environment/%.*s/overrides", SLICE_ARG(word(&errand, 1)));
    struct slice body = SLICE_EMPTY;
    if (!begin(&errand)) {
        return 1;
    }
    if (verb_is(&errand, "list", 1)) {
        return run_errand(&errand, SLICE("GET"), SLICE("/environment"), body);
    }
    if (verb_is(&errand, "get", 2)) {
        return run_errand(&errand, SLICE("GET"), path, body);
    }
    if (verb_is(&errand, "set", 2)) {
        return read_body(&errand, &body) ? run_errand(&errand, SLICE("PUT"), path, body)
                                         : 1;
    }
    return usage("sluice environment list | get NAME | set NAME --file F");
}

/* One "critical=1" or "mcp_…=2" of --reserve. */
static bool write_reservation(struct jwriter *writer, struct slice text)
{
    unsigned long long slots = 0;
    const char *equals = text.len > 0 ? memchr(text.ptr, '=', text.len) : NULL;
    size_t name_len = equals != NULL ? (size_t)(equals - text.ptr) : 0;
    struct slice who = slice_of(text.ptr, name_len);
    if (name_len == 0 || !slice_to_u64(slice_from(text, name_len + 1), &slots) ||
        slots > INT64_MAX) {
        command_fail("--reserve needs WHO=SLOTS with commas between, as "
                     "critical=1,mcp_...=2, or none");
        return false;
    }
    jwriter_object(writer);
    jwriter_member_string(
        writer, slice_starts(who, SLICE("mcp_")) ? "mcp_server" : "priority", who);
    jwriter_member_int(writer, "slots", (int64_t)slots);
    jwriter_object_end(writer);
    return true;
}

static bool write_reserve(struct jwriter *writer, struct slice list)
{
    if (slice_is(list, "none")) {
        jwriter_null(writer);
        return true;
    }
    jwriter_array(writer);
    while (list.len > 0) {
        const char *comma = memchr(list.ptr, ',', list.len);
        size_t len = comma != NULL ? (size_t)(comma - list.ptr) : list.len;
        if (!write_reservation(writer, slice_of(list.ptr, len))) {
            return false;
        }
        list = slice_from(list, comma != NULL ? len + 1 : len);
    }
    jwriter_array_end(writer);
    return true;
}

/* Of "lane set": what is named changes. */
static bool lane_body(struct errand *errand, struct slice *out)
{
    bool has_ceiling = false, has_reserve = false;
    struct slice ceiling = SLICE_EMPTY;
    struct slice list = command_value(errand->line, "reserve", &has_reserve);
    struct buf body;
    struct jwriter writer;
    command_value(errand->line, "ceiling", &has_ceiling);
    if ((has_ceiling || !has_reserve) && !ceiling_value(errand, &ceiling)) {
        return false;
    }
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    jwriter_init(&writer, &body);
    jwriter_object(&writer);
    if (has_ceiling) {
        jwriter_key(&writer, SLICE("ceiling"));
        jwriter_raw(&writer, ceiling);
    }
    if (has_reserve) {
        jwriter_key(&writer, SLICE("reserve"));
        if (!write_reserve(&writer, list)) {
            buf_free(&body);
            return false;
        }
    }
    jwriter_object_end(&writer);
    *out = arena_slice(errand->arena, buf_slice(&body));
    buf_free(&body);
    return true;
}

int command_lane(struct arena *arena, const struct config *config,
                 const struct command_line *line)
{
    struct errand errand = {.arena = arena, .config = config, .line = line};
    struct slice path = arena_printf(arena, "/lanes/%.*s", SLICE_ARG(word(&errand, 1)));
    struct slice body = SLICE_EMPTY;
    if (!begin(&errand)) {
        return 1;
    }
    if (verb_is(&errand, "list", 1)) {
        return run_errand(&errand, SLICE("GET"), SLICE("/lanes"), SLICE_EMPTY);
    }
    if (verb_is(&errand, "get", 2)) {
        return run_errand(&errand, SLICE("GET"), path, SLICE_EMPTY);
    }
    if (verb_is(&errand, "pause", 2) || verb_is(&errand, "resume", 2) ||
        verb_is(&errand, "drain", 2)) {
        return run_errand(&errand, SLICE("POST"),
                          arena_printf(arena, "%.*s/%.*s", SLICE_ARG(path),
                                       SLICE_ARG(word(&errand, 0))),
                          SLICE_EMPTY);
    }
    if (verb_is(&errand, "kick", 2) || verb_is(&errand, "kick", 3)) {
        struct slice server = word(&errand, 2);
        return run_errand(&errand, SLICE("POST"),
                          arena_printf(arena, "%.*s/kick%s%.*s", SLICE_ARG(path),
                                       server.len > 0 ? "?mcp_server=" : "",
                                       SLICE_ARG(server)),
                          SLICE_EMPTY);
    }
    if (!verb_is(&errand, "set", 2)) {
        return usage(
            "sluice lane list | get ID | set ID [--ceiling N] [--reserve LIST] | "
            "pause ID | resume ID | drain ID | kick ID [MCP_ID]");
    }
    return lane_body(&errand, &body) ? run_errand(&errand, SLICE("PATCH"), path, body)
                                     : 2;
}

static struct slice endpoint_body(struct errand *errand)
{
    struct slice tenant = command_value(errand->line, "tenant", NULL);
    bool has_events = false;
    struct buf body;
    struct jwriter writer;
    command_value(errand->line, "events", &has_events);
    buf_init(&body, LIMIT_ADMIN_BODY_BYTES);
    jwriter_init(&writer, &body);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "url", command_value(errand->line, "to", NULL));
    if (has_events) {
        write_list(&writer, errand->line, "events");
    } else {
        jwriter_key(&writer, SLICE("events"));
        jwriter_raw(&writer, SLICE("[\"*\"]"));
    }
    if (tenant.len > 0) {
        jwriter_member_string(&writer, "tenant_id", tenant);
    }
    jwriter_object_end(&writer);
    struct slice text = arena_slice(errand->arena, buf_slice(&body));
    buf_free(&body);
    return text;
}

int command_webhook(struct arena *arena, const struct config *config,
                    const struct command_line *line)
{
    struct errand errand = {.arena = arena, .config = config, .line = line};
    struct slice one =
        arena_printf(arena, "/webhook-endpoint/%.*s", SLICE_ARG(word(&errand, 1)));
    if (!begin(&errand)) {
        return 1;
    }
    if (verb_is(&errand, "list", 1)) {
        return run_errand(&errand, SLICE("GET"), SLICE("/webhook-endpoint?limit=200"),
                          SLICE_EMPTY);
    }
    if (verb_is(&errand, "create", 1)) {
        return run_errand(&errand, SLICE("POST"), SLICE("/webhook-endpoint"),
                          endpoint_body(&errand));
    }
    if (verb_is(&errand, "test", 2)) {
        return run_errand(&errand, SLICE("POST"),
                          arena_printf(arena, "%.*s/test", SLICE_ARG(one)),
                          SLICE_EMPTY);
    }
    if (verb_is(&errand, "deliveries", 2)) {
        return run_errand(
            &errand, SLICE("GET"),
            arena_printf(arena, "%.*s/deliveries?limit=200", SLICE_ARG(one)),
            SLICE_EMPTY);
    }
    if (verb_is(&errand, "rotate", 2)) {
        return rotate(&errand,
                      arena_printf(arena, "%.*s/rotate-secret", SLICE_ARG(one)));
    }
    if (verb_is(&errand, "enable", 2)) {
        return run_errand(&errand, SLICE("PATCH"), one,
                          SLICE("{\"state\":\"active\"}"));
    }
    if (verb_is(&errand, "disable", 2)) {
        return run_errand(&errand, SLICE("PATCH"), one,
                          SLICE("{\"state\":\"disabled\"}"));
    }
    if (verb_is(&errand, "delete", 2)) {
        return run_errand(&errand, SLICE("DELETE"), one, SLICE_EMPTY);
    }
    return usage("sluice webhook list | create --to URL [--events A,B] [--tenant T] | "
                 "test ID | deliveries ID | rotate ID [--overlap-seconds N] | enable "
                 "ID | disable ID | delete ID");
}
