/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: tells whether a call aborts, by making it in a child process.
 * Owns: nothing.  Threads: one.  Errors: none.
 * Start reading at: aborts.
 */
#ifndef SLUICE_TESTS_UNIT_BASE_ABORTS_H
#define SLUICE_TESTS_UNIT_BASE_ABORTS_H

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/require.h"

static inline bool aborts(void (*fn)(void))
{
    (void)fflush(NULL);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        fn();
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

#endif
