/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the reasons an operator would find in the Login Audit Trail; the caller never
 * learns them. The names are Oracle's (help pages "TBA and the Login Audit Trail", "OAuth
 * 2.0 and the Login Audit Trail"), but for AccountMismatch. Owns: nothing. Threads: one
 * owner at a time. Errors: none. Start reading at: AUDIT_MAP.
 */
#ifndef SLUICE_MOCKS_NETSUITE_AUDIT_H
#define SLUICE_MOCKS_NETSUITE_AUDIT_H

#include <jansson.h>
#include <stdint.h>

#define AUDIT_MAP(X)                      \
    X(OK)                                 \
    X(MissingTokenPassportRequiredFields) \
    X(parameter_rejected)                 \
    X(UnknownAlgorithm)                   \
    X(VersionRejected)                    \
    X(AccountMismatch)                    \
    X(consumer_key_unknown)               \
    X(token_rejected)                     \
    X(temporary_locked)                   \
    X(InvalidTimestamp)                   \
    X(nonce_rejected)                     \
    X(InvalidSignature)                   \
    X(NonceUsed)                          \
    X(UnknownIntegration)                 \
    X(InvalidRedirectURI)                 \
    X(UnsupportedResponseType)            \
    X(InvalidState)                       \
    X(InvalidRequest)                     \
    X(InvalidScope)                       \
    X(ScopeMismatched)                    \
    X(AuthorizationCodeGrantRequired)     \
    X(AuthorizationExplicitlyDenied)      \
    X(ClientAuthenticationFailed)         \
    X(ClientIdMismatch)                   \
    X(InvalidGrantType)                   \
    X(InvalidGrant)                       \
    X(InvalidRefreshToken)                \
    X(RefreshTokenExpired)                \
    X(AccessTokenExpired)                 \
    X(TokenRejected)                      \
    X(TokenBlocked)                       \
    X(InvalidTokenType)                   \
    X(UnsupportedAlgo)                    \
    X(MissingKeyId)                       \
    X(MissingKey)                         \
    X(SignatureValidation)                \
    X(TokenExpired)                       \
    X(TokenNotAcceptable)                 \
    X(TokenValidityTooBroad)

#define AUDIT_ENUM(name) AUDIT_##name,
enum audit_reason { AUDIT_MAP(AUDIT_ENUM) AUDIT_COUNT };

struct audit {
    int64_t counts[AUDIT_COUNT];
};

/* {"InvalidSignature":2,…}: what was counted since the last reset, a new object. */
json_t *audit_json(const struct audit *audit);

#endif
