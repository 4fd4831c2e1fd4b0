/* SPDX-License-Identifier: Apache-2.0 */
/* Counters and histograms, printed for a scraper. */
#include "core/metrics.h"

#include <stdlib.h>

#include "base/histogram.h"
#include "core/catalogs.h"
#include "core/coordinator.h"
#include "core/gateway.h"
#include "core/webhooks.h"

struct metrics {
    uint64_t calls[ERR_COUNT];
    uint64_t http[6]; /* by first digit */
    struct histogram total, wait, upstream;
};

struct metrics *metrics_new(void)
{
    struct metrics *metrics = calloc(1, sizeof *metrics);
    REQUIRE(metrics != NULL);
    return metrics;
}

void metrics_free(struct metrics *metrics)
{
    free(metrics);
}

void metrics_call(struct metrics *metrics, enum err err, int64_t total_us,
                  int64_t wait_us, int64_t upstream_us)
{
    metrics->calls[err]++;
    histogram_observe(&metrics->total, total_us);
    histogram_observe(&metrics->wait, wait_us);
    if (upstream_us > 0) {
        histogram_observe(&metrics->upstream, upstream_us);
    }
}

void metrics_http(struct metrics *metrics, int status)
{
    int class = status / 100;
    metrics->http[class >= 1 && class <= 5 ? class : 0]++;
}

static void write_head(struct buf *out, const char *name, const char *type,
                       const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Seconds without a double: microseconds as a decimal. */
static void write_seconds(struct buf *out, int64_t us)
{
    buf_printf(out, "%lld.%06lld", (long long)(us / 1000000),
               (long long)(us % 1000000));
}

static void write_histogram(struct buf *out, const char *name, const char *help,
                            const struct histogram *histogram)
{
    uint64_t below = 0;
    write_head(out, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        below += histogram->buckets[i];
        buf_printf(out, "%s_bucket{le=\"", name);
        write_seconds(out, histogram_bounds_us[i]);
        buf_printf(out, "\"} %llu\n", (unsigned long long)below);
    }
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum ", name,
               (unsigned long long)histogram->count, name);
    write_seconds(out, histogram->sum_us);
    buf_printf(out, "\n%s_count %llu\n", name, (unsigned long long)histogram->count);
}

static void write_lanes(const struct gateway *gateway, struct buf *out)
{
    struct arena *arena = arena_new();
    struct governor_lane_view *lanes = NULL;
    size_t count = governor_lanes(gateway->parts.governor, arena, SLICE_EMPTY,
                                  gateway_mono_us(gateway), &lanes);
    uint64_t in_flight = 0, draining = 0, queued = 0, refused = 0, full = 0,
             expired = 0;
    for (size_t i = 0; i < count; i++) {
        in_flight += (uint64_t)lanes[i].in_flight;
        draining += (uint64_t)lanes[i].draining;
        queued += (uint64_t)lanes[i].queued;
        refused += lanes[i].refused_upstream;
        full += lanes[i].refused_full;
        expired += lanes[i].expired;
    }
    arena_free(arena);
    const struct {
        const char *name, *type, *help;
        uint64_t value;
    } rows[] = {
        {"sluice_lanes", "gauge", "Upstream accounts known to the governor.", count},
        {"sluice_slots_in_flight", "gauge", "Requests at upstreams now.", in_flight},
        {"sluice_slots_draining", "gauge",
         "Of those, above a ceiling or held after a loss.", draining},
        {"sluice_calls_waiting", "gauge", "Calls in line for a slot.", queued},
        {"sluice_upstream_refusals", "gauge",
         "Load refusals by upstreams, of lanes that live.", refused},
        {"sluice_queue_full", "gauge",
         "Calls refused at a full line, of lanes that live.", full},
        {"sluice_queue_expired", "gauge",
         "Calls that waited in vain, of lanes that live.", expired},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_head(out, rows[i].name, rows[i].type, rows[i].help);
        buf_printf(out, "%s %llu\n", rows[i].name, (unsigned long long)rows[i].value);
    }
}

static void write_coordination(const struct gateway *gateway, struct buf *out)
{
    if (gateway->coordinator == NULL) {
        return;
    }
    struct coordinator_view view = coordinator_look(gateway->coordinator);
    write_head(out, "sluice_coordination_state", "gauge",
               "Workers of this process whose slots are shared with others so now.");
    for (int state = LENDER_OPEN; state <= LENDER_DISPUTED; state++) {
        buf_printf(out, "sluice_coordination_state{state=\"%s\"} %d\n",
                   lender_state_name((enum lender_state)state),
                   view.lender.state == (enum lender_state)state ? 1 : 0);
    }
    write_head(out, "sluice_coordination_losses_total", "counter",
               "Connections to Redis that were lost or could not be made.");
    buf_printf(out, "sluice_coordination_losses_total %llu\n",
               (unsigned long long)view.losses);
    write_head(out, "sluice_coordination_epochs_total", "counter",
               "Epochs of Redis that this process has entered.");
    buf_printf(out, "sluice_coordination_epochs_total %llu\n",
               (unsigned long long)view.lender.epochs);
    write_head(out, "sluice_coordination_lapses_total", "counter",
               "Times that this process came too late to renew its leases.");
    buf_printf(out, "sluice_coordination_lapses_total %llu\n",
               (unsigned long long)view.lender.lapses);
    write_head(out, "sluice_coordination_answer_seconds", "gauge",
               "From the last question to Redis to its answer.");
    buf_append(out, SLICE("sluice_coordination_answer_seconds "));
    write_seconds(out, view.answer_us);
    buf_append_byte(out, '\n');
}

