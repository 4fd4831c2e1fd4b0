/* SPDX-License-Identifier: Apache-2.0 */
/* Faults ordered over the control port. */
#include "mocks/common/fault.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"

#define MAX_ORDERS 1000
#define MAX_TIMES 1000000
#define MAX_DELAY_MS 3600000
#define MAX_STATUS 599
#define MAX_REGEX 500

struct order {
    struct list node;
    struct arena *arena; /* holds what `fault` points to */
    struct slice method; /* empty: any */
    bool has_path;
    regex_t path;
    json_int_t skip; /* so many that match pass first */
    json_int_t times;
    struct fault fault;
};

static const struct {
    const char *name;
    enum fault_kind kind;
} kinds[] = {
    {"status", FAULT_STATUS},
    {"reset", FAULT_RESET},
    {"truncate", FAULT_TRUNCATE},
    {"html", FAULT_HTML},
    {"slow_drip", FAULT_SLOW_DRIP},
    {"malformed", FAULT_MALFORMED},
    {"after_commit_drop", FAULT_AFTER_COMMIT_DROP},
    {"expire_tokens", FAULT_EXPIRE_TOKENS},
};

void fault_list_init(struct fault_list *list)
{
    list_init(&list->orders);
    list->count = 0;
}

static void order_free(struct order *order)
{
    if (order->has_path) {
        regfree(&order->path);
    }
    arena_free(order->arena);
    free(order);
}

void fault_list_clear(struct fault_list *list)
{
    LIST_FOREACH_SAFE (node, after, &list->orders) {
        list_remove(node);
        order_free(LIST_ENTRY(node, struct order, node));
    }
    list->count = 0;
}

static bool read_int(const json_t *object, const char *name, json_int_t low,
                     json_int_t high, json_int_t *out)
{
    const json_t *member = json_object_get(object, name);
    if (member == NULL) {
        return true;
    }
    if (!json_is_integer(member) || json_integer_value(member) < low ||
        json_integer_value(member) > high) {
        return false;
    }
    *out = json_integer_value(member);
    return true;
}

static struct slice read_text(struct arena *arena, const json_t *value)
{
    return arena_slice(arena,
                       slice_of(json_string_value(value), json_string_length(value)));
}

static bool is_field_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0') {
            return false;
        }
    }
    return text.len <= 1000;
}

static const char *read_fields(struct order *order, json_t *fields)
{
    if (fields == NULL) {
        return NULL;
    }
    if (!json_is_object(fields) || json_object_size(fields) > 50) {
        return "headers must be an object of at most 50 text members";
    }
    size_t count = json_object_size(fields);
    order->fault.fields =
        arena_array(order->arena, count + 1, sizeof *order->fault.fields);
    const char *name;
    json_t *value;
    json_object_foreach (fields, name, value) {
        struct fault_field field = {arena_slice(order->arena, slice_str(name)),
                                    SLICE_EMPTY};
        if (!json_is_string(value)) {
            return "headers must have text values";
        }
        field.value = read_text(order->arena, value);
        if (field.name.len == 0 || !is_field_text(field.name) ||
            !is_field_text(field.value)) {
            return "a header name or value has line ends or is longer than 1000 bytes";
        }
        order->fault.fields[order->fault.field_count++] = field;
    }
    return NULL;
}

static const char *read_match(struct order *order, const json_t *match)
{
    const json_t *method = json_object_get(match, "method");
    const json_t *path = json_object_get(match, "path_regex");
    if ((method != NULL && !json_is_string(method)) ||
        (path != NULL && !json_is_string(path))) {
        return "match.method and match.path_regex must be text";
    }
    if (method != NULL) {
        order->method = read_text(order->arena, method);
    }
    if (path == NULL) {
        return NULL;
    }
    if (json_string_length(path) > MAX_REGEX ||
        regcomp(&order->path, json_string_value(path), REG_EXTENDED | REG_NOSUB) != 0) {
        return "match.path_regex is no POSIX extended regular expression of at most "
               "500 bytes";
    }
    order->has_path = true;
    return NULL;
}

