/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gather.h"

#include <stdlib.h>

#include "base/jval.h"
#include "base/jwriter.h"
#include "base/map.h"
#include "core/server.h"
#include "io/http_relay.h"

#define GATHERED_BYTES ((size_t)64 * 1024 * 1024)
#define MILLION 1000000
#define TOO_MUCH                                                                     \
    "{\"error\":{\"code\":\"too_large\",\"message\":\"There are too many lanes for " \
    "one "                                                                           \
    "answer; ask for them by id, at /lanes/{id}.\"}}"

struct gathering {
    const struct worker *worker;
    struct http_exchange *exchange;
    gather_fn put_together;
    struct part {
        struct gathering *of;
        int status;
        struct slice body;
        const struct http_field *fields;
        size_t field_count;
    } parts[WORKERS_MOST];
    int missing;
};

static void copy_part(struct part *part, const struct http_response *answer,
                      struct arena *arena)
{
    struct http_field *fields =
        arena_array(arena, answer->field_count + 1, sizeof *fields);
    for (size_t i = 0; i < answer->field_count; i++) {
        fields[i].name = arena_slice(arena, answer->fields[i].name);
        fields[i].value = arena_slice(arena, answer->fields[i].value);
    }
    part->status = answer->status;
    part->fields = fields;
    part->field_count = answer->field_count;
    part->body = arena_slice(arena, answer->body);
}

static void respond(struct gathering *gathering)
{
    const struct workers *workers = gathering->worker->workers;
    struct slice bodies[WORKERS_MOST];
    const struct part *said = &gathering->parts[0];
    struct buf out;
    buf_init(&out, GATHERED_BYTES);
    for (int i = workers->count - 1; i >= 0; i--) {
        const struct part *part = &gathering->parts[i];
        bodies[i] = part->body;
        said = part->status != 200 ? part : said;
    }
    struct http_response response = {said->status, said->fields, said->field_count,
                                     said->body};
    if (said->status == 200) {
        enum err err = gathering->put_together(
            workers, bodies, http_exchange_arena(gathering->exchange), &out);
        response.status = err == ERR_OK ? 200 : 500;
        response.body = err == ERR_OK ? buf_slice(&out) : SLICE(TOO_MUCH);
    }
    http_respond(gathering->exchange, &response);
    buf_free(&out);
}

static void on_part(void *ctx, const struct http_response *answer)
{
    struct part *part = ctx;
    struct gathering *gathering = part->of;
    copy_part(part, answer, http_exchange_arena(gathering->exchange));
    gathering->missing--;
    if (gathering->missing == 0) {
        respond(gathering);
    }
}

void gather(const struct worker *worker, struct http_exchange *exchange,
            gather_fn put_together)
{
    const struct workers *workers = worker->workers;
    struct gathering *gathering =
        arena_alloc(http_exchange_arena(exchange), sizeof *gathering);
    gathering->worker = worker;
    gathering->exchange = exchange;
    gathering->put_together = put_together;
    gathering->missing = workers->count;
    for (int i = 0; i < workers->count; i++) {
        gathering->parts[i].of = gathering;
        http_relay_copy(http_exchange_request(exchange),
                        workers->each[worker->number].loop, workers->each[i].loop,
                        server_handle, workers->each[i].gateway, on_part,
                        &gathering->parts[i]);
    }
}

/* ---- Lanes ---- */

static int lane_order(const void *a, const void *b)
{
    const struct jval *const *one = a, *const *other = b;
    return slice_cmp(jval_text(jval_get(*one, "id")),
                     jval_text(jval_get(*other, "id")));
}

