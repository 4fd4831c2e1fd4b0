/* SPDX-License-Identifier: Apache-2.0 */
/* What people see. Plain HTML: no script, nothing from elsewhere. */
#include "base/limits.h"
#include "base/text.h"
#include "core/catalogs.h"
#include "core/connect_private.h"

/* ---- Words ---- */

static const struct connect_cause causes[] = {
    {"consent_denied", "Access was not allowed",
     "You, or somebody at that screen, chose not to allow access. Nothing was "
     "connected "
     "and nothing was stored."},
    {"consent_refused", "The ERP did not go along with the login",
     "It came back without allowing access. Most often the role that was chosen may "
     "not "
     "log in using OAuth 2.0 access tokens, or the integration is not enabled in that "
     "account. Your ERP administrator can see the reason in the login audit trail."},
    {"wrong_company", "That was another account",
     "You logged in to another account than the one named here, so nothing was "
     "connected. Log out there, or choose the right account and role, and try again."},
    {"token_refused", "The ERP took back what it allowed",
     "You allowed access, but the ERP then refused to give it to this server. Most "
     "often "
     "the server's client ID or secret is wrong, or the login took too long. Try "
     "again; "
     "if it happens once more, tell whoever runs this server."},
    {"login_refused", "The ERP refused this login",
     "The values were tried once, and the ERP did not take them. Nothing was stored."},
    {"permission_denied", "The login works, but may not read",
     "The ERP knows this login, but its role may not use the API. Nothing was stored. "
     "Give the role the permissions that the guide lists, and try again."},
    {"erp_unavailable", "The ERP could not be reached",
     "No usable answer came from it, so nothing was stored. Check the account or the "
     "address, and try again in a few minutes."},
    {"erp_busy", "The ERP is busy",
     "It takes no more requests at the moment, so the login could not be tried and "
     "nothing was stored. Try again in a minute."},
    {"erp_refused", "The ERP did not take the request",
     "The login was tried with one read, and the ERP refused that read. Nothing was "
     "stored."},
    {"policy_denied", "This server may not call that address",
     "Its operator allows calls to other hosts than this one. Check the address; if it "
     "is right, the operator has to allow it."},
    {"account_gone", "The account is gone",
     "It was removed from this server while you were connecting it. Ask whoever sent "
     "you "
     "the link for a new one."},
    {"used_elsewhere", "This link was used in another window",
     "What you did there counts; this window's login was not stored."},
    {"internal", "Something went wrong here",
     "The fault is this server's, not yours. Nothing was stored. Try again; if it "
     "happens once more, tell whoever runs it."},
};
#define CAUSE_COUNT (sizeof causes / sizeof causes[0])

const struct connect_cause *connect_cause(struct slice cause)
{
    for (size_t i = 0; i < CAUSE_COUNT; i++) {
        if (slice_is(cause, causes[i].cause)) {
            return &causes[i];
        }
    }
    return &causes[CAUSE_COUNT - 1];
}

/* ---- The frame ---- */

static struct buf begin(const struct connect *connect, struct slice title)
{
    struct buf html;
    buf_init(&html, LIMIT_CONNECT_PAGE_BYTES);
    html_put(&html,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, "
             "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
             "<title>{}</title>\n<link rel=\"stylesheet\" href=\"{}\">\n</head>\n"
             "<body>\n<main>\n<h1>{}</h1>\n",
             title, connect_path(connect, SLICE("style.css")), title);
    return html;
}

static void finish(struct connect *connect, int status, struct buf *html)
{
    html_raw(html, "</main>\n</body>\n</html>\n");
    connect_respond(connect, status, html);
}

void connect_page_refused(struct connect *connect, int status, const char *title,
                          const char *text)
{
    struct buf html = begin(connect, slice_str(title));
    html_put(&html, "<p>{}</p>\n", slice_str(text));
    finish(connect, status, &html);
}

void connect_page_gone(struct connect *connect)
{
    connect_page_refused(
        connect, 404, "This link does not work any more",
        "It was used, it is older than 15 minutes, or a piece of it is missing. Ask "
        "whoever sent it to you for a new one.");
}

