/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Derived members. A navigation that SAP cut short (an expansion with a next link of
 * its own) is marked by a member "<navigation>/partial", and nothing that needs all
 * elements is derived from it.
 */
#include "connectors/sap/derive.h"

#include <stdint.h>

#include "base/timefmt.h"
#include "connectors/sap/amount.h"

#define DAY_MS INT64_C(86400000)
#define DAYS_MAX 3650
#define DERIVED_USUAL 8                  /* members; jval_set makes room for more */
#define LAST_MS INT64_C(253402300799999) /* 9999-12-31: a year of four digits */

/* Three texts behind one another. These run per record, where printf costs too much. */
static struct slice joined(struct arena *arena, struct slice a, struct slice b,
                           struct slice c)
{
    char *text = arena_alloc(arena, a.len + b.len + c.len + 1);

    slice_copy(text, a);
    slice_copy(text + a.len, b);
    slice_copy(text + a.len + b.len, c);
    return slice_of(text, a.len + b.len + c.len);
}

/* ---- Entities to records ---- */

static struct jval tidy(struct arena *arena, const struct jval *value);

static struct jval tidy_array(struct arena *arena, const struct jval *array)
{
    struct jval result = {.type = JVAL_ARRAY, .count = array->count};

    result.capacity = (unsigned)array->count;
    result.items = arena_array(arena, array->count + 1, sizeof *result.items);
    for (size_t i = 0; i < array->count; i++) {
        result.items[i] = tidy(arena, &array->items[i]);
    }
    return result;
}

/* The next member, whose value is to be written. */
static struct jval *put(struct jval *object, struct slice name)
{
    struct jmember *member = &object->members[object->count++];

    member->name = name;
    return &member->value;
}

/* Behind a navigation's name: the mark that SAP cut it short. */
#define PARTIAL SLICE("/partial")

static void tidy_member(struct arena *arena, const struct jmember *member,
                        struct jval *out)
{
    if (slice_eq(member->name, SLICE("__metadata"))) {
        return;
    }
    if (member->value.type == JVAL_STRING) { /* a property, as nearly all are */
        struct jval *value = put(out, member->name);
        *value = member->value;
        value->type = value->text.len > 0 ? JVAL_STRING : JVAL_NULL;
        return;
    }
    if (member->value.type != JVAL_OBJECT) {
        *put(out, member->name) = tidy(arena, &member->value);
        return;
    }
    if (jval_get(&member->value, "__deferred") != NULL) {
        return;
    }
    const struct jval *results = jval_get(&member->value, "results");
    if (!jval_is(results, JVAL_ARRAY)) {
        *put(out, member->name) = tidy(arena, &member->value);
        return;
    }
    *put(out, member->name) = tidy_array(arena, results);
    if (jval_get(&member->value, "__next") != NULL) {
        *put(out, joined(arena, member->name, SLICE_EMPTY, PARTIAL)) =
            (struct jval){.type = JVAL_TRUE, .text = SLICE_EMPTY};
    }
}

/* As deep as jval_parse lets a text be nested. */
static struct jval tidy(struct arena *arena, const struct jval *value)
{
    struct jval result = *value;

    if (value->type == JVAL_STRING && value->text.len == 0) {
        return (struct jval){.type = JVAL_NULL, .text = SLICE_EMPTY};
    }
    if (value->type == JVAL_ARRAY) {
        return tidy_array(arena, value);
    }
    if (value->type != JVAL_OBJECT) {
        return result;
    }
    /* Each navigation may get a mark; what is derived comes on top. */
    size_t room = value->count + DERIVED_USUAL;
    for (size_t i = 0; i < value->count; i++) {
        room += value->members[i].value.type == JVAL_OBJECT ? 1 : 0;
    }
    result.count = 0;
    result.capacity = (unsigned)room;
    result.members = arena_array(arena, room, sizeof *result.members);
    for (size_t i = 0; i < value->count; i++) {
        tidy_member(arena, &value->members[i], &result);
    }
    return result;
}

struct jval *sap_normalise(struct arena *arena, const struct jval *entity)
{
    struct jval *record = arena_alloc(arena, sizeof *record);

    *record = tidy(arena, entity);
    return record;
}

/* ---- Reading a record ---- */

static struct slice text_of(const struct jval *record, struct slice name)
{
    const struct jval *value = jval_member(record, name);

    if (value == NULL) {
        return SLICE_EMPTY;
    }
    switch (value->type) {
    case JVAL_STRING:
    case JVAL_NUMBER:
        return value->text;
    case JVAL_TRUE:
        return SLICE("true");
    case JVAL_FALSE:
        return SLICE("false");
    case JVAL_NULL:
    case JVAL_ARRAY:
    case JVAL_OBJECT:
        break;
    }
    return SLICE_EMPTY;
}

