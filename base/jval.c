/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, comparing and building values; jval_parse.c makes them out of text. */
#include "base/jval.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/jval_private.h"

/* Length and first letter tell most names apart without a call. */
static bool is_named(const struct jmember *member, struct slice name)
{
    return member->name.len == name.len &&
           (name.len == 0 ||
            (member->name.ptr[0] == name.ptr[0] && slice_eq(member->name, name)));
}

size_t jval_place(const struct jval *object, struct slice name, size_t near)
{
    if (!jval_is(object, JVAL_OBJECT)) {
        return SIZE_MAX;
    }
    if (near < object->count && is_named(&object->members[near], name)) {
        return near;
    }
    for (size_t i = 0; i < object->count; i++) {
        if (is_named(&object->members[i], name)) {
            return i;
        }
    }
    return SIZE_MAX;
}

const struct jval *jval_member(const struct jval *object, struct slice name)
{
    size_t place = jval_place(object, name, SIZE_MAX);

    return place != SIZE_MAX ? &object->members[place].value : NULL;
}

bool jval_same_names(const struct jval *a, const struct jval *b)
{
    if (a->type != JVAL_OBJECT || b->type != JVAL_OBJECT || a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->members[i].name.ptr != b->members[i].name.ptr ||
            a->members[i].name.len != b->members[i].name.len) {
            return false;
        }
    }
    return true;
}

const struct jval *jval_get(const struct jval *object, const char *name)
{
    return jval_member(object, slice_str(name));
}

struct slice jval_text(const struct jval *value)
{
    return jval_is(value, JVAL_STRING) ? value->text : SLICE_EMPTY;
}

bool jval_int64(const struct jval *value, long long *out)
{
    if (!jval_is(value, JVAL_NUMBER)) {
        return false;
    }
    struct slice digits = value->text;
    bool negative = digits.len > 0 && digits.ptr[0] == '-';
    long long sum = 0;

    digits = slice_from(digits, negative);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9') {
            return false;
        }
        /* Summed below zero, where there is one value more. */
        if (__builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, digits.ptr[i] - '0', &sum)) {
            return false;
        }
    }
    if (digits.len == 0 || (!negative && sum == LLONG_MIN)) {
        return false;
    }
    *out = negative ? sum : -sum;
    return true;
}

/* A number text, taken apart: digits before and after the point, and the exponent's
 * digits. */
struct decimal {
    bool negative, exponent_negative;
    struct slice whole, fraction, exponent;
    size_t first,
        end; /* the significant digits of whole and fraction together; none: zero */
};

static struct slice take_digits(struct slice *text)
{
    size_t len = 0;

    while (len < text->len && text->ptr[len] >= '0' && text->ptr[len] <= '9') {
        len++;
    }
    struct slice digits = slice_of(text->ptr, len);
    *text = slice_from(*text, len);
    return digits;
}

static bool take_mark(struct slice *text, char mark)
{
    if (text->len == 0 || text->ptr[0] != mark) {
        return false;
    }
    *text = slice_from(*text, 1);
    return true;
}

static char digit_at(const struct decimal *number, size_t at)
{
    return at < number->whole.len ? number->whole.ptr[at]
                                  : number->fraction.ptr[at - number->whole.len];
}

static struct decimal take_apart(struct slice text)
{
    struct decimal number = {.exponent = SLICE_EMPTY, .fraction = SLICE_EMPTY};

    number.negative = take_mark(&text, '-');
    number.whole = take_digits(&text);
    if (take_mark(&text, '.')) {
        number.fraction = take_digits(&text);
    }
    if (take_mark(&text, 'e') || take_mark(&text, 'E')) {
        number.exponent_negative = take_mark(&text, '-');
        (void)take_mark(&text, '+');
        number.exponent = take_digits(&text);
    }
    number.end = number.whole.len + number.fraction.len;
    while (number.first < number.end && digit_at(&number, number.first) == '0') {
        number.first++;
    }
    while (number.end > number.first && digit_at(&number, number.end - 1) == '0') {
        number.end--;
    }
    return number;
}

/* The exponent's digit of that place (0 is the last one), signed. */
static int exponent_digit(const struct decimal *number, size_t place)
{
    if (place >= number->exponent.len) {
        return 0;
    }
    int digit = number->exponent.ptr[number->exponent.len - 1 - place] - '0';
    return number->exponent_negative ? -digit : digit;
}

/*
 * How many places a's first digit stands before b's. Exponents have any length, so
 * their difference is summed from the front and the sum stops where the digits that
 * follow (at most 18 each, either way) cannot bring it back.
 */
static int64_t magnitude_difference(const struct decimal *a, const struct decimal *b)
{
    const int64_t enough = (int64_t)1 << 50;
    size_t places =
        a->exponent.len > b->exponent.len ? a->exponent.len : b->exponent.len;
    int64_t difference = 0;

    while (places-- > 0 && difference < enough && difference > -enough) {
        difference =
            difference * 10 + exponent_digit(a, places) - exponent_digit(b, places);
    }
    return difference + ((int64_t)a->whole.len - (int64_t)a->first) -
           ((int64_t)b->whole.len - (int64_t)b->first);
}

/* Both positive and not zero. */
static int magnitude_cmp(const struct decimal *a, const struct decimal *b)
{
    int64_t difference = magnitude_difference(a, b);

    if (difference != 0) {
        return difference > 0 ? 1 : -1;
    }
    size_t i = a->first, k = b->first;
    for (; i < a->end && k < b->end; i++, k++) {
        int step = digit_at(a, i) - digit_at(b, k);
        if (step != 0) {
            return step > 0 ? 1 : -1;
        }
    }
    return (i < a->end) - (k < b->end);
}

