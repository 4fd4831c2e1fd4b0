/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find-marks PATTERNS PLACE...: looks for every 16-byte piece of every pattern.
 *
 * PATTERNS is a file of lines "name hex": the pattern's name and its bytes. A place is
 * pid:N (all memory of a process that can be read, stacks and shared objects included) or
 * a file's path. Prints a line per find, tabs between:
 *   found  <name>  <place>  <address or offset>  <bytes of the pattern in one piece>
 *   <region>  <VmFlags of the region>
 * and a line per place: searched <place> <bytes>. Exit code 0: nothing found, 1: found,
 * 2: a place could not be searched, and nothing is proven.
 *
 * It knows nothing of the product and shares no code with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 16
#define BLOCK ((size_t)64 << 10)
#define FILTER_BITS 23
#define LINE 65536
#define FINDS_PER_PATTERN 12 /* printed of one pattern in one place */

struct pattern {
    char *name;
    unsigned char *bytes;
    size_t len;
    unsigned finds;
};

struct piece {
    const struct pattern *pattern;
    size_t at;
    struct piece *next;
};

struct search {
    struct pattern *patterns;
    size_t pattern_count;
    struct piece **buckets;    /* 1 << FILTER_BITS of them */
    unsigned char *filters[2]; /* of either hash: was there any such piece? */
    bool found, failed;
};

struct place {
    const char *name;
    char region[256], flags[256];
    unsigned long long base; /* address or offset of the block's first byte */
};

