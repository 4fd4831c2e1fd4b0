/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: what every command of the program is given, and the table's row.
 * Owns: the arguments live in the arena.
 * Threads: the main thread.
 * Errors: a command returns the exit code: 0, 1 (it failed, said why), 2 (wrong
 * arguments). Start reading at: main.c, the table of commands.
 */
#ifndef SLUICE_CLI_COMMAND_H
#define SLUICE_CLI_COMMAND_H

#include <stdbool.h>

#include "base/arena.h"
#include "cli/config.h"

#define COMMAND_FLAGS 32
#define COMMAND_WORDS 8

struct command_line;

/* A flag of the command itself, beside the configuration's. */
struct command_flag {
    const char *name; /* without dashes */
    bool takes_value;
    const char *help;
};

struct command {
    const char *name, *synopsis, *summary;
    const struct command_flag *flags; /* ends with a NULL name */
    int (*run)(struct arena *arena, const struct config *config,
               const struct command_line *line);
};

struct command_line {
    struct slice words[COMMAND_WORDS]; /* without the command's name */
    size_t word_count;
    struct config_flag
        flags[COMMAND_FLAGS]; /* of the command; value empty without one */
    size_t flag_count;
};

/* The value, or an empty slice; `given` may be NULL. */
struct slice command_value(const struct command_line *line, const char *name,
                           bool *given);

/* "sluice: …" on stderr; returns 1, for return statements. */
int command_fail(const char *format, ...) PRINTF_LIKE(1, 2);

int command_serve(struct arena *arena, const struct config *config,
                  const struct command_line *line);
int command_keygen(struct arena *arena, const struct config *config,
                   const struct command_line *line);
int command_backup(struct arena *arena, const struct config *config,
                   const struct command_line *line);
int command_token(struct arena *arena, const struct config *config,
                  const struct command_line *line);
int command_account(struct arena *arena, const struct config *config,
                    const struct command_line *line);
int command_mcp(struct arena *arena, const struct config *config,
                const struct command_line *line);
int command_tenant(struct arena *arena, const struct config *config,
                   const struct command_line *line);
int command_environment(struct arena *arena, const struct config *config,
                        const struct command_line *line);
int command_lane(struct arena *arena, const struct config *config,
                 const struct command_line *line);
int command_webhook(struct arena *arena, const struct config *config,
                    const struct command_line *line);
int command_catalog(struct arena *arena, const struct config *config,
                    const struct command_line *line);
int command_vault(struct arena *arena, const struct config *config,
                  const struct command_line *line);
int command_version(struct arena *arena, const struct config *config,
                    const struct command_line *line);

#endif
