/* SPDX-License-Identifier: Apache-2.0 */
/* mock-netsuite: its options. What every mock does is in program.c, everything else
 * behind netsuite_init. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/require.h"
#include "mocks/common/program.h"
#include "mocks/netsuite/dates.h"
#include "mocks/netsuite/netsuite.h"

struct options {
    const char *host;
    long port, control_port, concurrency, lockout_seconds;
    unsigned long long seed;
    const char *account_id;
    const char *consumer_key, *consumer_secret, *token_id, *token_secret;
    int64_t today;
};

enum option_name {
    OPT_HOST = 1,
    OPT_PORT,
    OPT_CONTROL_PORT,
    OPT_SEED,
    OPT_CONCURRENCY,
    OPT_ACCOUNT_ID,
    OPT_CONSUMER_KEY,
    OPT_CONSUMER_SECRET,
    OPT_TOKEN_ID,
    OPT_TOKEN_SECRET,
    OPT_LOCKOUT,
    OPT_TODAY,
    OPT_HELP
};

static const struct option long_options[] = {
    {"host", required_argument, NULL, OPT_HOST},
    {"port", required_argument, NULL, OPT_PORT},
    {"control-port", required_argument, NULL, OPT_CONTROL_PORT},
    {"seed", required_argument, NULL, OPT_SEED},
    {"concurrency", required_argument, NULL, OPT_CONCURRENCY},
    {"account-id", required_argument, NULL, OPT_ACCOUNT_ID},
    {"consumer-key", required_argument, NULL, OPT_CONSUMER_KEY},
    {"consumer-secret", required_argument, NULL, OPT_CONSUMER_SECRET},
    {"token-id", required_argument, NULL, OPT_TOKEN_ID},
    {"token-secret", required_argument, NULL, OPT_TOKEN_SECRET},
    {"lockout-seconds", required_argument, NULL, OPT_LOCKOUT},
    {"today", required_argument, NULL, OPT_TODAY},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char usage[] =
    "mock-netsuite: a NetSuite account for tests and demos, in memory.\n"
    "\n"
    "  --host ADDRESS        ERP port's IPv4 address (127.0.0.1)\n"
    "  --port N              ERP port, 0: a free one (0)\n"
    "  --control-port N      control port, always on 127.0.0.1, 0: a free one (0)\n"
    "  --seed N              which company (1)\n"
    "  --today YYYY-MM-DD    the company's day; due dates are relative to it (today)\n"
    "  --concurrency N       requests the account answers at once (15)\n"
    "  --account-id ID       canonical account id, upper case (TSTDRV1234567)\n"
    "  --consumer-key K --consumer-secret S --token-id T --token-secret U\n"
    "                        credentials; else MOCK_NETSUITE_CONSUMER_KEY, "
    "_CONSUMER_SECRET,\n"
    "                        _TOKEN_ID, _TOKEN_SECRET; else random ones\n"
    "  --lockout-seconds N   how long five failed logins lock a token (1800)\n"
    "  --help                this text\n"
    "\n"
    "Prints one line of JSON with its URLs and credentials, then serves until "
    "SIGTERM.\n"
    "Control port: GET /stats, POST /reset, PUT /limits,\n"
    "PUT /latency, PUT /clock, POST and DELETE /faults, POST /accounts, GET "
    "/last?n=100;\n"
    "GET /logins; OAuth 2.0: POST /integrations, POST and DELETE /certificates,\n"
    "PUT /oauth2, GET and DELETE /grants, POST /tokens/expire (mocks/README.md).\n";

static bool read_seed(const char *text, unsigned long long *out)
{
    return slice_to_u64(slice_str(text), out);
}

static bool read_day(const char *text, int64_t *out)
{
    struct moment moment;
    if (strlen(text) != 10 || text[4] != '-' ||
        !dates_parse(slice_str(text), &moment)) {
        return false;
    }
    *out = moment.day;
    return true;
}

static bool take_option(struct options *options, int name, const char *text)
{
    switch (name) {
    case OPT_HOST:
        return program_text(text, &options->host);
    case OPT_PORT:
        return program_number(text, 0, 65535, &options->port);
    case OPT_CONTROL_PORT:
        return program_number(text, 0, 65535, &options->control_port);
    case OPT_SEED:
        return read_seed(text, &options->seed);
    case OPT_CONCURRENCY:
        return program_number(text, 0, 1000000, &options->concurrency);
    case OPT_ACCOUNT_ID:
        return program_text(text, &options->account_id);
    case OPT_CONSUMER_KEY:
        return program_text(text, &options->consumer_key);
    case OPT_CONSUMER_SECRET:
        return program_text(text, &options->consumer_secret);
    case OPT_TOKEN_ID:
        return program_text(text, &options->token_id);
    case OPT_TOKEN_SECRET:
        return program_text(text, &options->token_secret);
    case OPT_LOCKOUT:
        return program_number(text, 0, 10000000, &options->lockout_seconds);
    case OPT_TODAY:
        return read_day(text, &options->today);
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
        if (name == OPT_HELP) {
            fputs(usage, stdout);
            return 0;
        }
        if (name == '?') {
            return 2; /* getopt has said which */
        }
        if (!take_option(options, name, optarg)) {
            fprintf(stderr, "mock-netsuite: --%s: not a value it takes; see --help\n",
                    long_options[index].name);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "mock-netsuite: unexpected argument; see --help\n");
        return 2;
    }
    return -1;
}