void connect_page_elsewhere(struct connect *connect)
{
    connect_page_refused(connect, 403, "This link was opened in another browser",
                         "It works in the browser that opened it first, and nowhere "
                         "else. Go on there. If "
                         "that was not you, do not go on: ask for a new link.");
}

void connect_page_stray_answer(struct connect *connect)
{
    connect_page_refused(connect, 400,
                         "This answer does not belong to a login under way",
                         "It was used before, or the login it belongs to has ended. "
                         "Nothing was changed. "
                         "Open the link you were given again, or ask for a new one.");
}

/* ---- The end ---- */

static struct slice status_word(const struct connect *connect)
{
    if (connect_is(connect, "connected")) {
        return SLICE("connected");
    }
    return slice_is(connect->session.cause, "consent_denied") ? SLICE("denied")
                                                              : SLICE("failed");
}

struct slice connect_return_url(const struct connect *connect)
{
    const struct store_connect_session *session = &connect->session;
    struct slice url = session->return_url;
    struct slice more =
        session->account.len > 0
            ? arena_printf(
                  connect->arena, "&account_id=%.*s",
                  SLICE_ARG(text_percent_arena(connect->arena, session->account)))
            : SLICE_EMPTY;
    return arena_printf(connect->arena, "%.*s%sstatus=%.*s&connect_session=%.*s%.*s",
                        SLICE_ARG(url), slice_find(url, '?') < 0 ? "?" : "&",
                        SLICE_ARG(status_word(connect)), SLICE_ARG(session->id),
                        SLICE_ARG(more));
}

static struct slice title_of(const struct connect *connect)
{
    const struct integration *integration =
        connect->integration != NULL
            ? connect->integration
            : catalog_integration(catalogs_current(connect->gateway->catalogs),
                                  connect->session.integration);
    return integration != NULL ? integration->title : connect->session.integration;
}

static void put_return(struct connect *connect, struct buf *html, bool is_main)
{
    if (is_main) {
        html_put(html,
                 "<p class=\"actions\"><a class=\"button\" id=\"return\" "
                 "href=\"{}\">Continue</a></p>\n",
                 connect_return_url(connect));
    } else {
        html_put(html,
                 "<p class=\"aside\"><a id=\"return\" href=\"{}\">Go back without "
                 "connecting</a></p>\n",
                 connect_return_url(connect));
    }
}

void connect_page_end(struct connect *connect)
{
    bool is_connected = connect_is(connect, "connected");
    const struct connect_cause *cause = connect_cause(connect->session.cause);
    struct buf html =
        begin(connect, is_connected ? arena_printf(connect->arena, "%.*s is connected",
                                                   SLICE_ARG(title_of(connect)))
                                    : slice_str(cause->title));
    if (is_connected) {
        html_put(
            &html,
            "<p class=\"good\" id=\"connected\">The login was tried with one read and "
            "works. It is stored encrypted on this server.</p>\n"
            "<dl><dt>Account</dt><dd><code>{}</code></dd></dl>\n",
            connect->session.account);
    } else {
        html_put(
            &html,
            "<p class=\"bad\" id=\"status\">{}</p>\n<p>This link has been tried too "
            "often: a few more wrong logins would lock the user in the ERP. Ask "
            "whoever sent you the link for a new one.</p>\n",
            slice_str(cause->text));
    }
    put_return(connect, &html, true);
    finish(connect, 200, &html);
}

/* ---- Choosing a way ---- */

/* What the trial said. Of a refused login the causes alone, unless the clocks are apart: the
 * rest speaks of an account that is stored. */
static struct slice reason_of(const struct connect *connect)
{
    struct slice said = connect->fault.message;
    bool is_login = connect->fault.err == ERR_NEEDS_REAUTH && connect->scheme != NULL;
    return is_login && !slice_contains_nocase(said, SLICE("clock"))
               ? outbound_scheme_causes(connect->scheme, 0, connect->arena)
               : said;
}

