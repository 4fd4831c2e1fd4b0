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
    const char *tls_certificate, *tls_key, *client_certificate, *user_certificate;
    long tls_port;
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
    {"communication-user", required_argument, NULL, 'U'},
    {"communication-password", required_argument, NULL, 'W'},
    {"client-id", required_argument, NULL, 'i'},
    {"client-secret", required_argument, NULL, 'e'},
    {"destination-client-id", required_argument, NULL, 'D'},
    {"destination-client-secret", required_argument, NULL, 'E'},
    {"connectivity-client-id", required_argument, NULL, 'C'},
    {"connectivity-client-secret", required_argument, NULL, 'F'},
    {"ias-client-id", required_argument, NULL, 'I'},
    {"ias-client-secret", required_argument, NULL, 'J'},
    {"virtual-host", required_argument, NULL, 'V'},
    {"location-id", required_argument, NULL, 'L'},
    {"client-certificate", required_argument, NULL, 'X'},
    {"user-certificate", required_argument, NULL, 'Y'},
    {"tls-certificate", required_argument, NULL, 'T'},
    {"tls-key", required_argument, NULL, 'K'},
    {"tls-port", required_argument, NULL, 'P'},
    {"token-seconds", required_argument, NULL, 'k'},
    {"csrf-seconds", required_argument, NULL, 'f'},
    {"help", no_argument, NULL, '?'},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "mock-sap: OData V2 services of an S/4HANA system, and the token hosts and "
    "services "
    "of\n"
    "a BTP subaccount, in memory.\n"
    "\n"
    "  --host ADDRESS          ERP port's IPv4 address (127.0.0.1)\n"
    "  --port N                ERP port, 0: a free one (0)\n"
    "  --control-port N        control port, always on 127.0.0.1, 0: a free one (0)\n"
    "  --seed N                which company (1)\n"
    "  --today YYYY-MM-DD      the company's day (today)\n"
    "  --dialog-processes N    requests at work at once (10)\n"
    "  --queue-ms N            how long one waits for a process before 503 (5000)\n"
    "  --client NNN            SAP client of users with a password (100)\n"
    "  --user U --password P   technical user of that client; else random\n"
    "  --communication-user U --communication-password P   of S/4HANA Cloud, needs no\n"
    "                          client; else random\n"
    "  --client-id I --client-secret S   of the ERP's client of XSUAA; else random\n"
    "  --destination-client-id I --destination-client-secret S     the same of the\n"
    "  --connectivity-client-id I --connectivity-client-secret S   other services\n"
    "  --ias-client-id I --ias-client-secret S   and of the application in IAS\n"
    "  --virtual-host HOST:PORT   the system behind the proxy (s4.virtual:44300)\n"
    "  --location-id L         of the Cloud Connector; else it has none\n"
    "  --client-certificate FILE   PEM, bound to all these clients\n"
    "  --user-certificate FILE   PEM, of the communication user\n"
    "  --tls-certificate FILE --tls-key FILE   PEM: a second ERP port, with TLS, "
    "which\n"
    "                          asks clients for their certificates\n"
    "  --tls-port N            0: a free one (0)\n"
    "  --token-seconds N       life of an access token (43199)\n"
    "  --csrf-seconds N        life of a CSRF token (1800)\n"
    "  --help                  this text\n"
    "\n"
    "Prints one line of JSON with its URLs and credentials, then serves until "
    "SIGTERM.\n"
    "Control port: the calls every mock has, and those of the logons, token hosts,\n"
    "destinations and connector; see mocks/README.md.\n";

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