static bool add_credentials(struct netsuite *netsuite, struct options *options,
                            char room[4][PROGRAM_SECRET_BYTES])
{
    options->consumer_key = program_credential(options->consumer_key,
                                               "MOCK_NETSUITE_CONSUMER_KEY", room[0]);
    options->consumer_secret = program_credential(
        options->consumer_secret, "MOCK_NETSUITE_CONSUMER_SECRET", room[1]);
    options->token_id =
        program_credential(options->token_id, "MOCK_NETSUITE_TOKEN_ID", room[2]);
    options->token_secret = program_credential(options->token_secret,
                                               "MOCK_NETSUITE_TOKEN_SECRET", room[3]);
    struct oauth_identity identity = {
        slice_str(options->account_id), slice_str(options->consumer_key),
        slice_str(options->consumer_secret), slice_str(options->token_id),
        slice_str(options->token_secret)};
    (void)gate_lane(&netsuite->engine.gate, identity.account_id);
    return oauth_add(netsuite->oauth, &identity);
}

static json_t *on_ready(void *ctx, const char *url)
{
    const struct options *options = ctx;
    (void)url;
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "account_id", options->account_id,
                     "consumer_key", options->consumer_key, "consumer_secret",
                     options->consumer_secret, "token_id", options->token_id,
                     "token_secret", options->token_secret);
}

static int serve(uv_loop_t *loop, struct options *options)
{
    struct clock clock = clock_system();
    struct netsuite netsuite;
    char room[4][PROGRAM_SECRET_BYTES];
    const struct netsuite_setting setting = {.account_id = options->account_id,
                                             .today = options->today,
                                             .seed = options->seed,
                                             .concurrency = (int)options->concurrency,
                                             .lockout_seconds =
                                                 (int)options->lockout_seconds};
    netsuite_init(&netsuite, loop, &clock, &setting);
    REQUIRE(add_credentials(&netsuite, options, room)); /* the first always fits */
    struct program program = {.name = "mock-netsuite",
                              .loop = loop,
                              .engine = &netsuite.engine,
                              .control = &netsuite.control,
                              .host = options->host,
                              .port = options->port,
                              .control_port = options->control_port,
                              .on_ready = on_ready,
                              .ctx = options};
    bool served = program_serve(&program);
    netsuite_free(&netsuite);
    return served ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct clock clock = clock_system();
    struct options options = {.host = "127.0.0.1",
                              .concurrency = 15,
                              .lockout_seconds = 1800,
                              .seed = 1,
                              .account_id = "TSTDRV1234567",
                              .today = clock_wall_ms(&clock) / 86400000};
    int status = read_options(&options, argc, argv);
    if (status >= 0) {
        return status;
    }
    uv_loop_t loop;
    REQUIRE(uv_loop_init(&loop) == 0);
    status = serve(&loop, &options);
    REQUIRE(uv_loop_close(&loop) == 0);
    return status;
}
