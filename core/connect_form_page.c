/* SPDX-License-Identifier: Apache-2.0 */
/* What people are asked: whether to begin, how to log in, and by what values. */
#include "base/text.h"
#include "core/connect_private.h"

/* ---- The first page ---- */

/* It says by a token from which browser's page it comes. */
static void put_form_begin(const struct connect *connect, struct buf *html,
                           struct slice action)
{
    struct slice hash = principal_hash_connect(
        connect->gateway->parts.keys, CONNECT_FORM, connect->browser, connect->arena);
    html_put(html,
             "<form method=\"post\" action=\"{}\" autocomplete=\"off\">\n"
             "<input type=\"hidden\" name=\"form\" value=\"{}\">\n",
             action, text_hex(connect->arena, hash));
}

static void put_form_end(struct buf *html, struct slice id, struct slice label)
{
    html_put(html,
             "<p class=\"actions\"><button type=\"submit\" id=\"{}\">{}</button></p>\n"
             "</form>\n",
             id, label);
}

void connect_page_start(struct connect *connect)
{
    struct slice title = connect_title(connect);
    struct buf html = connect_page_begin(
        connect, arena_printf(connect->arena, "Connect %.*s", SLICE_ARG(title)));
    html_put(&html,
             "<p>Somebody asks you to connect an account of {} to this server. You "
             "choose how it logs in, and it is tried before anything is stored.</p>\n"
             "<p>Once you begin, this link works in this browser alone.</p>\n",
             title);
    put_form_begin(connect, &html, connect_path(connect, connect->link));
    put_form_end(&html, SLICE("begin"), SLICE("Begin"));
    connect_page_finish(connect, 200, &html);
}

/* ---- Choosing a way ---- */

/* Of a refused login, but not of a destination, the trial's words speak of an account that is
 * stored, unless the clocks are apart: the causes say more. */
static bool has_causes(const struct connect *connect)
{
    bool is_looked_up = connect->tried != NULL && connect->tried->is_looked_up;
    return connect->fault.err == ERR_NEEDS_REAUTH && !is_looked_up &&
           connect->scheme != NULL &&
           !slice_contains_nocase(connect->fault.message, SLICE("clock"));
}

/* What the trial said, and the way out. */
static void put_reason(const struct connect *connect, struct buf *html)
{
    if (connect->fault.upstream.message.len > 0) {
        html_put(html, "<p id=\"said\">It said: {}</p>",
                 connect->fault.upstream.message);
    }
    if (has_causes(connect)) {
        html_put(html, "<p id=\"reason\">{}</p>",
                 outbound_scheme_causes(connect->scheme, 0, connect->arena));
        return;
    }
    if (connect->fault.message.len > 0) {
        html_put(html, "<p id=\"reason\">{}</p>", connect->fault.message);
    }
    if (connect->fault.hint.len > 0) {
        html_put(html, "<p id=\"hint\">{}</p>", connect->fault.hint);
    }
}

struct shown_field {
    struct slice id; /* "auth.client_id" */
    struct connect_field words;
    struct slice value; /* what was typed and is no secret */
    struct slice error;
    bool is_secret;
    bool is_box; /* by which the ERP's terms are acknowledged */
};

static struct slice label_of(const struct shown_field *field)
{
    return slice_str(field->words.label != NULL ? field->words.label
                                                : field->words.name);
}

/* To each wrong field, by its name. */
static void put_errors(struct buf *html, const struct shown_field *fields, size_t count)
{
    const char *between = "<p>Look at ";
    for (size_t i = 0; i < count; i++) {
        if (fields[i].error.len > 0) {
            buf_append(html, slice_str(between));
            html_put(html, "<a id=\"to-{}\" href=\"#{}\">{}</a>", fields[i].id,
                     fields[i].id, label_of(&fields[i]));
            between = ", ";
        }
    }
    html_raw(html, ".</p>");
}

static bool has_errors(const struct shown_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].error.len > 0) {
            return true;
        }
    }
    return false;
}

/* Why the last try failed, and which values are wrong; nothing the first time. It has the
 * focus, so that a screen reader begins there. */
static void put_failure(struct connect *connect, struct buf *html,
                        const struct shown_field *fields, size_t count)
{
    const struct connect_cause *cause = connect_cause(connect->session.cause);
    bool was_tried = connect->session.cause.len > 0;
    bool has_list = has_errors(fields, count);
    if (!was_tried && !has_list) {
        return;
    }
    html_put(
        html,
        "<div class=\"bad\" role=\"alert\" id=\"status\" tabindex=\"-1\" "
        "autofocus><h2>{}</h2><p>{}</p>",
        slice_str(was_tried ? cause->title : "Some values are not right yet"),
        slice_str(was_tried ? cause->text : "Nothing was sent to the ERP so far."));
    if (was_tried) {
        put_reason(connect, html);
    }
    if (has_list) {
        put_errors(html, fields, count);
    }
    html_raw(html, "</div>\n");
}

