/* SPDX-License-Identifier: Apache-2.0 */
/* Field records at work: an upstream record becomes one of ours. */
#include "catalog/catalog_private.h"

#include "base/timefmt.h"

struct mapping {
    struct arena *arena;
    size_t *fallbacks;
};

/* ---- Converters: false when the text is nothing of the kind ---- */

static bool has_exponent(struct slice text)
{
    return slice_find(text, 'e') >= 0 || slice_find(text, 'E') >= 0;
}

/* A plain JSON number is kept byte for byte; other writings are written out. */
static bool is_plain(struct slice text, const struct decimal *value)
{
    size_t first = text.ptr[0] == '-' ? 1 : 0;
    bool leading_zero =
        text.len > first + 1 && text.ptr[first] == '0' && text.ptr[first + 1] != '.';

    if (has_exponent(text) || text.ptr[0] == '+' || leading_zero) {
        return false;
    }
    if (text.ptr[first] == '.' || text.ptr[text.len - 1] == '.') {
        return false;
    }
    return value->count > 0 || first == 0; /* no "-0" */
}

/* The fraction's digits as they came, so that 0100.10 becomes 100.10. */
static struct slice written_out(struct arena *arena, struct slice text)
{
    bool negative = text.ptr[0] == '-';
    struct slice digits = slice_from(text, negative || text.ptr[0] == '+' ? 1 : 0);
    ptrdiff_t point = slice_find(digits, '.');
    struct slice whole = point < 0 ? digits : slice_of(digits.ptr, (size_t)point);
    struct slice fraction =
        point < 0 ? SLICE_EMPTY : slice_from(digits, (size_t)point + 1);

    while (whole.len > 1 && whole.ptr[0] == '0') {
        whole = slice_from(whole, 1);
    }
    return arena_printf(arena, "%s%.*s%s%.*s", negative ? "-" : "",
                        SLICE_ARG(whole.len == 0 ? SLICE("0") : whole),
                        fraction.len > 0 ? "." : "", SLICE_ARG(fraction));
}

static size_t count_digits(struct slice text, size_t from)
{
    size_t at = from;

    while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
        at++;
    }
    return at - from;
}

/* As ERPs write nearly all amounts: digits without a leading zero, a point, digits. */
static bool is_usual(struct slice text)
{
    size_t whole = count_digits(text, 0);
    size_t fraction =
        whole < text.len && text.ptr[whole] == '.' ? count_digits(text, whole + 1) : 0;

    return whole > 0 && (whole == 1 || text.ptr[0] != '0') && fraction > 0 &&
           whole + 1 + fraction == text.len && text.len <= LIMIT_NUMBER_BYTES;
}

static bool to_decimal(struct arena *arena, struct slice text, struct slice *out)
{
    struct decimal value;

    if (is_usual(text)) {
        *out = text;
        return true;
    }
    text = slice_trim(text);
    if (!decimal_parse(text, &value)) {
        return false;
    }
    if (is_plain(text, &value)) {
        *out = text;
        return true;
    }
    if (has_exponent(text)) {
        return decimal_plain(arena, &value, out);
    }
    if (value.count == 0 && text.ptr[0] == '-') {
        text = slice_from(text, 1);
    }
    *out = written_out(arena, text);
    return true;
}

static bool to_negated_decimal(struct arena *arena, struct slice text,
                               struct slice *out)
{
    struct decimal value;

    if (!to_decimal(arena, text, out) || !decimal_parse(*out, &value)) {
        return false;
    }
    if (out->ptr[0] == '-') {
        *out = slice_from(*out, 1);
    } else if (value.count > 0) {
        *out = arena_printf(arena, "-%.*s", SLICE_ARG(*out));
    }
    return true;
}

static bool to_integer(struct arena *arena, struct slice text, struct slice *out)
{
    struct decimal value;

    return decimal_parse(slice_trim(text), &value) && decimal_is_integer(&value) &&
           decimal_plain(arena, &value, out);
}

/* A date, alone or at the head of a time. */
static bool to_date(struct slice text, struct slice *out)
{
    struct slice rest = slice_from(text, 10);

    if (rest.len > 0 && rest.ptr[0] != 'T' && rest.ptr[0] != ' ') {
        return false;
    }
    *out = slice_of(text.ptr, text.len < 10 ? text.len : 10);
    return timefmt_is_date(*out);
}

