/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate and its key: read, checked against each other, read again. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/require.h"
#include "io/tls_private.h"

#define FILE_BYTES ((size_t)256 * 1024)

/* What tells a replaced file from the one that was read. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

struct tls {
    char *certificate_path, *key_path;
    struct stamp certificate, key; /* of the last reading */
    SSL_CTX *context;
    BIO_METHOD *method;
    struct tls_validity validity;
    /* Of the pair in the files, if it was; ends at 0: not. */
    struct tls_validity refused;
};

SSL_CTX *tls_context(const struct tls *tls)
{
    return tls->context;
}

const BIO_METHOD *tls_bio_method(const struct tls *tls)
{
    return tls->method;
}

struct tls_validity tls_validity(const struct tls *tls)
{
    return tls->validity;
}

bool tls_is_valid(struct tls_validity validity, int64_t now_s)
{
    return validity.from_s <= now_s && now_s <= validity.to_s;
}

/* ---- Files ---- */

static struct stamp stamp_of(const char *path)
{
    struct stat info;
    struct stamp stamp;
    memset(&stamp, 0, sizeof stamp);
    if (stat(path, &info) == 0) {
        stamp.device = info.st_dev;
        stamp.inode = info.st_ino;
        stamp.bytes = info.st_size;
        stamp.changed = info.st_mtim;
    }
    return stamp;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

bool tls_has_changed(const struct tls *tls, int64_t now_s)
{
    if (tls_is_valid(tls->refused, now_s)) {
        return true;
    }
    struct stamp certificate = stamp_of(tls->certificate_path);
    struct stamp key = stamp_of(tls->key_path);
    return !same_stamp(&certificate, &tls->certificate) || !same_stamp(&key, &tls->key);
}

/* Not by stdio, which would leave a copy of the key in a buffer of its own. */
static bool read_all(int fd, struct buf *content)
{
    for (;;) {
        char *room = buf_reserve(content, 4096);
        ssize_t got = room != NULL ? read(fd, room, 4096) : -1;
        if (got < 0) {
            return false;
        }
        if (got == 0) {
            return true;
        }
        buf_commit(content, (size_t)got);
    }
}

struct reading {
    struct arena *arena;
    struct tls_fault *fault;
};

static enum err fail(const struct reading *reading, const char *path, const char *cause,
                     const char *what)
{
    *reading->fault = (struct tls_fault){
        .file = arena_slice(reading->arena, slice_str(path)),
        .cause = cause,
        .sentence = arena_printf(reading->arena, "%s %s", path, what),
    };
    ERR_clear_error();
    return ERR_UNPROCESSABLE;
}

static enum err read_file(const struct reading *reading, const char *path,
                          bool is_secret, struct buf *content)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return fail(reading, path, "open",
                    errno == ENOENT ? "is not there" : "may not be read by this user");
    }
    enum err err = ERR_OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        err = fail(reading, path, "no_plain_file", "is no plain file");
    } else if (is_secret && (info.st_mode & 027) != 0) {
        err = fail(reading, path, "mode",
                   "may be read by everybody or written by its group; run chmod 600 on "
                   "it, and think of a new key");
    } else if (!read_all(fd, content)) {
        err = fail(reading, path, "read", "cannot be read, or is larger than 256 KiB");
    }
    close(fd);
    return err;
}

/* ---- PEM ---- */

/* Nobody is there to type it. */
static int no_passphrase(char *room, int bytes, int is_writing, void *ctx)
{
    (void)room;
    (void)bytes;
    (void)is_writing;
    *(bool *)ctx = true;
    return -1;
}

static enum err use_key(const struct reading *reading, SSL_CTX *context,
                        const char *path)
{
    struct buf content;
    bool is_encrypted = false;
    buf_init(&content, FILE_BYTES);
    enum err err = read_file(reading, path, true, &content);
    if (err == ERR_OK) {
        BIO *bio = BIO_new_mem_buf(content.ptr, (int)content.len);
        EVP_PKEY *key =
            PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &is_encrypted);
        if (key == NULL) {
            err = is_encrypted
                      ? fail(reading, path, "encrypted",
                             "is encrypted; a server that starts by itself needs the "
                             "key without a passphrase")
                      : fail(reading, path, "no_key", "holds no private key in PEM");
        } else if (SSL_CTX_use_PrivateKey(context, key) != 1 ||
                   SSL_CTX_check_private_key(context) != 1) {
            err = fail(reading, path, "key_of_another",
                       "is not the key of the certificate");
        }
        EVP_PKEY_free(key);
        BIO_free(bio);
    }
    buf_free(&content);
    return err;
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm tm = {0};
    return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* The first certificate is ours, those behind it lead to the authority. */
