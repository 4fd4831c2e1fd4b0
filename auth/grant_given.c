/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token host gave and the store has not taken yet. It lives in its source; so the source
 * is held until it is stored or of no use, also when the account is put away meanwhile.
 */
#include "auth/grants_private.h"

void grant_given_init(struct grant_given *given, struct grants *grants,
                      struct slice account)
{
    *given = (struct grant_given){.grants = grants, .account = account};
    list_init(&given->link);
}

bool grant_is_given(const struct grant_given *given)
{
    return given->access != NULL;
}

void grant_given_put(struct grant_given *given, int64_t version,
                     const struct token_answer *answer)
{
    struct tokens *tokens = given->grants->parts.tokens;
    given->version = version;
    given->access = tokens_hold(tokens, answer->token);
    if (answer->refresh.len > 0) {
        given->refresh = tokens_hold(tokens, answer->refresh);
    }
    given->ends_ms = grants_now_ms(given->grants) + answer->life_ms;
}

void grant_given_forget(struct grant_given *given)
{
    secret_free(given->access);
    secret_free(given->refresh);
    given->access = given->refresh = NULL;
}

void grant_given_keep(struct grant_given *given, struct token_source *source)
{
    struct grants *grants = given->grants;
    struct token_source *kept = given->kept;
    if (grant_is_given(given) && kept == NULL) {
        given->kept = tokens_find(grants->parts.tokens, token_source_key(source));
        list_push(&grants->unstored, &given->link);
        log_event(grants->parts.log, LOG_ERROR, "grant_not_stored",
                  LOG_ID(account, given->account));
    } else if (!grant_is_given(given) && kept != NULL) {
        list_remove(&given->link);
        given->kept = NULL;
        token_source_drop(kept);
    }
}

static struct grant_given *given_at(struct list *node)
{
    return LIST_ENTRY(node, struct grant_given, link);
}

struct token_source *grants_unstored(struct grants *grants, struct slice account)
{
    LIST_FOREACH (node, &grants->unstored) {
        if (slice_eq(given_at(node)->account, account)) {
            return given_at(node)->kept;
        }
    }
    return NULL;
}

static void drop(struct grant_given *given)
{
    grant_given_forget(given);
    grant_given_keep(given, given->kept);
}

/* A client that was changed meanwhile may have had an answer of its own. */
void grants_forget_outdated(struct grants *grants, struct slice account,
                            int64_t version)
{
    LIST_FOREACH_SAFE (node, after, &grants->unstored) {
        struct grant_given *given = given_at(node);
        if (slice_eq(given->account, account) && !given->storing &&
            given->version != version) {
            drop(given);
        }
    }
}

void grants_forget_unstored(struct grants *grants)
{
    while (!list_empty(&grants->unstored)) {
        drop(given_at(grants->unstored.next));
    }
}
