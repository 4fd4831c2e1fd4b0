/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tools/list says a tool returns: records, an error, or the news that the work
 * goes on. All three, because clients validate errors too. Only the records differ
 * between tools; the rest is kept short, since every client pays for it with every
 * list.
 */
#include "catalog/catalog_private.h"

#include "base/jwriter.h"

#define REF(name) "{\"$ref\":\"#/$defs/" name "\"}"
#define NULLABLE(type) "{\"anyOf\":[{\"type\":\"" type "\"},{\"type\":\"null\"}]}"
#define TYPE(type) "{\"type\":\"" type "\"}"

#define ORIGIN                                          \
    "\"resource\":" TYPE("string") ",\"method\":" TYPE( \
        "string") ",\"integration\":" TYPE("string") ",\"timestamp\":" TYPE("string")

static const char before_record[] =
    "{\"type\":\"object\",\"anyOf\":[" REF("data") "," REF("error") "," REF(
        "accepted") "],\"$defs\":{"
                    "\"text\":" NULLABLE("string") ",\"integer\":" NULLABLE(
                        "integer") ",\"boolean\":" NULLABLE("boolean") ",\"names\":{"
                                                                       "\"type\":"
                                                                       "\"array\","
                                                                       "\"items\""
                                                                       ":" TYPE(
                                                                           "strin"
                                                                           "g") "}"
                                                                                ","
                                                                                "\"reco"
                                                                                "rd\":";

static const char before_codes[] =
    ",\"data\":{\"type\":\"object\",\"properties\":{" ORIGIN
    ",\"pagination\":{\"type\":\"object\",\"properties\":{"
    "\"next_cursor\":" REF("text") ",\"has_more\":" TYPE("boolean") ",\"limit\":" REF(
        "integer") "},"
                   "\"required\":[\"next_cursor\",\"has_more\",\"limit\"]},"
                   "\"data\":{\"type\":\"array\",\"items\":" REF(
                       "record") "},"
                                 "\"_meta\":{\"type\":\"object\",\"properties\":{"
                                 "\"request_id\":" TYPE("string") ",\"fields_"
                                                                  "redacted\":" REF(
                                                                      "na"
                                                                      "me"
                                                                      "s") ",\"fields_"
                                                                           "truncated\""
                                                                           ":" REF("nam"
                                                                                   "es") ",\"token_estimate\":" TYPE(
                                                                               "intege"
                                                                               "r") "},"
                                                                                    "\""
                                                                                    "re"
                                                                                    "q"
                                                                                    "ui"
                                                                                    "re"
                                                                                    "d"
                                                                                    "\""
                                                                                    ":["
                                                                                    "\""
                                                                                    "re"
                                                                                    "q"
                                                                                    "ue"
                                                                                    "st"
                                                                                    "_"
                                                                                    "id"
                                                                                    "\""
                                                                                    "]"
                                                                                    "}}"
                                                                                    ","
                                                                                    "\""
                                                                                    "re"
                                                                                    "q"
                                                                                    "ui"
                                                                                    "re"
                                                                                    "d"
                                                                                    "\""
                                                                                    ":["
                                                                                    "\""
                                                                                    "re"
                                                                                    "s"
                                                                                    "ou"
                                                                                    "rc"
                                                                                    "e"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "me"
                                                                                    "t"
                                                                                    "ho"
                                                                                    "d"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "in"
                                                                                    "te"
                                                                                    "gr"
                                                                                    "a"
                                                                                    "ti"
                                                                                    "on"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "ti"
                                                                                    "m"
                                                                                    "es"
                                                                                    "ta"
                                                                                    "m"
                                                                                    "p"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "pa"
                                                                                    "g"
                                                                                    "in"
                                                                                    "at"
                                                                                    "i"
                                                                                    "on"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "da"
                                                                                    "t"
                                                                                    "a"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "_"
                                                                                    "me"
                                                                                    "ta"
                                                                                    "\""
                                                                                    "]}"
                                                                                    ","
                                                                                    "\""
                                                                                    "er"
                                                                                    "r"
                                                                                    "or"
                                                                                    "\""
                                                                                    ":"
                                                                                    "{"
                                                                                    "\""
                                                                                    "ty"
                                                                                    "pe"
                                                                                    "\""
                                                                                    ":"
                                                                                    "\""
                                                                                    "ob"
                                                                                    "j"
                                                                                    "ec"
                                                                                    "t"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "pr"
                                                                                    "op"
                                                                                    "er"
                                                                                    "t"
                                                                                    "ie"
                                                                                    "s"
                                                                                    "\""
                                                                                    ":{"
                                                                                    "\""
                                                                                    "er"
                                                                                    "r"
                                                                                    "or"
                                                                                    "\""
                                                                                    ":"
                                                                                    "{"
                                                                                    "\""
                                                                                    "ty"
                                                                                    "pe"
                                                                                    "\""
                                                                                    ":"
                                                                                    "\""
                                                                                    "ob"
                                                                                    "j"
                                                                                    "ec"
                                                                                    "t"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "pr"
                                                                                    "o"
                                                                                    "pe"
                                                                                    "rt"
                                                                                    "i"
                                                                                    "es"
                                                                                    "\""
                                                                                    ":"
                                                                                    "{"
                                                                                    "\""
                                                                                    "co"
                                                                                    "de"
                                                                                    "\""
                                                                                    ":"
                                                                                    "{"
                                                                                    "\""
                                                                                    "ty"
                                                                                    "pe"
                                                                                    "\""
                                                                                    ":"
                                                                                    "\""
                                                                                    "st"
                                                                                    "r"
                                                                                    "in"
                                                                                    "g"
                                                                                    "\""
                                                                                    ","
                                                                                    "\""
                                                                                    "en"
                                                                                    "um"
                                                                                    "\""
                                                                                    ":"
                                                                                    "[";

