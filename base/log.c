/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is built in a fixed buffer on the stack and written with one write(2). A field
 * that does not fit is left out whole, so that every line is valid JSON.
 */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/digits.h"
#include "base/timefmt.h"

#define LINE_BYTES 2048
#define ID_BYTES 48
#define PATH_BYTES 255
#define WORD_BYTES 160
#define PATH_HEX_RUN 48 /* so many hex digits in a row are a token, not a name */

struct line {
    char bytes[LINE_BYTES];
    size_t len;
};

#define KEY_NAME(name) [LOG_KEY_##name] = #name,
static const char *const key_names[LOG_KEY_COUNT] = {LOG_KEY_MAP(KEY_NAME)};
#undef KEY_NAME

static const char *const level_names[] = {[LOG_DEBUG] = "debug",
                                          [LOG_INFO] = "info",
                                          [LOG_WARN] = "warn",
                                          [LOG_ERROR] = "error"};
#define LEVEL_COUNT (sizeof(level_names) / sizeof(level_names[0]))

static bool is_alnum(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z');
}

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'F') ||
           (byte >= 'a' && byte <= 'f');
}

static bool is_made_of(struct slice text, const char *marks)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_alnum(text.ptr[i]) && slice_find(slice_str(marks), text.ptr[i]) < 0) {
            return false;
        }
    }
    return true;
}

static bool has_token(struct slice path)
{
    size_t run = 0;

    for (size_t i = 0; i < path.len; i++) {
        run = is_hex(path.ptr[i]) ? run + 1 : 0;
        if (run == PATH_HEX_RUN) {
            return true;
        }
    }
    return false;
}

static bool is_id(struct slice text)
{
    return text.len > 0 && text.len <= ID_BYTES && is_made_of(text, "_.:-");
}

static bool is_path(struct slice text)
{
    return text.len <= PATH_BYTES && is_made_of(text, "_./~-") && !has_token(text);
}

static bool is_word(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\') {
            return false;
        }
    }
    return text.len <= WORD_BYTES;
}

static void put(struct line *line, struct slice text)
{
    /* Past the end only the length goes on, so that the caller sees it and cuts. */
    if (line->len + text.len <= LINE_BYTES) {
        memcpy(line->bytes + line->len, text.ptr, text.len);
    }
    line->len += text.len;
}

static void put_text(struct line *line, const char *name, struct slice text,
                     bool allowed)
{
    put(line, SLICE(",\""));
    put(line, slice_str(name));
    put(line, SLICE("\":\""));
    put(line, allowed ? text : SLICE("?"));
    put(line, SLICE("\""));
}

static void put_number(struct line *line, const char *name, int64_t number)
{
    char digits[DIGITS_BYTES];

    put(line, SLICE(",\""));
    put(line, slice_str(name));
    put(line, SLICE("\":"));
    put(line, digits_of(number, digits));
}

static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;
    const char *name =
        (unsigned)field->key < LOG_KEY_COUNT ? key_names[field->key] : "?";

    switch (field->kind) {
    case LOG_KIND_INT:
        put_number(line, name, field->number);
        break;
    case LOG_KIND_WORD:
        put_text(line, name, field->text, is_word(field->text));
        break;
    case LOG_KIND_ID:
        put_text(line, name, field->text, is_id(field->text));
        break;
    case LOG_KIND_PATH:
        put_text(line, name, field->text, is_path(field->text));
        break;
    case LOG_KIND_END:
        break;
    }
    if (line->len > LINE_BYTES - 2) { /* the closing brace and the line feed */
        line->len = before;
    }
}

/* {"time":"…Z" with milliseconds. */
static void put_time(struct line *line, int64_t wall_ms)
{
    char time[TIMEFMT_BYTES];
    char fraction[DIGITS_BYTES];
    int64_t ms = (wall_ms % 1000 + 1000) % 1000;

    timefmt_utc(wall_ms, time);
    put(line, SLICE("{\"time\":\""));
    put(line, slice_of(time, TIMEFMT_BYTES - 2)); /* without its Z */
    put(line, SLICE("."));
    put(line, slice_from(digits_of(1000 + ms, fraction), 1)); /* three of them */
    put(line, SLICE("Z\""));
}

static void write_lines(const struct log *log, struct slice bytes, unsigned lines)
{
    ssize_t written;
    int before = errno;

    do {
        written = write(log->fd, bytes.ptr, bytes.len);
    } while (written < 0 && errno == EINTR);
    /* A rest is not sent after: another thread's line could come between. */
    if ((written < 0 || (size_t)written != bytes.len) && log->dropped != NULL) {
        (void)atomic_fetch_add_explicit(log->dropped, lines, memory_order_relaxed);
    }
    errno = before;
}

/* False: the line is below the level. */
static bool make_line(const struct log *log, enum log_level level, const char *event,
                      const struct log_field *fields, struct line *line)
{
    if (level < log->level || (unsigned)level >= LEVEL_COUNT) {
        return false;
    }
    line->len = 0;
    put_time(line, clock_wall_ms(log->clock));
    put_text(line, "level", slice_str(level_names[level]), true);
    put_text(line, "event", slice_str(event), is_word(slice_str(event)));
    for (const struct log_field *field = fields; field->kind != LOG_KIND_END; field++) {
        put_field(line, field);
    }
    put(line, SLICE("}\n"));
    return true;
}

void log_write(const struct log *log, enum log_level level, const char *event,
               const struct log_field *fields)
{
    struct line line;

    if (make_line(log, level, event, fields, &line)) {
        write_lines(log, slice_of(line.bytes, line.len), 1);
    }
}

void log_flush(const struct log *log, struct log_page *page)
{
    if (page->len > 0) {
        write_lines(log, slice_of(page->bytes, page->len), page->lines);
    }
    page->len = 0;
    page->lines = 0;
}

void log_keep_line(const struct log *log, struct log_page *page, enum log_level level,
                   const char *event, const struct log_field *fields)
{
    struct line line;

    if (!make_line(log, level, event, fields, &line)) {
        return;
    }
    if (line.len > LOG_PAGE_BYTES - page->len) {
        log_flush(log, page);
    }
    memcpy(page->bytes + page->len, line.bytes, line.len);
    page->len += line.len;
    page->lines++;
}

int log_level_parse(struct slice word, enum log_level *level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (slice_is(word, level_names[i])) {
            *level = (enum log_level)i;
            return 1;
        }
    }
    return 0;
}
