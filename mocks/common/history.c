/* SPDX-License-Identifier: Apache-2.0 */
/* The last requests the ERP port received. */
#include "mocks/common/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "mocks/common/json_out.h"

#define MAX_ENTRIES 2000
#define MAX_BODY ((size_t)16 * 1024)
#define MAX_TARGET ((size_t)8 * 1024)
#define MAX_PATHS 500

struct entry {
    char *bytes; /* method, target and body, one after the other */
    size_t method_len, target_len, body_len;
    int status; /* 0: not answered yet, or the connection was dropped */
};

struct history {
    struct entry entries[MAX_ENTRIES];
    uint64_t first;    /* number of the oldest entry kept */
    uint64_t next;     /* number of the next one */
    struct map *paths; /* path -> its count, a uint64_t on the heap */
};

struct history *history_new(void)
{
    struct history *history = calloc(1, sizeof *history);
    REQUIRE(history != NULL);
    history->paths = map_new();
    return history;
}

static void free_count(void *ctx, struct slice key, void *value)
{
    (void)ctx;
    (void)key;
    free(value);
}

void history_clear(struct history *history)
{
    for (size_t i = 0; i < MAX_ENTRIES; i++) {
        free(history->entries[i].bytes);
        history->entries[i] = (struct entry){0};
    }
    history->first = history->next;
    map_each(history->paths, free_count, NULL);
    map_free(history->paths);
    history->paths = map_new();
}

void history_free(struct history *history)
{
    if (history == NULL) {
        return;
    }
    history_clear(history);
    map_free(history->paths);
    free(history);
}

static void count_path(struct history *history, struct slice path)
{
    uint64_t *count = map_get(history->paths, path);
    if (count == NULL) {
        if (map_count(history->paths) >= MAX_PATHS) {
            return;
        }
        count = calloc(1, sizeof *count);
        REQUIRE(count != NULL);
        (void)map_put(history->paths, path, count);
    }
    (*count)++;
}

static struct slice cut(struct slice bytes, size_t most)
{
    return slice_of(bytes.ptr, bytes.len < most ? bytes.len : most);
}

uint64_t history_add(struct history *history, const struct http_request *request)
{
    struct slice target = cut(request->target, MAX_TARGET);
    struct slice body = cut(request->body, MAX_BODY);
    uint64_t number = history->next++;
    struct entry *entry = &history->entries[number % MAX_ENTRIES];
    free(entry->bytes);
    *entry = (struct entry){.method_len = request->method.len,
                            .target_len = target.len,
                            .body_len = body.len};
    entry->bytes = malloc(request->method.len + target.len + body.len + 1);
    REQUIRE(entry->bytes != NULL);
    memcpy(entry->bytes, request->method.ptr, request->method.len);
    memcpy(entry->bytes + entry->method_len, target.ptr, target.len);
    memcpy(entry->bytes + entry->method_len + target.len, body.ptr, body.len);
    if (history->next - history->first > MAX_ENTRIES) {
        history->first = history->next - MAX_ENTRIES;
    }
    count_path(history, cut(request->path, MAX_TARGET));
    return number;
}

void history_status(struct history *history, uint64_t number, int status)
{
    if (number >= history->first && number < history->next) {
        history->entries[number % MAX_ENTRIES].status = status;
    }
}

static void entry_write(const struct entry *entry, struct buf *out)
{
    const char *target = entry->bytes + entry->method_len;
    buf_append(out, SLICE("{\"method\":"));
    json_out_string(out, slice_of(entry->bytes, entry->method_len));
    buf_append(out, SLICE(",\"target\":"));
    json_out_string(out, slice_of(target, entry->target_len));
    buf_append(out, SLICE(",\"body\":"));
    json_out_string(out, slice_of(target + entry->target_len, entry->body_len));
    buf_printf(out, ",\"status\":%d}", entry->status);
}

void history_write(const struct history *history, size_t count, struct buf *out)
{
    uint64_t kept = history->next - history->first;
    uint64_t from = count < kept ? history->next - count : history->first;
    buf_append(out, SLICE("{\"requests\":["));
    for (uint64_t i = from; i < history->next; i++) {
        if (i > from) {
            buf_append_byte(out, ',');
        }
        entry_write(&history->entries[i % MAX_ENTRIES], out);
    }
    buf_append(out, SLICE("]}"));
}

static void path_write(void *ctx, struct slice key, void *value)
{
    struct buf *out = ctx;
    const uint64_t *count = value;
    if (out->len > 0 && out->ptr[out->len - 1] != '{') {
        buf_append_byte(out, ',');
    }
    json_out_string(out, key);
    buf_printf(out, ":%llu", (unsigned long long)*count);
}

void history_write_paths(const struct history *history, struct buf *out)
{
    buf_append_byte(out, '{');
    map_each(history->paths, path_write, out);
    buf_append_byte(out, '}');
}
