/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an account's `connection` to where its requests go. The account id is the key of
 * everything: the realm of signatures (upper case, underscore), the host names (lower
 * case, hyphen) and the lane, because NetSuite counts concurrency per account.
 */
#include "connectors/netsuite/hosts.h"

#include <ctype.h>

#include "base/text.h"
#include "base/web_origin.h"
#include "connectors/connect_faults.h"

#define ACCOUNT_ID_MAX 40

/* ---- The account id ---- */

/* Letters and digits in runs that one '_' or '-' joins; empty when it is anything else.
 */
static struct slice canonical_account(struct arena *arena, struct slice given)
{
    if (given.len == 0 || given.len > ACCOUNT_ID_MAX) {
        return SLICE_EMPTY;
    }
    char *out = arena_alloc(arena, given.len);
    bool joint_allowed = false;
    for (size_t i = 0; i < given.len; i++) {
        unsigned char c = (unsigned char)given.ptr[i];
        if (c < 0x80 && isalnum(c)) {
            out[i] = (char)toupper(c);
            joint_allowed = true;
        } else if ((c == '_' || c == '-') && joint_allowed && i + 1 < given.len) {
            out[i] = '_';
            joint_allowed = false;
        } else {
            return SLICE_EMPTY;
        }
    }
    return slice_of(out, given.len);
}

static struct slice host_form(struct arena *arena, struct slice account_id)
{
    char *out = arena_alloc(arena, account_id.len);

    for (size_t i = 0; i < account_id.len; i++) {
        char c = account_id.ptr[i];
        out[i] = c == '_' ? '-' : (char)tolower((unsigned char)c);
    }
    return slice_of(out, account_id.len);
}

/* ---- The connection object ---- */

enum host { HOST_SUITETALK, HOST_RESTLETS, HOST_APP, HOST_COUNT };

static const struct {
    const char *name, *domain;
} host_table[HOST_COUNT] = {
    [HOST_SUITETALK] = {"suitetalk", "suitetalk.api.netsuite.com"},
    [HOST_RESTLETS] = {"restlets", "restlets.api.netsuite.com"},
    [HOST_APP] = {"app", "app.netsuite.com"},
};

static void read_base_urls(struct connect_faults *faults, const struct jval *base_urls,
                           struct slice origins[HOST_COUNT])
{
    if (base_urls == NULL) {
        return;
    }
    if (base_urls->type != JVAL_OBJECT) {
        connect_fault(faults, SLICE("/base_urls"),
                      SLICE("base_urls is an object with suitetalk, restlets or app."));
        return;
    }
    for (size_t i = 0; i < base_urls->count; i++) {
        const struct jmember *member = &base_urls->members[i];
        struct slice pointer =
            text_pointer(faults->arena, SLICE("/base_urls"), member->name);
        size_t host = 0;
        while (host < HOST_COUNT && !slice_is(member->name, host_table[host].name)) {
            host++;
        }
        if (host == HOST_COUNT) {
            connect_fault(
                faults, pointer,
                SLICE("There is no such host: base_urls takes suitetalk, restlets "
                      "and app."));
            continue;
        }
        struct web_origin origin = {.text = SLICE_EMPTY};
        bool right =
            web_origin_parse(faults->arena, jval_text(&member->value), &origin);
        origins[host] = origin.text;
        if (!right) {
            connect_fault(
                faults, pointer,
                SLICE("This has to be scheme://host[:port] with http or https and "
                      "nothing behind it, such as "
                      "https://123456.suitetalk.api.netsuite.com."));
        }
    }
}

static void refuse_unknown(struct connect_faults *faults, const struct jval *connection)
{
    for (size_t i = 0; i < connection->count; i++) {
        struct slice name = connection->members[i].name;
        if (!slice_is(name, "account_id") && !slice_is(name, "base_urls")) {
            connect_fault(faults, text_pointer(faults->arena, SLICE_EMPTY, name),
                          SLICE("A NetSuite connection takes account_id and base_urls, "
                                "nothing else."));
        }
    }
}

/* What is stored: only what was said, in its canonical form, so that it can be read
 * again. */
static const struct jval *stored_connection(struct arena *arena,
                                            struct slice account_id,
                                            const struct slice origins[HOST_COUNT])
{
    struct jval *connection = jval_new_object(arena, 2);
    struct jval *base_urls = jval_new_object(arena, HOST_COUNT);

    jval_set(arena, connection, SLICE("account_id"),
             jval_new_string(arena, account_id));
    for (size_t i = 0; i < HOST_COUNT; i++) {
        if (origins[i].len > 0) {
            jval_set(arena, base_urls, slice_str(host_table[i].name),
                     jval_new_string(arena, origins[i]));
        }
    }
    if (base_urls->count > 0) {
        jval_set(arena, connection, SLICE("base_urls"), base_urls);
    }
    return connection;
}

static struct hosts *derive_hosts(struct arena *arena, struct arena *scratch,
                                  struct slice account_id,
                                  const struct slice given[HOST_COUNT])
{
    struct hosts *hosts = arena_alloc(arena, sizeof *hosts);
    struct slice origins[HOST_COUNT];
    struct slice form = host_form(scratch, account_id);

    for (size_t i = 0; i < HOST_COUNT; i++) {
        origins[i] = given[i].len > 0
                         ? arena_slice(arena, given[i])
                         : arena_printf(arena, "https://%.*s.%s", SLICE_ARG(form),
                                        host_table[i].domain);
    }
    *hosts = (struct hosts){.account_id = account_id,
                            .suitetalk = origins[HOST_SUITETALK],
                            .restlets = origins[HOST_RESTLETS],
                            .app = origins[HOST_APP]};
    return hosts;
}

static void fill_target(struct arena *arena, struct hosts *hosts,
                        const struct jval *connection, struct op_target *out)
{
    struct slice *origins = arena_array(arena, 2, sizeof *origins);

    origins[0] = hosts->suitetalk;
    origins[1] = hosts->restlets;
    *out = (struct op_target){
        .lane = arena_printf(arena, "netsuite:%.*s", SLICE_ARG(hosts->account_id)),
        .realm = hosts->account_id,
        .origins = origins,
        .origin_count = slice_eq(origins[0], origins[1]) ? 1 : 2,
        .consent_origin = hosts->app,
        .connection = connection,
        .private_data = hosts,
    };
}

enum err hosts_connect(struct arena *arena, struct arena *scratch,
                       const struct jval *connection, struct op_target *out,
                       struct fault *fault)
{
    struct connect_faults faults = connect_faults_begin(scratch);
    struct slice origins[HOST_COUNT] = {SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY};
    struct slice account_id = SLICE_EMPTY;

    if (!jval_is(connection, JVAL_OBJECT)) {
        connect_fault(&faults, SLICE_EMPTY,
                      SLICE("A connection is an object with account_id."));
    } else {
        refuse_unknown(&faults, connection);
        account_id =
            canonical_account(arena, jval_text(jval_get(connection, "account_id")));
        if (account_id.len == 0) {
            connect_fault(
                &faults, SLICE("/account_id"),
                SLICE("account_id is the id that NetSuite shows under Setup > Company "
                      "> Company Information, such as 123456 or 123456_SB1."));
        }
        read_base_urls(&faults, jval_get(connection, "base_urls"), origins);
    }
    enum err err = connect_faults_end(
        &faults, SLICE("The connection does not describe a NetSuite account."), fault);
    if (err != ERR_OK) {
        return err;
    }
    fill_target(arena, derive_hosts(arena, scratch, account_id, origins),
                stored_connection(scratch, account_id, origins), out);
    return ERR_OK;
}
