/* Gives every request of h2load its own key.
 *
 * h2load sends one fixed body (-d FILE) and reads it with pread for each request. This library, loaded by
 * LD_PRELOAD, serves those reads from a copy in memory and writes a number into each marked place.
 * Numbers keep their width, so the gRPC and protobuf framing of the body stays valid.
 *
 *   BODY_FILE      the file given to h2load; reads of any other file pass through
 *   BODY_MARKS     offsets of the decimal numbers, ascending, separated by commas
 *   BODY_WIDTH     digits of each
 *   BODY_SHARED    1: all marks of a request carry one number (a Txn that names its key three times)
 *   BODY_COUNT     exclusive upper bound of the numbers
 *   BODY_ORDER     random (uniform), or once: number i is (BODY_FIRST + i) * BODY_STRIDE mod BODY_COUNT,
 *                  which gives every number once if the stride has no factor in common with the count
 *   BODY_SEED      seed of random numbers
 *   BODY_REVISION  offset of a varint padded to five bytes: BODY_BASE + number / BODY_SPAN, the
 *                  mod_revision that the key got when BODY_SPAN keys at a time were loaded in order
 *
 * One thread only (h2load -t 1). Build: gcc -O2 -shared -fPIC -o random-key.so random-key.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#define MAX_MARKS 4096

static ssize_t (*real_pread)(int, void *, size_t, off_t);
static struct stat body_stat;
static int body_fd = -1;
static char *body;
static size_t body_size;

static size_t marks[MAX_MARKS];
static size_t mark_count, width;
static long revision_at;
static uint64_t count, stride, next_index, revision_base, revision_span, seed, number;
static int shared_number, in_order;

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void setup(void)
{
    const char *file = getenv("BODY_FILE"), *text = getenv("BODY_MARKS"), *order = getenv("BODY_ORDER");
    real_pread = (ssize_t (*)(int, void *, size_t, off_t))dlsym(RTLD_NEXT, "pread");
    if (!file || stat(file, &body_stat) != 0)
        body_stat.st_ino = 0;
    for (char *end; text && *text && mark_count < MAX_MARKS; text = *end ? end + 1 : end)
        marks[mark_count++] = strtoul(text, &end, 10);
    width = env_number("BODY_WIDTH", 8);
    count = env_number("BODY_COUNT", 1);
    stride = env_number("BODY_STRIDE", 1);
    next_index = env_number("BODY_FIRST", 0);
    shared_number = (int)env_number("BODY_SHARED", 0);
    in_order = order && strcmp(order, "once") == 0;
    seed = env_number("BODY_SEED", 1) * 0x9E3779B97F4A7C15u | 1;
    revision_at = (long)env_number("BODY_REVISION", 0);
    revision_base = env_number("BODY_BASE", 0);
    revision_span = env_number("BODY_SPAN", 1);
}

static void draw(void)
{
    if (in_order) {
        number = next_index++ * stride % count;
        return;
    }
    seed ^= seed >> 12; /* xorshift64*: a few cycles, good enough for keys */
    seed ^= seed << 25;
    seed ^= seed >> 27;
    number = (seed * 0x2545F4914F6CDD1Du >> 32) * count >> 32;
}

/* Reads of the body are recognised by inode; h2load opens the file once, before any request. */
static int is_body(int fd)
{
    struct stat now;
    if (fd == body_fd)
        return 1;
    if (body_fd >= 0 || !body_stat.st_ino || fstat(fd, &now) != 0)
        return 0;
    if (now.st_ino != body_stat.st_ino || now.st_dev != body_stat.st_dev)
        return 0;
    body_size = (size_t)now.st_size;
    body = malloc(body_size);
    if (!body || real_pread(fd, body, body_size, 0) != (ssize_t)body_size) {
        fputs("random-key: cannot read the body\n", stderr);
        abort();
    }
    body_fd = fd;
    return 1;
}

static size_t first_mark_ending_after(size_t offset)
{
    size_t low = 0, high = mark_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (marks[middle] + width <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static ssize_t read_body(char *out, size_t length, size_t offset)
{
    size_t end, mark;
    if (offset >= body_size)
        return 0;
    end = length < body_size - offset ? offset + length : body_size;
    if (shared_number && offset == 0)
        draw();
    memcpy(out, body + offset, end - offset);
    for (mark = first_mark_ending_after(offset); mark < mark_count && marks[mark] < end; mark++) {
        size_t from = marks[mark], to = from + width;
        uint64_t rest;
        /* If a frame ends in the middle of a number, end the read before the number; h2load reads again. */
        if (to > end && from > offset)
            return (ssize_t)(from - offset);
        if (!shared_number && from >= offset)
            draw();
        rest = number;
        for (size_t at = to; at-- > from; rest /= 10)
            if (at >= offset && at < end)
                out[at - offset] = (char)('0' + rest % 10);
    }
    if (revision_at) {
        uint64_t rest = revision_base + number / revision_span;
        for (size_t i = 0; i < 5; i++, rest >>= 7) {
            size_t at = (size_t)revision_at + i;
            if (at >= offset && at < end)
                out[at - offset] = (char)((rest & 0x7f) | (i < 4 ? 0x80 : 0));
        }
    }
    return (ssize_t)(end - offset);
}

ssize_t pread(int fd, void *buffer, size_t length, off_t offset)
{
    if (is_body(fd))
        return read_body(buffer, length, (size_t)offset);
    return real_pread(fd, buffer, length, offset);
}

ssize_t pread64(int fd, void *buffer, size_t length, off_t offset)
{
    return pread(fd, buffer, length, offset);
}