static const char
    after_codes[] =
        "]},\"message\":" TYPE("string") ",\"hint\":" REF(
            "te"
            "x"
            "t") ",\"retry_after_seconds\":" TYPE("integer") ",\"upstream\":{\"type\":"
                                                             "\"object\","
                                                             "\"properties\":{"
                                                             "\"status\":" REF(
                                                                 "intege"
                                                                 "r") ","
                                                                      "\""
                                                                      "co"
                                                                      "de"
                                                                      "\""
                                                                      ":" REF("text") ",\"message\":" REF(
                                                                          "text") ",\"r"
                                                                                  "eque"
                                                                                  "st_"
                                                                                  "id\""
                                                                                  ":" REF(
                                                                                      "text") "}},\"request_id\":" TYPE("string") ",\"details\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
                                                                                                                                  "\"pointer\":" TYPE("string") ",\"message\":" TYPE("string") "},"
                                                                                                                                                                                               "\"required\":[\"pointer\",\"message\"]}},"
                                                                                                                                                                                               "\"in_flight\":" TYPE("integer") ",\"ceiling\":" TYPE("integer") ",\"queue_depth\":" TYPE("integer") "},"
                                                                                                                                                                                                                                                                                                    "\"required\":[\"code\",\"message\",\"request_id\"]}},\"required\":[\"error\"]},"
                                                                                                                                                                                                                                                                                                    "\"accepted\":{\"type\":\"object\",\"properties\":{" ORIGIN
                                                                                                                                                                                                                                                                                                    ",\"status\":{\"type\":\"string\",\"enum\":[\"accepted\",\"running\",\"complete\","
                                                                                                                                                                                                                                                                                                    "\"failed\"]},\"poll_id\":" TYPE("string") ",\"retry_after_seconds\":" TYPE("integer") ",\"data\":" TYPE(
                                                                                                                                                                                                                                                                                                        "null") ",\"_meta\":{\"type\":\"object\",\"properties\":{"
                                                                                                                                                                                                                                                                                                                "\"instruction\":" TYPE(
                                                                                                                                                                                                                                                                                                                    "string") "}}},"
                                                                                                                                                                                                                                                                                                                              "\"required\":[\"status\",\"poll_id\",\"data\",\"_meta\"]}}}";

static void write_field(struct jwriter *writer, const struct field *field);

static void write_record(struct jwriter *writer, const struct field *fields,
                         size_t count)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "type", SLICE("object"));
    jwriter_key(writer, SLICE("properties"));
    jwriter_object(writer);
    for (size_t i = 0; i < count; i++) {
        jwriter_key(writer, fields[i].name);
        write_field(writer, &fields[i]);
    }
    jwriter_object_end(writer);
    jwriter_object_end(writer);
}

