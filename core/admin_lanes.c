/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes and tenants: the operator's hand on the ceilings. */
#include "base/limits.h"
#include "core/admin_private.h"
#include "core/changes.h"
#include "core/coordinator.h"
#include "core/lane_reserve.h"
#include "core/lane_settings.h"
#include "core/turnstile.h"

struct slice admin_scope(const struct admin *admin)
{
    return admin->who.role == ROLE_ADMIN ? SLICE_EMPTY : admin->who.tenant;
}

/* Why less than the ceiling holds, and since when. */
static void write_cause(const struct admin *admin, struct jwriter *writer,
                        const struct governor_lane_view *lane)
{
    int64_t now_ms = gateway_wall_ms(admin->gateway);
    jwriter_key(writer, SLICE("cause"));
    if (lane->throttled) {
        jwriter_string(writer,
                       lane->is_slow ? SLICE("latency") : SLICE("refused_by_erp"));
    } else {
        jwriter_null(writer);
    }
    admin_time(writer, "lowered_at",
               lane->throttled ? now_ms - lane->lowered_us / 1000 : 0);
    jwriter_key(writer, SLICE("probing"));
    jwriter_bool(writer, lane->probing);
}

static const char *const modes[] = {[GOVERNOR_RUNNING] = "running",
                                    [GOVERNOR_PAUSED] = "paused",
                                    [GOVERNOR_DRAINING] = "draining"};

/* Of all lanes at once: whether Redis lends slots, and why not. */
static void write_coordination(struct jwriter *writer,
                               const struct coordinator *coordinator)
{
    if (coordinator == NULL) {
        return;
    }
    struct coordinator_view view = coordinator_look(coordinator);
    jwriter_key(writer, SLICE("coordination"));
    jwriter_object(writer);
    jwriter_member_string(writer, "state",
                          slice_str(lender_state_name(view.lender.state)));
    jwriter_member_string(writer, "cause", slice_str(view.cause));
    jwriter_member_int(writer, "left_ms", view.lender.left_ms);
    jwriter_object_end(writer);
}

void admin_write_lane(const struct admin *admin, struct jwriter *writer,
                      const struct governor_lane_view *lane)
{
    jwriter_member_string(writer, "id", lane->lane);
    jwriter_key(writer, SLICE("ceiling"));
    if (lane->ceiling > 0) {
        jwriter_int(writer, lane->ceiling);
    } else {
        jwriter_null(writer); /* the operator set none */
    }
    jwriter_member_int(writer, "effective", lane->effective);
    jwriter_member_int(writer, "in_flight", lane->in_flight);
    jwriter_member_int(writer, "draining", lane->draining);
    jwriter_member_int(writer, "queued", lane->queued);
    jwriter_member_int(writer, "accounts", lane->accounts);
    jwriter_member_string(writer, "state", slice_str(modes[lane->mode]));
    write_cause(admin, writer, lane);
    if (admin->who.role == ROLE_ADMIN) {
        jwriter_member_int(writer, "wait_p50_ms", lane->wait_p50_us / 1000);
        jwriter_member_int(writer, "wait_p99_ms", lane->wait_p99_us / 1000);
        jwriter_member_int(writer, "paused_ms", lane->paused_ms);
        jwriter_member_int(writer, "granted", (int64_t)lane->granted);
        jwriter_member_int(writer, "refused_upstream", (int64_t)lane->refused_upstream);
        jwriter_member_int(writer, "refused_full", (int64_t)lane->refused_full);
        jwriter_member_int(writer, "refused_late", (int64_t)lane->refused_late);
        jwriter_member_int(writer, "expired", (int64_t)lane->expired);
        write_coordination(writer, admin->gateway->coordinator);
    }
}

static const char *const rules[] = {[GOVERNOR_SLOT] = "slot",
                                    [GOVERNOR_DOCUMENT] = "document",
                                    [GOVERNOR_WRITE_RATE] = "write_rate",
                                    [GOVERNOR_CALL_RATE] = "call_rate"};

/* What is kept for whom. Of one lane alone, and for admins: it names servers of all tenants. */
static void write_reserved(const struct admin *admin, struct arena *arena,
                           struct jwriter *writer, struct slice id)
{
    struct governor_reserved *reserved = NULL;
    size_t count =
        governor_lane_reserved(admin->gateway->parts.governor, id, arena, &reserved);
    jwriter_key(writer, SLICE("reserve"));
    jwriter_array(writer);
    for (size_t i = 0; i < count; i++) {
        jwriter_object(writer);
        lane_reserve_write(writer, &reserved[i].setting);
        jwriter_member_int(writer, "kept", reserved[i].kept);
        jwriter_member_int(writer, "in_flight", reserved[i].used);
        jwriter_object_end(writer);
    }
    jwriter_array_end(writer);
}

