/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a certificate and as a key, parted by a zero byte: what is found fault with
 * is named the same each time, nothing is shown of it, and who has no certificate has none
 * that ends. A key without a certificate is held against a good one. OpenSSL takes a
 * millisecond to get ready for a key, so it is read once, and twice only beside a certificate
 * of the input's own.
 */
#include "fuzz/input.h"

#include "auth/pem.h"

#define NOW_MS INT64_C(1795000000000)

/* Valid until 2051. */
static const char good[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBcDCCARWgAwIBAgIUUUQ3ios8lvW1rDgJuOfeXvtJGhYwCgYIKoZIzj0EAwIw\n"
    "DDEKMAgGA1UEAwwBYTAgFw0yNjExMjExNDI1MzBaGA8yMDUxMDcxMzE0MjUzMFow\n"
    "DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABDJ0/Dtan2o/\n"
    "asfOVeKC3fUZesQHMtJ4Mpnd55wvyjodZlONOwRLCkW5b8squJoyij7VzAySqsZo\n"
    "umx9Z1LHbHKjUzBRMB0GA1UdDgQWBBR4cJfHP/mGp6bwiQDNWJTRePRBmzAfBgNV\n"
    "HSMEGDAWgBR4cJfHP/mGp6bwiQDNWJTRePRBmzAPBgNVHRMBAf8EBTADAQH/MAoG\n"
    "CCqGSM49BAMCA0kAMEYCIQDeFrNJ/SjanRYL5iDQ8cLMWVV4p09BRI7BpsgdqtLG\n"
    "jAIhAO4I0jCTjgoEe7so1fa1y0zjA4DdXS8UB9dQ+3k4wcKt\n"
    "-----END CERTIFICATE-----\n";

/* OpenSSL allocates a thousand times for a key; a trace of each is half the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "malloc_context_size=2";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct slice certificate = input_text(&input);
    enum pem_part part = PEM_CERTIFICATE, again = PEM_KEY;
    int64_t end_ms = 0;

    const char *problem = pem_check_identity(certificate, input, NOW_MS, &part);
    bool has_end = pem_certificate_end(certificate, &end_ms);
    REQUIRE(has_end || (problem != NULL && part == PEM_CERTIFICATE));
    if (!has_end || end_ms <= NOW_MS) {
        problem = pem_check_identity(slice_str(good), input, NOW_MS, &part);
        REQUIRE(problem == NULL || part == PEM_KEY);
        return 0;
    }
    REQUIRE(pem_check_identity(certificate, input, NOW_MS, &again) == problem);
    REQUIRE(problem == NULL || part == again);
    return 0;
}
