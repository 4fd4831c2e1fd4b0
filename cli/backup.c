/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the database, taken beside a running server or without one. */
#include "store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"

static int explain(enum err err, const char *database, const char *copy)
{
    switch ((int)err) {
    case ERR_OK:
        return 0;
    case ERR_NOT_FOUND:
        return command_fail("there is no database at %s", database);
    case ERR_CONFLICT:
        return command_fail(
            "%s was written by a newer version of sluice, or by another "
            "program; that one can copy it",
            database);
    default:
        return command_fail(
            "%s could not be copied to %s (room, rights?); no half copy "
            "was left",
            database, copy);
    }
}

int command_backup(struct arena *arena, const struct config *config,
                   const struct command_line *line)
{
    struct clock clock = clock_system();
    struct log log = {.fd = STDERR_FILENO, .level = LOG_WARN, .clock = &clock};
    if (line->word_count != 1) {
        command_fail("usage: sluice backup FILE");
        return 2;
    }
    struct slice copy = arena_slice(arena, line->words[0]);
    if (access(copy.ptr, F_OK) == 0) {
        return command_fail("%s exists already; a backup is never overwritten",
                            copy.ptr);
    }
    struct slice database =
        arena_printf(arena, "%.*s/sluice.db", SLICE_ARG(config->data_dir));
    int code =
        explain(store_backup(&log, database.ptr, copy.ptr), database.ptr, copy.ptr);
    if (code == 0) {
        printf("%s copied to %s (mode 0600).\nThe keys are not in it: without the keys "
               "file its secrets cannot be opened.\n",
               database.ptr, copy.ptr);
    }
    return code;
}
