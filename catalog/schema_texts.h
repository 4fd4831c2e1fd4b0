/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: the published schemas of the catalog's files, inside the program.
 * Owns: constants, made from catalog/schema/ by cmake/catalog.cmake.
 * Threads: any.  Errors: none.
 * Start reading at: catalog/schema/.
 */
#ifndef SLUICE_CATALOG_SCHEMA_TEXTS_H
#define SLUICE_CATALOG_SCHEMA_TEXTS_H

#include <stddef.h>

extern const unsigned char schema_text_integration[];
extern const size_t schema_text_integration_len;
extern const unsigned char schema_text_resource[];
extern const size_t schema_text_resource_len;
extern const unsigned char schema_text_documentation[];
extern const size_t schema_text_documentation_len;
extern const unsigned char schema_text_envelope[];
extern const size_t schema_text_envelope_len;

#endif
