/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/coordination.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "cli/command.h"
#include "store/claim.h"

#define ADDRESS_BYTES 256

bool coordination_check(const struct config *config, struct slice *problem)
{
    struct redis_address address;
    char room[ADDRESS_BYTES];
    bool share = slice_is(config->when_away, "share");
    if (!share && !slice_is(config->when_away, "strict")) {
        *problem = SLICE("coordination.when_away: strict or share is needed");
        return false;
    }
    bool is_counted = config->nodes > 0 || config->node > 0;
    if ((share || is_counted) && (config->node < 1 || config->node > config->nodes)) {
        *problem =
            SLICE("coordination.nodes (how many processes) and coordination.node "
                  "(which of them, from 1) are needed together, and with "
                  "coordination.when_away share");
        return false;
    }
    if (config->redis.len > 0 && !redis_parse_url(config->redis, room, &address)) {
        *problem =
            SLICE("coordination.redis: redis://[user@]host[:port][/db] or "
                  "unix:///path[?db=n] is needed; a password belongs into the file "
                  "of coordination.redis_password_file");
        return false;
    }
    if (config->redis.len > 0 && config->coordination_shares > 1) {
        *problem =
            SLICE("coordination.shares divides every ceiling, coordination.redis "
                  "lends it: one of them is to be set, not both");
        return false;
    }
    return true;
}

bool coordination_has_others(const struct config *config)
{
    return config->redis.len > 0 || config->coordination_shares > 1;
}

int coordination_places(const struct config *config)
{
    return config->redis.len > 0 ? CLAIM_PLACES_MOST : (int)config->coordination_shares;
}

/* Two who name their Redis differently may mean different ones, and lend everything twice. */
uint32_t coordination_pool(const struct config *config)
{
    return config->redis.len > 0 ? (uint32_t)hash_of(config->redis) | 1 : 0;
}

int coordination_prepare(const struct config *config, struct arena *arena,
                         struct coordinator_config *out)
{
    struct stat info;
    bool share = slice_is(config->when_away, "share");
    if (config->redis.len == 0 ||
        !redis_parse_url(config->redis, arena_alloc(arena, ADDRESS_BYTES),
                         &out->redis)) {
        return 0; /* which was checked with the configuration */
    }
    out->terms = (struct lender_terms){.ttl_ms = config->lease_ttl_ms,
                                       .hold_ms = config->lease_hold_ms,
                                       .nodes = share ? (int)config->nodes : 0,
                                       .node = share ? (int)config->node : 0};
    out->redis.password_file = config->redis_password_file;
    if (config->redis_password_file.len == 0) {
        return 0;
    }
    const char *path = config->redis_password_file.ptr;
    if (stat(path, &info) != 0 || access(path, R_OK) != 0) {
        return command_fail("coordination.redis_password_file %s cannot be read: %s",
                            path, strerror(errno));
    }
    return (info.st_mode & 0177) == 0
               ? 0
               : command_fail(
                     "coordination.redis_password_file: the mode of %s is not 0600; "
                     "run: chmod 600 %s, and set a new password if others may have "
                     "read it",
                     path, path);
}
