/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the server of http_server_world.h by TLS, and a client that says when its bytes
 * travel: OpenSSL works on memory, the test moves what it writes.
 * Owns: struct tls_world, made by set_up_tls and freed by tear_down_tls.
 * Threads: one.
 * Errors: failed assertions.
 * Start reading at: speaker_open.
 */
#ifndef SLUICE_TESTS_IO_HTTP_TLS_WORLD_H
#define SLUICE_TESTS_IO_HTTP_TLS_WORLD_H

#include "tests/unit/io/http_server_world.h"

#include <openssl/ssl.h>
#include <sys/stat.h>

#include "tests/unit/io/identity.h"

struct tls_world {
    struct env env; /* first: set_up's and tear_down's callers see it */
    char folder[64], certificate[96], key[96];
    struct tls *tls;
};

static inline void write_file(const char *path, const char *text, int times)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    for (int i = 0; i < times; i++) {
        assert_true(fputs(text, file) >= 0);
    }
    assert_int_equal(fclose(file), 0);
}

/* Listens with a certificate whose chain has `chain` members: a flight of half a KiB each. */
static inline void listen_tls(struct tls_world *world,
                              struct http_server_options *options, int chain)
{
    struct identity identity;
    struct tls_fault fault = {.cause = ""};
    struct arena *arena = arena_new();

    identity_make(&identity, "server", -60, 3600);
    snprintf(world->folder, sizeof world->folder, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->certificate, sizeof world->certificate, "%s/own.pem",
             world->folder);
    snprintf(world->key, sizeof world->key, "%s/own.key", world->folder);
    write_file(world->certificate, identity.certificate, chain);
    write_file(world->key, identity.key, 1);
    assert_int_equal(
        tls_load(world->certificate, world->key, arena, &world->tls, &fault), ERR_OK);
    arena_free(arena);
    options->tls = world->tls;
    listen_with(&world->env, options);
}

static inline int set_up_tls(void **state)
{
    struct tls_world *world = calloc(1, sizeof *world);
    struct env *env = &world->env;
    env->loop = loop_new();
    env->time.wall_ms = 784111777000;
    env->clock = clock_from_fake(&env->time);
    env->log = (struct log){.fd = -1, .level = LOG_ERROR, .clock = &env->clock};
    *state = world;
    return 0;
}

static inline int tear_down_tls(void **state)
{
    struct tls_world *world = *state;
    http_server_free(world->env.server);
    loop_free(world->env.loop);
    tls_free(world->tls);
    (void)unlink(world->certificate);
    (void)unlink(world->key);
    (void)rmdir(world->folder);
    free(world);
    return 0;
}

#define TLS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_tls, tear_down_tls)

struct speaker {
    struct client client;
    SSL_CTX *context;
    SSL *ssl;
};

/* What OpenSSL wants to say, to be sent by the test. */
static inline struct slice speaker_said(struct speaker *speaker)
{
    char *bytes = NULL;
    long count = BIO_get_mem_data(SSL_get_wbio(speaker->ssl), &bytes);
    return slice_of(bytes, (size_t)count);
}

static inline void speaker_send(struct speaker *speaker)
{
    client_send(&speaker->client, speaker_said(speaker));
    (void)BIO_reset(SSL_get_wbio(speaker->ssl));
}

/* Connects and lets OpenSSL write its ClientHello, which is not sent yet. */
static inline void speaker_open(struct speaker *speaker, struct env *env)
{
    client_open(&speaker->client, env);
    speaker->context = SSL_CTX_new(TLS_client_method());
    speaker->ssl = SSL_new(speaker->context);
    SSL_set_bio(speaker->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(speaker->ssl);
    assert_int_equal(SSL_get_error(speaker->ssl, SSL_do_handshake(speaker->ssl)),
                     SSL_ERROR_WANT_READ);
}

static inline void speaker_close(struct speaker *speaker)
{
    SSL_free(speaker->ssl);
    SSL_CTX_free(speaker->context);
    client_close(&speaker->client);
}

/* One turn, and what came goes into OpenSSL. */
static inline void speaker_turn(struct speaker *speaker)
{
    struct buf *got = &speaker->client.got;
    turn(speaker->client.env);
    client_read(&speaker->client);
    if (got->len > 0) {
        assert_int_equal(BIO_write(SSL_get_rbio(speaker->ssl), got->ptr, (int)got->len),
                         (int)got->len);
        buf_clear(got);
    }
}

static inline void speaker_shake_hands(struct speaker *speaker)
{
    int64_t end_us = loop_now_us() + PATIENCE_US;
    while (SSL_do_handshake(speaker->ssl) != 1) {
        speaker_send(speaker);
        speaker_turn(speaker);
        assert_true(loop_now_us() < end_us);
    }
    speaker_send(speaker);
}

#endif
