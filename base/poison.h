/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Purpose: AddressSanitizer sees what lies inside a large block as one piece. Who shares such a
 * block out tells it here which bytes nobody may touch. Without the sanitizer this is nothing.
 */
#ifndef SLUICE_BASE_POISON_H
#define SLUICE_BASE_POISON_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISON_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POISON_ASAN 1
#endif

#ifdef POISON_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(ptr, bytes) ASAN_POISON_MEMORY_REGION(ptr, bytes)
#define UNPOISON(ptr, bytes) ASAN_UNPOISON_MEMORY_REGION(ptr, bytes)
#else
#define POISON(ptr, bytes) ((void)0)
#define UNPOISON(ptr, bytes) ((void)0)
#endif

#endif
