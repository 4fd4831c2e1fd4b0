/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the last requests the ERP port received, so that a test can prove what was
 * sent. Owns: up to 2,000 entries, in memory only. Threads: one owner at a time.
 * Errors: none; bodies are cut at 16 KiB.
 * Start reading at: history_add.
 */
#ifndef SLUICE_MOCKS_COMMON_HISTORY_H
#define SLUICE_MOCKS_COMMON_HISTORY_H

#include <stdint.h>

#include "base/buf.h"
#include "mocks/common/http.h"

struct history;

struct history *history_new(void);
void history_free(struct history *history);

/* Borrows `request`. Returns the number under which its status can be given later. */
uint64_t history_add(struct history *history, const struct http_request *request);
void history_status(struct history *history, uint64_t number, int status);
void history_clear(struct history *history);

/* {"requests":[…]}, oldest first, the last `count` of them. */
void history_write(const struct history *history, size_t count, struct buf *out);

/* {"path":n,…} over everything since the last clear, at most 500 paths. */
void history_write_paths(const struct history *history, struct buf *out);

#endif
