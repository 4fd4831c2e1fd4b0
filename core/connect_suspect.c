/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the values that were pasted is the wrong one. Some are so by themselves, which
 * ->fault names; of the others the trial's way tells, as far as it came: whose address gave
 * no answer, and which host refused which client.
 */
#include "base/text.h"
#include "core/connect_private.h"

/* The field a person is asked for. */
struct asked {
    const char *group, *name;
    struct slice typed;
};

static struct slice detail_at(const struct connect *connect, struct slice pointer)
{
    for (size_t i = 0; i < connect->fault.detail_count; i++) {
        if (slice_eq(connect->fault.details[i].pointer, pointer)) {
            return connect->fault.details[i].message;
        }
    }
    return SLICE_EMPTY;
}

struct slice connect_error_of_box(const struct connect *connect)
{
    return detail_at(connect, SLICE("/" CONNECT_BOX));
}

static bool is_named(const struct asked *asked, const char *const *names)
{
    while (*names != NULL && strcmp(*names, asked->name) != 0) {
        names++;
    }
    return *names != NULL;
}

/* "https://host/path" is at "https://host". */
static bool is_at(struct slice url, const char *origin)
{
    size_t len = strlen(origin);
    return len > 0 && url.len >= len &&
           slice_eq_nocase(slice_of(url.ptr, len), slice_str(origin)) &&
           (url.len == len || url.ptr[len] == '/' || url.ptr[len] == '?');
}

/* ---- Addresses ---- */

/* The field with the ERP's own address. */
static bool is_place(const struct asked *asked)
{
    static const char *const names[] = {"base_url", "account_id", NULL};
    return strcmp(asked->group, "connection") == 0 && is_named(asked, names);
}

/* The field with the address of the host that gave no token. */
static const char *token_address(const struct connect *connect)
{
    const struct trial_facts *tried = connect->tried;
    if (tried->is_for_proxy) {
        return "connectivity_token_url";
    }
    if (is_at(connect_typed(connect, "auth", "service_url"), tried->token.origin) &&
        !is_at(connect_typed(connect, "auth", "token_url"), tried->token.origin)) {
        return "service_url";
    }
    return outbound_scheme_takes(connect->scheme, "token_url") ? "token_url" : NULL;
}

static struct slice no_answer(const struct connect *connect,
                              const struct http_trace *trace)
{
    return trace->err == ERR_POLICY_DENIED
               ? SLICE("This server's operator allows no calls to this address.")
               : arena_printf(
                     connect->arena,
                     "No usable answer came from here%s%s%s: check the address, and "
                     "that this server can reach it.",
                     trace->reason != NULL && trace->reason[0] != '\0' ? " (" : "",
                     trace->reason != NULL ? trace->reason : "",
                     trace->reason != NULL && trace->reason[0] != '\0' ? ")" : "");
}

static struct slice strange_answer(const struct connect *connect, int status)
{
    return arena_printf(connect->arena,
                        "Something answers here, but not what was asked for (HTTP %d): "
                        "check the address, path and all.",
                        status);
}

/* ---- The token host ---- */

static bool is_client(const struct connect *connect, const struct asked *asked)
{
    static const char *const proxys[] = {"connectivity_client_id",
                                         "connectivity_client_secret",
                                         "connectivity_certificate_pem", NULL};
    static const char *const own[] = {"client_id", "client_secret", "certificate_pem",
                                      "certificate_id", NULL};
    return asked->typed.len > 0 &&
           is_named(asked, connect->tried->is_for_proxy ? proxys : own);
}

/* The destination service has a word of its own for what it does not know. */
static struct slice suspect_destination(const struct connect *connect,
                                        const struct asked *asked)
{
    int status = connect->tried->token_status;
    bool is_unknown = status == 404 || status == 200;
    const char *wrong = is_unknown ? "destination" : "service_url";
    if (connect->fault.err == ERR_POLICY_DENIED) {
        return is_place(asked) ? connect->fault.message : SLICE_EMPTY;
    }
    return strcmp(asked->name, wrong) == 0 ? connect->fault.message : SLICE_EMPTY;
}

