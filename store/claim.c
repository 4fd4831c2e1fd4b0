/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record locks (fcntl): the kernel gives them back when the process ends, also by SIGKILL,
 * and tells who holds one. They would end early if this process closed another descriptor
 * of the file: nobody else opens it.
 *
 *   byte 0                 the process that leads
 *   bytes 1 to 64          a place each
 *   byte 128 + places      shared by all who divide every ceiling by that number of places
 *   bytes 256 on           one of them shared by all who lend ceilings from the same pool
 *
 * Who is to be alone takes all bytes, those after these too.
 */
#include "store/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define LEADER 0
#define FIRST_PLACE 1
#define FIRST_NUMBER 128
#define FIRST_POOL 256
#define POOLS (1 << 20)
#define NUMBERS_END (FIRST_POOL + POOLS + 1)

struct claim {
    int fd;
    int places, place;
    off_t number; /* the byte that says what it was told */
    bool leads;
};

static enum err lock(int fd, short type, off_t start, off_t len)
{
    struct flock range = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

    if (fcntl(fd, F_SETLK, &range) == 0) {
        return ERR_OK;
    }
    return errno == EAGAIN || errno == EACCES ? ERR_CONFLICT : ERR_IO;
}

/* Who keeps a write lock from that range; -1: nobody, 0: unknown. */
static long holder_of(int fd, off_t start, off_t len)
{
    struct flock range = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

    if (fcntl(fd, F_GETLK, &range) != 0) {
        return 0;
    }
    if (range.l_type == F_UNLCK) {
        return -1;
    }
    return range.l_pid > 0 ? (long)range.l_pid : 0; /* -1: on another machine */
}

static long known(long holder)
{
    return holder > 0 ? holder : 0;
}

static enum err take_all(struct claim *claim, long *holder)
{
    enum err err = lock(claim->fd, F_WRLCK, 0, 0);
    if (err == ERR_CONFLICT) {
        *holder = known(holder_of(claim->fd, 0, 0));
    }
    claim->leads = true;
    return err;
}

/* First said, then looked: of two that start at once and were told different things at least one
 * sees the other. */
static enum err agree(const struct claim *claim, long *holder)
{
    off_t own = claim->number;
    enum err err = lock(claim->fd, F_RDLCK, own, 1);
    if (err != ERR_OK) {
        *holder = known(holder_of(claim->fd, own, 1));
        return err;
    }
    long below = holder_of(claim->fd, FIRST_NUMBER, own - FIRST_NUMBER);
    long above = holder_of(claim->fd, own + 1, NUMBERS_END - own - 1);
    if (below >= 0 || above >= 0) {
        *holder = known(below >= 0 ? below : above);
        return ERR_CONFLICT;
    }
    return ERR_OK;
}

static enum err take_place(struct claim *claim, long *holder)
{
    enum err err = agree(claim, holder);
    for (int i = 0; err == ERR_OK && i < claim->places; i++) {
        enum err taken = lock(claim->fd, F_WRLCK, FIRST_PLACE + i, 1);
        if (taken != ERR_CONFLICT) {
            claim->place = i;
            return taken;
        }
    }
    if (err == ERR_OK) {
        *holder = known(holder_of(claim->fd, FIRST_PLACE, claim->places));
        err = ERR_CONFLICT;
    }
    return err;
}

enum err claim_take(const char *path, int places, uint32_t pool, struct claim **out,
                    long *holder)
{
    REQUIRE(places >= 1 && places <= CLAIM_PLACES_MOST);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    *holder = 0;
    if (fd < 0) {
        return ERR_IO;
    }
    struct claim *claim = calloc(1, sizeof *claim);
    REQUIRE(claim != NULL);
    *claim = (struct claim){.fd = fd,
                            .places = places,
                            .number = pool != 0 ? FIRST_POOL + (off_t)(pool % POOLS)
                                                : FIRST_NUMBER + places};
    enum err err = places == 1 ? take_all(claim, holder) : take_place(claim, holder);
    if (err != ERR_OK) {
        claim_free(claim);
        return err;
    }
    *out = claim;
    return ERR_OK;
}

void claim_free(struct claim *claim)
{
    if (claim != NULL) {
        close(claim->fd);
        free(claim);
    }
}

int claim_place(const struct claim *claim)
{
    return claim->place;
}

bool claim_leads(struct claim *claim)
{
    if (!claim->leads) {
        claim->leads = lock(claim->fd, F_WRLCK, LEADER, 1) == ERR_OK;
    }
    return claim->leads;
}
