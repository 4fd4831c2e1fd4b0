/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: a SOAP 1.1 request as the fields the mock needs of it. Owns: nothing; texts live
 * in the arena. Threads: the loop's. Errors: see enum soap_fault. Start reading at:
 * soap_read.
 */
#ifndef SLUICE_MOCKS_NETSUITE_SOAP_READ_H
#define SLUICE_MOCKS_NETSUITE_SOAP_READ_H

#include "mocks/netsuite/oauth_base.h"

enum soap_fault {
    SOAP_FINE,
    SOAP_NO_ACTION,
    SOAP_NOT_XML,
    SOAP_NO_ENVELOPE,
    SOAP_WRONG_VERSION /* of the namespaces */
};

enum soap_passport {
    PASSPORT_NONE,
    PASSPORT_TOKEN,
    PASSPORT_INCOMPLETE,
    PASSPORT_AMBIGUOUS, /* with a passport or applicationInfo beside it */
    PASSPORT_USER       /* an e-mail address and a password */
};

struct soap_call {
    char version[7];        /* "2025_2" */
    struct slice operation; /* the body's first element */
    enum soap_passport passport;
    struct oauth_header token;  /* PASSPORT_TOKEN, PASSPORT_INCOMPLETE */
    struct slice account;       /* of getDataCenterUrls */
    struct slice type, id, eid; /* of get's baseRef */
    struct slice search_type;   /* of getSavedSearch's record */
};

enum soap_fault soap_read(struct http_exchange *x, struct soap_call *out);

/* The version in the path, "2025_2"; false: not such a path. */
bool soap_version(struct slice path, char version[7]);

/* The header field without its quotes. */
struct slice soap_action(struct http_exchange *x);

#endif
