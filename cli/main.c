/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the command, reads configuration and flags, runs it. */
#include <stdarg.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/process.h"

static const struct command_flag no_flags[] = {{NULL, false, NULL}};
static const struct command_flag serve_flags[] = {
    {"workers", true, "loops that serve, a thread each; the same as server.workers"},
    {"insecure-bind", false, "listen without TLS on an address that is not loopback"},
    {NULL, false, NULL},
};
static const struct command_flag token_flags[] = {
    {"name", true, "what the token is for (create)"},
    {"role", true, "admin, tenant or call (create)"},
    {"tenant", true, "tenant of the roles tenant and call (create)"},
    {"expires-at", true,
     "e.g. 2027-01-31T12:00:00Z; without it the token does not end (create)"},
    {NULL, false, NULL},
};
/* clang-format off */
/* How a command reaches a running server. */
#define URL_FLAG {"url", true, "base URL of the server; by default server.public_url (or SLUICE_URL)"}
#define TOKEN_FLAG {"token", true, "API token; better in SLUICE_TOKEN, which does not show in process lists"}
/* clang-format on */

static const struct command_flag remote_flags[] = {
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};
static const struct command_flag account_flags[] = {
    {"file", true, "JSON to send, - for standard input (create, update)"},
    {"no-verify", false, "store an account without trying it (create)"},
    {"try-now", false,
     "try a login though its user was refused too often: it is not locked any more "
     "(create, doctor)"},
    {"tenant", true, "only this tenant's (list)"},
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};
static const struct command_flag mcp_flags[] = {
    {"file", true, "JSON to send, - for standard input (create, update)"},
    {"name", true, "its name (create)"},
    {"methods", true, "read, write, custom or method names, by comma (create)"},
    {"tags", true, "tags, by comma (create)"},
    {"tools", true, "tool names, by comma (create)"},
    {"expires-at", true, "a time, or never (create)"},
    {"overlap-seconds", true, "how long the old URL stays good; 0 by default (rotate)"},
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};
static const struct command_flag tenant_flags[] = {
    {"ceiling", true, "1 to 1000, or none (set)"},
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};
static const struct command_flag lane_flags[] = {
    {"ceiling", true, "1 to 1000, or none (set)"},
    {"reserve", true,
     "slots kept for a class or MCP server: critical=1,mcp_...=2, or none (set)"},
    {"json", false, "the data of each event as JSON, one a line (watch)"},
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};
static const struct command_flag environment_flags[] = {
    {"file", true, "JSON to send, - for standard input (set)"},
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};
static const struct command_flag webhook_flags[] = {
    {"to", true, "where events are sent, https://… (create)"},
    {"events", true, "event types, by comma; all by default (create)"},
    {"tenant", true, "only this tenant's (create)"},
    {"overlap-seconds", true,
     "how long the old secret stays good; 0 by default (rotate)"},
    URL_FLAG,
    TOKEN_FLAG,
    {NULL, false, NULL},
};

/* clang-format off */
static const struct command commands[] = {
    {"serve", "", "run the server", serve_flags, command_serve},
    {"keygen", "[FILE]", "make the server's keys; never over an existing file", no_flags,
     command_keygen},
    {"backup", "FILE", "copy the database, also while a server works on it", no_flags,
     command_backup},
    {"token", "create | list | delete ID", "API tokens, directly in the database", token_flags,
     command_token},
    {"account", "list | get ID | create | update ID | doctor ID | delete ID",
     "ERP accounts of a running server; doctor tries one step by step: 0 all passed, 1 one failed, 2 not asked",
     account_flags, command_account},
    {"mcp", "list ACCOUNT | get ACCOUNT ID | create ACCOUNT | update ACCOUNT ID | rotate ACCOUNT ID | delete ACCOUNT ID",
     "MCP servers (secret URLs) of an account", mcp_flags, command_mcp},
    {"tenant", "get ID | set ID --ceiling N", "a tenant's own ceiling", tenant_flags, command_tenant},
    {"lane",
     "list | get ID | watch [ID] [--json] | set ID [--ceiling N] [--reserve LIST] | pause ID | resume ID | drain ID | "
     "kick ID [MCP_ID]",
     "lanes: what is at each ERP now, and as it changes; hold calls back, let them go on", lane_flags,
     command_lane},
    {"environment", "list | get NAME | set NAME --file F",
     "catalog overrides of an environment", environment_flags, command_environment},
    {"webhook", "list | create --to URL | test ID | deliveries ID | rotate ID | enable ID | disable ID | "
     "delete ID",
     "who is told when accounts change", webhook_flags, command_webhook},
    {"catalog", "check [DIR]", "check the tool catalogs, list the tools served", no_flags,
     command_catalog},
    {"vault", "rotate | verify | forget KEY_ID",
     "seal all ERP secrets under a new key, try them, remove an old key", remote_flags,
     command_vault},
    {"version", "", "print the version", no_flags, command_version},
};
/* clang-format on */
#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

int command_fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fputs("sluice: ", stderr);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    return 1;
}

