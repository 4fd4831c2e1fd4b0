/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs on slices that are too long for the header. */
#include "base/slice.h"

static unsigned char lower(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value >= 'A' && value <= 'Z' ? (unsigned char)(value + ('a' - 'A')) : value;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool slice_starts_nocase(struct slice a, struct slice prefix)
{
    return a.len >= prefix.len && slice_eq_nocase(slice_of(a.ptr, prefix.len), prefix);
}

bool slice_contains_nocase(struct slice a, struct slice part)
{
    while (a.len > part.len && !slice_starts_nocase(a, part)) {
        a = slice_from(a, 1);
    }
    return slice_starts_nocase(a, part);
}

int slice_cmp(struct slice a, struct slice b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared > 0 ? memcmp(a.ptr, b.ptr, shared) : 0;

    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

ptrdiff_t slice_find(struct slice a, char byte)
{
    const char *found = a.len > 0 ? memchr(a.ptr, (unsigned char)byte, a.len) : NULL;
    return found != NULL ? found - a.ptr : -1;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

struct slice slice_trim(struct slice a)
{
    while (a.len > 0 && is_blank(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len > 0 && is_blank(a.ptr[a.len - 1])) {
        a.len--;
    }
    return a;
}

bool slice_to_u64(struct slice a, unsigned long long *out)
{
    unsigned long long value = 0;

    /* 18 digits cannot overflow 64 bits, so no further check is needed. */
    if (a.len == 0 || a.len > 18) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (a.ptr[i] < '0' || a.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned long long)(a.ptr[i] - '0');
    }
    *out = value;
    return true;
}
