/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each secret has pages of its own: locked, left out of dumps, and given back to the
 * system wiped. The only file of this folder that knows OpenSSL.
 */
#include "base/secret.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/crypto.h>

struct secret {
    size_t mapped; /* bytes of the pages, this struct included */
    size_t len;
    char bytes[];
};

static struct secret *secret_pages(size_t len)
{
    long page = sysconf(_SC_PAGESIZE);

    REQUIRE(page > 0);
    size_t unit = (size_t)page;
    REQUIRE(len < SIZE_MAX / 2);
    size_t mapped = (sizeof(struct secret) + len + unit - 1) / unit * unit;
    void *pages =
        mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(pages != MAP_FAILED);
    /* Both may be refused (a small ulimit, an old kernel); the wipe still holds. */
    (void)mlock(pages, mapped);
#ifdef MADV_DONTDUMP
    (void)madvise(pages, mapped, MADV_DONTDUMP);
#endif
    struct secret *secret = pages;
    secret->mapped = mapped;
    secret->len = len;
    return secret;
}

struct secret *secret_new(struct slice bytes)
{
    struct secret *secret = secret_pages(bytes.len);

    slice_copy(secret->bytes, bytes);
    return secret;
}

struct secret *secret_random(size_t bytes)
{
    struct secret *secret = secret_pages(bytes);

    random_bytes(secret->bytes, bytes);
    return secret;
}

void secret_free(struct secret *secret)
{
    if (secret == NULL) {
        return;
    }
    size_t mapped = secret->mapped;
    wipe(secret, sizeof(*secret) + secret->len);
    REQUIRE(munmap(secret, mapped) == 0); /* unlocks too */
}

struct slice secret_reveal(const struct secret *secret)
{
    return slice_of(secret->bytes, secret->len);
}

size_t secret_bytes(const struct secret *secret)
{
    return secret->len;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return bytes_equal_constant_time(secret_reveal(a), secret_reveal(b));
}

bool bytes_equal_constant_time(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void wipe(void *ptr, size_t bytes)
{
    if (bytes != 0) {
        explicit_bzero(ptr, bytes);
    }
}

void random_bytes(void *out, size_t bytes)
{
    unsigned char *at = out;

    while (bytes > 0) {
        ssize_t got = getrandom(at, bytes, 0);
        if (got < 0) {
            REQUIRE(errno == EINTR);
            continue;
        }
        at += got;
        bytes -= (size_t)got;
    }
}