static bool use_certificates(SSL_CTX *context, BIO *bio, struct tls_validity *validity)
{
    X509 *own = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (own == NULL || SSL_CTX_use_certificate(context, own) != 1) {
        X509_free(own);
        return false;
    }
    validity->from_s = seconds_of(X509_get0_notBefore(own));
    validity->to_s = seconds_of(X509_get0_notAfter(own));
    X509_free(own);
    for (;;) {
        X509 *next = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (next == NULL) {
            /* The end of the file, and not a broken block. */
            return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
        }
        if (SSL_CTX_add0_chain_cert(context, next) != 1) {
            X509_free(next);
            return false;
        }
    }
}

static enum err use_chain(const struct reading *reading, SSL_CTX *context,
                          const char *path, struct tls_validity *validity)
{
    struct buf content;
    buf_init(&content, FILE_BYTES);
    enum err err = read_file(reading, path, false, &content);
    if (err == ERR_OK) {
        BIO *bio = BIO_new_mem_buf(content.ptr, (int)content.len);
        if (!use_certificates(context, bio, validity)) {
            err = fail(reading, path, "no_certificate",
                       "holds no certificate in PEM, or one that cannot be read or is "
                       "too weak");
        }
        ERR_clear_error();
        BIO_free(bio);
    }
    buf_free(&content);
    return err;
}

/* ---- The context ---- */

/* RFC 7301: a client that names protocols and not ours is told so by an alert. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *offered, unsigned offered_len,
                           void *ctx)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl;
    (void)ctx;
    for (unsigned at = 0; at < offered_len; at += 1u + offered[at]) {
        if (offered[at] == ours[0] && at + sizeof ours - 1 <= offered_len &&
            memcmp(offered + at, ours, sizeof ours - 1) == 0) {
            *out = offered + at + 1;
            *out_len = ours[0];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static SSL_CTX *context_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    REQUIRE(context != NULL);
    REQUIRE(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
    REQUIRE(SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_NO_TICKET | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    REQUIRE(SSL_CTX_set_num_tickets(context, 0) == 1);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return context;
}

/* Whether clients take it, as far as its time goes. */
static enum err check_time(const struct reading *reading, const struct tls *tls,
                           struct tls_validity validity, int64_t now_s)
{
    if (validity.to_s < now_s) {
        return fail(reading, tls->certificate_path, "has_ended",
                    "has ended; the one in force is kept. Put a new one there");
    }
    if (validity.from_s > now_s) {
        return fail(reading, tls->certificate_path, "not_yet_valid",
                    "is not valid yet; the one in force is kept until it is");
    }
    return ERR_OK;
}

/* The pair that the files hold now, into `context`. */
static enum err read_pair(struct tls *tls, const struct reading *reading,
                          SSL_CTX *context, struct tls_validity *validity)
{
    /* Before reading: a change in between is found the next time. */
    tls->certificate = stamp_of(tls->certificate_path);
    tls->key = stamp_of(tls->key_path);
    tls->refused = (struct tls_validity){0};
    enum err err = use_chain(reading, context, tls->certificate_path, validity);
    return err != ERR_OK ? err : use_key(reading, context, tls->key_path);
}

static void use_pair(struct tls *tls, SSL_CTX *context, struct tls_validity validity)
{
    SSL_CTX_free(tls->context);
    tls->context = context;
    tls->validity = validity;
}

enum err tls_reload(struct tls *tls, int64_t now_s, struct arena *arena,
                    struct tls_fault *fault)
{
    const struct reading reading = {arena, fault};
    SSL_CTX *context = context_new();
    struct tls_validity validity = {0};
    enum err err = read_pair(tls, &reading, context, &validity);
    if (err == ERR_OK && tls_is_valid(tls->validity, now_s)) {
        err = check_time(&reading, tls, validity, now_s);
        tls->refused = err != ERR_OK ? validity : tls->refused;
    }
    if (err != ERR_OK) {
        SSL_CTX_free(context);
        return err;
    }
    use_pair(tls, context, validity);
    return ERR_OK;
}

enum err tls_load(const char *certificate_path, const char *key_path,
                  struct arena *arena, struct tls **out, struct tls_fault *fault)
{
    struct tls *tls = calloc(1, sizeof *tls);
    REQUIRE(tls != NULL);
    tls->certificate_path = strdup(certificate_path);
    tls->key_path = strdup(key_path);
    REQUIRE(tls->certificate_path != NULL && tls->key_path != NULL);
    tls->method = tls_session_method();
    const struct reading reading = {arena, fault};
    SSL_CTX *context = context_new();
    struct tls_validity validity = {0};
    enum err err = read_pair(tls, &reading, context, &validity);
    if (err != ERR_OK) {
        SSL_CTX_free(context);
        tls_free(tls);
        return err;
    }
    use_pair(tls, context, validity);
    *out = tls;
    return ERR_OK;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    free(tls->certificate_path);
    free(tls->key_path);
    free(tls);
}
