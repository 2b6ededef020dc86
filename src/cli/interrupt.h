/* What ends a command from outside: SIGINT, SIGTERM, SIGHUP, and that nobody reads what it prints
 * (SIGPIPE). The first asks it to end well, which releases its relays; another one, unless it is of
 * the last kind, ends it at once. Of the first three those that were ignored at the start still
 * are. */
#ifndef FLOE_CLI_INTERRUPT_H
#define FLOE_CLI_INTERRUPT_H

#include <stdbool.h>
#include <uv.h>

#define EXIT_INTERRUPTED 130
#define INTERRUPTS 4

typedef struct interrupt {
    uv_signal_t signals[INTERRUPTS];
    bool came;
    void (*ask)(void *data);
    void *data;
} interrupt;

/* 0, or libuv's error. */
int interrupt_start(interrupt *of, uv_loop_t *loop, void (*ask)(void *data), void *data);
/* The loop ends without them. */
void interrupt_stop(interrupt *of);

#endif