static struct slice heading(const struct connect *connect)
{
    return arena_printf(connect->arena, "Connect %.*s%s",
                        SLICE_ARG(connect_title(connect)),
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
    struct buf html = connect_page_begin(connect, heading(connect));
    put_failure(connect, &html, NULL, 0);
    put_subject(connect, &html);
    html_raw(&html, "<p>How should this server log in?</p>\n<ul class=\"ways\">\n");
    put_ways(connect, &html, true);
    put_ways(connect, &html, false);
    html_raw(&html, "</ul>\n");
    connect_put_return(connect, &html, false);
    connect_page_finish(connect, 200, &html);
}

/* ---- The form ---- */

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
    struct slice id = field->id;
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

static void put_error(struct buf *html, const struct shown_field *field)
{
    if (field->error.len > 0) {
        html_put(html, "<p class=\"error\" id=\"{}-error\">{}</p>\n", field->id,
                 field->error);
    }
}

static void put_box(const struct connect *connect, struct buf *html,
                    const struct shown_field *field)
{
    const struct integration *integration = connect->integration;
    html_put(html,
             "<div class=\"field\"><label class=\"box\" for=\"{}\">"
             "<input type=\"checkbox\" value=\"{}\"{}",
             field->id, SLICE(CONNECT_BOX_TICKED),
             slice_is(field->value, CONNECT_BOX_TICKED) ? SLICE(" checked")
                                                        : SLICE_EMPTY);
    put_attributes(connect, html, field);
    html_put(html,
             "><span>{}</span></label>\n<p class=\"help\" id=\"{}-help\">"
             "<a href=\"{}\" rel=\"noreferrer\">{}</a></p>\n",
             integration->acknowledgement_statement, field->id,
             integration->acknowledgement_url, integration->acknowledgement_url);
    put_error(html, field);
    html_raw(html, "</div>\n");
}

static void put_field(const struct connect *connect, struct buf *html,
                      const struct shown_field *field)
{
    const struct connect_field *words = &field->words;
    if (field->is_box) {
        put_box(connect, html, field);
        return;
    }
    html_put(html, "<div class=\"field\"><label for=\"{}\">{}{}</label>\n", field->id,
             label_of(field),
             words->optional ? SLICE(" (not always needed)") : SLICE_EMPTY);
    put_control(connect, html, field);
    if (words->help != NULL || field->error.len > 0) {
        html_put(html, "<p class=\"help\" id=\"{}-help\">{}</p>\n", field->id,
                 slice_str(words->help));
    }
    put_error(html, field);
    html_raw(html, "</div>\n");
}

static struct shown_field shown(const struct connect *connect, const char *group,
                                const struct connect_field *words, bool is_secret)
{
    return (struct shown_field){
        .id = arena_printf(connect->arena, "%s.%s", group, words->name),
        .words = *words,
        .value = is_secret ? SLICE_EMPTY : connect_typed(connect, group, words->name),
        .error = connect_error_of(connect, group, words),
        .is_secret = is_secret,
    };
}

static struct shown_field shown_box(const struct connect *connect)
{
    return (struct shown_field){
        .id = SLICE(CONNECT_BOX),
        .words = {.name = CONNECT_BOX, .label = "The terms", .help = ""},
        .value = web_form_get(&connect->form, SLICE(CONNECT_BOX)),
        .error = connect_error_of_box(connect),
        .is_box = true,
    };
}

/* What the form asks for: of an account that is there, the login alone; of a consent, the
 * connection alone. */
static struct shown_field *list_fields(const struct connect *connect, size_t *count)
{
    size_t places = 0, values = 0;
    const struct connect_field *place =
        connect_connection_fields(connect->session.integration, &places);
    const struct outbound_field *value =
        outbound_scheme_fields(connect->scheme, &values);
    struct shown_field *fields =
        arena_array(connect->arena, places + values + 1, sizeof *fields);
    places = connect->session.account.len == 0 ? places : 0;
    values = consent_is_way_of(connect->scheme) ? 0 : values;
    *count = 0;
    for (size_t i = 0; i < places; i++) {
        if (place[i].route == NULL ||
            outbound_scheme_fits(connect->scheme, slice_str(place[i].route))) {
            fields[(*count)++] = shown(connect, "connection", &place[i], false);
        }
    }
    for (size_t i = 0; i < values; i++) {
        struct connect_field words = connect_field_of(connect->scheme, &value[i]);
        fields[(*count)++] =
            shown(connect, "auth", &words, value[i].secret && !words.visible);
    }
    if (connect_must_acknowledge(connect)) {
        fields[(*count)++] = shown_box(connect);
    }
    return fields;
}

static bool put_fields(const struct connect *connect, struct buf *html,
                       const struct shown_field *fields, size_t count)
{
    bool has_secret = false;
    for (size_t i = 0; i < count; i++) {
        put_field(connect, html, &fields[i]);
        has_secret = has_secret || fields[i].is_secret;
    }
    return has_secret;
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
    connect_put_return(connect, html, false);
}

void connect_page_form(struct connect *connect, int status)
{
    bool consents = consent_is_way_of(connect->scheme);
    size_t count = 0;
    const struct shown_field *fields = list_fields(connect, &count);
    struct connect_way way = connect_way_of(connect->scheme);
    struct buf html = connect_page_begin(connect, heading(connect));
    put_failure(connect, &html, fields, count);
    put_subject(connect, &html);
    html_put(&html, "<h2>{}</h2>\n<p>{}</p>\n<p>{}</p>\n", slice_str(way.label),
             slice_str(way.help),
             slice_str(connect_allows(connect->session.integration)));
    put_form_begin(connect, &html, form_path(connect));
    bool has_secret = put_fields(connect, &html, fields, count);
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
    put_form_end(&html, SLICE("submit"),
                 consents ? SLICE("Continue") : SLICE("Try and connect"));
    put_ways_back(connect, &html);
    connect_page_finish(connect, status, &html);
}

/* A link, no redirect after the form: so the policy of these pages need not name the ERP. */
void connect_page_to_erp(struct connect *connect, struct slice url)
{
    struct slice title = connect_title(connect);
    struct buf html = connect_page_begin(
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
    connect_page_finish(connect, 200, &html);
}
