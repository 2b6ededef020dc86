/* What is measured: time, and this process's CPU. */
#ifndef FLOE_BENCH_CLOCK_H
#define FLOE_BENCH_CLOCK_H

#include <sys/resource.h>
#include <time.h>

static inline double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1000 + (double)now.tv_nsec / 1e6;
}

static inline double cpu_us(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static inline double cpu_ms(void)
{
    return cpu_us() / 1000;
}

#endif
