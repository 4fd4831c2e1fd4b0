/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the destination service answers: what becomes a field of a request can be one,
 * what becomes a line of the kept text has no line end, words are clean. Byte 0 chooses the
 * status. */
#include "fuzz/input.h"

#include "auth/destination_answer.h"

static bool is_line(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x20 || text.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

static void check_found(const struct destination_answer *answer)
{
    REQUIRE(answer->problem == NULL && answer->origin.len > 0);
    REQUIRE(answer->field_count <= 1 + DESTINATION_FIELDS);
    REQUIRE(is_line(answer->origin) && is_line(answer->location) &&
            is_line(answer->client));
    for (size_t i = 0; i < answer->field_count; i++) {
        REQUIRE(answer->fields[i].name.len > 0 && is_line(answer->fields[i].name));
        REQUIRE(slice_find(answer->fields[i].name, ':') < 0);
        REQUIRE(answer->fields[i].value.len > 0 && is_line(answer->fields[i].value));
    }
    REQUIRE(answer->life_ms >= 0 && answer->life_ms <= INT64_C(86400000));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 200, 200, 401, 404, 429, 500, 302};
    struct slice input = input_of(data, size);
    int status = statuses[input_byte(&input) % (sizeof statuses / sizeof statuses[0])];
    struct arena *arena = arena_new();
    struct destination_answer answer;

    destination_answer_read(arena, status, input, &answer);
    REQUIRE(status == 200 || answer.err != ERR_OK);
    if (answer.err == ERR_OK) {
        check_found(&answer);
    } else {
        REQUIRE(answer.problem != NULL && answer.text.len <= DESTINATION_TEXT_BYTES);
        for (size_t i = 0; i < answer.text.len; i++) {
            unsigned char byte = (unsigned char)answer.text.ptr[i];
            REQUIRE(byte >= 0x20 && byte != 0x7f);
        }
    }
    arena_free(arena);
    return 0;
}
