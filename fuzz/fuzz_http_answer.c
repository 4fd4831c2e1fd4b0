/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of an upstream's answer, line by line as libcurl hands it over, then its
 * body. Byte 0 chooses the ceiling of the body; the head goes up to an empty line.
 */
#include "fuzz/input.h"

#include "base/limits.h"
#include "io/http_answer.h"

/* Odd names and bytes are let through, as browsers do: whoever reads a field judges its
 * value. But a field is one, and is found by its name in lower case. */
static void check_field(const struct http_field *field)
{
    REQUIRE(field->name.len > 0 && slice_find(field->name, ':') < 0);
    for (size_t i = 0; i < field->name.len; i++) {
        char c = field->name.ptr[i];
        REQUIRE(c != '\n' && c != '\0' && !(c >= 'A' && c <= 'Z'));
    }
    REQUIRE(slice_find(field->value, '\n') < 0 && slice_find(field->value, '\0') < 0);
    REQUIRE(slice_eq(field->value, slice_trim(field->value)));
}

static void check_reply(struct http_answer *answer, size_t body_bytes)
{
    struct http_reply reply = http_answer_reply(answer);

    REQUIRE(reply.status >= 200 && reply.status <= 999);
    REQUIRE(reply.body.len == body_bytes);
    for (size_t i = 0; i < reply.field_count; i++) {
        check_field(&reply.fields[i]);
    }
}

/* What is left behind the empty line that ends a final head; false: it was cut. */
static bool feed_head(struct http_answer *answer, struct slice *input)
{
    while (input->len > 0 && !answer->is_final) {
        ptrdiff_t end = slice_find(*input, '\n');
        size_t bytes = end < 0 ? input->len : (size_t)end + 1;
        if (!http_answer_line(answer, slice_of(input->ptr, bytes))) {
            return false;
        }
        *input = slice_from(*input, bytes);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    size_t most = input_byte(&input);
    struct http_answer answer;

    http_answer_init(&answer, most);
    if (!feed_head(&answer, &input)) {
        REQUIRE(answer.verdict != HTTP_ANSWER_FINE);
    } else if (answer.is_final) {
        if (http_answer_body(&answer, input)) {
            REQUIRE(input.len <= most);
            check_reply(&answer, input.len);
        } else {
            REQUIRE(input.len > most && answer.verdict == HTTP_ANSWER_TOO_LARGE);
        }
    }
    http_answer_free(&answer);
    return 0;
}