/* The texts a field with a closed map can have, each once. */
static bool is_repeated(const struct field *field, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (slice_eq(field->map[i].to, field->map[at].to)) {
            return true;
        }
    }
    return false;
}

static bool is_mapped_to(const struct field *field, struct slice text)
{
    for (size_t i = 0; i < field->map_count; i++) {
        if (slice_eq(field->map[i].to, text)) {
            return true;
        }
    }
    return false;
}

static void write_choices(struct jwriter *writer, const struct field *field)
{
    struct slice other = jval_text(field->map_other),
                 fallback = jval_text(field->fallback);

    jwriter_object(writer);
    jwriter_member_string(writer, "type", SLICE("string"));
    jwriter_key(writer, SLICE("enum"));
    jwriter_array(writer);
    for (size_t i = 0; i < field->map_count; i++) {
        if (!is_repeated(field, i)) {
            jwriter_string(writer, field->map[i].to);
        }
    }
    if (jval_is(field->map_other, JVAL_STRING) && !is_mapped_to(field, other)) {
        jwriter_string(writer, other);
    }
    if (jval_is(field->fallback, JVAL_STRING) && !is_mapped_to(field, fallback) &&
        !slice_eq(fallback, other)) {
        jwriter_string(writer, fallback);
    }
    jwriter_array_end(writer);
    jwriter_object_end(writer);
}

static void write_array(struct jwriter *writer, const struct field *field)
{
    jwriter_object(writer);
    jwriter_member_string(writer, "type", SLICE("array"));
    jwriter_key(writer, SLICE("items"));
    write_record(writer, field->fields, field->field_count);
    jwriter_object_end(writer);
}

static bool has_closed_map(const struct field *field)
{
    return field->convert == FIELD_AS_IS && field->map_count > 0 &&
           field->map_other != NULL;
}

/* Every field may be null: there may be nothing upstream. */
static void write_or_null(struct jwriter *writer, const struct field *field,
                          void (*write)(struct jwriter *writer,
                                        const struct field *field))
{
    jwriter_key(writer, SLICE("anyOf"));
    jwriter_array(writer);
    write(writer, field);
    jwriter_raw(writer, SLICE(TYPE("null")));
    jwriter_array_end(writer);
}

static void write_type(struct jwriter *writer, const struct field *field)
{
    switch (field->type) {
    case FIELD_STRING:
        if (has_closed_map(field)) {
            write_or_null(writer, field, write_choices);
        } else {
            jwriter_member_string(writer, "$ref", SLICE("#/$defs/text"));
        }
        return;
    case FIELD_INTEGER:
        jwriter_member_string(writer, "$ref", SLICE("#/$defs/integer"));
        return;
    case FIELD_BOOLEAN:
        jwriter_member_string(writer, "$ref", SLICE("#/$defs/boolean"));
        return;
    case FIELD_ARRAY:
        break;
    }
    write_or_null(writer, field, write_array);
}

static void write_field(struct jwriter *writer, const struct field *field)
{
    jwriter_object(writer);
    write_type(writer, field);
    if (field->description.len > 0) {
        jwriter_member_string(writer, "description", field->description);
    }
    jwriter_object_end(writer);
}

static void append_codes(struct buf *out)
{
    const char *comma = "";

    for (enum err err = ERR_OK; err < ERR_COUNT; err++) {
        if (err != ERR_OK && err_is_tool_code(err)) {
            buf_printf(out, "%s\"%s\"", comma, err_code(err));
            comma = ",";
        }
    }
}

struct slice describe_output(struct arena *arena, const struct tool *tool)
{
    struct slice result;
    struct jwriter writer;
    struct buf out;

    buf_init(&out, DESCRIPTION_BYTES);
    buf_append(&out, slice_str(before_record));
    jwriter_init(&writer, &out);
    write_record(&writer, tool->fields, tool->field_count);
    buf_append(&out, slice_str(before_codes));
    append_codes(&out);
    buf_append(&out, slice_str(after_codes));
    REQUIRE(!buf_full(&out));
    result = arena_slice(arena, buf_slice(&out));
    buf_free(&out);
    return result;
}
