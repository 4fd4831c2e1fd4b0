/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the two marks every module uses: a programmer error aborts, a result must be read.
 * Owns: nothing.  Threads: any.  Errors: REQUIRE aborts, in every build.
 * Start reading at: REQUIRE.
 */
#ifndef SLUICE_BASE_REQUIRE_H
#define SLUICE_BASE_REQUIRE_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(form, first) __attribute__((format(printf, form, first)))
#define UNUSED __attribute__((unused))

_Noreturn void require_failed(const char *expression, const char *file, int line);

/* Aborts when a rule of the program itself is broken; never for outside input. */
#define REQUIRE(expression)                                  \
    do {                                                     \
        if (!(expression)) {                                 \
            require_failed(#expression, __FILE__, __LINE__); \
        }                                                    \
    } while (0)

#endif