/* All elements of a navigation; NULL when it was not sent, or not wholly. */
static const struct jval *elements_of(struct arena *arena, const struct jval *record,
                                      struct slice navigation)
{
    const struct jval *elements = jval_member(record, navigation);

    if (!jval_is(elements, JVAL_ARRAY)) {
        return NULL;
    }
    struct slice mark = joined(arena, navigation, SLICE_EMPTY, PARTIAL);
    return jval_member(record, mark) == NULL ? elements : NULL;
}

static bool term_holds(const struct derive_term *term, const struct jval *record)
{
    struct slice text = text_of(record, term->property);

    for (size_t i = 0; i < term->value_count; i++) {
        if (slice_eq(term->values[i], text)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct derive_condition *condition, const struct jval *record)
{
    for (size_t i = 0; i < condition->term_count; i++) {
        if (!term_holds(&condition->terms[i], record)) {
            return false;
        }
    }
    return condition->term_count > 0;
}

/* ---- One kind each: false when it cannot be known ---- */

static bool join(struct arena *arena, const struct derive *derive,
                 const struct jval *record, struct slice *out)
{
    *out = SLICE_EMPTY;
    for (size_t i = 0; i < derive->source_count; i++) {
        struct slice part = text_of(record, derive->sources[i]);
        if (part.len == 0) {
            return false;
        }
        *out = joined(arena, *out, i > 0 ? SLICE("-") : SLICE_EMPTY, part);
    }
    return true;
}

/* The digits before the point; all there is where SAP keeps whole numbers. */
static bool whole_number(struct slice text, unsigned long long *out)
{
    ptrdiff_t point = slice_find(text, '.');
    struct slice fraction =
        point < 0 ? SLICE_EMPTY : slice_from(text, (size_t)point + 1);

    for (size_t i = 0; i < fraction.len; i++) {
        if (fraction.ptr[i] != '0') {
            return false;
        }
    }
    return slice_to_u64(point < 0 ? text : slice_of(text.ptr, (size_t)point), out);
}

static bool agree(const struct derive *derive, const struct jval *record)
{
    if (derive->same == NULL) {
        return true;
    }
    struct slice a = text_of(record, derive->same[0]);
    struct slice b = text_of(record, derive->same[1]);
    return a.len == 0 || b.len == 0 || slice_eq(a, b);
}

static bool product(struct arena *arena, const struct derive *derive,
                    const struct jval *record, struct slice currency, struct slice *out)
{
    struct slice per_text = text_of(record, derive->per);
    unsigned long long per = 1;
    struct amount amount;

    /* A price unit that SAP left empty or zero counts as one. */
    if (per_text.len > 0 && (!whole_number(per_text, &per) || per > 999999999)) {
        return false;
    }
    if (!agree(derive, record) || !amount_product(text_of(record, derive->sources[0]),
                                                  text_of(record, derive->sources[1]),
                                                  per == 0 ? 1 : (unsigned)per,
                                                  amount_decimals(currency), &amount)) {
        return false;
    }
    if (holds(&derive->negative_when, record)) {
        amount.negative = true;
    }
    *out = amount_text(arena, &amount);
    return true;
}

static bool sum(struct arena *arena, const struct derive *derive,
                const struct jval *record, struct slice currency, struct slice *out)
{
    const struct jval *elements = elements_of(arena, record, derive->of);
    struct amount total = {.decimals = amount_decimals(currency)};

    if (elements == NULL) {
        return false;
    }
    for (size_t i = 0; i < elements->count; i++) {
        const struct jval *element = &elements->items[i];
        struct amount part;
        if (holds(&derive->except, element)) {
            continue;
        }
        if (!amount_parse(text_of(element, derive->what), &part) ||
            part.decimals != total.decimals || !amount_add(&total, &part)) {
            return false;
        }
    }
    *out = amount_text(arena, &total);
    return true;
}

static bool every_fits(struct arena *arena, const struct derive_rule *rule,
                       const struct jval *record)
{
    const struct jval *elements = elements_of(arena, record, rule->every);

    if (elements == NULL || elements->count == 0) {
        return false;
    }
    for (size_t i = 0; i < elements->count; i++) {
        size_t n = 0;
        while (n < rule->any_count && !holds(&rule->any[n], &elements->items[i])) {
            n++;
        }
        if (n == rule->any_count) {
            return false;
        }
    }
    return true;
}

static bool choice(struct arena *arena, const struct derive *derive,
                   const struct jval *record, struct slice *out)
{
    *out = derive->otherwise;
    for (size_t i = 0; i < derive->rule_count; i++) {
        const struct derive_rule *rule = &derive->rules[i];
        if (rule->every.len > 0 ? every_fits(arena, rule, record)
                                : holds(&rule->when, record)) {
            *out = rule->is;
            break;
        }
    }
    return true;
}

static bool due(struct arena *arena, const struct derive *derive,
                const struct jval *record, struct slice *out)
{
    unsigned long long days = 0;
    int64_t wall_ms;

    if (!timefmt_parse_odata(text_of(record, derive->of), &wall_ms)) {
        return false;
    }
    for (size_t i = 0; i < derive->source_count && days == 0; i++) {
        struct slice text = text_of(record, derive->sources[i]);
        if (text.len > 0 && (!whole_number(text, &days) || days > DAYS_MAX)) {
            return false;
        }
    }
    wall_ms += (int64_t)days * DAY_MS;
    if (wall_ms > LAST_MS) {
        return false;
    }
    *out = timefmt_utc_date(arena, wall_ms);
    return true;
}

static bool sign(struct arena *arena, const struct derive *derive,
                 const struct jval *record, struct slice *out)
{
    struct amount amount;

    *out = text_of(record, derive->of);
    if (!amount_parse(*out, &amount)) {
        return false;
    }
    if (holds(&derive->negative_when, record) && !amount.negative) {
        amount.negative = true;
        *out = amount_text(arena, &amount);
    }
    return true;
}

/* A navigation that was not sent adds nothing; one that was cut makes it unknown. */
static bool concat(struct arena *arena, const struct derive *derive,
                   const struct jval *record, struct jval *out)
{
    struct jval *all = jval_new_array(arena, 8);

    for (size_t i = 0; i < derive->source_count; i++) {
        const struct jval *sent = jval_member(record, derive->sources[i]);
        const struct jval *elements = elements_of(arena, record, derive->sources[i]);
        if (sent != NULL && sent->type != JVAL_NULL && elements == NULL) {
            return false;
        }
        for (size_t n = 0; elements != NULL && n < elements->count; n++) {
            jval_push(arena, all, &elements->items[n]);
        }
    }
    *out = *all;
    return true;
}

/* ---- All of them ---- */

/* `record` is the whole one, for a currency that only its head has. */
static void derive_in(struct arena *arena, const struct derive *derive,
                      const struct jval *record, struct jval *here)
{
    struct jval value = {.type = JVAL_STRING, .text = SLICE_EMPTY};
    struct slice currency = SLICE_EMPTY;
    bool known = false;

    if (derive->currency.len > 0) {
        currency = text_of(here, derive->currency);
    }
    if (derive->currency.len > 0 && currency.len == 0) {
        currency = text_of(record, derive->currency);
    }
    switch (derive->kind) {
    case DERIVE_JOIN:
        known = join(arena, derive, here, &value.text);
        break;
    case DERIVE_PRODUCT:
        known = product(arena, derive, here, currency, &value.text);
        break;
    case DERIVE_SUM:
        known = sum(arena, derive, here, currency, &value.text);
        break;
    case DERIVE_CHOICE:
        known = choice(arena, derive, here, &value.text);
        break;
    case DERIVE_DUE:
        known = due(arena, derive, here, &value.text);
        break;
    case DERIVE_SIGN:
        known = sign(arena, derive, here, &value.text);
        break;
    case DERIVE_CONCAT:
        known = concat(arena, derive, here, &value);
        break;
    }
    if (!known) {
        value = (struct jval){.type = JVAL_NULL, .text = SLICE_EMPTY};
    }
    jval_set(arena, here, derive->name, &value);
}

void sap_derive(struct arena *arena, const struct derive *list, size_t count,
                struct jval *record)
{
    for (size_t i = 0; i < count; i++) {
        const struct derive *derive = &list[i];
        if (derive->in.len == 0) {
            derive_in(arena, derive, record, record);
            continue;
        }
        /* The elements are ours: sap_normalise copied them. */
        struct jval *elements = NULL;
        for (size_t m = 0; m < record->count; m++) {
            if (slice_eq(record->members[m].name, derive->in)) {
                elements = &record->members[m].value;
            }
        }
        for (size_t n = 0; jval_is(elements, JVAL_ARRAY) && n < elements->count; n++) {
            if (elements->items[n].type == JVAL_OBJECT) {
                derive_in(arena, derive, record, &elements->items[n]);
            }
        }
    }
}