/* Options of the token hosts' other clients, and of TLS. */
static bool take_other(struct options *options, int name, const char *text)
{
    struct oauth_options *oauth = &options->sap.oauth;
    switch (name) {
    case 'U':
        return program_text(text,
                            &options->sap.logon.users.users[USER_COMMUNICATION].name);
    case 'W':
        return program_text(
            text, &options->sap.logon.users.users[USER_COMMUNICATION].password);
    case 'D':
        return program_text(text, &oauth->clients[FOR_DESTINATION].id);
    case 'E':
        return program_text(text, &oauth->clients[FOR_DESTINATION].secret);
    case 'C':
        return program_text(text, &oauth->clients[FOR_CONNECTIVITY].id);
    case 'F':
        return program_text(text, &oauth->clients[FOR_CONNECTIVITY].secret);
    case 'I':
        return program_text(text, &oauth->clients[CLIENT_IAS].id);
    case 'J':
        return program_text(text, &oauth->clients[CLIENT_IAS].secret);
    case 'V':
        return program_text(text, &options->sap.virtual_host);
    case 'L':
        return program_text(text, &options->sap.location_id);
    case 'X':
        return program_text(text, &options->client_certificate);
    case 'Y':
        return program_text(text, &options->user_certificate);
    case 'T':
        return program_text(text, &options->tls_certificate);
    case 'K':
        return program_text(text, &options->tls_key);
    case 'P':
        return program_number(text, 0, 65535, &options->tls_port);
    default:
        return false;
    }
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
        return program_text(text, &sap->logon.users.client);
    case 'u':
        return program_text(text, &sap->logon.users.users[USER_ON_PREMISE].name);
    case 'w':
        return program_text(text, &sap->logon.users.users[USER_ON_PREMISE].password);
    case 'i':
        return program_text(text, &sap->oauth.clients[FOR_ERP].id);
    case 'e':
        return program_text(text, &sap->oauth.clients[FOR_ERP].secret);
    case 'k':
        return program_number(text, 1, 1000000, &sap->oauth.token_seconds);
    case 'f':
        return program_number(text, 1, 1000000, &sap->logon.csrf_seconds);
    default:
        return take_other(options, name, text);
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
    if ((options->tls_certificate == NULL) != (options->tls_key == NULL)) {
        fprintf(stderr, "mock-sap: --tls-certificate and --tls-key go together\n");
        return 2;
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
    const struct program *program;
};

static json_t *client_json(const struct oauth_options *oauth, size_t client)
{
    return json_pack("{s:s, s:s}", "client_id", oauth->clients[client].id,
                     "client_secret", oauth->clients[client].secret);
}

static void set_url(json_t *object, const char *name, const char *root,
                    const char *path)
{
    char url[300];
    snprintf(url, sizeof url, "%s%s", root, path);
    json_object_set_new(object, name, json_string(url));
}

static json_t *on_ready(void *ctx, const char *url)
{
    const struct serving *serving = ctx;
    const struct users_options *users = &serving->options->sap.logon.users;
    const struct oauth_options *oauth = &serving->options->sap.oauth;
    const char *tls_url = serving->program->tls_url;
    sap_set_root(serving->sap, url, tls_url);
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:s}}", "username", users->users[USER_ON_PREMISE].name,
        "password", users->users[USER_ON_PREMISE].password, "client", users->client,
        "communication", "username", users->users[USER_COMMUNICATION].name, "password",
        users->users[USER_COMMUNICATION].password);
    set_url(line, "token_url", url, "/oauth/token");
    if (tls_url[0] != '\0') {
        set_url(line, "mtls_token_url", tls_url, "/oauth/token");
    }
    json_object_update_new(line, client_json(oauth, FOR_ERP));
    json_t *destination = client_json(oauth, FOR_DESTINATION);
    json_object_set_new(destination, "uri", json_string(url));
    json_object_set_new(line, "destination", destination);
    json_t *connectivity = client_json(oauth, FOR_CONNECTIVITY);
    json_object_set_new(connectivity, "onpremise_proxy_host",
                        json_string(serving->options->host));
    json_object_set_new(connectivity, "onpremise_proxy_http_port",
                        json_string(strrchr(url, ':') + 1));
    json_object_set_new(connectivity, "virtual_host",
                        json_string(serving->options->sap.virtual_host));
    json_object_set_new(connectivity, "location_id",
                        json_string(serving->options->sap.location_id));
    json_object_set_new(connectivity, "instance_guid",
                        json_string(oauth->instance_guid));
    json_object_set_new(line, "connectivity", connectivity);
    json_t *ias = client_json(oauth, CLIENT_IAS);
    json_object_set_new(ias, "app_tid", json_string(oauth->app_tid));
    json_object_set_new(ias, "provider", json_string(oauth->provider));
    set_url(ias, "token_url", url, "/oauth2/token");
    if (tls_url[0] != '\0') {
        set_url(ias, "mtls_token_url", tls_url, "/oauth2/token");
    }
    json_object_set_new(line, "ias", ias);
    return line;
}

static const char *bind_clients(struct sap *sap, struct slice pem)
{
    return oauth_bind_all(sap->oauth, pem);
}

static const char *bind_user(struct sap *sap, struct slice pem)
{
    return logon_bind_certificate(sap->logon, pem);
}

/* From the start; without a path nothing is bound. */
static bool bind_certificate(struct sap *sap, const char *option, const char *path,
                             const char *(*bind)(struct sap *sap, struct slice pem))
{
    if (path == NULL) {
        return true;
    }
    struct buf pem;
    buf_init(&pem, CERTIFICATES_PEM_BYTES_MAX);
    char *room = buf_reserve(&pem, CERTIFICATES_PEM_BYTES_MAX);
    REQUIRE(room != NULL);
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        buf_commit(&pem, fread(room, 1, CERTIFICATES_PEM_BYTES_MAX, file));
        fclose(file);
    }
    const char *why = bind(sap, buf_slice(&pem));
    buf_free(&pem);
    if (why != NULL) {
        fprintf(stderr, "mock-sap: %s: no readable PEM file\n", option);
    }
    return why == NULL;
}

