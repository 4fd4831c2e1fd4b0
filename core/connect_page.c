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
     "connected and nothing was stored."},
    {"consent_refused", "The ERP did not go along with the login",
     "It came back without allowing access. Most often the role that was chosen may "
     "not log in using OAuth 2.0 access tokens, or the integration is not enabled in "
     "that account. Your ERP administrator can see the reason in the login audit "
     "trail."},
    {"wrong_company", "That was another account",
     "You logged in to another account than the one named here, so nothing was "
     "connected. Log out there, or choose the right account and role, and try again."},
    {"token_refused", "The ERP took back what it allowed",
     "You allowed access, but the ERP then refused to give it to this server. Most "
     "often the server's client ID or secret is wrong, or the login took too long. Try "
     "again; if it happens once more, tell whoever runs this server."},
    {"login_refused", "The ERP refused this login",
     "The values were tried once, and the ERP did not take them. Nothing was stored."},
    {"login_locked", "This login is not tried again for now",
     "Nothing was sent this time: a few wrong logins lock the user in the ERP, and "
     "these values have been refused before."},
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
     "you the link for a new one."},
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

struct buf connect_page_begin(const struct connect *connect, struct slice title)
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

void connect_page_finish(struct connect *connect, int status, struct buf *html)
{
    html_raw(html, "</main>\n</body>\n</html>\n");
    connect_respond(connect, status, html);
}

void connect_page_refused(struct connect *connect, int status, const char *title,
                          const char *text)
{
    struct buf html = connect_page_begin(connect, slice_str(title));
    html_put(&html, "<p>{}</p>\n", slice_str(text));
    connect_page_finish(connect, status, &html);
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
    connect_page_refused(
        connect, 403, "This link is in use in another browser",
        "It works in the browser in which somebody began, and nowhere else. Go on "
        "there. If that was not you, do not go on: ask for a new link.");
}

void connect_page_stray_answer(struct connect *connect)
{
    connect_page_refused(connect, 400,
                         "This answer does not belong to a login under way",
                         "It was used before, or the login it belongs to has ended. "
                         "Nothing was changed. Open the link you were given again, or "
                         "ask for a new one.");
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

/* With what became of it. */
static struct slice return_url(const struct connect *connect)
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

struct slice connect_title(const struct connect *connect)
{
    const struct integration *integration =
        connect->integration != NULL
            ? connect->integration
            : catalog_integration(catalogs_current(connect->gateway->catalogs),
                                  connect->session.integration);
    return integration != NULL ? integration->title : connect->session.integration;
}

void connect_put_return(struct connect *connect, struct buf *html, bool is_main)
{
    if (is_main) {
        html_put(html,
                 "<p class=\"actions\"><a class=\"button\" id=\"return\" "
                 "href=\"{}\">Continue</a></p>\n",
                 return_url(connect));
    } else {
        html_put(html,
                 "<p class=\"aside\"><a id=\"return\" href=\"{}\">Go back without "
                 "connecting</a></p>\n",
                 return_url(connect));
    }
}

void connect_page_end(struct connect *connect)
{
    bool is_connected = connect_is(connect, "connected");
    const struct connect_cause *cause = connect_cause(connect->session.cause);
    struct buf html = connect_page_begin(
        connect, is_connected ? arena_printf(connect->arena, "%.*s is connected",
                                             SLICE_ARG(connect_title(connect)))
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
    connect_put_return(connect, &html, true);
    connect_page_finish(connect, 200, &html);
}
