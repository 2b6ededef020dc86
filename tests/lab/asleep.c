/* LD_PRELOAD: a machine that has slept. CLOCK_BOOTTIME goes before CLOCK_MONOTONIC by as many
 * seconds as the file LAB_ASLEEP says, as it does after a suspend (clock_getres(2)); without the
 * file by none. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long asleep(void)
{
    const char *name = getenv("LAB_ASLEEP");
    FILE *file = name != NULL ? fopen(name, "r") : NULL;
    long seconds = 0;

    if (file != NULL) {
        if (fscanf(file, "%ld", &seconds) != 1) {
            seconds = 0;
        }
        (void)fclose(file);
    }
    return seconds;
}

__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *);
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);

    if (status == 0 && clock == CLOCK_BOOTTIME) {
        now->tv_sec += asleep();
    }
    return status;
}
