/* SPDX-License-Identifier: Apache-2.0 */
/* The ERP's port is for callers, the control port for tests: it is always a loopback
 * one. */
#include "mocks/common/program.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/require.h"

#define TEXT_BYTES_MAX 200

bool program_number(const char *text, long low, long high, long *out)
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

bool program_text(const char *text, const char **out)
{
    *out = text;
    return *text != '\0' && strlen(text) <= TEXT_BYTES_MAX;
}

const char *program_credential(const char *given, const char *variable, char *room)
{
    unsigned char random[(PROGRAM_SECRET_BYTES - 1) / 2];
    const char *set = getenv(variable);

    if (given != NULL) {
        return given;
    }
    if (set != NULL && *set != '\0') {
        return set;
    }
    REQUIRE(RAND_bytes(random, (int)sizeof random) == 1);
    for (size_t i = 0; i < sizeof random; i++) {
        snprintf(room + i * 2, 3, "%02x", random[i]);
    }
    return room;
}

/* Takes `own`. */
static void announce(const struct program *program, int port, int control_port)
{
    char url[PROGRAM_URL_BYTES], control_url[64];
    snprintf(url, sizeof url, "http://%s:%d", program->host, port);
    snprintf(control_url, sizeof control_url, "http://127.0.0.1:%d", control_port);
    json_t *line =
        json_pack("{s:s, s:s, s:s, s:I}", "mock", program->name + sizeof "mock-" - 1,
                  "url", url, "control_url", control_url, "pid", (json_int_t)getpid());
    REQUIRE(line != NULL);
    if (program->tls_url[0] != '\0') {
        json_object_set_new(line, "tls_url", json_string(program->tls_url));
    }
    REQUIRE(json_object_update_new(line, program->on_ready(program->ctx, url)) == 0);
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

static int listen_or_say(const struct program *program, struct http_server *server,
                         const char *host, long port)
{
    int bound = http_server_listen(server, host, (int)port);
    if (bound < 0) {
        fprintf(stderr, "%s: cannot listen on %s port %ld: %s\n", program->name, host,
                port, uv_strerror(bound));
    }
    return bound;
}

/* The TLS port, when the program has one. False: it cannot; the reason was said. */
static bool listen_tls(struct program *program, struct http_server *server,
                       struct tls_port **tls)
{
    const char *why = NULL;
    if (program->tls_certificate == NULL) {
        return true;
    }
    *tls = tls_port_new(program->tls_certificate, program->tls_key, &why);
    if (*tls == NULL) {
        fprintf(stderr, "%s: %s\n", program->name, why);
        return false;
    }
    http_server_use_tls(server, *tls);
    int port = listen_or_say(program, server, program->host, program->tls_port);
    snprintf(program->tls_url, sizeof program->tls_url, "https://%s:%d", program->host,
             port);
    return port >= 0;
}

bool program_serve(struct program *program)
{
    struct http_server *erp =
        http_server_new(program->loop, engine_on_request, program->engine);
    struct http_server *secure =
        http_server_new(program->loop, engine_on_request, program->engine);
    struct http_server *control =
        http_server_new(program->loop, control_on_request, program->control);
    struct tls_port *tls = NULL;
    uv_signal_t signals[2];
    (void)signal(SIGPIPE, SIG_IGN);
    start_signal(program->loop, &signals[0], SIGTERM);
    start_signal(program->loop, &signals[1], SIGINT);
    int port = listen_or_say(program, erp, program->host, program->port);
    int control_port =
        port < 0 ? port
                 : listen_or_say(program, control, "127.0.0.1", program->control_port);
    bool ready = port >= 0 && control_port >= 0 && listen_tls(program, secure, &tls);
    if (ready) {
        announce(program, port, control_port);
        uv_run(program->loop, UV_RUN_DEFAULT);
    }
    engine_stop(program->engine);
    http_server_close(erp);
    http_server_close(secure);
    http_server_close(control);
    uv_close((uv_handle_t *)&signals[0], NULL);
    uv_close((uv_handle_t *)&signals[1], NULL);
    uv_run(program->loop, UV_RUN_DEFAULT);
    tls_port_free(tls);
    return ready;
}