void admin_write_lines(const struct admin *admin, struct arena *arena,
                       struct jwriter *writer, struct slice id)
{
    struct governor_line *lines = NULL;
    size_t count = governor_lane_lines(admin->gateway->parts.governor, arena, id,
                                       admin_scope(admin), &lines);
    if (admin->who.role == ROLE_ADMIN) {
        write_reserved(admin, arena, writer, id);
    }
    jwriter_key(writer, SLICE("queue"));
    jwriter_array(writer);
    for (size_t i = 0; i < count; i++) {
        jwriter_object(writer);
        jwriter_member_string(writer, "account", lines[i].account);
        jwriter_member_string(writer, "mcp_server", lines[i].server);
        jwriter_member_string(writer, "priority",
                              slice_str(lane_priority_name(lines[i].priority)));
        jwriter_member_string(writer, "waits_for",
                              slice_str(rules[lines[i].waits_for]));
        jwriter_member_int(writer, "queued", lines[i].queued);
        jwriter_object_end(writer);
    }
    jwriter_array_end(writer);
}

void admin_list_lanes(struct admin *admin)
{
    struct gateway *gateway = admin->gateway;
    changes_look(gateway->changes); /* lanes of accounts that others have just added */
    struct governor_lane_view *lanes = NULL;
    size_t count = governor_lanes(gateway->parts.governor, admin->arena,
                                  admin_scope(admin), gateway_mono_us(gateway), &lanes);
    struct admin_page page;
    (void)admin_page_begin(admin, &page, ERR_OK);
    for (size_t i = 0; i < count; i++) {
        jwriter_object(&page.writer);
        admin_write_lane(admin, &page.writer, &lanes[i]);
        jwriter_object_end(&page.writer);
    }
    admin_page_end(admin, &page, SLICE_EMPTY);
}

static void respond_lane(struct admin *admin, const struct governor_lane_view *lane)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    admin_write_lane(admin, &writer, lane);
    admin_write_lines(admin, admin->arena, &writer, lane->lane);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

static bool find_lane(struct admin *admin, struct governor_lane_view *lane)
{
    struct gateway *gateway = admin->gateway;
    changes_look(gateway->changes);
    if (governor_lane(gateway->parts.governor, admin->ids[0], admin_scope(admin),
                      gateway_mono_us(gateway), lane)) {
        return true;
    }
    admin_error(admin, ERR_NOT_FOUND, SLICE("There is no such lane."));
    return false;
}

void admin_get_lane(struct admin *admin)
{
    struct governor_lane_view lane;
    if (find_lane(admin, &lane)) {
        respond_lane(admin, &lane);
    }
}

/* ---- Setting one ---- */

#define LANE_TRIES 16 /* each is in vain only because somebody else's change went in */

struct lane_change {
    struct admin *admin;
    struct lane_setting before; /* as it stood in the store */
    struct governor_lane_view lane;
    int ceiling;
    struct lane_reserve reserve;
    int tries;
};

static void try_lane_change(struct lane_change *change);

static void on_lane_stored(void *ctx, enum err err)
{
    struct lane_change *change = ctx;
    struct admin *admin = change->admin;
    struct gateway *gateway = admin->gateway;
    if (err == ERR_CONFLICT && ++change->tries < LANE_TRIES) {
        try_lane_change(change);
        return;
    }
    if (err == ERR_OK) {
        err = lane_settings_look(gateway->lane_settings, admin->ids[0]);
    }
    if (err != ERR_OK) {
        admin_error(admin, err,
                    err == ERR_CONFLICT
                        ? SLICE("Others set this lane all the time: read it again.")
                        : SLICE_EMPTY);
        return;
    }
    turnstile_settle(gateway->turnstile);
    if (!governor_lane(gateway->parts.governor, admin->ids[0], SLICE_EMPTY,
                       gateway_mono_us(gateway), &change->lane)) {
        /* Nothing but its settings had kept the lane. */
        change->lane.lane = admin->ids[0];
        change->lane.ceiling = change->lane.effective = change->ceiling;
    }
    respond_lane(admin, &change->lane);
}

