/* SPDX-License-Identifier: Apache-2.0 */
/* What webhooks add to a batch, copied. No SQL here. */
#include "store/outbox.h"

#include "store/store_private.h"

static void keep_event(struct store_batch *batch, struct store_event *event)
{
    batch_keep(batch, &event->id);
    batch_keep(batch, &event->type);
    batch_keep(batch, &event->tenant);
    batch_keep(batch, &event->endpoint);
    batch_keep(batch, &event->body);
    batch->has_event = true;
}

void store_insert_endpoint(struct store_batch *batch,
                           const struct store_endpoint *endpoint, int64_t most)
{
    struct store_op *op = batch_op(batch, OP_INSERT_ENDPOINT);

    op->endpoint = *endpoint;
    op->number = most;
    batch_keep(batch, &op->endpoint.id);
    batch_keep(batch, &op->endpoint.tenant);
    batch_keep(batch, &op->endpoint.url);
    batch_keep(batch, &op->endpoint.state);
    batch_keep(batch, &op->endpoint.cause);
}

static struct store_op *op_endpoint(struct store_batch *batch, enum store_op_kind kind,
                                    struct slice id)
{
    struct store_op *op = batch_op(batch, kind);

    op->endpoint.id = id;
    batch_keep(batch, &op->endpoint.id);
    return op;
}

void store_delete_endpoint(struct store_batch *batch, struct slice id)
{
    op_endpoint(batch, OP_DELETE_ENDPOINT, id);
}

void store_rotate_endpoint(struct store_batch *batch, struct slice id, int64_t expected,
                           int64_t old_ends_ms, int64_t now_ms)
{
    struct store_op *op = op_endpoint(batch, OP_ROTATE_ENDPOINT, id);

    op->number = expected;
    op->endpoint.old_secret_ends_ms = old_ends_ms;
    op->endpoint.updated_ms = now_ms;
}

void store_disable_endpoint(struct store_batch *batch, struct slice id,
                            struct slice cause, int64_t now_ms)
{
    struct store_op *op = op_endpoint(batch, OP_DISABLE_ENDPOINT, id);

    op->endpoint.cause = cause;
    op->endpoint.updated_ms = now_ms;
    batch_keep(batch, &op->endpoint.cause);
}

void store_enable_endpoint(struct store_batch *batch, struct slice id, int64_t now_ms)
{
    op_endpoint(batch, OP_ENABLE_ENDPOINT, id)->endpoint.updated_ms = now_ms;
}

void store_hold_endpoint(struct store_batch *batch, struct slice id, int64_t until_ms)
{
    op_endpoint(batch, OP_HOLD_ENDPOINT, id)->endpoint.held_until_ms = until_ms;
}

static struct store_op *op_telling(struct store_batch *batch, enum store_op_kind kind,
                                   const struct store_event *event, int64_t most)
{
    struct store_op *op = batch_op(batch, kind);

    op->telling.event = *event;
    op->telling.most = most;
    keep_event(batch, &op->telling.event);
    return op;
}

void store_put_event(struct store_batch *batch, const struct store_event *event,
                     int64_t most)
{
    op_telling(batch, OP_PUT_EVENT, event, most);
}

void store_expire_server(struct store_batch *batch, struct slice server,
                         int64_t before_ms, const struct store_event *event,
                         int64_t most)
{
    struct store_op *op = op_telling(batch, OP_EXPIRE_SERVER, event, most);

    op->number = before_ms;
    op->telling.subject = server;
    batch_keep(batch, &op->telling.subject);
}

static void op_warning(struct store_batch *batch, enum store_op_kind kind,
                       struct slice account, int64_t ends_ms, int64_t stage,
                       const struct store_event *event, int64_t most)
{
    struct store_op *op = op_telling(batch, kind, event, most);

    op->number = ends_ms;
    op->telling.subject = account;
    op->telling.stage = stage;
    batch_keep(batch, &op->telling.subject);
}

void store_warn_grant(struct store_batch *batch, struct slice account, int64_t ends_ms,
                      int64_t stage, const struct store_event *event, int64_t most)
{
    op_warning(batch, OP_WARN_GRANT, account, ends_ms, stage, event, most);
}

void store_warn_certificate(struct store_batch *batch, struct slice account,
                            int64_t ends_ms, int64_t stage,
                            const struct store_event *event, int64_t most)
{
    op_warning(batch, OP_WARN_CERTIFICATE, account, ends_ms, stage, event, most);
}

void store_put_attempt(struct store_batch *batch, const struct store_delivery *delivery)
{
    struct store_op *op = batch_op(batch, OP_PUT_ATTEMPT);

    op->delivery = *delivery;
    op->delivery.body = op->delivery.endpoint = op->delivery.type = SLICE_EMPTY;
    batch_keep(batch, &op->delivery.event);
    batch_keep(batch, &op->delivery.reason);
    batch_keep(batch, &op->delivery.outcome);
}

void store_purge_deliveries(struct store_batch *batch, int64_t before_ms, int64_t most)
{
    struct store_op *op = batch_op(batch, OP_PURGE_DELIVERIES);

    op->number = before_ms;
    op->delivery.n = most;
}
