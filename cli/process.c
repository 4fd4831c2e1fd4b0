/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process.h"

#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/memory.h"
#include "base/secret.h"
#include "connectors/connector.h"
#include "io/memory_hooks.h"
#include "store/store.h"

/* Nothing of this process may land in a core file or be read by another process of the
 * same user. */
static void forbid_dumps(void)
{
    struct rlimit none = {0, 0};

    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Locked pages hold the secrets: take all the system grants without asking anybody. */
static void allow_locked_pages(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_MEMLOCK, &limit);
    }
}

void process_begin(void)
{
    forbid_dumps();
    allow_locked_pages();
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a failed write, not our end */
    memory_begin();
    io_memory_begin();
    store_memory_begin();
    connectors_memory_begin();
    json_set_alloc_funcs(memory_alloc, memory_free);
}

bool process_take_secret(const char *name, struct arena *arena, struct slice *out)
{
    char *value = getenv(name);

    if (value == NULL) {
        return false;
    }
    *out = arena_slice(arena, slice_str(value));
    wipe(value, strlen(value));
    unsetenv(name);
    return true;
}
