/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a token host's answer. What it says of itself is believed only as far as
 * it can be used: a bearer token, a life within bounds, an error code in ASCII. */
#include "auth/token_answer.h"

#include "base/jval.h"
#include "base/limits.h"

#define LIFE_DEFAULT_S 300 /* RFC 6749 leaves expires_in optional */
#define LIFE_MOST_S 86400
#define CODE_BYTES_MAX 64

/* RFC 6749 appendix A.12 allows blanks too, but in "Bearer <token>" one would end it. */
static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= 0x20 || text.ptr[i] >= 0x7f) {
            return false;
        }
    }
    return text.len > 0 && text.len <= LIMIT_ACCESS_TOKEN_BYTES;
}

/* RFC 6749 appendix A.7: printable ASCII without '"' and '\'. */
static struct slice clean_code(struct slice code)
{
    for (size_t i = 0; i < code.len; i++) {
        char c = code.ptr[i];
        if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\') {
            return SLICE_EMPTY;
        }
    }
    return code.len <= CODE_BYTES_MAX ? code : SLICE_EMPTY;
}

/* A number, or the same as text: token hosts send both. */
static int64_t life_seconds(const struct jval *value)
{
    unsigned long long seconds = LIFE_DEFAULT_S;

    if (value != NULL && !slice_to_u64(value->text, &seconds)) {
        seconds = LIFE_DEFAULT_S;
    }
    return (int64_t)(seconds < LIFE_MOST_S ? seconds : LIFE_MOST_S);
}

/* RFC 6749 section 7.1: a token of a type that one does not know is not to be used. */
static bool is_bearer(const struct jval *type)
{
    return type == NULL || slice_eq_nocase(jval_text(type), SLICE("bearer"));
}

void token_answer_read(struct arena *arena, int status, struct slice body,
                       struct token_answer *out)
{
    bool granted = status == 200;
    bool refused = status == 400 || status == 401 || status == 403;
    struct jval *json = NULL;

    *out = (struct token_answer){.err = granted   ? ERR_UPSTREAM_MALFORMED
                                        : refused ? ERR_NEEDS_REAUTH
                                                  : ERR_UPSTREAM_UNAVAILABLE,
                                 .token = SLICE_EMPTY,
                                 .refresh = SLICE_EMPTY,
                                 .code = SLICE_EMPTY};
    if (body.len > LIMIT_TOKEN_ANSWER_BYTES ||
        jval_parse(arena, body, &json, NULL) != ERR_OK) {
        return;
    }
    out->code = clean_code(jval_text(jval_get(json, "error")));
    if (!granted) {
        return;
    }
    struct slice token = jval_text(jval_get(json, "access_token"));
    struct slice refresh = jval_text(jval_get(json, "refresh_token"));
    bool refresh_is_good = refresh.len == 0 || is_token(refresh);
    if (is_token(token) && refresh_is_good && is_bearer(jval_get(json, "token_type"))) {
        out->err = ERR_OK;
        out->token = token;
        out->refresh = refresh;
        out->life_ms = life_seconds(jval_get(json, "expires_in")) * 1000;
        out->code = SLICE_EMPTY;
    }
}
