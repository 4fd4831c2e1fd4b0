/* SPDX-License-Identifier: Apache-2.0 */
/* The steps as a table, and below a failed one what to do about it. */
#include "cli/doctor.h"

#include <jansson.h>
#include <stdio.h>

#define COLUMNS 100
#define DETAIL_COLUMN 35
#define REMEDY_COLUMN 9

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

/* An ERP's own words may be in it: nothing that a terminal would obey. */
static void put_character(char c)
{
    unsigned char byte = (unsigned char)c;
    putchar(byte < 0x20 || byte == 0x7f ? ' ' : c);
}

/* From column `indent` on, which is where the line stands, in lines of COLUMNS. */
static void print_wrapped(const char *text, int indent)
{
    int column = indent;
    while (*text != '\0') {
        int word = (int)strcspn(text, " ");
        if (column > indent && column + 1 + word > COLUMNS) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        for (int i = 0; i < word; i++) {
            put_character(text[i]);
        }
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    putchar('\n');
}

static void print_step(const json_t *step)
{
    const char *remedy = text_of(step, "remedy");
    long long ms = json_integer_value(json_object_get(step, "duration_ms"));
    printf("%-7s  %-13s  %6lld ms  ", text_of(step, "outcome"), text_of(step, "step"),
           ms);
    print_wrapped(text_of(step, "detail"), DETAIL_COLUMN);
    if (remedy[0] != '\0') {
        printf("%*s", REMEDY_COLUMN, "");
        print_wrapped(remedy, REMEDY_COLUMN);
    }
}

int doctor_run(struct errand *errand, struct arena *arena, struct slice path,
               bool tries_now)
{
    struct slice reply = SLICE_EMPTY;
    path = arena_printf(arena, "%.*s/verify%s", SLICE_ARG(path),
                        tries_now ? "?try_now=true" : "");
    if (remote_ask(errand, SLICE("POST"), path, &reply) != 0) {
        return 2;
    }
    json_error_t error;
    json_t *json = json_loadb(reply.ptr, reply.len, 0, &error);
    const json_t *steps = json_object_get(json, "steps"), *step;
    bool verified = json_is_true(json_object_get(json, "verified"));
    size_t i = 0;
    if (!json_is_array(steps)) {
        json_decref(json);
        command_fail("what answered is no sluice server, or one of another version");
        return 2;
    }
    printf("%s: %s, state %s\n\n", text_of(json, "account_id"),
           verified ? "every step passed" : "a step failed", text_of(json, "state"));
    json_array_foreach (steps, i, step) {
        print_step(step);
    }
    json_decref(json);
    return verified ? 0 : 1;
}
