/* SPDX-License-Identifier: Apache-2.0 */
/* mock-sap: options, sockets, signals. Everything else is behind sap_init. */
#include <errno.h>
#include <getopt.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/require.h"
#include "mocks/sap/sap.h"

#define SECRET_BYTES 33

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

static bool read_number(const char *text, long low, long high, long *out)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < low || number > high) {
        return false;
    }
    *out = number;
    return true;
}

static bool read_int(const char *text, long low, long high, int *out)
{
    long number = 0;
    bool ok = read_number(text, low, high, &number);
    *out = (int)number;
    return ok;
}

static bool read_text(const char *text, const char **out)
{
    *out = text;
    return *text != '\0' && strlen(text) <= 200;
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
        return read_text(text, &options->host);
    case 'p':
        return read_number(text, 0, 65535, &options->port);
    case 'c':
        return read_number(text, 0, 65535, &options->control_port);
    case 's':
        sap->seed = read_number(text, 0, 1000000000, &number) ? (uint64_t)number : 0;
        return sap->seed == (uint64_t)number;
    case 't':
        return read_day(text, &sap->today);
    case 'd':
        return read_int(text, 1, 1000000, &sap->dialog_processes);
    case 'q':
        return read_int(text, 0, 600000, &sap->queue_ms);
    case 'm':
        return read_text(text, &sap->logon.client);
    case 'u':
        return read_text(text, &sap->logon.username);
    case 'w':
        return read_text(text, &sap->logon.password);
    case 'i':
        return read_text(text, &sap->logon.client_id);
    case 'e':
        return read_text(text, &sap->logon.client_secret);
    case 'k':
        return read_number(text, 1, 1000000, &sap->logon.token_seconds);
    case 'f':
        return read_number(text, 1, 1000000, &sap->logon.csrf_seconds);
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

/* From the option, the environment, or chance. `room` holds SECRET_BYTES. */
static void fill_credential(const char **place, const char *variable, char *room)
{
    const char *set = getenv(variable);
    unsigned char random[(SECRET_BYTES - 1) / 2];
    if (*place != NULL) {
        return;
    }
    if (set != NULL && *set != '\0') {
        *place = set;
        return;
    }
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(room + i * 2, 3, "%02x", random[i]);
    }
    *place = room;
}

static void announce(const struct options *options, const char *url, int control_port)
{
    char control_url[64], token_url[300];
    const struct logon_options *logon = &options->sap.logon;
    snprintf(control_url, sizeof control_url, "http://127.0.0.1:%d", control_port);
    snprintf(token_url, sizeof token_url, "%s/oauth/token", url);
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "mock", "sap",
                  "url", url, "control_url", control_url, "token_url", token_url,
                  "client_id", logon->client_id, "client_secret", logon->client_secret,
                  "username", logon->username, "password", logon->password, "client",
                  logon->client, "pid", (json_int_t)getpid());
    REQUIRE(line != NULL);
    char *text = json_dumps(line, JSON_COMPACT);
    REQUIRE(text != NULL);
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_decref(line);
}

static void on_signal(uv_signal_t *handle, int number)
{
    (void)number;
    uv_stop(handle->loop);
}

static void start_signal(uv_loop_t *loop, uv_signal_t *handle, int number)
{
    REQUIRE(uv_signal_init(loop, handle) == 0);
    REQUIRE(uv_signal_start(handle, on_signal, number) == 0);
}

static int serve(uv_loop_t *loop, const struct options *options)
{
    struct clock clock = clock_system();
    struct sap sap;
    char url[200];
    sap_init(&sap, loop, &clock, &options->sap);
    struct http_server *erp = http_server_new(loop, engine_on_request, &sap.engine);
    struct http_server *control =
        http_server_new(loop, control_on_request, &sap.control);
    uv_signal_t signals[2];
    start_signal(loop, &signals[0], SIGTERM);
    start_signal(loop, &signals[1], SIGINT);
    int port = http_server_listen(erp, options->host, (int)options->port);
    int control_port =
        http_server_listen(control, "127.0.0.1", (int)options->control_port);
    bool ready = port >= 0 && control_port >= 0;
    if (ready) {
        snprintf(url, sizeof url, "http://%s:%d", options->host, port);
        sap_set_root(&sap, url);
        announce(options, url, control_port);
        uv_run(loop, UV_RUN_DEFAULT);
    } else {
        fprintf(stderr, "mock-sap: cannot listen: %s\n",
                uv_strerror(port < 0 ? port : control_port));
    }
    engine_stop(&sap.engine);
    http_server_close(erp);
    http_server_close(control);
    uv_close((uv_handle_t *)&signals[0], NULL);
    uv_close((uv_handle_t *)&signals[1], NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    sap_free(&sap);
    return ready ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct clock clock = clock_system();
    char room[4][SECRET_BYTES];
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
    fill_credential(&logon->username, "MOCK_SAP_USER", room[0]);
    fill_credential(&logon->password, "MOCK_SAP_PASSWORD", room[1]);
    fill_credential(&logon->client_id, "MOCK_SAP_CLIENT_ID", room[2]);
    fill_credential(&logon->client_secret, "MOCK_SAP_CLIENT_SECRET", room[3]);
    (void)signal(SIGPIPE, SIG_IGN);
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    status = serve(&loop, &options);
    REQUIRE(uv_loop_close(&loop) == 0);
    return status;
}