enum err gather_lanes(const struct workers *workers, const struct slice *bodies,
                      struct arena *arena, struct buf *out)
{
    const struct jval *lists[WORKERS_MOST] = {NULL};
    size_t room = 1, count = 0;
    for (int i = 0; i < workers->count; i++) {
        struct jval *body = NULL;
        enum err err = jval_parse(arena, bodies[i], &body, NULL);
        if (err != ERR_OK) {
            return ERR_TOO_LARGE; /* it is our own, so there is nothing else to say of it */
        }
        lists[i] = jval_get(body, "data");
        room += lists[i]->count;
    }
    const struct jval **lanes = arena_array(arena, room, sizeof(struct jval *));
    for (int i = 0; i < workers->count; i++) {
        for (size_t n = 0; n < lists[i]->count; n++) {
            const struct jval *lane = &lists[i]->items[n];
            if (homes_shows(workers->homes, jval_text(jval_get(lane, "id")), i)) {
                lanes[count++] = lane;
            }
        }
    }
    qsort(lanes, count, sizeof(struct jval *), lane_order);
    struct jwriter writer;
    jwriter_init(&writer, out);
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("data"));
    jwriter_array(&writer);
    for (size_t i = 0; i < count; i++) {
        jwriter_value(&writer, lanes[i]);
    }
    jwriter_array_end(&writer);
    jwriter_key(&writer, SLICE("next_cursor"));
    jwriter_null(&writer);
    jwriter_object_end(&writer);
    return buf_full(out) ? ERR_TOO_LARGE : ERR_OK;
}

/* ---- Metrics ---- */

struct row {
    struct row *next;
    struct slice name; /* with its labels; of a remark the whole line */
    int64_t millionths;
    bool has_value, has_fraction;
};

/* "name{…} 12.5" or a remark. */
static struct row *read_row(struct slice line, struct arena *arena)
{
    struct row *row = arena_alloc(arena, sizeof *row);
    int64_t scale = MILLION;
    size_t at = line.len;
    row->name = line;
    if (line.len == 0 || line.ptr[0] == '#') {
        return row;
    }
    while (at > 0 && line.ptr[at - 1] != ' ') {
        at--;
    }
    row->name = slice_of(line.ptr, at);
    row->has_value = true;
    for (size_t i = at; i < line.len; i++) {
        if (line.ptr[i] == '.') {
            row->has_fraction = true;
        } else if (!row->has_fraction) {
            row->millionths = row->millionths * 10 + (line.ptr[i] - '0') * MILLION;
        } else {
            scale /= 10;
            row->millionths += (line.ptr[i] - '0') * scale;
        }
    }
    return row;
}

/* What is no count: whether something is so in any worker, what takes longest, and what ends first
 * in one. */
static void add_row(struct row *sum, const struct row *row)
{
    struct slice name = slice_trim(row->name);
    bool more = row->millionths > sum->millionths;
    sum->has_fraction = sum->has_fraction || row->has_fraction;
    if (slice_is(name, "sluice_catalog_reload_failed") ||
        slice_is(name, "sluice_coordination_answer_seconds")) {
        sum->millionths = more ? row->millionths : sum->millionths;
    } else if (slice_is(name, "sluice_tls_certificate_not_after_seconds")) {
        sum->millionths = more ? sum->millionths : row->millionths;
    } else {
        sum->millionths += row->millionths;
    }
}

/* A row that the others had not goes behind the one it followed here: families stay together. */
static void add_text(struct map *rows, struct row *head, struct slice text,
                     struct arena *arena)
{
    struct row *last = head;
    while (text.len > 0) {
        ptrdiff_t end = slice_find(text, '\n');
        struct slice line = end < 0 ? text : slice_of(text.ptr, (size_t)end);
        text = end < 0 ? SLICE_EMPTY : slice_from(text, (size_t)end + 1);
        struct row *row = read_row(line, arena);
        struct row *sum = map_get(rows, row->name);
        if (sum == NULL) {
            row->next = last->next;
            last->next = row;
            map_put(rows, row->name, row);
            last = row;
            continue;
        }
        if (row->has_value) {
            add_row(sum, row);
        }
        last = sum;
    }
}

enum err gather_metrics(const struct workers *workers, const struct slice *bodies,
                        struct arena *arena, struct buf *out)
{
    struct map *rows = map_new();
    struct row head = {.next = NULL};
    for (int i = 0; i < workers->count; i++) {
        add_text(rows, &head, bodies[i], arena);
    }
    map_free(rows);
    for (const struct row *row = head.next; row != NULL; row = row->next) {
        buf_append(out, row->name);
        if (row->has_value) {
            buf_printf(out, "%lld", (long long)(row->millionths / MILLION));
        }
        if (row->has_fraction) {
            buf_printf(out, ".%06lld", (long long)(row->millionths % MILLION));
        }
        buf_append_byte(out, '\n');
    }
    return buf_full(out) ? ERR_TOO_LARGE : ERR_OK;
}