static int sign_of(const struct decimal *number)
{
    if (number->first == number->end) {
        return 0;
    }
    return number->negative ? -1 : 1;
}

int jval_number_cmp(struct slice a, struct slice b)
{
    struct decimal left = take_apart(a);
    struct decimal right = take_apart(b);
    int sign = sign_of(&left);

    if (sign != sign_of(&right)) {
        return sign > sign_of(&right) ? 1 : -1;
    }
    return sign == 0 ? 0 : sign * magnitude_cmp(&left, &right);
}

/* Any total order will do; length first spares most looks into the bytes. */
static int by_name(const void *a, const void *b)
{
    const struct jmember *const *left = a;
    const struct jmember *const *right = b;
    size_t left_len = (*left)->name.len, right_len = (*right)->name.len;

    if (left_len != right_len) {
        return left_len < right_len ? -1 : 1;
    }
    return memcmp((*left)->name.ptr, (*right)->name.ptr, left_len);
}

const struct jmember **jval_sorted(const struct jmember *members, size_t count)
{
    const struct jmember **sorted = calloc(count, sizeof(const struct jmember *));

    REQUIRE(sorted != NULL);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &members[i];
    }
    qsort(sorted, count, sizeof(const struct jmember *), by_name);
    return sorted;
}

static bool few_members_equal(const struct jval *a, const struct jval *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct jval *other = jval_member(b, a->members[i].name);
        if (other == NULL || !jval_equal(&a->members[i].value, other)) {
            return false;
        }
    }
    return true;
}

static bool many_members_equal(const struct jval *a, const struct jval *b)
{
    const struct jmember **left = jval_sorted(a->members, a->count);
    const struct jmember **right = jval_sorted(b->members, b->count);
    bool equal = true;

    for (size_t i = 0; equal && i < a->count; i++) {
        equal = slice_eq(left[i]->name, right[i]->name) &&
                jval_equal(&left[i]->value, &right[i]->value);
    }
    free(left);
    free(right);
    return equal;
}

static bool items_equal(const struct jval *a, const struct jval *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!jval_equal(&a->items[i], &b->items[i])) {
            return false;
        }
    }
    return true;
}

bool jval_equal(const struct jval *a, const struct jval *b)
{
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case JVAL_NUMBER:
        return jval_number_cmp(a->text, b->text) == 0;
    case JVAL_STRING:
        return slice_eq(a->text, b->text);
    case JVAL_ARRAY:
        return a->count == b->count && items_equal(a, b);
    case JVAL_OBJECT:
        return a->count == b->count &&
               (a->count <= JVAL_FEW_MEMBERS ? few_members_equal(a, b)
                                             : many_members_equal(a, b));
    case JVAL_NULL:
    case JVAL_FALSE:
    case JVAL_TRUE:
        break;
    }
    return true;
}

static struct jval *new_value(struct arena *arena, enum jval_type type,
                              struct slice text)
{
    struct jval *value = arena_alloc(arena, sizeof(*value));

    value->type = type;
    value->text = text;
    return value;
}

struct jval *jval_new_string(struct arena *arena, struct slice text)
{
    return new_value(arena, JVAL_STRING, text);
}

struct jval *jval_new_bool(struct arena *arena, bool value)
{
    return new_value(arena, value ? JVAL_TRUE : JVAL_FALSE, SLICE_EMPTY);
}

struct jval *jval_new_null(struct arena *arena)
{
    return new_value(arena, JVAL_NULL, SLICE_EMPTY);
}

struct jval *jval_new_array(struct arena *arena, size_t capacity)
{
    struct jval *array = new_value(arena, JVAL_ARRAY, SLICE_EMPTY);

    REQUIRE(capacity <= UINT_MAX);
    array->items = arena_array(arena, capacity, sizeof(struct jval));
    array->capacity = (unsigned)capacity;
    return array;
}

struct jval *jval_new_object(struct arena *arena, size_t capacity)
{
    struct jval *object = new_value(arena, JVAL_OBJECT, SLICE_EMPTY);

    REQUIRE(capacity <= UINT_MAX);
    object->members = arena_array(arena, capacity, sizeof(struct jmember));
    object->capacity = (unsigned)capacity;
    return object;
}

/* A copy of a full table with room for more. */
static void *grown(struct arena *arena, struct jval *value, const void *table,
                   size_t bytes)
{
    REQUIRE(value->capacity < UINT_MAX / 4);
    value->capacity = value->capacity < 4 ? 8 : value->capacity * 2;
    void *more = arena_array(arena, value->capacity, bytes);
    if (value->count > 0) {
        memcpy(more, table, value->count * bytes);
    }
    return more;
}

void jval_push(struct arena *arena, struct jval *array, const struct jval *value)
{
    REQUIRE(array->type == JVAL_ARRAY);
    if (array->count >= array->capacity) {
        array->items = grown(arena, array, array->items, sizeof(struct jval));
    }
    array->items[array->count++] = *value;
}

void jval_set(struct arena *arena, struct jval *object, struct slice name,
              const struct jval *value)
{
    REQUIRE(object->type == JVAL_OBJECT);
    for (size_t i = 0; i < object->count; i++) {
        if (slice_eq(object->members[i].name, name)) {
            object->members[i].value = *value;
            return;
        }
    }
    if (object->count >= object->capacity) {
        object->members = grown(arena, object, object->members, sizeof(struct jmember));
    }
    object->members[object->count++] = (struct jmember){name, *value};
}
