/* SPDX-License-Identifier: Apache-2.0 */
#include "core/connect_fields.h"

/* ---- Connections ---- */

static const struct connect_field netsuite_connection[] = {
    {.name = "account_id",
     .label = "Account ID",
     .help = "In NetSuite: Setup > Company > Company Information. Such as 1234567, or "
             "1234567_SB1 for a sandbox."},
};

static const struct connect_choice sap_routes[] = {
    {"direct", "SAP S/4HANA Cloud"},
    {"on_premise", "A system of your own that this server reaches directly"},
    {"connectivity", "A system of your own behind SAP Cloud Connector"},
    {"destination", "A destination of SAP BTP"},
    {"api_management", "API proxies of SAP API Management"},
    {NULL, NULL},
};
static const struct connect_field sap_connection[] = {
    {.name = "route", .label = "Kind of system", .choices = sap_routes},
    {.name = "base_url",
     .label = "Address of the API",
     .help =
         "Such as https://my300000-api.s4hana.cloud.sap: the name with -api, not the "
         "one people log in at."},
    {.name = "sap_client",
     .label = "Client",
     .help = "Three digits, such as 100. S/4HANA Cloud needs none.",
     .optional = true},
    {.name = "location_id",
     .label = "Location ID",
     .help = "Of the Cloud Connector, where it has one.",
     .optional = true,
     .route = "connectivity"},
    {.name = "api_key_header",
     .label = "Header of the API key",
     .help = "APIKey, unless the proxies ask for another.",
     .optional = true,
     .route = "api_management"},
};

const struct connect_field *connect_connection_fields(struct slice integration,
                                                      size_t *count)
{
    *count = 0;
    if (slice_is(integration, "netsuite")) {
        *count = sizeof netsuite_connection / sizeof netsuite_connection[0];
        return netsuite_connection;
    }
    if (slice_is(integration, "sap")) {
        *count = sizeof sap_connection / sizeof sap_connection[0];
        return sap_connection;
    }
    return NULL;
}

/* ---- Schemes ---- */

static const struct connect_way ways[] = {
    {"netsuite_oauth2", "Log in at NetSuite and allow access",
     "You are sent to NetSuite, choose your role there and allow access. Nothing has "
     "to be copied. NetSuite asks for it again every seven days."},
    {"netsuite_tba", "Access token (token-based authentication)",
     "Four values from an integration record and an access token. It does not end by "
     "itself."},
    {"netsuite_m2m", "Certificate (OAuth 2.0 client credentials)",
     "A client ID, a certificate that was mapped to a role, and its private key. It "
     "works without anybody's consent until the certificate ends."},
    {"sap_xsuaa", "OAuth 2.0 client (XSUAA)",
     "Client ID with a secret or a certificate, of a service key, and the address that "
     "gives tokens."},
    {"sap_ias", "OAuth 2.0 client (Identity Authentication)",
     "Client ID with a secret or a certificate, of an application there, and the "
     "address that gives tokens."},
    {"sap_connectivity", "Through SAP Cloud Connector",
     "A client of the connectivity service, the address of its proxy, and a user of "
     "the system behind it."},
    {"sap_destination", "A destination of SAP BTP",
     "A client of the destination service, and the name of a destination that says "
     "where the system is and how to log in there."},
    {"sap_api_key", "API key (API Management)",
     "A key of an application there, and a user where the system behind it asks for "
     "one."},
    {"basic", "User and password",
     "A communication user of S/4HANA Cloud, or a technical user of a system of your "
     "own."},
    {"sap_certificate", "Client certificate",
     "A certificate that a communication user of S/4HANA Cloud has, or that belongs to "
     "a user of a system of your own, and its private key."},
    {"none", "Without a login", "This integration has no ERP behind it."},
};

struct connect_way connect_way_of(const struct outbound_scheme *scheme)
{
    const char *name = outbound_scheme_name(scheme);
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (strcmp(ways[i].scheme, name) == 0) {
            return ways[i];
        }
    }
    return (struct connect_way){name, name, ""};
}

static const struct connect_choice algorithms[] = {
    {"PS256", "PS256 (RSA key)"},
    {"PS384", "PS384 (RSA key)"},
    {"PS512", "PS512 (RSA key)"},
    {"ES256", "ES256 (EC key, P-256)"},
    {"ES384", "ES384 (EC key, P-384)"},
    {"ES512", "ES512 (EC key, P-521)"},
    {NULL, NULL},
};

/* NetSuite's own keys, tokens and secrets are 64 hex digits: they are pasted by hand, and
 * lose a piece that way. */
#define NETSUITE_KEY 64
#define NETSUITE_TBA(name, label, help)                                     \
    {                                                                       \
        "netsuite_tba",                                                     \
        {                                                                   \
            (name), (label), (help), NULL, NETSUITE_KEY, false, NULL, false \
        }                                                                   \
    }
