/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record lock (fcntl): the kernel gives it back when the process ends, also by SIGKILL,
 * and tells who holds it. It would end early if this process closed another descriptor
 * of the file: nobody else opens it.
 */
#include "store/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct claim {
    int fd;
};

static enum err lock(int fd, long *holder)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    *holder = 0;
    if (fcntl(fd, F_SETLK, &whole) == 0) {
        return ERR_OK;
    }
    if (errno != EAGAIN && errno != EACCES) {
        return ERR_IO;
    }
    if (fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
        *holder = (long)whole.l_pid; /* 0 or -1 when it lives on another machine */
    }
    return ERR_CONFLICT;
}

enum err claim_take(const char *path, struct claim **out, long *holder)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    *holder = 0;
    if (fd < 0) {
        return ERR_IO;
    }
    enum err err = lock(fd, holder);
    if (err != ERR_OK) {
        close(fd);
        return err;
    }
    struct claim *claim = calloc(1, sizeof *claim);
    REQUIRE(claim != NULL);
    claim->fd = fd;
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
