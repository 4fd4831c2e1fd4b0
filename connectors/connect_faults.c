/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a connection. */
#include "connectors/connect_faults.h"

#define FAULTS 8

struct connect_faults connect_faults_begin(struct arena *arena)
{
    return (struct connect_faults){
        .arena = arena,
        .details = arena_array(arena, FAULTS, sizeof(struct fault_detail))};
}

void connect_fault(struct connect_faults *faults, struct slice pointer,
                   struct slice message)
{
    if (faults->count < FAULTS) {
        faults->details[faults->count++] =
            (struct fault_detail){.pointer = pointer, .message = message};
    }
}

enum err connect_faults_end(const struct connect_faults *faults, struct slice message,
                            struct fault *fault)
{
    if (faults->count == 0) {
        return ERR_OK;
    }
    *fault = (struct fault){.err = ERR_UNPROCESSABLE,
                            .message = message,
                            .details = faults->details,
                            .detail_count = faults->count};
    return ERR_UNPROCESSABLE;
}