#define WORDS(scheme, name, label, help)                         \
    {                                                            \
        (scheme),                                                \
        {                                                        \
            (name), (label), (help), NULL, 0, false, NULL, false \
        }                                                        \
    }

static const struct {
    const char *scheme; /* NULL: of any */
    struct connect_field field;
} words[] = {
    NETSUITE_TBA("consumer_key", "Consumer key",
                 "Shown once, when the integration record was saved."),
    NETSUITE_TBA("consumer_secret", "Consumer secret",
                 "Shown once, beside the consumer key. Lost: Reset Credentials on the "
                 "record."),
    NETSUITE_TBA("token_id", "Token ID",
                 "Setup > Users/Roles > Access Tokens. Shown once, when the token was "
                 "made."),
    NETSUITE_TBA("token_secret", "Token secret", "Shown once, beside the token ID."),
    {"netsuite_m2m",
     {"client_id", "Client ID",
      "Of the integration record with Client Credentials (Machine to Machine) Grant.",
      NULL, NETSUITE_KEY, false, NULL, false}},
    WORDS("netsuite_m2m", "certificate_id", "Certificate ID",
          "Setup > Integration > OAuth 2.0 Client Credentials (M2M) Setup, column "
          "Certificate ID."),
    {"netsuite_m2m",
     {"alg", "Signature algorithm", "It has to fit the key.", algorithms, 0, false,
      NULL, false}},
    WORDS(
        NULL, "token_url", "Address that gives tokens",
        "The service key's \"url\" (with a certificate: \"certurl\") and /oauth/token "
        "behind it; of Identity Authentication: /oauth2/token."),
    WORDS(NULL, "client_id", "Client ID",
          "The service key's \"clientid\", such as sb-name!t1234."),
    WORDS(NULL, "client_secret", "Client secret",
          "The service key's \"clientsecret\". Leave it empty where there is a "
          "certificate."),
    WORDS(NULL, "certificate_pem", "Certificate",
          "The whole PEM text, with the chain behind it where there is one."),
    WORDS(
        NULL, "private_key_pem", "Private key",
        "The whole PEM text, from the line with BEGIN to the line with END, without a "
        "passphrase. It never leaves this server."),
    WORDS("sap_ias", "resource", "Resource",
          "Such as urn:sap:identity:application:provider:name:..., where the API asks "
          "for it."),
    WORDS("sap_ias", "app_tid", "Application tenant ID",
          "Of the customer's tenant, where the application has several."),
    WORDS("sap_connectivity", "proxy_url", "Address of the connectivity proxy",
          "Its host and port as this server reaches it, such as "
          "http://connectivity-proxy:20003."),
    WORDS("sap_destination", "service_url", "Address of the destination service",
          "The service key's \"uri\"."),
    WORDS("sap_destination", "destination", "Destination",
          "Its name, as the cockpit of SAP BTP shows it."),
    WORDS(NULL, "proxy_url", "Address of the connectivity proxy",
          "Only for systems behind SAP Cloud Connector."),
    WORDS(NULL, "connectivity_token_url", "Address that gives tokens for the proxy",
          "Of the connectivity service's key, with /oauth/token behind it."),
    WORDS(NULL, "connectivity_client_id", "Client ID for the proxy",
          "Of the connectivity service's key."),
    WORDS(NULL, "connectivity_client_secret", "Client secret for the proxy",
          "Of the connectivity service's key. Leave it empty where there is a "
          "certificate."),
    WORDS(NULL, "connectivity_certificate_pem", "Certificate for the proxy",
          "Of the connectivity service's key: the whole PEM text."),
    WORDS(NULL, "connectivity_private_key_pem", "Private key for the proxy",
          "Of the connectivity service's key: the whole PEM text. It never leaves this "
          "server."),
    WORDS("sap_api_key", "api_key", "API key",
          "Of the application, as its page shows it."),
    {NULL,
     {.name = "username",
      .label = "User",
      .help = "As SAP has it; upper and lower case can matter.",
      .visible = true}},
    WORDS(NULL, "password", "Password",
          "A few wrong ones lock the user: paste it rather than type it."),
};

struct connect_field connect_field_of(const struct outbound_scheme *scheme,
                                      const struct outbound_field *field)
{
    struct connect_field found = {.name = field->name};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        bool fits = words[i].scheme == NULL ||
                    strcmp(words[i].scheme, outbound_scheme_name(scheme)) == 0;
        if (fits && strcmp(words[i].field.name, field->name) == 0) {
            found = words[i].field;
            break;
        }
    }
    found.optional = !field->required;
    return found;
}

const char *connect_allows(struct slice integration)
{
    if (slice_is(integration, "netsuite")) {
        return "This server will read records through NetSuite's REST web services, "
               "and create those that its tools are made for. It can never do more "
               "than the role you choose there: take one that was made for this, not "
               "Administrator.";
    }
    return "This server can never do more than the user or client you connect it with.";
}
