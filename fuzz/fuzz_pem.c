/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a certificate and as a key, parted by a zero byte: what is found fault with
 * is named the same each time, nothing is shown of it, and who has no certificate has none
 * that ends. */
#include "fuzz/input.h"

#include "auth/pem.h"

#define NOW_MS INT64_C(1795000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = input_of(data, size);
    struct slice certificate = input_text(&input);
    enum pem_part part = PEM_CERTIFICATE, again = PEM_KEY;
    int64_t end_ms = 0;

    const char *problem = pem_check_identity(certificate, input, NOW_MS, &part);
    REQUIRE(pem_check_identity(certificate, input, NOW_MS, &again) == problem);
    REQUIRE(problem == NULL || part == again);
    bool has_end = pem_certificate_end(certificate, &end_ms);
    REQUIRE(has_end || (problem != NULL && part == PEM_CERTIFICATE));
    REQUIRE(problem != NULL || end_ms > NOW_MS);
    return 0;
}
