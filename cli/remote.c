/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/jwriter.h"
#include "base/limits.h"
#include "base/text.h"
#include "cli/process.h"
#include "cli/remote.h"
#include "io/http_client.h"
#include "io/http_url.h"

#define ANSWER_MS 130000

/* ---- The exchange ---- */

void remote_print(struct slice body)
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
        remote_print(outcome->reply->body);
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

bool remote_open(struct errand *errand, struct loop *loop, struct remote_way *out)
{
    out->policy = policy_for_url(errand);
    if (out->policy == NULL) {
        command_fail("%.*s is not a URL of the form http(s)://host[:port]",
                     SLICE_ARG(errand->base));
        return false;
    }
    struct http_client_options options = http_client_defaults(out->policy);
    if (errand->config->ca_file.len > 0) {
        options.ca_file = errand->config->ca_file.ptr;
    }
    out->client = http_client_new(loop, &options);
    return true;
}

void remote_close(struct remote_way *way)
{
    http_client_free(way->client);
    net_policy_free(way->policy);
    *way = (struct remote_way){NULL, NULL};
}

void remote_send(struct errand *errand, const struct remote_way *way,
                 struct http_send *what, struct slice path,
                 const struct http_transfer_handlers *handlers)
{
    const struct http_field fields[] = {
        {SLICE("Authorization"),
         arena_printf(errand->arena, "Bearer %.*s", SLICE_ARG(errand->token))},
        {SLICE("Content-Type"), SLICE("application/json")},
    };
    what->url = arena_printf(errand->arena, "%.*s%.*s", SLICE_ARG(errand->base),
                             SLICE_ARG(path));
    what->fields = fields;
    what->field_count = what->has_body ? 2 : 1;
    http_send(way->client, what, handlers);
}

int remote_run(struct errand *errand, struct slice method, struct slice path,
               struct slice body)
{
    struct loop *loop = loop_new();
    struct remote_way way;
    struct http_send send = {
        .method = method,
        .body = body,
        .has_body = body.len > 0,
        .answer_ms = ANSWER_MS,
        .max_ms = ANSWER_MS,
    };
    struct http_transfer_handlers handlers = {on_answer, on_end, errand};
    errand->code = 1;
    if (remote_open(errand, loop, &way)) {
        remote_send(errand, &way, &send, path, &handlers);
        loop_run(loop);
        remote_close(&way);
    }
    loop_free(loop);
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
    return remote_run(errand, method, path, SLICE_EMPTY);
}

/* ---- What was said on the command line ---- */

struct slice remote_word(const struct errand *errand, size_t n)
{
    return n < errand->line->word_count
               ? text_percent_arena(errand->arena, errand->line->words[n])
               : SLICE_EMPTY;
}

bool remote_verb_is(const struct command_line *line, const char *verb, size_t words)
{
    return line->word_count == words && slice_is(line->words[0], verb);
}

int remote_usage(const char *text)
{
    command_fail("usage: %s", text);
    return 2;
}

bool remote_body(struct errand *errand, struct slice *out)
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

void remote_write_list(struct jwriter *writer, const struct command_line *line,
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

bool remote_ceiling(struct errand *errand, struct slice *out)
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

int remote_rotate(struct errand *errand, struct slice path)
{
    unsigned long long seconds = 0;
    bool given = false;
    struct slice overlap = command_value(errand->line, "overlap-seconds", &given);
    if (given && !slice_to_u64(overlap, &seconds)) {
        command_fail("--overlap-seconds needs a number of seconds, 604800 at most");
        return 2;
    }
    return remote_run(
        errand, SLICE("POST"), path,
        arena_printf(errand->arena, "{\"overlap_seconds\":%llu}", seconds));
}
