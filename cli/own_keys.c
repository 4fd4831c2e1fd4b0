/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/own_keys.h"

#include "cli/command.h"
#include "cli/process.h"

int own_keys_load(const struct config *config, struct arena *arena, struct keys **out)
{
    const char *path = config->keys_file.ptr;
    struct arena *own = arena_new(); /* the text of the keys goes with it */
    struct slice text = SLICE_EMPTY, problem = SLICE_EMPTY;
    bool is_given = process_take_secret("SLUICE_KEYS", own, &text);
    enum err err = is_given ? keys_parse(text, arena, out, &problem)
                            : keys_load(path, arena, out, &problem);

    arena_free(own);
    if (err == ERR_OK) {
        return 0;
    }
    if (err == ERR_NOT_FOUND) {
        return command_fail(
            "there are no keys at %s. Make them once, and keep a copy safe:\n"
            "  sluice keygen %s",
            path, path);
    }
    return command_fail("%s: %.*s", is_given ? "SLUICE_KEYS" : "keys",
                        SLICE_ARG(problem));
}
