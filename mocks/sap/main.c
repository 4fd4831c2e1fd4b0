/* SPDX-License-Identifier: Apache-2.0 */
/* mock-sap: its options. What every mock does is in program.c, everything else
 * behind sap_init. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/program.h"
#include "mocks/sap/sap.h"

struct options {
    const char *host;
    long port, control_port;
    struct sap_options sap;
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, 'h'},
    {"port", required_argument, NULL, 'p'},
    {"control-port", required_argument, NULL, 'c'},
    {"seed", required_argument, NULL, 's'},
    {"today", required_argument, NULL, 't'},
    {"dialog-processes", required_argument, NULL, 'd'},
    {"queue-ms", required_argument, NULL, 'q'},
    {"client", required_argument, NULL, 'm'},
    {"user", required_argument, NULL, 'u'},
    {"password", required_argument, NULL, 'w'},
    {"client-id", required_argument, NULL, 'i'},
    {"client-secret", required_argument, NULL, 'e'},
    {"token-seconds", required_argument, NULL, 'k'},
    {"csrf-seconds", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, '?'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "mock-sap: OData V2 services of an S/4HANA system and an XSUAA token host, in "
    "memory.\n"
    "\n"
    "  --host ADDRESS          ERP port's IPv4 address (127.0.0.1)\n"
    "  --port N                ERP port, 0: a free one (0)\n"
    "  --control-port N        control port, always on 127.0.0.1, 0: a free one (0)\n"
    "  --seed N                which company (1)\n"
    "  --today YYYY-MM-DD      the company's day (today)\n"
    "  --dialog-processes N    requests at work at once (10)\n"
    "  --queue-ms N            how long one waits for a process before 503 (5000)\n"
    "  --client NNN            SAP client of users with a password (100)\n"
    "  --user U --password P   communication user; else random\n"
    "  --client-id I --client-secret S   of the token host; else random\n"
    "  --token-seconds N       life of an access token (43199)\n"
    "  --csrf-seconds N        life of a CSRF token (1800)\n"
    "  --help                  this text\n"
    "\n"
    "Prints one line of JSON with its URLs and credentials, then serves until "
    "SIGTERM.\n"
    "Control port: as mock-netsuite, and POST /csrf/expire, POST /tokens/expire.\n";

static bool read_int(const char *text, long low, long high, int *out)
{
    long number = 0;
    bool ok = program_number(text, low, high, &number);
    *out = (int)number;
    return ok;
}

/* Days since 1970-01-01 of a civil date; SQLite does the calendar. */
static bool read_day(const char *text, int64_t *out)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    bool ok = strlen(text) == 10 && sqlite3_open(":memory:", &db) == SQLITE_OK &&
              sqlite3_prepare_v2(db, "SELECT strftime('%s', ?1) / 86400", -1, &stmt,
                                 NULL) == SQLITE_OK;
    if (ok) {
        sqlite3_bind_text(stmt, 1, text, -1, SQLITE_STATIC);
        ok = sqlite3_step(stmt) == SQLITE_ROW &&
             sqlite3_column_type(stmt, 0) != SQLITE_NULL;
        *out = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return ok;
}

static bool take_option(struct options *options, int name, const char *text)
{
    struct sap_options *sap = &options->sap;
    long number = 0;
    switch (name) {
    case 'h':
        return program_text(text, &options->host);
    case 'p':
        return program_number(text, 0, 65535, &options->port);
    case 'c':
        return program_number(text, 0, 65535, &options->control_port);
    case 's':
        sap->seed = program_number(text, 0, 1000000000, &number) ? (uint64_t)number : 0;
        return sap->seed == (uint64_t)number;
    case 't':
        return read_day(text, &sap->today);
    case 'd':
        return read_int(text, 1, 1000000, &sap->dialog_processes);
    case 'q':
        return read_int(text, 0, 600000, &sap->queue_ms);
    case 'm':
        return program_text(text, &sap->logon.client);
    case 'u':
        return program_text(text, &sap->logon.username);
    case 'w':
        return program_text(text, &sap->logon.password);
    case 'i':
        return program_text(text, &sap->logon.client_id);
    case 'e':
        return program_text(text, &sap->logon.client_secret);
    case 'k':
        return program_number(text, 1, 1000000, &sap->logon.token_seconds);
    case 'f':
        return program_number(text, 1, 1000000, &sap->logon.csrf_seconds);
    default:
        return false;
    }
}

/* -1: go on; else the exit status. */
static int read_options(struct options *options, int argc, char **argv)
{
    int index = 0;
    for (;;) {
        int name = getopt_long(argc, argv, "", long_options, &index);
        if (name == -1) {
            break;
        }
        if (name == '?') {
            bool asked = optind > 0 && strcmp(argv[optind - 1], "--help") == 0;
            fputs(asked ? usage : "mock-sap: see --help\n", asked ? stdout : stderr);
            return asked ? 0 : 2;
        }
        if (!take_option(options, name, optarg)) {
            fprintf(stderr, "mock-sap: --%s: not a value it takes; see --help\n",
                    long_options[index].name);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "mock-sap: unexpected argument; see --help\n");
        return 2;
    }
    return -1;
}

struct serving {
    struct sap *sap;
    const struct options *options;
};

static json_t *on_ready(void *ctx, const char *url)
{
    const struct serving *serving = ctx;
    const struct logon_options *logon = &serving->options->sap.logon;
    char token_url[300];
    sap_set_root(serving->sap, url);
    snprintf(token_url, sizeof token_url, "%s/oauth/token", url);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "token_url", token_url,
                     "client_id", logon->client_id, "client_secret",
                     logon->client_secret, "username", logon->username, "password",
                     logon->password, "client", logon->client);
}

static int serve(uv_loop_t *loop, const struct options *options)
{
    struct clock clock = clock_system();
    struct sap sap;
    struct serving serving = {&sap, options};
    sap_init(&sap, loop, &clock, &options->sap);
    struct program program = {.name = "mock-sap",
                              .loop = loop,
                              .engine = &sap.engine,
                              .control = &sap.control,
                              .host = options->host,
                              .port = options->port,
                              .control_port = options->control_port,
                              .on_ready = on_ready,
                              .ctx = &serving};
    bool served = program_serve(&program);
    sap_free(&sap);
    return served ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct clock clock = clock_system();
    char room[4][PROGRAM_SECRET_BYTES];
    struct options options = {
        .host = "127.0.0.1",
        .sap = {
            .logon = {.client = "100", .token_seconds = 43199, .csrf_seconds = 1800},
            .seed = 1,
            .today = clock_wall_ms(&clock) / 86400000,
            .dialog_processes = 10,
            .queue_ms = 5000}};
    int status = read_options(&options, argc, argv);
    if (status >= 0) {
        return status;
    }
    struct logon_options *logon = &options.sap.logon;
    logon->username = program_credential(logon->username, "MOCK_SAP_USER", room[0]);
    logon->password = program_credential(logon->password, "MOCK_SAP_PASSWORD", room[1]);
    logon->client_id =
        program_credential(logon->client_id, "MOCK_SAP_CLIENT_ID", room[2]);
    logon->client_secret =
        program_credential(logon->client_secret, "MOCK_SAP_CLIENT_SECRET", room[3]);
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    status = serve(&loop, &options);
    REQUIRE(uv_loop_close(&loop) == 0);
    return status;
}
