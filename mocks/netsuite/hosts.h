/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: account-specific hosts (Oracle help "URLs for Account-Specific Domains"). All
 * families of hosts are on the mock's one port; a Host that names an account is held to it.
 * Owns: nothing. Threads: any. Errors: none. Start reading at: host_is_for.
 */
#ifndef SLUICE_MOCKS_NETSUITE_HOSTS_H
#define SLUICE_MOCKS_NETSUITE_HOSTS_H

#include "mocks/common/http.h"

/* False when the Host is one of NetSuite's, or a name under .localhost, and names another
 * account. A loopback address and system.netsuite.com name none. */
bool host_is_for(struct http_exchange *x, const char *account_id);

/* The host form of the account id: lower case, '-' for '_'. */
struct slice host_form(struct arena *arena, const char *account_id);

#endif