static void die(const char *what)
{
    fprintf(stderr, "find-marks: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void *need(void *ptr)
{
    if (ptr == NULL) {
        die("memory");
    }
    return ptr;
}

struct hashes {
    size_t bucket, second;
};

/* Two that have little to do with each other: together they sort out all but one of some
 * hundred pieces that are none of ours, without a look at the buckets. */
static struct hashes hash(const unsigned char *bytes)
{
    uint64_t first, second;

    memcpy(&first, bytes, sizeof first);
    memcpy(&second, bytes + sizeof first, sizeof second);
    uint64_t mixed = (first ^ (second << 23 | second >> 41)) * 0x9e3779b97f4a7c15ULL;
    return (struct hashes){(size_t)(mixed >> (64 - FILTER_BITS)),
                           (size_t)(mixed >> 8) & (((size_t)1 << FILTER_BITS) - 1)};
}

static bool has_bit(const unsigned char *bits, size_t at)
{
    return (bits[at / 8] & 1U << (at % 8)) != 0;
}

static void set_bit(unsigned char *bits, size_t at)
{
    bits[at / 8] |= (unsigned char)(1U << (at % 8));
}

/* ---- Patterns ---- */

static int nibble(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

static size_t unhex(const char *text, unsigned char *out)
{
    size_t len = 0;

    for (; nibble(text[0]) >= 0 && nibble(text[1]) >= 0; text += 2) {
        out[len++] = (unsigned char)(nibble(text[0]) * 16 + nibble(text[1]));
    }
    return len;
}

static void add_pattern(struct search *search, const char *name, const char *hex)
{
    struct pattern *pattern;

    search->patterns = need(realloc(search->patterns, (search->pattern_count + 1) *
                                                          sizeof *search->patterns));
    pattern = &search->patterns[search->pattern_count++];
    *pattern = (struct pattern){.name = need(strdup(name))};
    pattern->bytes = need(malloc(strlen(hex) / 2 + 1));
    pattern->len = unhex(hex, pattern->bytes);
    if (pattern->len < PIECE) {
        fprintf(stderr, "find-marks: %s has fewer than %d bytes\n", name, PIECE);
        exit(2);
    }
}

static void read_patterns(struct search *search, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = need(malloc(LINE));

    if (file == NULL) {
        die(path);
    }
    while (fgets(line, LINE, file) != NULL) {
        char *blank = strchr(line, ' ');
        if (blank != NULL) {
            *blank = '\0';
            add_pattern(search, line, blank + 1);
        }
    }
    fclose(file);
    free(line);
    search->filters[0] = need(calloc(((size_t)1 << FILTER_BITS) / 8, 1));
    search->filters[1] = need(calloc(((size_t)1 << FILTER_BITS) / 8, 1));
    search->buckets = need(calloc((size_t)1 << FILTER_BITS, sizeof(struct piece *)));
    for (size_t i = 0; i < search->pattern_count; i++) {
        const struct pattern *pattern = &search->patterns[i];
        for (size_t at = 0; at + PIECE <= pattern->len; at++) {
            struct hashes hashes = hash(pattern->bytes + at);
            struct piece *piece = need(malloc(sizeof *piece));
            *piece = (struct piece){pattern, at, search->buckets[hashes.bucket]};
            search->buckets[hashes.bucket] = piece;
            set_bit(search->filters[0], hashes.bucket);
            set_bit(search->filters[1], hashes.second);
        }
    }
}

/* ---- The search ---- */

static size_t length_of_match(const struct piece *piece, const unsigned char *bytes,
                              size_t room)
{
    const struct pattern *pattern = piece->pattern;
    size_t len = 0;

    while (len < room && piece->at + len < pattern->len &&
           bytes[len] == pattern->bytes[piece->at + len]) {
        len++;
    }
    return len;
}

static void report(struct search *search, const struct place *place,
                   const struct piece *piece, size_t at, size_t len)
{
    struct pattern *pattern = &search->patterns[piece->pattern - search->patterns];

    search->found = true;
    pattern->finds++;
    if (pattern->finds <= FINDS_PER_PATTERN) {
        printf("found\t%s\t%s\t%llx\t%zu\t%s\t%s\n", pattern->name, place->name,
               place->base + at, len, place->region, place->flags);
    }
}

static bool is_blank(const unsigned char *bytes, size_t len)
{
    return len > 0 && bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* Looks at each offset up to `end`; a piece may reach up to `room`. Matches that go on
 * are told once. */
static void search_block(struct search *search, const struct place *place,
                         const unsigned char *bytes, size_t end, size_t room)
{
    for (size_t at = 0; at < end && at + PIECE <= room; at++) {
        size_t longest = 0;
        const struct piece *best = NULL;
        struct hashes hashes = hash(bytes + at);
        if (!has_bit(search->filters[0], hashes.bucket) ||
            !has_bit(search->filters[1], hashes.second)) {
            continue;
        }
        for (const struct piece *piece = search->buckets[hashes.bucket]; piece != NULL;
             piece = piece->next) {
            size_t len = length_of_match(piece, bytes + at, room - at);
            if (len >= PIECE && len > longest) {
                longest = len;
                best = piece;
            }
        }
        if (best != NULL) {
            report(search, place, best, at, longest);
            at += longest - PIECE;
        }
    }
}

/* From `from` to `to`; false when not a byte could be read. */
static bool search_span(struct search *search, struct place *place, int fd,
                        unsigned long long from, unsigned long long to,
                        unsigned char *buffer, unsigned long long *searched)
{
    bool any = false;

    while (from < to) {
        size_t want = to - from < BLOCK + PIECE ? (size_t)(to - from) : BLOCK + PIECE;
        ssize_t got = pread(fd, buffer, want, (off_t)from);
        if (got <= 0) {
            return any;
        }
        any = true;
        place->base = from;
        size_t end = (size_t)got > BLOCK ? BLOCK : (size_t)got;
        if (!is_blank(buffer, (size_t)got)) { /* most of a stack was never touched */
            search_block(search, place, buffer, end, (size_t)got);
        }
        *searched += end;
        from += end;
    }
    return any;
}

static void search_file(struct search *search, const char *path, unsigned char *buffer)
{
    struct place place = {.name = path, .region = "-", .flags = "-"};
    unsigned long long searched = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        fprintf(stderr, "find-marks: %s: %s\n", path, strerror(errno));
        search->failed = true;
        return;
    }
    search_span(search, &place, fd, 0, ~0ULL >> 1, buffer, &searched);
    close(fd);
    printf("searched\t%s\t%llu\n", path, searched);
}

struct region {
    unsigned long long from, to;
    char name[256], flags[256];
    struct region *next;
};

/* All regions with their flags, read before any of them is searched. */
static struct region *read_regions(const char *pid)
{
    struct region *first = NULL, **last = &first, *current = NULL;
    char path[64], *line = need(malloc(LINE));

    snprintf(path, sizeof path, "/proc/%s/smaps", pid);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, LINE, file) != NULL) {
        unsigned long long from, to;
        char rights[8] = "", name[256] = "";
        if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %255[^\n]", &from, &to, rights,
                   name) >= 3) {
            current = need(calloc(1, sizeof *current));
            current->from = from;
            current->to = to;
            snprintf(current->name, sizeof current->name, "%s",
                     name[0] == '\0' ? "anonymous" : name);
            *last = current;
            last = &current->next;
        } else if (current != NULL && strncmp(line, "VmFlags:", 8) == 0) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(current->flags, sizeof current->flags, "%.250s", line + 8);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    free(line);
    return first;
}