static struct slice suspect_of_token(const struct connect *connect,
                                     const struct asked *asked)
{
    const struct trial_facts *tried = connect->tried;
    const char *address = token_address(connect);
    bool is_address =
        address != NULL ? strcmp(asked->name, address) == 0 : is_place(asked);
    if (tried->token_status == 0) {
        return is_address ? no_answer(connect, &tried->token) : SLICE_EMPTY;
    }
    if (tried->is_looked_up) {
        return suspect_destination(connect, asked);
    }
    if (connect->fault.err != ERR_NEEDS_REAUTH ||
        connect->fault.upstream.code.len == 0) { /* RFC 6749 section 5.2 asks for one */
        return is_address ? strange_answer(connect, tried->token_status) : SLICE_EMPTY;
    }
    return is_client(connect, asked)
               ? SLICE("The host that gives tokens does not know this client, or what "
                       "proves it is wrong: it does not say which.")
               : SLICE_EMPTY;
}

/* ---- The ERP ---- */

static struct slice suspect_of_login(const struct connect *connect,
                                     const struct asked *asked)
{
    static const char *const values[] = {"username",        "password",   "api_key",
                                         "certificate_pem", "sap_client", NULL};
    bool is_login = asked->typed.len > 0 && is_named(asked, values);
    if (connect->tried->status == 407) {
        return is_client(connect, asked)
                   ? SLICE("The connectivity proxy does not take this client.")
                   : SLICE_EMPTY;
    }
    return is_login
               ? SLICE("The ERP refused this login: it does not say which value is "
                       "wrong.")
               : SLICE_EMPTY;
}

static struct slice suspect_of_erp(const struct connect *connect,
                                   const struct asked *asked)
{
    const struct trial_facts *tried = connect->tried;
    struct slice proxy = connect_typed(connect, "auth", "proxy_url");
    bool by_proxy = is_at(proxy, tried->erp.origin);
    enum err err = connect->fault.err;
    if (tried->erp.origin[0] == '\0') { /* nothing was sent by this trial */
        return err == ERR_NEEDS_REAUTH ? suspect_of_login(connect, asked) : SLICE_EMPTY;
    }
    if (tried->status == 0) {
        bool is_address =
            by_proxy ? strcmp(asked->name, "proxy_url") == 0 : is_place(asked);
        return is_address ? no_answer(connect, &tried->erp) : SLICE_EMPTY;
    }
    if (err == ERR_NEEDS_REAUTH && tried->status >= 400) {
        return suspect_of_login(connect, asked);
    }
    if (err == ERR_PERMISSION_DENIED && by_proxy &&
        connect->fault.hint.len > 0) { /* the Cloud Connector's own refusal */
        return is_place(asked) ? connect->fault.hint : SLICE_EMPTY;
    }
    if (err == ERR_NOT_FOUND || err == ERR_UPSTREAM_MALFORMED ||
        err == ERR_NEEDS_REAUTH) {
        return is_place(asked) ? strange_answer(connect, tried->status) : SLICE_EMPTY;
    }
    return SLICE_EMPTY;
}

/* ---- The way in ---- */

/* A value of another length than all of the ERP's own is the likely one. */
static struct slice suspect_length(const struct connect *connect,
                                   const struct asked *asked, size_t usual)
{
    return usual > 0 && asked->typed.len != usual
               ? arena_printf(
                     connect->arena,
                     "This is the likely one: it has %zu characters, and the "
                     "ERP's own have %zu. A piece may be missing, or too much.",
                     asked->typed.len, usual)
               : SLICE_EMPTY;
}

struct slice connect_error_of(const struct connect *connect, const char *group,
                              const struct connect_field *words)
{
    const struct asked asked = {group, words->name,
                                connect_typed(connect, group, words->name)};
    struct slice error =
        detail_at(connect, arena_printf(connect->arena, "/%s/%s", group, words->name));
    if (error.len > 0 || connect->tried == NULL) {
        return error;
    }
    if (connect->fault.err == ERR_NEEDS_REAUTH) {
        error = suspect_length(connect, &asked, words->usual);
    }
    if (error.len > 0) {
        return error;
    }
    return connect->tried->token_failed ? suspect_of_token(connect, &asked)
                                        : suspect_of_erp(connect, &asked);
}
