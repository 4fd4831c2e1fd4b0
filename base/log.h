/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: one structured JSON line per event, whose fields cannot carry payload.
 * Owns: nothing but the descriptor number it writes to.
 * Threads: any; one write(2) a line, or for all that a page holds. A page has one owner.
 * Errors: a line that cannot be written is dropped and counted.
 * Start reading at: log_event. Every key and every event is a name in a table below, and every
 *         value is a number, a literal of the program, or an identifier that passed a character
 *         and length check (a 64 digit URL token does not pass). There is no "%s".
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* clang-format off */
#define LOG_KEY_MAP(X)                                                                   \
    X(account) X(attempt) X(bytes_in) X(bytes_out) X(cause) X(ceiling) X(code) X(count) X(days_left)  \
    X(duration_us) X(environment) X(errno_code) X(event_id) X(fallbacks) X(file) X(host) X(http_status) X(in_flight)  \
    X(integration) X(key_id) X(lane) X(line) X(mcp_server) X(memlock_kib) X(method) X(outcome) X(pid) X(pointer)  \
    X(port) X(protocol) X(queue_depth) X(reason) X(remedy) X(request_id) X(role) X(route)          \
    X(rpc_method) X(signal) X(since) X(slot_us) X(state) X(subject) X(tenant) X(token_id) X(tool) X(until)            \
    X(upstream_status) X(upstream_us) X(version) X(wait_us) X(way)
/* clang-format on */

#define LOG_KEY_ENUM(name) LOG_KEY_##name,
enum log_key { LOG_KEY_MAP(LOG_KEY_ENUM) LOG_KEY_COUNT };

enum log_kind { LOG_KIND_END, LOG_KIND_INT, LOG_KIND_WORD, LOG_KIND_ID, LOG_KIND_PATH };

struct log_field {
    enum log_kind kind;
    enum log_key key;
    int64_t number;
    struct slice text;
};

/* A number. */
#define LOG_INT(key, value) \
    ((struct log_field){LOG_KIND_INT, LOG_KEY_##key, (int64_t)(value), SLICE_EMPTY})
/* A literal of the program, and nothing else: "" in front refuses variables. */
#define LOG_WORD(key, literal) \
    ((struct log_field){LOG_KIND_WORD, LOG_KEY_##key, 0, SLICE(literal)})
/* A name out of a static table of the program (an enum's name): same check as LOG_ID. */
#define LOG_NAME(key, text) \
    ((struct log_field){LOG_KIND_ID, LOG_KEY_##key, 0, slice_str(text)})
/* An identifier of ours: [A-Za-z0-9_.:-], at most 48 bytes; anything else is written "?". */
#define LOG_ID(key, slice) ((struct log_field){LOG_KIND_ID, LOG_KEY_##key, 0, (slice)})
/* A path or JSON Pointer from the operator's own files: [A-Za-z0-9_./~-], 255 bytes at most. */
#define LOG_PATH(key, slice) \
    ((struct log_field){LOG_KIND_PATH, LOG_KEY_##key, 0, (slice)})

struct log {
    int fd;
    enum log_level level; /* lines below it are dropped */
    const struct clock *clock;
    atomic_ullong *dropped; /* lines that could not be written; may be NULL */
};

/* At least one field. Writes {"time":…,"level":…,"event":…,fields…}\n. `event` is a literal. */
#define log_event(log, level, event, ...) \
    log_write((log), (level), "" event, (const struct log_field[]){__VA_ARGS__, {0}})

void log_write(const struct log *log, enum log_level level, const char *event,
               const struct log_field *fields);

/* What a pipe takes in one piece (PIPE_BUF), so that no other thread's line comes between. */
#define LOG_PAGE_BYTES 4096

/* Lines that are written together; zeroed: none. */
struct log_page {
    unsigned lines;
    size_t len;
    char bytes[LOG_PAGE_BYTES];
};

/* As log_event; the line stays on the page until log_flush, or until there is no room. */
#define log_keep(log, page, level, event, ...)      \
    log_keep_line((log), (page), (level), "" event, \
                  (const struct log_field[]){__VA_ARGS__, {0}})

void log_keep_line(const struct log *log, struct log_page *page, enum log_level level,
                   const char *event, const struct log_field *fields);
void log_flush(const struct log *log, struct log_page *page);

/* "debug", "info", "warn", "error"; false for another word. */
int log_level_parse(struct slice word, enum log_level *level);

#endif