/* Why the last try failed; nothing the first time. */
static void put_failure(struct connect *connect, struct buf *html)
{
    const struct connect_cause *cause = connect_cause(connect->session.cause);
    if (connect->session.cause.len == 0) {
        return;
    }
    html_put(html,
             "<div class=\"bad\" role=\"alert\" id=\"status\"><h2>{}</h2><p>{}</p>",
             slice_str(cause->title), slice_str(cause->text));
    struct slice reason = reason_of(connect);
    if (reason.len > 0) {
        html_put(html, "<p id=\"reason\">{}</p>", reason);
    }
    html_raw(html, "</div>\n");
}

static struct slice heading(const struct connect *connect)
{
    return arena_printf(connect->arena, "Connect %.*s%s", SLICE_ARG(title_of(connect)),
                        connect->session.account.len > 0 ? " again" : "");
}

static void put_subject(struct connect *connect, struct buf *html)
{
    if (connect->session.account.len > 0) {
        html_put(html,
                 "<p>Account <b>{}</b> gets a new login. Until that has worked, it "
                 "keeps the one it has.</p>\n",
                 connect->account.name);
    }
}

/* By consent first: there is nothing to copy. */
static void put_ways(const struct connect *connect, struct buf *html, bool consents)
{
    const struct outbound_scheme *scheme = NULL;
    for (size_t n = 0; (scheme = connect_way_at(connect, n)) != NULL; n++) {
        struct connect_way way = connect_way_of(scheme);
        struct slice rest = arena_printf(connect->arena, "%.*s/%s",
                                         SLICE_ARG(connect->link), way.scheme);
        if (consent_is_way_of(scheme) == consents) {
            html_put(
                html,
                "<li><a href=\"{}\" id=\"way-{}\"><b>{}</b><span>{}</span></a></li>\n",
                connect_path(connect, rest), slice_str(way.scheme),
                slice_str(way.label), slice_str(way.help));
        }
    }
}

void connect_page_choice(struct connect *connect)
{
    struct buf html = begin(connect, heading(connect));
    put_failure(connect, &html);
    put_subject(connect, &html);
    html_raw(&html, "<p>How should this server log in?</p>\n<ul class=\"ways\">\n");
    put_ways(connect, &html, true);
    put_ways(connect, &html, false);
    html_raw(&html, "</ul>\n");
    put_return(connect, &html, false);
    finish(connect, 200, &html);
}

/* ---- The form ---- */

struct shown_field {
    const char *group;
    struct connect_field words;
    struct slice value; /* what was typed and is no secret */
    struct slice error;
    bool is_secret;
};

static struct slice error_at(const struct connect *connect, const char *group,
                             const char *name)
{
    struct slice pointer = arena_printf(connect->arena, "/%s/%s", group, name);
    for (size_t i = 0; i < connect->fault.detail_count; i++) {
        if (slice_eq(connect->fault.details[i].pointer, pointer)) {
            return connect->fault.details[i].message;
        }
    }
    return SLICE_EMPTY;
}

/* The ERP refused the whole: what looks unlike its own values is the likely one. */
static struct slice suspicion(const struct connect *connect,
                              const struct shown_field *field)
{
    struct slice typed = connect_typed(connect, field->group, field->words.name);
    struct slice code = connect->fault.upstream.code;
    if (connect->fault.err != ERR_NEEDS_REAUTH) {
        return SLICE_EMPTY;
    }
    if (field->words.usual > 0 && typed.len != field->words.usual) {
        return arena_printf(
            connect->arena,
            "This is the likely one: it has %zu characters, and the ERP's "
            "own have %zu. A piece may be missing, or too much.",
            typed.len, field->words.usual);
    }
    if (slice_is(code, "invalid_client") &&
        strcmp(field->words.name, "client_id") == 0) {
        return SLICE("The ERP says that it does not know this client, or that what "
                     "proves it is wrong.");
    }
    return SLICE_EMPTY;
}