static bool read_reserve(struct admin *admin, struct lane_reserve *out)
{
    struct lane_reserve_problem problem;
    if (!lane_reserve_parse(jval_get(admin->body, "reserve"), admin->arena, out,
                            &problem)) {
        return admin_unprocessable(
            admin, arena_printf(admin->arena, "/reserve%.*s", SLICE_ARG(problem.at)),
            problem.message);
    }
    for (size_t i = 0; i < out->count; i++) {
        /* One that does not call this lane would keep slots idle for ever. */
        struct slice server = out->all[i].server;
        if (server.len > 0 && !lane_settings_serves(admin->gateway->lane_settings,
                                                    admin->ids[0], server)) {
            return admin_unprocessable(
                admin, arena_printf(admin->arena, "/reserve/%zu/mcp_server", i),
                "no account on this lane has an MCP server of that id that has not "
                "expired");
        }
    }
    return true;
}

/* One slot at least is for all. */
static bool leaves_one(struct admin *admin, const struct lane_change *change)
{
    int ceiling = change->ceiling > 0 ? change->ceiling : change->lane.usual;
    if (change->reserve.slots == 0 || change->reserve.slots < ceiling) {
        return true;
    }
    struct slice message = arena_printf(admin->arena,
                                        "%d slots are reserved of a ceiling of %d; at "
                                        "least one has to be left for all: "
                                        "reserve fewer, or set a higher ceiling",
                                        change->reserve.slots, ceiling);
    return admin_unprocessable(admin,
                               jval_get(admin->body, "reserve") != NULL
                                   ? SLICE("/reserve")
                                   : SLICE("/ceiling"),
                               message.ptr);
}

static bool read_lane_change(struct admin *admin, struct lane_change *change)
{
    static const char *const allowed[] = {"ceiling", "reserve", NULL};
    const struct jval *ceiling = jval_get(admin->body, "ceiling");
    if (!jval_is(admin->body, JVAL_OBJECT) || admin->body->count == 0) {
        return admin_unprocessable(admin, SLICE_EMPTY,
                                   "an object with ceiling or reserve is needed");
    }
    change->ceiling = change->before.stored.ceiling;
    change->reserve = change->before.reserve;
    if (!admin_only(admin, allowed) ||
        (ceiling != NULL &&
         !admin_ceiling_value(admin, ceiling, "", &change->ceiling))) {
        return false;
    }
    if (jval_get(admin->body, "reserve") != NULL &&
        !read_reserve(admin, &change->reserve)) {
        return false;
    }
    return leaves_one(admin, change);
}

static struct slice reserve_json(struct admin *admin,
                                 const struct lane_reserve *reserve)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_array(&writer);
    for (size_t i = 0; i < reserve->count; i++) {
        jwriter_object(&writer);
        lane_reserve_write(&writer, &reserve->all[i]);
        jwriter_object_end(&writer);
    }
    jwriter_array_end(&writer);
    struct slice text =
        reserve->count > 0 ? arena_slice(admin->arena, buf_slice(&json)) : SLICE_EMPTY;
    buf_free(&json);
    return text;
}

/* From what is stored now to what was asked for; on_lane_stored comes back here when somebody
 * else's change was stored in between, so that none is lost. */
static void try_lane_change(struct lane_change *change)
{
    struct admin *admin = change->admin;
    struct gateway *gateway = admin->gateway;
    enum err err = lane_settings_get(gateway->lane_settings, admin->ids[0],
                                     admin->arena, &change->before);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    if (!find_lane(admin, &change->lane) || !read_lane_change(admin, change)) {
        return;
    }
    struct store_lane record = {admin->ids[0], change->ceiling,
                                reserve_json(admin, &change->reserve)};
    struct store_batch *batch = store_batch_new();
    store_put_lane(batch, &record, &change->before.stored);
    store_commit(gateway->parts.store, batch, on_lane_stored, change);
}

void admin_patch_lane(struct admin *admin)
{
    struct lane_change *change = arena_alloc(admin->arena, sizeof *change);
    *change = (struct lane_change){.admin = admin};
    try_lane_change(change);
}

/* ---- The operator's hand: until the server stops ---- */

static void set_mode(struct admin *admin, enum governor_lane_mode mode)
{
    struct gateway *gateway = admin->gateway;
    struct governor_lane_view lane;
    if (!find_lane(admin, &lane)) {
        return;
    }
    governor_lane_mode_set(gateway->parts.governor, admin->ids[0], mode,
                           gateway_mono_us(gateway));
    turnstile_settle(gateway->turnstile);
    if (find_lane(admin, &lane)) {
        respond_lane(admin, &lane);
    }
}

