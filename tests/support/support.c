/* What the tests share. */
#include "support.h"

#include "base/address.h"

#include <dirent.h>
#include <openssl/crypto.h>
#ifdef __linux__
#include <malloc.h>
#endif
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t bytes_of_hex(const char *hex, uint8_t *bytes, size_t room)
{
    size_t count = 0;
    unsigned value;

    while (sscanf(hex, " %2x", &value) == 1) {
        assert_true(count < room);
        bytes[count++] = (uint8_t)value;
        hex += strspn(hex, " ");
        hex += 2;
    }
    return count;
}

uint8_t *exact_copy(const void *data, size_t size, size_t offset)
{
    uint8_t *block = malloc(size + offset > 0 ? size + offset : 1);

    assert_non_null(block);
    if (size > 0) {
        memcpy(block + offset, data, size);
    }
    return block + offset;
}

void exact_free(uint8_t *copy, size_t offset)
{
    free(copy - offset);
}

floe_address address_of(const char *text)
{
    floe_address address = {0};

    assert_int_equal(floe_address_parse_with_port(text, &address), FLOE_OK);
    return address;
}

static void *count_allocate(void *user_data, size_t size)
{
    counting_allocator *allocator = user_data;

    allocator->calls++;
    if (allocator->fail_at != 0 && allocator->calls >= allocator->fail_at &&
        allocator->calls < allocator->fail_at + allocator->fail_count) {
        return NULL;
    }
    allocator->live++;
    return malloc(size);
}

static void count_deallocate(void *user_data, void *memory)
{
    counting_allocator *allocator = user_data;

    allocator->live--;
    free(memory);
}

void counting_init(counting_allocator *allocator)
{
    *allocator = (counting_allocator){.fail_count = 1};
    allocator->table = (floe_allocator){
        .user_data = allocator, .allocate = count_allocate, .deallocate = count_deallocate};
}

static atomic_size_t live;
static atomic_size_t until_failure; /* 0: none fails */
static atomic_bool failed;
static atomic_bool for_good; /* and all behind it */

static atomic_bool paused_now;

void memory_pause(bool paused)
{
    atomic_store(&paused_now, paused);
}

bool memory_fails_now(void)
{
    size_t left = atomic_load(&paused_now) ? 0 : atomic_load(&until_failure);

    while (left > 0 && !(left == 1 && atomic_load(&for_good)) &&
           !atomic_compare_exchange_weak(&until_failure, &left, left - 1)) {
    }
    if (left == 1) {
        atomic_store(&failed, true);
    }
    return left == 1;
}

static void *allocate_counted(void *user_data, size_t size)
{
    (void)user_data;
    if (memory_fails_now()) {
        return NULL;
    }
    atomic_fetch_add(&live, 1);
    return malloc(size);
}

#ifdef __linux__
/* Not memset itself, which a compiler leaves out where nobody may read what it writes. */
static void *(*const volatile fill)(void *, int, size_t) = memset;
#endif

static void deallocate_counted(void *user_data, void *memory)
{
    (void)user_data;
    atomic_fetch_sub(&live, 1);
#ifdef __linux__
    (void)fill(memory, 0xa5, malloc_usable_size(memory)); /* whoever uses it now does not get far */
#endif
    free(memory);
}

const floe_allocator memory_counted = {.allocate = allocate_counted,
                                       .deallocate = deallocate_counted};

size_t memory_live(void)
{
    return atomic_load(&live);
}

void memory_fail(size_t n)
{
    atomic_store(&failed, false);
    atomic_store(&for_good, false);
    atomic_store(&until_failure, n);
}

void memory_fail_from(size_t n)
{
    memory_fail(n);
    atomic_store(&for_good, true);
}

bool memory_failed(void)
{
    return atomic_load(&failed);
}

void *memory_malloc(size_t size)
{
    return size == 0 || memory_fails_now() ? NULL : malloc(size);
}

void *memory_realloc(void *memory, size_t size)
{
    if (size == 0) {
        free(memory);
        return NULL;
    }
    return memory_fails_now() ? NULL : realloc(memory, size);
}

static void *malloc_for_openssl(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return memory_malloc(size);
}

static void *realloc_for_openssl(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return memory_realloc(memory, size);
}

static void free_for_openssl(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

bool memory_watch_openssl(void)
{
    return CRYPTO_set_mem_functions(malloc_for_openssl, realloc_for_openssl, free_for_openssl) == 1;
}

unsigned entries_of(const char *folder)
{
    DIR *open = opendir(folder);
    unsigned count = 0;

    assert_non_null(open);
    while (readdir(open) != NULL) {
        count++;
    }
    (void)closedir(open);
    return count;
}

void assert_threads(unsigned wanted)
{
    unsigned there = entries_of("/proc/self/task");

    for (int i = 0; i < 200000 && there > wanted; i++) {
        there = entries_of("/proc/self/task");
    }
    assert_true(there <= wanted);
}

bool keep_loopback_v4(void *user_data, const floe_address *address)
{
    (void)user_data;
    return address->family == FLOE_FAMILY_IPV4 && address->ip[0] == 127;
}

/* splitmix64 */
uint64_t seeded_next(seeded_random *random)
{
    if (random->script != NULL && random->script_left < 2) {
        return 1;
    }
    if (random->script != NULL) {
        uint64_t number = (uint64_t)random->script[0] << 8 | random->script[1];
        random->script += 2;
        random->script_left -= 2;
        return number;
    }
    uint64_t z = random->state += 0x9E3779B97F4A7C15U;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

uint32_t seeded_below(seeded_random *random, uint32_t bound)
{
    return (uint32_t)(seeded_next(random) % bound);
}

static floe_error seeded_fill(void *user_data, void *bytes, size_t size)
{
    seeded_random *random = user_data;
    uint8_t *at = bytes;

    if (random->fails) {
        return FLOE_ERR_RANDOM;
    }
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)seeded_next(random);
    }
    return FLOE_OK;
}

void seeded_init(seeded_random *random, uint64_t seed)
{
    *random = (seeded_random){.state = seed};
    random->table = (floe_random){.user_data = random, .fill = seeded_fill};
}