/* Of the routes, those that the scheme is for. */
static void put_choices(const struct connect *connect, struct buf *html,
                        const struct shown_field *field)
{
    bool is_route = strcmp(field->words.name, "route") == 0;
    for (const struct connect_choice *choice = field->words.choices;
         choice->value != NULL; choice++) {
        if (is_route &&
            !outbound_scheme_fits(connect->scheme, slice_str(choice->value))) {
            continue;
        }
        bool chosen = slice_is(field->value, choice->value);
        html_put(html, "<option value=\"{}\"", slice_str(choice->value));
        html_put(html, "{}>{}</option>", chosen ? SLICE(" selected") : SLICE_EMPTY,
                 slice_str(choice->label));
    }
    html_raw(html, "</select>\n");
}

static bool is_long(const struct shown_field *field)
{
    const char *name = field->words.name;
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, "_pem") == 0;
}

/* What stands in every control: its name, and what describes it. */
static void put_attributes(const struct connect *connect, struct buf *html,
                           const struct shown_field *field)
{
    struct slice id =
        arena_printf(connect->arena, "%s.%s", field->group, field->words.name);
    html_put(html, " id=\"{}\" name=\"{}\"", id, id);
    if (field->words.help != NULL || field->error.len > 0) {
        html_put(html, " aria-describedby=\"{}-help{}\"", id,
                 field->error.len > 0
                     ? arena_printf(connect->arena, " %.*s-error", SLICE_ARG(id))
                     : SLICE_EMPTY);
    }
    if (field->error.len > 0) {
        html_raw(html, " aria-invalid=\"true\"");
    }
    if (!field->words.optional) {
        html_raw(html, " required");
    }
}

static void put_control(const struct connect *connect, struct buf *html,
                        const struct shown_field *field)
{
    if (field->words.choices != NULL) {
        html_raw(html, "<select");
        put_attributes(connect, html, field);
        html_raw(html, ">");
        put_choices(connect, html, field);
    } else if (is_long(field)) {
        html_raw(html,
                 "<textarea rows=\"6\" autocomplete=\"off\" spellcheck=\"false\"");
        put_attributes(connect, html, field);
        html_put(html, ">\n{}</textarea>\n", field->value);
    } else {
        html_put(html,
                 "<input type=\"{}\" autocomplete=\"off\" autocapitalize=\"off\" "
                 "spellcheck=\"false\"",
                 field->is_secret ? SLICE("password") : SLICE("text"));
        put_attributes(connect, html, field);
        html_put(html, " value=\"{}\">\n", field->value);
    }
}

static void put_field(const struct connect *connect, struct buf *html,
                      const char *group, const struct connect_field *words,
                      bool is_secret)
{
    struct shown_field field = {
        .group = group, .words = *words, .is_secret = is_secret};
    struct slice id = arena_printf(connect->arena, "%s.%s", group, words->name);
    field.error = error_at(connect, group, words->name);
    if (field.error.len == 0) {
        field.error = suspicion(connect, &field);
    }
    field.value = is_secret ? SLICE_EMPTY : connect_typed(connect, group, words->name);
    html_put(html, "<div class=\"field\"><label for=\"{}\">{}{}</label>\n", id,
             slice_str(words->label != NULL ? words->label : words->name),
             words->optional ? SLICE(" (not always needed)") : SLICE_EMPTY);
    put_control(connect, html, &field);
    if (words->help != NULL || field.error.len > 0) {
        html_put(html, "<p class=\"help\" id=\"{}-help\">{}</p>\n", id,
                 slice_str(words->help));
    }
    if (field.error.len > 0) {
        html_put(html, "<p class=\"error\" id=\"{}-error\">{}</p>\n", id, field.error);
    }
    html_raw(html, "</div>\n");
}

static void put_connection_fields(const struct connect *connect, struct buf *html)
{
    size_t count = 0;
    const struct connect_field *fields =
        connect_connection_fields(connect->session.integration, &count);
    for (size_t i = 0; connect->session.account.len == 0 && i < count; i++) {
        if (fields[i].route != NULL &&
            !outbound_scheme_fits(connect->scheme, slice_str(fields[i].route))) {
            continue;
        }
        put_field(connect, html, "connection", &fields[i], false);
    }
}