void admin_pause_lane(struct admin *admin)
{
    set_mode(admin, GOVERNOR_PAUSED);
}

void admin_drain_lane(struct admin *admin)
{
    set_mode(admin, GOVERNOR_DRAINING);
}

void admin_resume_lane(struct admin *admin)
{
    set_mode(admin, GOVERNOR_RUNNING);
}

void admin_kick_lane(struct admin *admin)
{
    struct gateway *gateway = admin->gateway;
    struct governor_lane_view lane;
    struct buf json = admin_buf();
    struct jwriter writer;
    struct slice server = admin_query(admin, "mcp_server");
    bool names_one = http_exchange_request(admin->exchange)->query.len > 0;
    /* What is misspelt must not kick everybody. */
    if ((names_one && server.len == 0 &&
         !admin_unprocessable(admin, SLICE("/mcp_server"),
                              "the id of an MCP server is needed; without a query all "
                              "calls that wait are kicked")) ||
        !find_lane(admin, &lane)) {
        buf_free(&json);
        return;
    }
    int kicked = governor_lane_kick(gateway->parts.governor, admin->ids[0], server,
                                    gateway_mono_us(gateway));
    turnstile_settle(gateway->turnstile);
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_int(&writer, "kicked", kicked);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

/* ---- Tenants ---- */

static void respond_tenant(struct admin *admin, int ceiling)
{
    struct buf json = admin_buf();
    struct jwriter writer;
    jwriter_init(&writer, &json);
    jwriter_object(&writer);
    jwriter_member_string(&writer, "id", admin->ids[0]);
    jwriter_key(&writer, SLICE("governor"));
    jwriter_object(&writer);
    jwriter_key(&writer, SLICE("ceiling"));
    if (ceiling > 0) {
        jwriter_int(&writer, ceiling);
    } else {
        jwriter_null(&writer);
    }
    jwriter_object_end(&writer);
    jwriter_object_end(&writer);
    admin_respond(admin, 200, &json);
    buf_free(&json);
}

/* A tenant exists as soon as somebody names it: without a record it has no ceiling. */
void admin_get_tenant(struct admin *admin)
{
    struct store_tenant tenant = {SLICE_EMPTY, 0};
    if (!admin_is_name(admin->ids[0]) || !admin_may_touch(admin, admin->ids[0])) {
        admin_error(admin, ERR_NOT_FOUND, SLICE("There is no such tenant."));
        return;
    }
    enum err err = store_get_tenant(admin->gateway->parts.store, admin->ids[0],
                                    admin->arena, &tenant);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    respond_tenant(admin, err == ERR_OK ? tenant.ceiling : 0);
}

struct tenant_change {
    struct admin *admin;
    struct slice id;
    int ceiling;
};

static void on_tenant_stored(void *ctx, enum err err)
{
    struct tenant_change *change = ctx;
    struct admin *admin = change->admin;
    struct gateway *gateway = admin->gateway;
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    const struct store_tenant tenant = {change->id, change->ceiling};
    err = gateway_set_tenant(gateway, &tenant);
    if (err != ERR_OK) {
        admin_error(admin, err, SLICE_EMPTY);
        return;
    }
    turnstile_settle(gateway->turnstile);
    respond_tenant(admin, change->ceiling);
}

void admin_patch_tenant(struct admin *admin)
{
    static const char *const allowed[] = {"governor", NULL};
    int ceiling = 0;
    if (!admin_is_name(admin->ids[0])) {
        admin_error(admin, ERR_NOT_FOUND,
                    SLICE("A tenant's id is 1 to 48 letters, digits and _ . : -."));
        return;
    }
    if (!admin_only(admin, allowed) ||
        !admin_ceiling(admin, jval_get(admin->body, "governor"), "/governor",
                       &ceiling)) {
        return;
    }
    struct store_tenant record = {admin->ids[0], ceiling};
    struct tenant_change *change = arena_alloc(admin->arena, sizeof *change);
    *change = (struct tenant_change){admin, admin->ids[0], ceiling};
    struct store_batch *batch = store_batch_new();
    store_put_tenant(batch, &record);
    store_commit(admin->gateway->parts.store, batch, on_tenant_stored, change);
}
