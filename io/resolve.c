/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariants
 *  1. A name has at most one entry; it is either looking up (its request is in the
 * pool, it may have waiters, it is on no list) or known (on `known`, no waiters).
 *  2. `known` is in the order of expiry, oldest first, since all live equally long.
 *  3. An entry that is looking up outlives its resolver: the request holds it.
 */
#include "io/resolve.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "io/loop_private.h"

#define ADDRESSES_BYTES (RESOLVE_ADDRESSES * (INET6_ADDRSTRLEN + (size_t)3))

struct resolver {
    struct loop *loop;
    const struct net_policy *policy;
    struct clock clock;
    struct map *entries;
    struct list known, looking_up;
};

struct entry {
    struct list link;          /* on `known` or on `looking_up` */
    struct resolver *resolver; /* NULL once that is gone */
    uv_getaddrinfo_t request;
    struct list waiters;
    int64_t expires_us;
    struct buf addresses;
    char *host;
};

struct resolve_wait {
    struct list link;
    resolve_fn fn;
    void *ctx;
};

struct resolver *resolver_new(struct loop *loop, const struct net_policy *policy,
                              struct clock clock)
{
    struct resolver *resolver = calloc(1, sizeof *resolver);
    REQUIRE(resolver != NULL);
    resolver->loop = loop;
    resolver->policy = policy;
    resolver->clock = clock;
    resolver->entries = map_new();
    list_init(&resolver->known);
    list_init(&resolver->looking_up);
    return resolver;
}

static void entry_free(struct entry *entry)
{
    list_remove(&entry->link);
    buf_free(&entry->addresses);
    free(entry->host);
    free(entry);
}

static void entry_forget(struct entry *entry)
{
    map_remove(entry->resolver->entries, slice_str(entry->host));
    entry_free(entry);
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    LIST_FOREACH_SAFE (node, after, &resolver->known) {
        entry_forget(LIST_ENTRY(node, struct entry, link));
    }
    LIST_FOREACH_SAFE (node, after, &resolver->looking_up) {
        struct entry *entry = LIST_ENTRY(node, struct entry, link);
        REQUIRE(list_empty(&entry->waiters));
        list_remove(&entry->link);
        entry->resolver = NULL;
        /* Refused when it already runs in the pool; on_resolved comes either way. */
        (void)uv_cancel((uv_req_t *)&entry->request);
    }
    map_free(resolver->entries);
    free(resolver);
}

static struct entry *first_known(struct resolver *resolver)
{
    /* The analyzer does not see that a freed entry has left the list. */
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    return LIST_ENTRY(resolver->known.next, struct entry, link);
}

static void drop_expired(struct resolver *resolver)
{
    int64_t now_us = clock_mono_us(&resolver->clock);
    while (!list_empty(&resolver->known) &&
           first_known(resolver)->expires_us <= now_us) {
        entry_forget(first_known(resolver));
    }
}

bool resolver_cached(struct resolver *resolver, struct slice host,
                     struct slice *addresses)
{
    drop_expired(resolver);
    const struct entry *entry = map_get(resolver->entries, host);
    if (entry == NULL || entry->addresses.len == 0) {
        return false;
    }
    *addresses = buf_slice(&entry->addresses);
    return true;
}

static void add_address(struct entry *entry, const struct sockaddr *address)
{
    char text[INET6_ADDRSTRLEN];
    bool is_v6 = address->sa_family == AF_INET6;
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
    int failed = is_v6 ? uv_ip6_name(in6, text, sizeof text)
                       : uv_ip4_name(in4, text, sizeof text);
    if (failed != 0) {
        return;
    }
    (void)buf_printf(&entry->addresses, is_v6 ? "%s[%s]" : "%s%s",
                     entry->addresses.len > 0 ? "," : "", text);
}

