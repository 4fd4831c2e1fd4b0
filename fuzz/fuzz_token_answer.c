/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a token host answers: only what can stand in a header field is a token, and
 * no answer makes one live longer than a day. Byte 0 chooses the status. */
#include "fuzz/input.h"

#include "auth/token_answer.h"
#include "base/limits.h"

static bool is_visible(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 200, 400, 401, 403, 429, 500, 302};
    struct slice input = input_of(data, size);
    int status = statuses[input_byte(&input) % (sizeof statuses / sizeof statuses[0])];
    struct arena *arena = arena_new();
    struct token_answer answer;

    token_answer_read(arena, status, input, &answer);
    REQUIRE((answer.err == ERR_OK) == (answer.token.len > 0));
    REQUIRE(status == 200 || answer.err != ERR_OK);
    REQUIRE(answer.token.len <= LIMIT_ACCESS_TOKEN_BYTES);
    REQUIRE(is_visible(answer.token));
    REQUIRE(answer.life_ms >= 0 && answer.life_ms <= INT64_C(86400000));
    REQUIRE(answer.code.len <= 64);
    REQUIRE(answer.err != ERR_OK || answer.code.len == 0);
    for (size_t i = 0; i < answer.code.len; i++) {
        REQUIRE(answer.code.ptr[i] >= 0x20 && answer.code.ptr[i] < 0x7f);
    }
    arena_free(arena);
    return 0;
}