static void write_catalog(const struct gateway *gateway, struct buf *out)
{
    struct catalogs_counts counts = catalogs_count(gateway->catalogs);
    write_head(out, "sluice_catalog_loads_total", "counter",
               "Loads of changed catalog files, by outcome.");
    buf_printf(out,
               "sluice_catalog_loads_total{outcome=\"ok\"} %llu\n"
               "sluice_catalog_loads_total{outcome=\"failed\"} %llu\n",
               (unsigned long long)counts.loaded, (unsigned long long)counts.failed);
    write_head(
        out, "sluice_catalog_reload_failed", "gauge",
        "1 while the catalog files are broken and an older catalog is in force.");
    buf_printf(out, "sluice_catalog_reload_failed %d\n", counts.is_refused ? 1 : 0);
    write_head(out, "sluice_override_misfits_total", "counter",
               "Tools left out because their overrides do not fit the catalog.");
    buf_printf(out, "sluice_override_misfits_total %llu\n",
               (unsigned long long)counts.misfits);
}

static void write_webhooks(const struct gateway *gateway, struct buf *out)
{
    struct webhooks_counts counts = webhooks_count(gateway->webhooks);
    const struct {
        const char *outcome;
        uint64_t value;
    } rows[] = {
        {"delivered", counts.delivered},
        {"pending", counts.again},
        {"given_up", counts.given_up},
        {"dropped", counts.dropped},
    };
    write_head(out, "sluice_webhook_attempts_total", "counter",
               "Requests to webhook endpoints, by what became of the delivery.");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_printf(out, "sluice_webhook_attempts_total{outcome=\"%s\"} %llu\n",
                   rows[i].outcome, (unsigned long long)rows[i].value);
    }
    write_head(out, "sluice_webhook_events_missed_total", "counter",
               "Events that found the outbox of an endpoint full.");
    buf_printf(out, "sluice_webhook_events_missed_total %llu\n",
               (unsigned long long)counts.missed);
}

static void write_listening(const struct gateway *gateway, struct buf *out)
{
    struct metrics_listening now = {0};
    gateway->parts.look_at_listening(gateway->parts.listening_ctx, &now);
    write_head(out, "sluice_connections", "gauge", "Connections of clients.");
    buf_printf(out, "sluice_connections %zu\n", now.connections);
    if (now.tls_not_after_s == 0) {
        return;
    }
    write_head(out, "sluice_tls_certificate_not_after_seconds", "gauge",
               "End of the certificate in force, seconds since 1970.");
    buf_printf(out, "sluice_tls_certificate_not_after_seconds %lld\n",
               (long long)now.tls_not_after_s);
    const struct {
        const char *cause;
        uint64_t value;
    } rows[] = {
        {"plain_http", now.counts.tls_http},
        {"not_tls", now.counts.tls_foreign},
        {"refused", now.counts.tls_refused},
        {"late", now.counts.tls_late},
    };
    write_head(out, "sluice_tls_failures_total", "counter",
               "Connections that TLS ended, by cause.");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_printf(out, "sluice_tls_failures_total{cause=\"%s\"} %llu\n", rows[i].cause,
                   (unsigned long long)rows[i].value);
    }
}

void metrics_write(const struct gateway *gateway, struct buf *out)
{
    const struct metrics *metrics = gateway->metrics;
    write_head(out, "sluice_tool_calls_total", "counter",
               "Finished tool calls by outcome.");
    for (int err = 0; err < ERR_COUNT; err++) {
        if (metrics->calls[err] > 0 || err == ERR_OK) {
            buf_printf(out, "sluice_tool_calls_total{outcome=\"%s\"} %llu\n",
                       err_code((enum err)err),
                       (unsigned long long)metrics->calls[err]);
        }
    }
    write_head(out, "sluice_http_responses_total", "counter", "HTTP answers by class.");
    for (int class = 1; class <= 5; class ++) {
        buf_printf(out, "sluice_http_responses_total{class=\"%dxx\"} %llu\n", class,
                   (unsigned long long)metrics->http[class]);
    }
    write_histogram(out, "sluice_tool_call_seconds", "From arrival to answer.",
                    &metrics->total);
    write_histogram(out, "sluice_tool_wait_seconds", "In line for a slot.",
                    &metrics->wait);
    write_histogram(out, "sluice_upstream_seconds", "At the upstream.",
                    &metrics->upstream);
    write_histogram(out, "sluice_loop_turn_seconds",
                    "Turns of the event loop: the longest anything ready had to wait.",
                    loop_turns(gateway->parts.loop));
    write_head(out, "sluice_upstream_transfers_open", "gauge",
               "Transfers not yet ended.");
    buf_printf(out, "sluice_upstream_transfers_open %zu\n",
               http_client_open(gateway->parts.client));
    write_listening(gateway, out);
    write_catalog(gateway, out);
    write_webhooks(gateway, out);
    write_lanes(gateway, out);
    write_coordination(gateway, out);
}
