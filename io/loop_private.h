/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the libuv loop behind struct loop, for the file pairs of io/ only.
 * Owns: nothing.  Threads: the loop's.  Errors: none.
 * Start reading at: loop_uv.
 */
#ifndef SLUICE_IO_LOOP_PRIVATE_H
#define SLUICE_IO_LOOP_PRIVATE_H

#include <uv.h>

#include "io/loop.h"

/*
 * Lends until loop_free. Whoever opens a handle on it closes it with a callback of its
 * own, at the latest in the free function that is called before loop_free; loop_free
 * waits for those callbacks. A handle that was forgotten is closed without one.
 */
uv_loop_t *loop_uv(struct loop *loop);

#endif
