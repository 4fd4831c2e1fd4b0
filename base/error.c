/* SPDX-License-Identifier: Apache-2.0 */
/* The error table, made of ERROR_MAP, and its readers. */
#include "base/error.h"

#include <stddef.h>

static const struct error_row {
    const char *code, *sentence;
    int rpc, http;
} error_rows[ERR_COUNT] = {[ERR_OK] = {"ok", "All is well.", 0, 200},
#define ERROR_ROW(name, wire, rpc_code, http_status, text) \
    [ERR_##name] = {wire, text, rpc_code, http_status},
                           ERROR_MAP(ERROR_ROW)
#undef ERROR_ROW
};

static const struct error_row *row(enum err err)
{
    REQUIRE((unsigned)err < ERR_COUNT);
    return &error_rows[err];
}

const char *err_code(enum err err)
{
    return row(err)->code;
}

const char *err_sentence(enum err err)
{
    return row(err)->sentence;
}

int err_rpc_code(enum err err)
{
    return row(err)->rpc;
}

int err_http_status(enum err err)
{
    return row(err)->http;
}

bool err_is_tool_code(enum err err)
{
    return err >= ERR_INVALID_ARGUMENTS && err <= ERR_INTERNAL;
}
