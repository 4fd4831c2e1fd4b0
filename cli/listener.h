/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: how the server may be reached: which addresses without TLS, the certificate and its
 *          reloads, and room for that many connections.
 * Owns: the certificate and key.
 * Threads: the loop's.
 * Errors: a sentence on stderr and an exit code, as the commands have them; while the server runs,
 *         a line in the log.
 * Start reading at: listener_prepare.
 */
#ifndef SLUICE_CLI_LISTENER_H
#define SLUICE_CLI_LISTENER_H

#include "base/log.h"
#include "cli/config.h"
#include "io/loop.h"
#include "io/tls.h"

struct listener;

/* 0, or an exit code after telling. Keeps `config` and `log`. `insecure`: plain HTTP may be
 * spoken on any address. */
int listener_prepare(const struct config *config, bool insecure, const struct log *log,
                     struct arena *arena, struct listener **out);
void listener_free(struct listener *listener); /* accepts NULL */

/* NULL: plain HTTP. Lends until listener_free. */
struct tls *listener_tls(const struct listener *listener);

/* Reads the pair again when its files change. */
void listener_watch(struct listener *listener, struct loop *loop);
/* Reads the pair again; nothing without TLS. */
void listener_reload(struct listener *listener);

#endif
