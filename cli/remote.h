/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: questions to a running server through its management API. Commands send what the API
 * takes and print what it answers, so there is nothing to learn twice.
 * Owns: an errand lives in the arena it was begun with.
 * Threads: the main thread.
 * Errors: a sentence on stderr, or the server's error on stdout; then an exit code.
 * Start reading at: remote_begin.
 */
#ifndef SLUICE_CLI_REMOTE_H
#define SLUICE_CLI_REMOTE_H

#include "base/jwriter.h"
#include "cli/command.h"
#include "io/http_client.h"

struct errand {
    struct arena *arena;
    const struct config *config;
    const struct command_line *line;
    struct slice base, token; /* of the server: its URL; the API token */
    struct slice *reply;      /* takes what was answered; NULL: it is printed */
    int code;
};

/* Finds address and API token (which it takes out of the environment); NULL after a
 * sentence. Keeps all. */
struct errand *remote_begin(struct arena *arena, const struct config *config,
                            const struct command_line *line);
/* 0 and what was answered, or 1. Without a body. */
int remote_ask(struct errand *errand, struct slice method, struct slice path,
               struct slice *reply);
/* Prints the answer; the exit code. `body` empty: none. */
int remote_run(struct errand *errand, struct slice method, struct slice path,
               struct slice body);

/* A way to the server, for who waits for more than one answer. */
struct remote_way {
    struct net_policy *policy;
    struct http_client *client;
};
/* False after a sentence. */
MUST_USE bool remote_open(struct errand *errand, struct loop *loop,
                          struct remote_way *out);
void remote_close(struct remote_way *way); /* not from a callback of a transfer */
/* `what` without URL and fields, which the errand knows. */
void remote_send(struct errand *errand, const struct remote_way *way,
                 struct http_send *what, struct slice path,
                 const struct http_transfer_handlers *handlers);
/* What a server answered, as it is to be read. */
void remote_print(struct slice body);

/* The n-th word, encoded for a path; empty: there is none. In the errand's arena. */
struct slice remote_word(const struct errand *errand, size_t n);
bool remote_verb_is(const struct command_line *line, const char *verb, size_t words);
int remote_usage(const char *text); /* 2, for return statements */

/* What --file names; false after a sentence. In the errand's arena. */
MUST_USE bool remote_body(struct errand *errand, struct slice *out);
/* An array of the texts of a flag with commas between; nothing without the flag. */
void remote_write_list(struct jwriter *writer, const struct command_line *line,
                       const char *name);
/* --ceiling as JSON; false after a sentence. */
MUST_USE bool remote_ceiling(struct errand *errand, struct slice *out);
/* POST with --overlap-seconds; the exit code. */
int remote_rotate(struct errand *errand, struct slice path);

#endif
