/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files of grants share: the plan of all stored grants (grants.c), the
 * renewal of one (grant_renewal.c), and its tokens in the store (grant_tokens.c). Owns:
 * nothing of its own. Threads: the loop's. Errors: as grants.h. Start reading at: struct
 * grants.
 */
#ifndef SLUICE_AUTH_GRANTS_PRIVATE_H
#define SLUICE_AUTH_GRANTS_PRIVATE_H

#include "auth/alarm.h"
#include "auth/due.h"
#include "auth/grants.h"
#include "base/text.h"

#define GRANT_FORM_BYTES (64 * 1024)

struct grants {
    struct grants_parts parts;
    struct grant_hooks hooks;
    const struct clock *clock;
    struct map *planned;
    struct due_heap *plans; /* struct planned */
    struct due_heap *looks; /* struct grant_state, while another process renews */
    struct alarm *alarm;
    struct list flights;  /* struct grant_state */
    struct list unstored; /* the same: with an answer, and in no flight */
    char holder[TEXT_ID_BYTES + 8];
    int renewing;
    unsigned long long sources_made;
};

static inline int64_t grants_now_ms(const struct grants *grants)
{
    return clock_wall_ms(grants->clock);
}

/* ---- grants.c: the plan ---- */

/* The access token ends then. */
void grants_plan(struct grants *grants, struct slice account, int64_t ends_ms);
/* The renewal failed. */
void grants_plan_again(struct grants *grants, struct slice account);
/* There is nothing to renew any more. */
void grants_unplan(struct grants *grants, struct slice account);
void grants_set_alarm(struct grants *grants);

/* ---- grant_tokens.c: what is stored ---- */

struct grant_stored {
    struct store_grant grant;
    struct secret *access, *refresh; /* NULL: cannot be opened, or is not there */
    bool unopened;                   /* one is there that cannot be opened */
};
/* Strings live in `arena`; free it with grant_stored_free, also after an error. */
MUST_USE enum err grant_stored_read(struct grants *grants, struct slice account,
                                    struct arena *arena, struct grant_stored *out);
void grant_stored_free(struct grant_stored *stored);

/* ---- grant_given.c ---- */

/* What the token host gave, until it is stored: nobody else has it, and the refresh token that
 * is stored may be used up. */
struct grant_given {
    struct list link; /* in grants->unstored, while kept */
    struct grants *grants;
    struct slice account;
    int64_t version;                 /* of the stored grant that it replaces */
    struct secret *access, *refresh; /* NULL: there is none, and it gave none */
    int64_t ends_ms;                 /* the access token's life began when it came */
    bool storing;
    struct token_source *kept; /* held, so that it outlives its credentials */
};
/* Keeps `grants`, lends `account`. */
void grant_given_init(struct grant_given *given, struct grants *grants,
                      struct slice account);
bool grant_is_given(const struct grant_given *given);
void grant_given_put(struct grant_given *given, int64_t version,
                     const struct token_answer *answer);
void grant_given_forget(struct grant_given *given);
/* At the end of a flight of `source`, which something else holds: keeps it while there is
 * something to store, else lets go of it. */
void grant_given_keep(struct grant_given *given, struct token_source *source);
/* The source that has something to store for the account; NULL: none has. */
struct token_source *grants_unstored(struct grants *grants, struct slice account);
/* The stored grant has another version than what was to be replaced; 0: it is gone. */
void grants_forget_outdated(struct grants *grants, struct slice account,
                            int64_t version);
/* The server ends. */
void grants_forget_unstored(struct grants *grants);

/* ---- grant_renewal.c ---- */

/* Ends every flight that is left: the server has stopped. */
void grant_renewals_end(struct grants *grants);
/* Those who look at what another process renews, as far as they are due. */
void grant_renewals_look(struct grants *grants);

#endif
