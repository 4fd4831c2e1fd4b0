/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what every mock is as a program: options, credentials by chance, the line of
 * JSON that says where it is, its listeners, signals. Owns: nothing beyond a call.
 * Threads: the loop's. Errors: false; what is wrong was said on the standard error
 * stream. Start reading at: program_serve.
 */
#ifndef SLUICE_MOCKS_COMMON_PROGRAM_H
#define SLUICE_MOCKS_COMMON_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>

#include "mocks/common/control.h"

#define PROGRAM_SECRET_BYTES 65 /* 64 hex digits and NUL */
#define PROGRAM_URL_BYTES 220

/* Values of options; false for one outside its range. */
bool program_number(const char *text, long low, long high, long *out);
bool program_text(const char *text, const char **out);

/* What was given, else the environment's, else random hex in `room` (of
 * PROGRAM_SECRET_BYTES). */
const char *program_credential(const char *given, const char *variable, char *room);

struct program {
    const char *name; /* "mock-sap" */
    uv_loop_t *loop;
    struct engine *engine;
    struct control *control;
    const char *host;
    long port, control_port; /* 0: free ones */
    /* A second ERP port, for TLS: PEM files (tls.h). NULL: there is none. */
    const char *tls_certificate, *tls_key;
    long tls_port;
    char tls_url[PROGRAM_URL_BYTES]; /* filled in before on_ready; empty without TLS */
    /* All listen: the members of its own that the line shall have, beside mock, url,
     * tls_url (when there is one), control_url and pid. */
    json_t *(*on_ready)(void *ctx, const char *url);
    void *ctx;
};

/* Serves until SIGTERM or SIGINT; false when it could not listen. Stops the engine. */
bool program_serve(struct program *program);

#endif