static enum err take_addresses(struct entry *entry, const struct addrinfo *info)
{
    size_t allowed = 0;
    for (const struct addrinfo *at = info; at != NULL; at = at->ai_next) {
        if ((at->ai_family == AF_INET || at->ai_family == AF_INET6) &&
            allowed < RESOLVE_ADDRESSES &&
            net_policy_allows(entry->resolver->policy, at->ai_addr)) {
            add_address(entry, at->ai_addr);
            allowed++;
        }
    }
    if (info == NULL) {
        return ERR_UPSTREAM_UNAVAILABLE;
    }
    return entry->addresses.len > 0 ? ERR_OK : ERR_POLICY_DENIED;
}

static void make_known(struct resolver *resolver, struct entry *entry)
{
    list_remove(&entry->link);
    if (map_count(resolver->entries) > RESOLVE_CACHE_NAMES &&
        !list_empty(&resolver->known)) {
        entry_forget(first_known(resolver));
    }
    entry->expires_us =
        clock_mono_us(&resolver->clock) + (int64_t)RESOLVE_TTL_MS * 1000;
    list_push(&resolver->known, &entry->link);
}

/* The waiters move to a list of this call: a callback may start or cancel others, and
 * the entry may be forgotten meanwhile, so the addresses are this call's as well. */
static void tell_waiters(struct entry *entry, enum err err)
{
    struct list waiters;
    struct buf addresses;
    list_init(&waiters);
    buf_init(&addresses, ADDRESSES_BYTES);
    (void)buf_append(&addresses, buf_slice(&entry->addresses));
    while (!list_empty(&entry->waiters)) {
        struct list *node = entry->waiters.next;
        list_remove(node);
        list_push(&waiters, node);
    }
    if (err == ERR_OK) {
        make_known(entry->resolver, entry);
    } else {
        entry_forget(entry);
    }
    while (!list_empty(&waiters)) {
        struct resolve_wait *wait = LIST_ENTRY(waiters.next, struct resolve_wait, link);
        resolve_fn fn = wait->fn;
        void *ctx = wait->ctx;
        resolve_cancel(wait);
        fn(ctx, err, buf_slice(&addresses));
    }
    buf_free(&addresses);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
    struct entry *entry = request->data;
    if (entry->resolver == NULL) {
        uv_freeaddrinfo(info);
        entry_free(entry);
        return;
    }
    enum err err = take_addresses(entry, status == 0 ? info : NULL);
    uv_freeaddrinfo(info);
    tell_waiters(entry, err);
}

static struct entry *look_up(struct resolver *resolver, struct slice host)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct entry *entry = calloc(1, sizeof *entry);
    REQUIRE(entry != NULL);
    entry->host = calloc(1, host.len + 1);
    REQUIRE(entry->host != NULL);
    memcpy(entry->host, host.ptr, host.len);
    entry->resolver = resolver;
    entry->request.data = entry;
    list_init(&entry->waiters);
    buf_init(&entry->addresses, ADDRESSES_BYTES);
    /* It fails at once only for want of memory or a name over 256 bytes. */
    REQUIRE(uv_getaddrinfo(loop_uv(resolver->loop), &entry->request, on_resolved,
                           entry->host, NULL, &hints) == 0);
    list_push(&resolver->looking_up, &entry->link);
    map_put(resolver->entries, host, entry);
    return entry;
}

struct resolve_wait *resolver_start(struct resolver *resolver, struct slice host,
                                    resolve_fn fn, void *ctx)
{
    struct slice known;
    REQUIRE(!resolver_cached(resolver, host, &known));
    struct entry *entry = map_get(resolver->entries, host);
    if (entry == NULL) {
        entry = look_up(resolver, host);
    }
    struct resolve_wait *wait = calloc(1, sizeof *wait);
    REQUIRE(wait != NULL);
    wait->fn = fn;
    wait->ctx = ctx;
    list_push(&entry->waiters, &wait->link);
    return wait;
}

void resolve_cancel(struct resolve_wait *wait)
{
    if (wait == NULL) {
        return;
    }
    list_remove(&wait->link);
    free(wait);
}
