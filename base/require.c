/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when a rule of the program itself is broken: one line, then abort. */
#include "base/require.h"

#include <stdio.h>
#include <stdlib.h>

void require_failed(const char *expression, const char *file, int line)
{
    /* The expression is source text, so no value of a variable can get out here. */
    (void)fprintf(stderr, "sluice: broken rule at %s:%d: %s\n", file, line, expression);
    abort();
}
