/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client certificate at the ERP itself: of a communication user of S/4HANA Cloud, or one
 * that a user of an ABAP system belongs to. The TLS connection shows it (RFC 8446 section
 * 4.4.2); the request carries nothing.
 */
#include "auth/pem.h"
#include "auth/sap_client.h"

static const struct outbound_field fields[] = {
    {"certificate_pem", false, true, SAP_PEM_BYTES},
    {"private_key_pem", true, true, SAP_PEM_BYTES},
};

static const char *complain(const struct jval *auth, struct arena *arena,
                            const char **field)
{
    const struct clock clock = clock_system();
    enum pem_part part;

    (void)arena;
    const char *problem = pem_check_identity(
        jval_text(jval_get(auth, "certificate_pem")),
        jval_text(jval_get(auth, "private_key_pem")), clock_wall_ms(&clock), &part);
    *field = part == PEM_CERTIFICATE ? "certificate_pem" : "private_key_pem";
    return problem;
}

static enum err sign(struct credential *credential, struct outbound_request *request,
                     const struct outbound_means *means, struct arena *arena)
{
    struct http_identity *identity = arena_alloc(arena, sizeof *identity);

    (void)means;
    identity->certificate_pem = credential_reveal(credential, "certificate_pem");
    identity->private_key_pem = credential_reveal(credential, "private_key_pem");
    request->identity = identity;
    return ERR_OK;
}

const struct outbound_scheme outbound_sap_certificate = {
    .name = "sap_certificate",
    .integration = "sap",
    .wants_tls = true,
    .lock_minutes =
        30, /* it locks nobody, but what was refused once is refused again */
    .causes =
        "Probable causes, the most likely first: no user belongs to this certificate "
        "(the app Maintain Communication Users, or transaction CERTRULE or SM30 with "
        "VUSREXTID); the communication arrangement takes another way to log in; the "
        "certificate has ended, or its issuer is not trusted there; something in "
        "between ends TLS and does not pass it on; the user is locked.",
    .fields = fields,
    .field_count = sizeof fields / sizeof fields[0],
    .sign = sign,
    .complain = complain,
};
