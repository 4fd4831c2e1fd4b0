/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the mock's ERP port: logons, routes of the OData services, token hosts.
 * Owns: company, logons and tokens.
 * Threads: the loop's.
 * Errors: SAP's, in the response.
 * Start reading at: handle() in sap.c.
 */
#ifndef SLUICE_MOCKS_SAP_SAP_H
#define SLUICE_MOCKS_SAP_SAP_H

#include "mocks/common/control.h"
#include "mocks/sap/company.h"
#include "mocks/sap/connectivity.h"
#include "mocks/sap/destinations.h"
#include "mocks/sap/logon.h"

struct sap {
    struct engine engine;
    struct control control;
    struct logon_options logon_options;
    struct oauth_options oauth_options;
    struct oauth *oauth;
    struct destinations *destinations;
    struct connectivity connectivity;
    struct logon *logon;
    const struct clock *real_clock;
    struct clock clock; /* the real one, skewed */
    int64_t skew_ms;
    struct company *company;
    struct slice root; /* "http://host:port" */
    char root_text[200];
};

struct sap_options {
    struct logon_options logon;
    struct oauth_options oauth;
    const char *virtual_host, *location_id; /* connectivity.h */
    uint64_t seed;
    int64_t today;
    int dialog_processes, queue_ms;
};

/* Keeps `loop` and `clock`; the texts of the options too. `sap` stays where it is. */
void sap_init(struct sap *sap, uv_loop_t *loop, const struct clock *clock,
              const struct sap_options *options);
/* Its addresses, once they are known; `tls_root` is empty without a TLS port. */
void sap_set_root(struct sap *sap, const char *root, const char *tls_root);
void sap_free(struct sap *sap);

#endif
