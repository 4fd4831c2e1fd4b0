/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what the files of the pages for people share: a visit, its answers, and what
 * becomes of its session. Owns: nothing; a struct connect lives in the exchange's arena and
 * dies with the answer. Threads: the loop's. Errors: the answering functions end the
 * exchange: nothing may be touched afterwards. Start reading at: struct connect.
 */
#ifndef SLUICE_CORE_CONNECT_PRIVATE_H
#define SLUICE_CORE_CONNECT_PRIVATE_H

#include "auth/consent.h"
#include "auth/principal.h"
#include "base/jwriter.h"
#include "core/accounts.h"
#include "core/connect.h"
#include "core/connect_fields.h"
#include "core/creation.h"
#include "core/gateway.h"
#include "core/html.h"
#include "core/trial.h"
#include "core/web_form.h"

struct connect {
    struct gateway *gateway;
    struct http_exchange *exchange;
    const struct http_request *request;
    struct arena *arena;
    struct slice link;    /* of the path, or out of the session; 64 hex digits */
    struct slice way;     /* of the path: the name of a scheme; empty */
    struct slice browser; /* what this one is known by; empty until it is */
    bool gives_browser;   /* the answer tells it to the browser */
    const char *allow;    /* the methods of this path */
    struct store_connect_session session;
    struct store_account account; /* of a session that connects one again */
    const struct integration *integration;
    struct web_form form; /* of a POST, or of the callback's query */

    /* The step under way: what was typed, tried, and comes next. */
    const struct outbound_scheme *scheme;
    const struct jval *connection, *auth;
    struct op_target target;
    struct slice erp_url, verifier;
    const char *cause;
    struct fault fault;
    const struct trial_facts *tried; /* how far it came; NULL: it was not tried */
    void (*next)(struct connect *connect);
    int tries;
};

/* ---- connect.c: the session ---- */

/* Stores the session as it is here, then calls `next`; a page when somebody else changed
 * it meanwhile. */
void connect_store(struct connect *connect, void (*next)(struct connect *connect));
/* The try is over without success: stored whatever came between, then `next`. `cause` is a
 * literal out of connect_page.c's `causes`. */
void connect_fail(struct connect *connect, const char *cause,
                  void (*next)(struct connect *connect));
/* The session's last word, in the transaction that stores the account. */
void connect_put_success(void *ctx, struct store_batch *batch,
                         const struct store_account *record);
/* Once that is durable. */
void connect_succeeded(struct connect *connect, const struct store_account *record);
bool connect_is(const struct connect *connect, const char *state);
bool connect_has_tries(const struct connect *connect);
/* The n-th way to connect this account, or NULL. */
const struct outbound_scheme *connect_way_at(const struct connect *connect, size_t n);
/* A new account of an ERP with terms of its own, which nobody has acknowledged yet. */
bool connect_must_acknowledge(const struct connect *connect);
/* The record that a login typed here makes: of the account, or of a new one. */
struct store_account connect_record(const struct connect *connect);
/* To the page of the session, whatever that shows by now. */
void connect_see_session(struct connect *connect);

/* ---- connect_form.c, connect_consent.c: the ways ---- */

void connect_submit(struct connect *connect);
/* Reads the fields of the connection into ->connection and ->target; false when something is
 * wrong, which ->fault says. */
bool connect_read_connection(struct connect *connect);
void connect_ask_consent(struct connect *connect);
void connect_callback(struct connect *connect);
/* The way to the ERP is configured, or the account has its own. */
bool connect_can_consent(const struct connect *connect);
/* Whether the person has, or has not to: false after a word in ->fault. */
bool connect_read_acknowledgement(struct connect *connect);
/* What was typed into a field, without blanks around it; "connection" or "auth". */
struct slice connect_typed(const struct connect *connect, const char *group,
                           const char *name);
/* What a trial came to, as a cause. */
const char *connect_cause_of(const struct creation_end *end);

/* ---- connect_suspect.c: which value is wrong ---- */

/* What is wrong with that field of "connection" or "auth": as ->fault has it, or else as the
 * way of ->tried tells; empty: nothing that is known. */
struct slice connect_error_of(const struct connect *connect, const char *group,
                              const struct connect_field *words);

/* The same of the box by which the ERP's terms are acknowledged. */
struct slice connect_error_of_box(const struct connect *connect);

/* The name of that box, and what it sends. */
#define CONNECT_BOX "acknowledged"
#define CONNECT_BOX_TICKED "yes"

/* ---- connect_page.c, connect_form_page.c: what people see ---- */

struct buf connect_page_begin(const struct connect *connect, struct slice title);
/* Takes `html`. */
void connect_page_finish(struct connect *connect, int status, struct buf *html);
/* The ERP's name. */
struct slice connect_title(const struct connect *connect);
/* To return_url: as the way on, or as the way out. */
void connect_put_return(struct connect *connect, struct buf *html, bool is_main);

/* A cause in plain words; the last for one that is unknown. */
struct connect_cause {
    const char *cause, *title, *text;
};
const struct connect_cause *connect_cause(struct slice cause);

void connect_page_style(struct connect *connect);
/* Unknown, used and ended links: one page. */
void connect_page_gone(struct connect *connect);
void connect_page_elsewhere(struct connect *connect);
void connect_page_stray_answer(struct connect *connect);
void connect_page_refused(struct connect *connect, int status, const char *title,
                          const char *text);
/* Nothing is known of whoever opens a link: the page names the ERP alone. */
void connect_page_start(struct connect *connect);
void connect_page_choice(struct connect *connect);
/* The form of ->scheme, with what ->fault says of it. */
void connect_page_form(struct connect *connect, int status);
void connect_page_to_erp(struct connect *connect, struct slice url);
void connect_page_end(struct connect *connect);

/* ---- connect_answer.c ---- */

/* Takes `html`, whole or full. */
void connect_respond(struct connect *connect, int status, struct buf *html);
void connect_respond_style(struct connect *connect, struct slice css);
void connect_redirect(struct connect *connect, struct slice path);
/* "/connect/<rest>" as the browser sees it: behind the path of server.public_url. */
struct slice connect_path(const struct connect *connect, struct slice rest);
struct slice connect_cookie_of(const struct connect *connect);

#endif
