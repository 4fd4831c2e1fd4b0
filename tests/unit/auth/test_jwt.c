/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed assertions: keys made by the openssl command line, signatures verified by it, so
 * that nothing of ours checks itself.
 */
#include "auth/jwt.h"
#include "base/text.h"
#include "tests/unit/auth/world.h"

struct jwt_world {
    struct arena *arena;
    char folder[48];
};

static int set_up(void **state)
{
    struct jwt_world *w = calloc(1, sizeof *w);
    w->arena = arena_new();
    snprintf(w->folder, sizeof w->folder, "/tmp/sluice-jwt-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    *state = w;
    return 0;
}

/* A shell command in the folder; whether it ended well. */
static bool run(struct jwt_world *w, const char *command)
{
    struct slice line =
        arena_printf(w->arena, "cd %s && { %s; } >/dev/null 2>&1", w->folder, command);
    return system(line.ptr) == 0;
}

static int tear_down(void **state)
{
    struct jwt_world *w = *state;
    assert_true(run(w, "rm -f key pub text sig sig.der asn1; rmdir \"$PWD\""));
    arena_free(w->arena);
    free(w);
    return 0;
}

static struct slice read_file(struct jwt_world *w, const char *name)
{
    char *text = arena_alloc(w->arena, 16384);
    struct slice path = arena_printf(w->arena, "%s/%s", w->folder, name);
    FILE *file = fopen(path.ptr, "rb");
    assert_non_null(file);
    size_t len = fread(text, 1, 16384, file);
    fclose(file);
    return slice_of(text, len);
}

static void write_file(struct jwt_world *w, const char *name, struct slice bytes)
{
    struct slice path = arena_printf(w->arena, "%s/%s", w->folder, name);
    FILE *file = fopen(path.ptr, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    fclose(file);
}

static struct slice make_key(struct jwt_world *w, const char *options)
{
    struct slice command = arena_printf(
        w->arena,
        "openssl genpkey %s -out key && openssl pkey -in key -pubout -out pub",
        options);
    assert_true(run(w, command.ptr));
    return read_file(w, "key");
}

/* Splits at the last dot: what is signed, and the signature. */
static struct slice split(struct jwt_world *w, struct slice jwt,
                          struct slice *signature)
{
    size_t dot = jwt.len;
    while (dot > 0 && jwt.ptr[dot - 1] != '.') {
        dot--;
    }
    assert_true(dot > 0);
    assert_true(
        text_unbase64url(w->arena, slice_of(jwt.ptr + dot, jwt.len - dot), signature));
    return slice_of(jwt.ptr, dot - 1);
}

static const struct {
    const char *alg, *key, *digest;
    size_t half;
} algs[] = {
    {"PS256", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "sha256", 0},
    {"PS384", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", "sha384", 0},
    {"PS512", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "sha512", 0},
    {"ES256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "sha256", 32},
    {"ES384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "sha384", 48},
    {"ES512", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "sha512", 66},
};

/* r and s in DER, as the command line wants them. */
static void write_der(struct jwt_world *w, struct slice raw, size_t half)
{
    struct slice r = text_hex(w->arena, slice_of(raw.ptr, half));
    struct slice s = text_hex(w->arena, slice_of(raw.ptr + half, half));
    assert_int_equal(raw.len, 2 * half);
    write_file(w, "asn1",
               arena_printf(w->arena,
                            "asn1=SEQUENCE:pair\n[pair]\nr=INTEGER:0x%.*s\n"
                            "s=INTEGER:0x%.*s\n",
                            SLICE_ARG(r), SLICE_ARG(s)));
    assert_true(run(w, "openssl asn1parse -genconf asn1 -noout -out sig"));
}

static void test_the_command_line_verifies_every_algorithm(void **state)
{
    struct jwt_world *w = *state;
    for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
        const char *problem = NULL;
        struct slice jwt, signature;
        struct slice pem = make_key(w, algs[i].key);
        assert_int_equal(jwt_key_check(slice_str(algs[i].alg), pem, &problem), ERR_OK);
        assert_int_equal(jwt_sign(slice_str(algs[i].alg), pem,
                                  SLICE("{\"typ\":\"JWT\"}"),
                                  SLICE("{\"iss\":\"cid\"}"), w->arena, &jwt),
                         ERR_OK);
        struct slice text = split(w, jwt, &signature);
        assert_text(text, "eyJ0eXAiOiJKV1QifQ.eyJpc3MiOiJjaWQifQ");
        write_file(w, "text", text);
        const char *padding = "";
        if (algs[i].half > 0) {
            write_der(w, signature, algs[i].half);
        } else {
            write_file(w, "sig", signature);
            padding = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1";
        }
        struct slice verify = arena_printf(
            w->arena, "openssl dgst -%s %s -verify pub -signature sig text",
            algs[i].digest, padding);
        assert_true(run(w, verify.ptr));
        write_file(w, "text", SLICE("something else"));
        assert_false(run(w, verify.ptr));
    }
}

/* One in 256 begins with a zero byte, which DER leaves out and JWS does not. */
static void test_numbers_that_begin_with_zeros_keep_their_length(void **state)
{
    struct jwt_world *w = *state;
    struct slice pem = make_key(w, "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");

    for (size_t place = 0; place <= 32; place += 32) { /* r, then s */
        struct slice jwt, signature, text;
        do {
            assert_int_equal(
                jwt_sign(SLICE("ES256"), pem, SLICE("{}"), SLICE("{}"), w->arena, &jwt),
                ERR_OK);
            text = split(w, jwt, &signature);
            assert_int_equal(signature.len, 64);
        } while (signature.ptr[place] != 0);
        write_der(w, signature, 32);
        write_file(w, "text", text);
        assert_true(run(w, "openssl dgst -sha256 -verify pub -signature sig text"));
    }
}

/* What the check lets in, signs: it is asked for once, and the key is used for years. */
static void test_a_key_that_passes_the_check_can_sign(void **state)
{
    struct jwt_world *w = *state;
    static const struct {
        const char *alg, *key;
        bool fits;
    } cases[] = {
        {"PS256", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", true},
        {"PS256",
         "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt "
         "rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt "
         "rsa_pss_keygen_saltlen:32",
         true},
        {"PS256",
         "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt "
         "rsa_pss_keygen_md:sha512 -pkeyopt rsa_pss_keygen_mgf1_md:sha512 -pkeyopt "
         "rsa_pss_keygen_saltlen:64",
         false},
        {"PS256",
         "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt "
         "rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt "
         "rsa_pss_keygen_saltlen:64",
         false},
        {"PS512", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", true},
        {"ES256",
         "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt "
         "ec_param_enc:explicit",
         true},
        {"ES256", "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", false},
        {"ES256", "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", false},
        {"ES512", "-algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP512r1", false},
        {"ES256", "-algorithm ED25519", false},
        {"ES384", "-algorithm ED448", false},
        {"ES256", "-algorithm X25519", false},
        {"PS256", "-algorithm ED25519", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *problem = NULL;
        struct slice jwt;
        struct slice pem = make_key(w, cases[i].key);
        enum err checked = jwt_key_check(slice_str(cases[i].alg), pem, &problem);
        enum err was_signed = jwt_sign(slice_str(cases[i].alg), pem, SLICE("{}"),
                                       SLICE("{}"), w->arena, &jwt);
        if ((checked == ERR_OK) != cases[i].fits || was_signed != checked) {
            fail_msg("%s with %s: check %d, sign %d", cases[i].alg, cases[i].key,
                     checked, was_signed);
        }
        assert_true((problem == NULL) == cases[i].fits);
    }
}

static void test_what_is_no_private_key_is_none(void **state)
{
    struct jwt_world *w = *state;
    const char *problem = NULL;
    struct slice private_pem =
        make_key(w, "-algorithm EC -pkeyopt ec_paramgen_curve:P-256");
    struct slice public_pem = read_file(w, "pub");
    const struct slice cases[] = {public_pem, slice_of(private_pem.ptr, 60), SLICE(""),
                                  slice_of("\0", 1)};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        problem = NULL;
        assert_int_equal(jwt_key_check(SLICE("ES256"), cases[i], &problem),
                         ERR_UNPROCESSABLE);
        assert_non_null(strstr(problem, "private key in PEM"));
    }
    /* SEC 1 ("EC PRIVATE KEY") is as good as PKCS #8. */
    assert_true(run(w, "openssl ec -in key -out asn1"));
    problem = NULL;
    assert_int_equal(jwt_key_check(SLICE("ES256"), read_file(w, "asn1"), &problem),
                     ERR_OK);
}

static void test_a_key_that_does_not_fit_is_refused_with_the_reason(void **state)
{
    struct jwt_world *w = *state;
    static const struct {
        const char *alg, *key, *problem;
    } cases[] = {
        {"RS256", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "one of PS256"},
        {"PS256", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "2048 bits"},
        {"PS256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "an RSA key"},
        {"ES256", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "an EC key"},
        {"ES256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", "an EC key"},
        {"ES256",
         "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:secret",
         "not encrypted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *problem = NULL;
        struct slice jwt;
        struct slice command =
            arena_printf(w->arena, "openssl genpkey %s -out key", cases[i].key);
        assert_true(run(w, command.ptr));
        struct slice pem = read_file(w, "key");
        assert_int_equal(jwt_key_check(slice_str(cases[i].alg), pem, &problem),
                         ERR_UNPROCESSABLE);
        assert_non_null(strstr(problem, cases[i].problem));
        assert_int_equal(jwt_sign(slice_str(cases[i].alg), pem, SLICE("{}"),
                                  SLICE("{}"), w->arena, &jwt),
                         ERR_UNPROCESSABLE);
    }
    const char *problem = NULL;
    assert_int_equal(jwt_key_check(SLICE("ES256"), SLICE("no key"), &problem),
                     ERR_UNPROCESSABLE);
    assert_non_null(strstr(problem, "PEM"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_command_line_verifies_every_algorithm),
        TEST(test_numbers_that_begin_with_zeros_keep_their_length),
        TEST(test_a_key_that_passes_the_check_can_sign),
        TEST(test_what_is_no_private_key_is_none),
        TEST(test_a_key_that_does_not_fit_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