/* Pages without the right to read have no content; the kernel's own are not memory of
 * the process. */
static bool may_be_unreadable(const struct region *region)
{
    return strstr(region->flags, " rd") == NULL || strncmp(region->name, "[v", 2) == 0;
}

static void search_process(struct search *search, const char *place_name,
                           unsigned char *buffer)
{
    const char *pid = place_name + strlen("pid:");
    struct place place = {.name = place_name};
    unsigned long long searched = 0;
    char path[64];

    snprintf(path, sizeof path, "/proc/%s/mem", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fprintf(stderr, "find-marks: %s: %s\n", path, strerror(errno));
        search->failed = true;
        return;
    }
    for (struct region *at = read_regions(pid), *after; at != NULL; at = after) {
        memcpy(place.region, at->name, sizeof place.region);
        memcpy(place.flags, at->flags, sizeof place.flags);
        if (!search_span(search, &place, fd, at->from, at->to, buffer, &searched) &&
            !may_be_unreadable(at)) {
            fprintf(stderr, "find-marks: %s at %llx (%s) cannot be read\n", path,
                    at->from, at->name);
            search->failed = true;
        }
        after = at->next;
        free(at);
    }
    close(fd);
    printf("searched\t%s\t%llu\n", place_name, searched);
    search->failed = search->failed || searched == 0;
}

static void search_free(struct search *search)
{
    for (size_t i = 0; i < (size_t)1 << FILTER_BITS; i++) {
        while (search->buckets[i] != NULL) {
            struct piece *piece = search->buckets[i];
            search->buckets[i] = piece->next;
            free(piece);
        }
    }
    for (size_t i = 0; i < search->pattern_count; i++) {
        free(search->patterns[i].name);
        free(search->patterns[i].bytes);
    }
    free(search->patterns);
    free(search->buckets);
    free(search->filters[0]);
    free(search->filters[1]);
}

int main(int argc, char **argv)
{
    struct search search = {0};

    if (argc < 3) {
        fprintf(stderr, "usage: find-marks PATTERNS pid:N|FILE...\n");
        return 2;
    }
    read_patterns(&search, argv[1]);
    unsigned char *buffer = need(malloc(BLOCK + PIECE));
    for (int i = 2; i < argc; i++) {
        for (size_t j = 0; j < search.pattern_count; j++) {
            search.patterns[j].finds = 0;
        }
        if (strncmp(argv[i], "pid:", 4) == 0) {
            search_process(&search, argv[i], buffer);
        } else {
            search_file(&search, argv[i], buffer);
        }
    }
    free(buffer);
    search_free(&search);
    return search.failed ? 2 : search.found ? 1 : 0;
}
