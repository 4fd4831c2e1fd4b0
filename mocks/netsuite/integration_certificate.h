/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the certificates of an integration record; what integrations.c needs of them.
 * Owns: nothing. Threads: one owner at a time. Errors: none. Start reading at:
 * integration_add_certificate in integrations.h.
 */
#ifndef SLUICE_MOCKS_NETSUITE_INTEGRATION_CERTIFICATE_H
#define SLUICE_MOCKS_NETSUITE_INTEGRATION_CERTIFICATE_H

#include "mocks/netsuite/integrations.h"

/* Takes it. */
void certificate_free(struct certificate *certificate);

#endif