static bool to_datetime(struct arena *arena, struct slice text, struct slice *out)
{
    int64_t wall_ms;

    if (!timefmt_parse(text, &wall_ms)) {
        return false;
    }
    *out = timefmt_utc_arena(arena, wall_ms);
    return true;
}

static bool to_sap_date(struct arena *arena, struct slice text, struct slice *out)
{
    int64_t wall_ms;

    if (!timefmt_parse_odata(text, &wall_ms)) {
        return false;
    }
    *out = timefmt_utc_date(arena, wall_ms);
    return true;
}

static bool to_bool(struct slice text, bool *out)
{
    static const char *const truths[] = {"true", "T", "Y", "X", "1"};
    static const char *const lies[] = {"false", "F", "N", "", "0"};

    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++) {
        if (slice_is(text, truths[i])) {
            *out = true;
            return true;
        }
        if (slice_is(text, lies[i])) {
            *out = false;
            return true;
        }
    }
    return false;
}

/* ---- One value ---- */

static bool scalar_text(const struct jval *value, struct slice *out)
{
    switch (value->type) {
    case JVAL_NUMBER:
    case JVAL_STRING:
        *out = value->text;
        return true;
    case JVAL_FALSE:
        *out = SLICE("false");
        return true;
    case JVAL_TRUE:
        *out = SLICE("true");
        return true;
    case JVAL_NULL:
    case JVAL_ARRAY:
    case JVAL_OBJECT:
        break;
    }
    return false;
}

static bool convert(struct arena *arena, enum field_convert how, struct slice text,
                    struct jval *out)
{
    bool truth;

    out->type = JVAL_STRING;
    switch (how) {
    case FIELD_AS_IS:
        out->text = text;
        return true;
    case FIELD_DECIMAL:
        return to_decimal(arena, text, &out->text);
    case FIELD_NEGATE_DECIMAL:
        return to_negated_decimal(arena, text, &out->text);
    case FIELD_TO_INTEGER:
        out->type = JVAL_NUMBER;
        return to_integer(arena, text, &out->text);
    case FIELD_DATE:
        return to_date(text, &out->text);
    case FIELD_DATETIME:
        return to_datetime(arena, text, &out->text);
    case FIELD_SAP_DATE:
        return to_sap_date(arena, text, &out->text);
    case FIELD_BOOL:
        break;
    }
    if (!to_bool(text, &truth)) {
        return false;
    }
    *out = (struct jval){.type = truth ? JVAL_TRUE : JVAL_FALSE, .text = SLICE_EMPTY};
    return true;
}

static const struct field_map_entry *find_entry(const struct field *field,
                                                struct slice text)
{
    for (size_t i = 0; i < field->map_count; i++) {
        if (slice_eq(field->map[i].from, text)) {
            return &field->map[i];
        }
    }
    return NULL;
}

/* The default, or null; using it is counted, having nothing is not. */
static void nothing(const struct mapping *mapping, const struct field *field,
                    struct jval *out)
{
    if (field->fallback == NULL) {
        *out = (struct jval){.type = JVAL_NULL, .text = SLICE_EMPTY};
        return;
    }
    ++*mapping->fallbacks;
    *out = *field->fallback;
}

static void map_scalar(const struct mapping *mapping, const struct field *field,
                       const struct jval *value, struct jval *out)
{
    struct slice text;

    *out = (struct jval){.type = JVAL_NULL, .text = SLICE_EMPTY};
    if (scalar_text(value, &text)) {
        const struct field_map_entry *entry = find_entry(field, text);
        if (entry == NULL && field->map_other != NULL) {
            *out = *field->map_other;
            return;
        }
        if (convert(mapping->arena, field->convert, entry != NULL ? entry->to : text,
                    out)) {
            return;
        }
    }
    if (field->fallback == NULL) {
        ++*mapping->fallbacks;
    }
    nothing(mapping, field, out);
}

/* ---- Records ---- */