struct slice command_value(const struct command_line *line, const char *name,
                           bool *given)
{
    for (size_t i = line->flag_count; i > 0; i--) {
        if (slice_is(line->flags[i - 1].name, name)) {
            if (given != NULL) {
                *given = true;
            }
            return line->flags[i - 1].value;
        }
    }
    if (given != NULL) {
        *given = false;
    }
    return SLICE_EMPTY;
}

static void print_help(void)
{
    puts("sluice: an ERP connector server with one secret MCP URL per connected "
         "account\n\n"
         "usage: sluice COMMAND [WORDS] [--config FILE] [--OPTION VALUE …]\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        printf("  %-8s  %s\n", commands[i].name, commands[i].summary);
    }
    puts("\n\"sluice COMMAND --help\" says more. A first start: sluice keygen, then "
         "sluice token\n"
         "create --name me --role admin, then sluice serve.");
}

static const struct command_flag *find_flag(const struct command *command,
                                            struct slice name)
{
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++) {
        if (slice_is(name, flag->name)) {
            return flag;
        }
    }
    return NULL;
}

static void print_command_help(const struct command *command)
{
    printf("usage: sluice %s %s\n\n%s.\n\n", command->name, command->synopsis,
           command->summary);
    for (const struct command_flag *flag = command->flags; flag->name != NULL; flag++) {
        printf("  --%-14s %s\n", flag->name, flag->help);
    }
    puts("  --config FILE    configuration file (or SLUICE_CONFIG)\n  --help           "
         "this\n");
    if (find_flag(command, SLICE("url")) == NULL) {
        config_help(stdout);
    } else {
        puts("Every option of the configuration is a flag too: sluice serve --help "
             "lists them.");
    }
}

struct parsed {
    struct command_line line;
    struct config_flag options[COMMAND_FLAGS];
    size_t option_count;
    const char *config_file;
    bool help;
};

static bool take_value(int argc, char **argv, int *at, const char *inline_value,
                       struct slice *out)
{
    if (inline_value != NULL) {
        *out = slice_str(inline_value);
        return true;
    }
    if (*at + 1 >= argc) {
        command_fail("%s needs a value", argv[*at]);
        return false;
    }
    *at += 1;
    *out = slice_str(argv[*at]);
    return true;
}

static bool parse_flag(const struct command *command, int argc, char **argv, int *at,
                       struct parsed *out)
{
    const char *text = argv[*at] + 2;
    const char *equals = strchr(text, '=');
    struct slice name =
        equals != NULL ? slice_of(text, (size_t)(equals - text)) : slice_str(text);
    const char *inline_value = equals != NULL ? equals + 1 : NULL;
    const struct command_flag *flag = find_flag(command, name);
    struct slice value = SLICE_EMPTY;
    if (slice_is(name, "help")) {
        out->help = true;
        return true;
    }
    if (flag == NULL && !config_knows(name) && !slice_is(name, "config")) {
        command_fail("there is no flag --%.*s; see sluice %s --help", SLICE_ARG(name),
                     command->name);
        return false;
    }
    if ((flag == NULL || flag->takes_value) &&
        !take_value(argc, argv, at, inline_value, &value)) {
        return false;
    }
    if (slice_is(name, "config")) {
        out->config_file = value.ptr;
        return true;
    }
    size_t *count = flag != NULL ? &out->line.flag_count : &out->option_count;
    struct config_flag *flags = flag != NULL ? out->line.flags : out->options;
    if (*count == COMMAND_FLAGS) {
        command_fail("too many flags");
        return false;
    }
    flags[(*count)++] = (struct config_flag){name, value};
    return true;
}

static bool parse(const struct command *command, int argc, char **argv,
                  struct parsed *out)
{
    for (int i = 2; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (!parse_flag(command, argc, argv, &i, out)) {
                return false;
            }
        } else if (out->line.word_count == COMMAND_WORDS) {
            command_fail("too many words");
            return false;
        } else {
            out->line.words[out->line.word_count++] = slice_str(argv[i]);
        }
    }
    return true;
}

static int run(const struct command *command, int argc, char **argv)
{
    struct parsed parsed = {.config_file = NULL};
    struct config config;
    struct slice problem = SLICE_EMPTY;
    if (!parse(command, argc, argv, &parsed)) {
        return 2;
    }
    if (parsed.help) {
        print_command_help(command);
        return 0;
    }
    struct arena *arena = arena_new();
    int code = 2;
    if (config_load(parsed.config_file, parsed.options, parsed.option_count, arena,
                    &config, &problem)) {
        code = command->run(arena, &config, &parsed.line);
    } else {
        command_fail("%.*s", SLICE_ARG(problem));
    }
    arena_free(arena);
    return code;
}

int main(int argc, char **argv)
{
    process_begin();
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help();
        return argc < 2 ? 2 : 0;
    }
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return run(&commands[i], argc, argv);
        }
    }
    command_fail("there is no command \"%s\"; see sluice --help", name);
    return 2;
}
