/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the script that decides about slots inside Redis, inside the program.
 * Owns: a constant, made from coordination/lease.lua by cmake/coordination.cmake.
 * Threads: any.  Errors: none.
 * Start reading at: coordination/lease.lua.
 */
#ifndef SLUICE_COORDINATION_LEASE_SCRIPT_H
#define SLUICE_COORDINATION_LEASE_SCRIPT_H

#include <stddef.h>

extern const unsigned char lease_script[];
extern const size_t lease_script_len;

#endif