static struct jval *map_records(const struct mapping *mapping,
                                const struct field *fields, size_t count,
                                const struct jval *records);

/* The path up to where it branches, so that an empty array is told from a missing one.
 */
static struct field_path trunk(const struct field_path *path)
{
    struct field_path result = {path->steps, 0};

    while (result.count < path->count && path->steps[result.count].kind != PATH_ALL &&
           path->steps[result.count].kind != PATH_WHERE) {
        result.count++;
    }
    return result;
}

/* A path may name the array itself or, through [], its elements: both give the
 * elements. */
static struct jval *collect(struct arena *arena, const struct field_path *path,
                            const struct jval *record)
{
    struct jval *found = jval_new_array(arena, 4), *elements = jval_new_array(arena, 4);

    field_path_all(path, record, arena, found);
    for (size_t i = 0; i < found->count; i++) {
        const struct jval *value = &found->items[i];

        if (value->type != JVAL_ARRAY) {
            jval_push(arena, elements, value);
            continue;
        }
        for (size_t j = 0; j < value->count; j++) {
            jval_push(arena, elements, &value->items[j]);
        }
    }
    return elements;
}

static void map_array(const struct mapping *mapping, const struct field *field,
                      const struct jval *record, const size_t *places, struct jval *out)
{
    for (size_t i = 0; i < field->path_count; i++) {
        struct field_path to_branch = trunk(field->paths[i]);

        if (field_path_first(&to_branch, record, places[i]) != NULL) {
            *out = *map_records(mapping, field->fields, field->field_count,
                                collect(mapping->arena, field->paths[i], record));
            return;
        }
    }
    nothing(mapping, field, out);
}

static void map_field(const struct mapping *mapping, const struct field *field,
                      const struct jval *record, const size_t *places, struct jval *out)
{
    if (field->type == FIELD_ARRAY) {
        map_array(mapping, field, record, places, out);
        return;
    }
    for (size_t i = 0; i < field->path_count; i++) {
        const struct jval *value = field_path_first(field->paths[i], record, places[i]);

        if (value != NULL) {
            map_scalar(mapping, field, value, out);
            return;
        }
    }
    nothing(mapping, field, out);
}

static size_t count_paths(const struct field *fields, size_t count)
{
    size_t paths = 0;

    for (size_t i = 0; i < count; i++) {
        paths += fields[i].path_count;
    }
    return paths;
}

/* Where each path of each field begins in the record. */
static void find_places(const struct field *fields, size_t count,
                        const struct jval *record, size_t *places)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < fields[i].path_count; k++, places++) {
            *places = field_path_place(fields[i].paths[k], record, *places);
        }
    }
}

static void map_record(const struct mapping *mapping, const struct field *fields,
                       size_t count, const struct jval *record, const size_t *places,
                       struct jval *out)
{
    *out = (struct jval){.type = JVAL_OBJECT, .count = count, .text = SLICE_EMPTY};
    out->members = arena_array(mapping->arena, count, sizeof *out->members);
    for (size_t i = 0; i < count; i++) {
        out->members[i].name = fields[i].name;
        map_field(mapping, &fields[i], record, places, &out->members[i].value);
        places += fields[i].path_count;
    }
}

/* The rows of a list are alike, mostly: then what was found in one is in the next as well. */
static struct jval *map_records(const struct mapping *mapping,
                                const struct field *fields, size_t count,
                                const struct jval *records)
{
    struct jval *result = jval_new_array(mapping->arena, records->count);
    size_t *places =
        arena_array(mapping->arena, count_paths(fields, count), sizeof *places);

    for (size_t i = 0; i < records->count; i++) {
        const struct jval *record = &records->items[i];
        struct jval mapped;

        if (i == 0 || !jval_same_names(record, &records->items[i - 1])) {
            find_places(fields, count, record, places);
        }
        map_record(mapping, fields, count, record, places, &mapped);
        jval_push(mapping->arena, result, &mapped);
    }
    return result;
}

struct jval *field_map(const struct field *fields, size_t count,
                       const struct jval *records, struct arena *arena,
                       size_t *fallbacks)
{
    const struct mapping mapping = {arena, fallbacks};

    return map_records(&mapping, fields, count, records);
}