static bool put_auth_fields(const struct connect *connect, struct buf *html)
{
    size_t count = 0;
    bool has_secret = false;
    const struct outbound_field *fields =
        outbound_scheme_fields(connect->scheme, &count);
    for (size_t i = 0; i < count; i++) {
        struct connect_field words = connect_field_of(connect->scheme, &fields[i]);
        put_field(connect, html, "auth", &words, fields[i].secret);
        has_secret = has_secret || fields[i].secret;
    }
    return has_secret;
}

static void put_token(const struct connect *connect, struct buf *html)
{
    struct slice hash = principal_hash_connect(
        connect->gateway->parts.keys, CONNECT_FORM, connect->browser, connect->arena);
    html_put(html, "<input type=\"hidden\" name=\"form\" value=\"{}\">\n",
             text_hex(connect->arena, hash));
}

static struct slice form_path(const struct connect *connect)
{
    return connect_path(connect, arena_printf(connect->arena, "%.*s/%s",
                                              SLICE_ARG(connect->link),
                                              outbound_scheme_name(connect->scheme)));
}

static void put_ways_back(struct connect *connect, struct buf *html)
{
    if (connect_way_at(connect, 1) != NULL) {
        html_put(html,
                 "<p class=\"aside\"><a id=\"other\" href=\"{}\">Another way to log "
                 "in</a></p>\n",
                 connect_path(connect, connect->link));
    }
    put_return(connect, html, false);
}

void connect_page_form(struct connect *connect, int status)
{
    bool consents = consent_is_way_of(connect->scheme);
    struct connect_way way = connect_way_of(connect->scheme);
    struct buf html = begin(connect, heading(connect));
    put_failure(connect, &html);
    put_subject(connect, &html);
    html_put(&html, "<h2>{}</h2>\n<p>{}</p>\n<p>{}</p>\n", slice_str(way.label),
             slice_str(way.help),
             slice_str(connect_allows(connect->session.integration)));
    html_put(&html, "<form method=\"post\" action=\"{}\" autocomplete=\"off\">\n",
             form_path(connect));
    put_token(connect, &html);
    put_connection_fields(connect, &html);
    bool has_secret = !consents && put_auth_fields(connect, &html);
    if (has_secret && status != 200) {
        html_raw(&html,
                 "<p class=\"help\">Secret values are not shown again: paste them "
                 "once more.</p>\n");
    }
    if (!consents) {
        html_raw(&html,
                 "<p class=\"help\">The values are tried with one read. Only when "
                 "that works are they stored, encrypted; no page and no agent ever "
                 "sees them.</p>\n");
    }
    html_put(&html,
             "<p class=\"actions\"><button type=\"submit\" "
             "id=\"submit\">{}</button></p>\n</form>\n",
             consents ? SLICE("Continue") : SLICE("Try and connect"));
    put_ways_back(connect, &html);
    finish(connect, status, &html);
}

/* A link, no redirect after the form: so the policy of these pages need not name the ERP. */
void connect_page_to_erp(struct connect *connect, struct slice url)
{
    struct slice title = title_of(connect);
    struct buf html = begin(
        connect, arena_printf(connect->arena, "Log in at %.*s", SLICE_ARG(title)));
    html_put(&html,
             "<p>You are sent to {}, account <b id=\"account\">{}</b>. Log in there, "
             "choose the role, and allow access. You come back here by yourself.</p>\n"
             "<p>{}</p>\n"
             "<p class=\"actions\"><a class=\"button\" id=\"erp\" href=\"{}\">Go to "
             "{}</a></p>\n"
             "<p class=\"aside\"><a id=\"other\" href=\"{}\">Back</a></p>\n",
             title, connect->target.realm,
             slice_str(connect_allows(connect->session.integration)), url, title,
             connect_path(connect, connect->link));
    finish(connect, 200, &html);
}
