/* What the tests share: cmocka, bytes from hex, memory that fails on demand, fixed randomness. */
#ifndef FLOE_TESTS_SUPPORT_H
#define FLOE_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <floe/address.h>
#include <floe/allocator.h>
#include <floe/random.h>
#include <stdbool.h>

/* Of a program's tests only those whose names match (cmocka's * and ?), or behind a minus all others. */
static inline void choose_tests(const char *pattern)
{
    if (pattern != NULL && pattern[0] == '-') {
        cmocka_set_skip_filter(&pattern[1]);
    } else if (pattern != NULL) {
        cmocka_set_test_filter(pattern);
    }
}

/* Bytes of hex digits, blanks between them allowed; how many there were. */
size_t bytes_of_hex(const char *hex, uint8_t *bytes, size_t room);
/* A copy on the heap of exactly that size, so that a sanitizer sees the first byte beyond; at
 * `offset` from an aligned address. */
uint8_t *exact_copy(const void *data, size_t size, size_t offset);
void exact_free(uint8_t *copy, size_t offset);

/* "192.0.2.1:80", "[2001:db8::1]:80". */
floe_address address_of(const char *text);

/* An allocator that counts, and that fails from its `fail_at`-th call on (0: never) `fail_count`
 * times. */
typedef struct counting_allocator {
    floe_allocator table;
    size_t calls;
    size_t live;
    size_t fail_at;
    size_t fail_count;
} counting_allocator;
void counting_init(counting_allocator *allocator);

/* The same for threads. How many blocks live now; the n-th allocation from now on fails, once (0:
 * none); whether one has. `memory_fails_now` counts one that is not by memory_counted. */
extern const floe_allocator memory_counted;
size_t memory_live(void);
void memory_fail(size_t n);
/* And all behind it. */
void memory_fail_from(size_t n);
bool memory_failed(void);
bool memory_fails_now(void);
/* Meanwhile none fails, and none counts towards the n-th. */
void memory_pause(bool paused);
/* malloc and realloc that fail with it; OpenSSL's, from before its first use on. */
void *memory_malloc(size_t size);
void *memory_realloc(void *memory, size_t size);
bool memory_watch_openssl(void);

/* How many entries a folder has: /proc/self/fd, /proc/self/task. */
unsigned entries_of(const char *folder);
/* That there are no more threads than these: one that was joined may stand in /proc for a moment.
 */
void assert_threads(unsigned wanted);

/* A filter for settings.ip_filter: 127.0.0.0/8 alone. */
bool keep_loopback_v4(void *user_data, const floe_address *address);

/* A seeded source: the same seed gives the same bytes. With a script, each number is two bytes of
 * it, and 1 behind its end. */
typedef struct seeded_random {
    floe_random table;
    uint64_t state;
    const uint8_t *script; /* NULL: none */
    size_t script_left;
    bool fails; /* meanwhile there are none */
} seeded_random;
void seeded_init(seeded_random *random, uint64_t seed);
uint64_t seeded_next(seeded_random *random);
/* 0 … bound-1 */
uint32_t seeded_below(seeded_random *random, uint32_t bound);

#endif
