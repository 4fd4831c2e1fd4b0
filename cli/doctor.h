/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: "sluice account doctor ID": asks a running server to try an account and prints
 * what came of each step. Owns: nothing. Threads: the main thread. Errors: 1 a step
 * failed; 2 the server could not be asked, or could not try; each with words. Start
 * reading at: doctor_run.
 */
#ifndef SLUICE_CLI_DOCTOR_H
#define SLUICE_CLI_DOCTOR_H

#include "cli/remote.h"

/* `path`: of the account, encoded. `tries_now`: though its user was refused too often. */
int doctor_run(struct errand *errand, struct arena *arena, struct slice path,
               bool tries_now);

#endif
