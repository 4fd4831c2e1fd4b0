/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: every way an expected thing can fail, once: enum, wire code, JSON-RPC code, HTTP
 *          status, sentence.
 * Owns: nothing.  Threads: any.  Errors: this is them.
 * Start reading at: ERROR_MAP. The first fourteen are the closed list that tools answer with;
 *         the rest never leaves as a tool error (err_is_tool_code tells them apart).
 */
#ifndef SLUICE_BASE_ERROR_H
#define SLUICE_BASE_ERROR_H

#include <stdbool.h>

#include "base/require.h"
#include "base/slice.h"

/* clang-format off */
/*  name                  wire code                 JSON-RPC  HTTP  sentence */
#define ERROR_MAP(X)                                                                               \
  X(INVALID_ARGUMENTS,    "invalid_arguments",        -32602, 422, "The arguments do not fit the tool's input schema.") \
  X(NOT_FOUND,            "not_found",                -32602, 404, "There is no such record.")     \
  X(PERMISSION_DENIED,    "permission_denied",        -32603, 403, "The ERP role in use may not do this.") \
  X(NEEDS_REAUTH,         "needs_reauth",             -32603, 403, "The ERP refused our login; somebody has to connect the account again.") \
  X(CONFLICT,             "conflict",                 -32603, 409, "The record was changed or exists already.") \
  X(VALIDATION_FAILED,    "validation_failed",        -32603, 422, "The ERP refused the content.") \
  X(RATE_LIMITED,         "rate_limited",             -32603, 429, "The ERP refused the request because too many run at once.") \
  X(ACCOUNT_BUSY,         "account_busy",             -32603, 503, "All places in the line for this ERP account are taken.") \
  X(UPSTREAM_UNAVAILABLE, "upstream_unavailable",     -32603, 502, "The ERP did not answer.")      \
  X(UPSTREAM_MALFORMED,   "upstream_malformed",       -32603, 502, "The ERP answered something that cannot be read.") \
  X(OUTCOME_UNKNOWN,      "outcome_unknown",          -32603, 502, "The write was sent and its answer was lost: it may or may not have happened.") \
  X(TOO_LARGE,            "too_large",                -32600, 413, "That is larger than the limit.") \
  X(POLICY_DENIED,        "policy_denied",            -32603, 403, "A policy of this server does not allow this.") \
  X(INTERNAL,             "internal",                 -32603, 500, "Something went wrong inside the server.") \
  X(BAD_REQUEST,          "bad_request",              -32600, 400, "The request is malformed.")    \
  X(PARSE,                "parse_error",              -32700, 400, "The body is not JSON.")        \
  X(UNAUTHORIZED,         "unauthorized",             -32603, 401, "A valid bearer token is needed.") \
  X(FORBIDDEN,            "forbidden",                -32603, 403, "This token may not do this.")  \
  X(METHOD_NOT_ALLOWED,   "method_not_allowed",       -32600, 405, "This path does not take that method.") \
  X(NOT_ACCEPTABLE,       "not_acceptable",           -32600, 406, "The answer would be application/json or text/event-stream.") \
  X(UNSUPPORTED_MEDIA,    "unsupported_media_type",   -32600, 415, "The body has to be application/json.") \
  X(UNPROCESSABLE,        "unprocessable",            -32602, 422, "A value is not allowed.")      \
  X(RPC_METHOD,           "method_not_found",         -32601, 404, "There is no such method.")     \
  X(HEADER_MISMATCH,      "header_mismatch",          -32020, 400, "A header and the body disagree.") \
  X(CAPABILITY,           "capability_missing",       -32021, 400, "The client did not declare a capability this needs.") \
  X(VERSION,              "unsupported_version",      -32022, 400, "This protocol version is not served.") \
  X(CANCELLED,            "cancelled",                -32603, 499, "The caller left.")             \
  X(TIMEOUT,              "timeout",                  -32603, 504, "It took too long.")            \
  X(UNAVAILABLE,          "unavailable",              -32603, 503, "The server is stopping or has no room.") \
  X(IO,                   "io_error",                 -32603, 500, "A file or the database could not be read or written.")
/* clang-format on */

#define ERROR_ENUM(name, code, rpc, http, sentence) ERR_##name,
enum err { ERR_OK, ERROR_MAP(ERROR_ENUM) ERR_COUNT };

const char *err_code(enum err err);     /* "invalid_arguments"; "ok" for ERR_OK */
const char *err_sentence(enum err err); /* one sentence for a person */
int err_rpc_code(enum err err);
int err_http_status(enum err err);
bool err_is_tool_code(enum err err); /* one of the closed list */

/*
 * What went wrong in one call, for the caller's eyes. Slices live in the call's arena or are
 * literals. Upstream text in it is payload: it goes to the caller and nowhere else.
 */
struct fault {
    enum err err;
    struct slice message; /* empty: the table's sentence */
    struct slice hint;    /* empty: none */
    long retry_after_s;   /* 0: none */
    struct fault_upstream {
        int status; /* 0: nothing came */
        struct slice code, message, request_id;
    } upstream;
    struct fault_detail *details; /* pointers of wrong arguments, in order */
    size_t detail_count;
};

struct fault_detail {
    struct slice pointer; /* JSON Pointer, RFC 6901 */
    struct slice message;
};

#endif