static const char *read_kind(struct order *order, const json_t *json)
{
    const json_t *kind = json_object_get(json, "kind");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && json_is_string(kind); i++) {
        if (strcmp(json_string_value(kind), kinds[i].name) == 0) {
            order->fault.kind = kinds[i].kind;
            return NULL;
        }
    }
    return "kind must be status, reset, truncate, html, slow_drip, malformed, "
           "after_commit_drop or expire_tokens";
}

static const char *read_numbers(struct order *order, const json_t *json)
{
    json_int_t status = 0;
    json_int_t delay_ms = 0;
    order->times = 1;
    if (!read_int(json, "skip", 0, MAX_TIMES, &order->skip)) {
        return "skip must be a whole number from 0 to 1000000";
    }
    if (!read_int(json, "times", 1, MAX_TIMES, &order->times)) {
        return "times must be a whole number from 1 to 1000000";
    }
    if (!read_int(json, "status", 100, MAX_STATUS, &status)) {
        return "status must be a whole number from 100 to 599";
    }
    if (!read_int(json, "delay_ms", 0, MAX_DELAY_MS, &delay_ms)) {
        return "delay_ms must be a whole number from 0 to 3600000";
    }
    order->fault.status = (int)status;
    order->fault.delay_ms = (int)delay_ms;
    return NULL;
}

static const char *read_body(struct order *order, const json_t *body)
{
    if (body == NULL) {
        return NULL;
    }
    if (!json_is_string(body)) {
        return "body must be text; it is sent as it is";
    }
    order->fault.body = read_text(order->arena, body);
    order->fault.has_body = true;
    return NULL;
}

bool fault_order(struct fault_list *list, const json_t *json, const char **why)
{
    if (list->count >= MAX_ORDERS) {
        *why = "1000 faults wait already; DELETE /faults first";
        return false;
    }
    struct order *order = calloc(1, sizeof *order);
    REQUIRE(order != NULL);
    order->arena = arena_new();
    order->method = SLICE_EMPTY;
    order->fault.body = SLICE_EMPTY;
    *why = read_kind(order, json);
    *why = *why != NULL ? *why : read_numbers(order, json);
    *why = *why != NULL ? *why : read_body(order, json_object_get(json, "body"));
    *why = *why != NULL ? *why : read_fields(order, json_object_get(json, "headers"));
    *why = *why != NULL ? *why : read_match(order, json_object_get(json, "match"));
    if (*why != NULL) {
        order_free(order);
        return false;
    }
    list_init(&order->node);
    list_push(&list->orders, &order->node);
    list->count++;
    return true;
}

static bool order_matches(const struct order *order, struct slice method,
                          const char *path)
{
    if (order->method.len > 0 && !slice_eq_nocase(order->method, method)) {
        return false;
    }
    return !order->has_path || regexec(&order->path, path, 0, NULL, 0) == 0;
}

static struct fault *fault_copy(struct arena *arena, const struct fault *from)
{
    struct fault *fault = arena_alloc(arena, sizeof *fault);
    *fault = *from;
    fault->body = arena_slice(arena, from->body);
    fault->fields = arena_array(arena, from->field_count + 1, sizeof *fault->fields);
    for (size_t i = 0; i < from->field_count; i++) {
        fault->fields[i].name = arena_slice(arena, from->fields[i].name);
        fault->fields[i].value = arena_slice(arena, from->fields[i].value);
    }
    return fault;
}

struct fault *fault_take(struct fault_list *list, struct slice method,
                         struct slice path, struct arena *arena)
{
    const char *text = arena_copy(arena, path);
    LIST_FOREACH_SAFE (node, after, &list->orders) {
        struct order *order = LIST_ENTRY(node, struct order, node);
        if (!order_matches(order, method, text)) {
            continue;
        }
        if (order->skip > 0) {
            order->skip--;
            continue;
        }
        struct fault *fault = fault_copy(arena, &order->fault);
        order->times--;
        if (order->times == 0) {
            list_remove(node);
            order_free(order);
            list->count--;
        }
        return fault;
    }
    return NULL;
}
