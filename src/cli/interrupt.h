/* What ends a command from outside: SIGINT, SIGTERM, SIGHUP, and that what it prints can't be
 * written any more: nobody reads it, or there is no room. The first asks it to end well, which
 * releases its relays; a signal behind another one ends it at once. Those that were ignored at the
 * start still are. */
#ifndef FLOE_CLI_INTERRUPT_H
#define FLOE_CLI_INTERRUPT_H

#include <stdbool.h>
#include <uv.h>

#define EXIT_INTERRUPTED 130
#define INTERRUPTS 3

typedef struct interrupt {
    uv_signal_t signals[INTERRUPTS];
    uv_async_t in_vain;
    bool signalled;
    bool came;
    void (*ask)(void *data);
    void *data;
} interrupt;

/* A loop that hears of it. 0, or libuv's error, which has been told: then there is no loop. */
int interrupt_start(interrupt *of, uv_loop_t *loop, void (*ask)(void *data), void *data);
/* As the first of them: the terminal is gone. */
void interrupt_come(interrupt *of);
/* The loop ends without them. */
void interrupt_stop(interrupt *of);

#endif