static int serve(uv_loop_t *loop, const struct options *options)
{
    struct clock clock = clock_system();
    struct sap sap;
    struct serving serving = {&sap, options, NULL};
    sap_init(&sap, loop, &clock, &options->sap);
    struct program program = {.name = "mock-sap",
                              .loop = loop,
                              .engine = &sap.engine,
                              .control = &sap.control,
                              .host = options->host,
                              .port = options->port,
                              .control_port = options->control_port,
                              .tls_certificate = options->tls_certificate,
                              .tls_key = options->tls_key,
                              .tls_port = options->tls_port,
                              .on_ready = on_ready,
                              .ctx = &serving};
    serving.program = &program;
    bool served = bind_certificate(&sap, "--client-certificate",
                                   options->client_certificate, bind_clients) &&
                  bind_certificate(&sap, "--user-certificate",
                                   options->user_certificate, bind_user) &&
                  program_serve(&program);
    sap_free(&sap);
    return served ? 0 : 1;
}

#define OTHER_ROOM (4 + 2 * OAUTH_CLIENTS) /* of the communication user */

struct room {
    char text[OTHER_ROOM + 2][PROGRAM_SECRET_BYTES + 60];
};

/* Of the bindings' shape: the bytes that forms and Basic pairs have to encode are in. */
static void name_clients(struct oauth_options *oauth, struct room *room)
{
    static const char *const services[OAUTH_CLIENTS] = {"", "destination",
                                                        "connectivity", ""};
    char random[PROGRAM_SECRET_BYTES];
    for (size_t i = FOR_DESTINATION; i < OAUTH_CLIENTS; i++) {
        char *id = room->text[4 + 2 * i], *secret = room->text[5 + 2 * i];
        (void)program_credential(NULL, "", random);
        if (i == CLIENT_IAS) {
            snprintf(id, sizeof room->text[0], "%.8s-%.4s-%.4s-%.4s-%.12s", random,
                     random + 8, random + 12, random + 16, random + 20);
        } else {
            snprintf(id, sizeof room->text[0], "sb-clone-%.16s!b77|%s-xsappname!b9",
                     random, services[i]);
        }
        snprintf(secret, sizeof room->text[0], "%.16s+%.16s$%.16s=", random + 16,
                 random + 32, random + 48);
        oauth->clients[i].id = oauth->clients[i].id != NULL ? oauth->clients[i].id : id;
        oauth->clients[i].secret =
            oauth->clients[i].secret != NULL ? oauth->clients[i].secret : secret;
    }
}

int main(int argc, char **argv)
{
    struct clock clock = clock_system();
    struct room room;
    struct options options = {
        .host = "127.0.0.1",
        .sap = {.logon = {.users.client = "100", .csrf_seconds = 1800},
                .oauth = {.token_seconds = 43199,
                          .app_tid = "6f1c3c52-6f0f-4c5e-9c0e-3a3a5b0c7d11",
                          .instance_guid = "0d8d0f4e-51b0-4b0b-9d59-7b6c5b2f9a20",
                          .provider = "s4hana"},
                .virtual_host = "s4.virtual:44300",
                .location_id = "",
                .seed = 1,
                .today = clock_wall_ms(&clock) / 86400000,
                .dialog_processes = 10,
                .queue_ms = 5000}};
    int status = read_options(&options, argc, argv);
    if (status >= 0) {
        return status;
    }
    struct users_options *users = &options.sap.logon.users;
    struct oauth_options *oauth = &options.sap.oauth;
    users->users[USER_ON_PREMISE].name = program_credential(
        users->users[USER_ON_PREMISE].name, "MOCK_SAP_USER", room.text[0]);
    users->users[USER_ON_PREMISE].password = program_credential(
        users->users[USER_ON_PREMISE].password, "MOCK_SAP_PASSWORD", room.text[1]);
    users->users[USER_COMMUNICATION].name =
        program_credential(users->users[USER_COMMUNICATION].name,
                           "MOCK_SAP_COMMUNICATION_USER", room.text[OTHER_ROOM]);
    users->users[USER_COMMUNICATION].password = program_credential(
        users->users[USER_COMMUNICATION].password, "MOCK_SAP_COMMUNICATION_PASSWORD",
        room.text[OTHER_ROOM + 1]);
    oauth->clients[FOR_ERP].id = program_credential(oauth->clients[FOR_ERP].id,
                                                    "MOCK_SAP_CLIENT_ID", room.text[2]);
    oauth->clients[FOR_ERP].secret = program_credential(
        oauth->clients[FOR_ERP].secret, "MOCK_SAP_CLIENT_SECRET", room.text[3]);
    name_clients(oauth, &room);
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    status = serve(&loop, &options);
    REQUIRE(uv_loop_close(&loop) == 0);
    return status;
}
