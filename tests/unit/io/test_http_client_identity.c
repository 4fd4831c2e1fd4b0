/* SPDX-License-Identifier: Apache-2.0 */
/* A client's certificate: who the peer sees, on which connection. */
#include "tests/unit/io/http_client_world.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

#include "tests/unit/io/identity.h"

static struct identity server_identity, first, second;

static int accept_any(int ok, X509_STORE_CTX *context)
{
    (void)ok;
    (void)context;
    return 1;
}

static SSL_CTX *server_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate = BIO_new_mem_buf(server_identity.certificate, -1);
    BIO *key = BIO_new_mem_buf(server_identity.key, -1);
    X509 *own = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
    EVP_PKEY *private_key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);

    SSL_CTX_use_certificate(context, own);
    SSL_CTX_use_PrivateKey(context, private_key);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, accept_any);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"t", 1);
    X509_free(own);
    EVP_PKEY_free(private_key);
    BIO_free(certificate);
    BIO_free(key);
    return context;
}

static void tell_peer(SSL *ssl, char *out, size_t bytes)
{
    char name[64] = "nobody";
    X509 *peer = SSL_get1_peer_certificate(ssl);

    if (peer != NULL) {
        X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name,
                                  sizeof name);
    }
    X509_free(peer);
    snprintf(out, bytes, "%s%s", name, SSL_session_reused(ssl) ? " again" : "");
}

/* One for all connections of all servers: sessions can be taken up again. */
static SSL_CTX *shared_context(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static SSL_CTX *context;
    pthread_mutex_lock(&lock);
    context = context != NULL ? context : server_context();
    SSL_CTX *found = context;
    pthread_mutex_unlock(&lock);
    return found;
}

/* Answers with the name that the client's certificate says; keeps the connection. */
static void answer_with_peer(struct server *server, int fd)
{
    SSL *ssl = SSL_new(shared_context());
    char request[4096], name[80], answer[256];

    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1) {
        while (SSL_read(ssl, request, sizeof request) > 0) {
            tell_peer(ssl, name, sizeof name);
            server->requests++;
            snprintf(answer, sizeof answer,
                     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(name),
                     name);
            SSL_write(ssl, answer, (int)strlen(answer));
        }
    }
    SSL_free(ssl);
}

static struct world tls_world(char *ca_path)
{
    struct world world = world_of(answer_with_peer);
    int fd = mkstemp(ca_path);
    size_t bytes = strlen(server_identity.certificate);

    assert_int_equal(write(fd, server_identity.certificate, bytes), bytes);
    close(fd);
    http_client_free(world.client);
    struct http_client_options options = http_client_defaults(world.policy);
    options.ca_file = ca_path;
    world.client = http_client_new(world.loop, &options);
    return world;
}

/* One GET as `certificate` with `key`; NULL: as nobody. */
static void get_as(struct call *call, struct world *world, const char *certificate,
                   const char *key)
{
    char url[64];
    const struct http_identity identity = {slice_str(certificate), slice_str(key)};

    call_init(call, world);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", world->server->port);
    const struct http_send request = {.method = SLICE("GET"),
                                      .url = slice_str(url),
                                      .identity =
                                          certificate != NULL ? &identity : NULL,
                                      .answer_ms = 60000,
                                      .max_ms = 60000};
    send_it(call, &request);
    loop_run(world->loop);
    assert_int_equal(call->answers, 1);
}

static void test_each_request_is_seen_as_who_sends_it(void **state)
{
    struct {
        const struct identity *as;
        const char *seen;
        int connections;
    } const steps[] = {
        {NULL, "nobody", 1},  {&first, "first", 2}, {&second, "second", 3},
        {&first, "first", 4}, {&first, "first", 5}, {&second, "second", 6},
        {NULL, "nobody", 6}, /* its first connection was kept, none of the others was */
    };
    char ca[] = "/tmp/sluice-test-XXXXXX";
    struct world world = tls_world(ca);
    (void)state;

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct call call;
        get_as(&call, &world, steps[i].as != NULL ? steps[i].as->certificate : NULL,
               steps[i].as != NULL ? steps[i].as->key : NULL);
        assert_answered(&call, 200, steps[i].seen);
        assert_int_equal(world.server->connections, steps[i].connections);
        call_free(&call);
    }
    world_end(&world);
    unlink(ca);
}

static void test_a_key_that_does_not_fit_is_never_sent(void **state)
{
    char ca[] = "/tmp/sluice-test-XXXXXX";
    struct world world = tls_world(ca);
    const char *const pairs[][2] = {
        {first.certificate, second.key}, {first.certificate, "-"}, {"-", first.key}};
    (void)state;

    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct call call;
        get_as(&call, &world, pairs[i][0], pairs[i][1]);
        assert_failed(&call, ERR_UPSTREAM_UNAVAILABLE, "identity", false,
                      HTTP_END_NEVER_SENT);
        call_free(&call);
    }
    assert_int_equal(world.server->requests, 0);
    world_end(&world);
    unlink(ca);
}

static void test_a_certificate_needs_tls(void **state)
{
    struct world world = world_of(answer_each);
    struct call call;
    char url[64];
    const struct http_identity identity = {slice_str(first.certificate),
                                           slice_str(first.key)};
    (void)state;

    call_init(&call, &world);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", world.server->port);
    const struct http_send request = {.method = SLICE("GET"),
                                      .url = slice_str(url),
                                      .identity = &identity,
                                      .answer_ms = 60000,
                                      .max_ms = 60000};
    send_it(&call, &request);
    loop_run(world.loop);

    assert_failed(&call, ERR_POLICY_DENIED, "identity", false, HTTP_END_NEVER_SENT);
    call_free(&call);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_is_seen_as_who_sends_it),
        cmocka_unit_test(test_a_key_that_does_not_fit_is_never_sent),
        cmocka_unit_test(test_a_certificate_needs_tls),
    };
    signal(SIGPIPE, SIG_IGN);
    identity_make(&server_identity, "server", -60, 3600);
    identity_make(&first, "first", -60, 3600);
    identity_make(&second, "second", -60, 3600);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
