/* Every callback of a gatherer and of its api's trace, brought to one function. */
#ifndef FLOE_TESTS_RUNTIME_MOMENTS_H
#define FLOE_TESTS_RUNTIME_MOMENTS_H

#include <floe/floe.h>

typedef enum the_moment {
    ON_CANDIDATE,
    ON_END, /* the NULL candidate */
    ON_WITHDRAWN,
    ON_GATHERING,
    ON_COMPLETE,
    ON_CLOSED,
    ON_ERROR,
    ON_TRACE,
    ON_PACKET,
    MOMENTS,
} the_moment;

/* The first member of whoever listens. */
typedef struct moment_listener {
    /* `thing`: the candidate or packet, where there is one. */
    void (*happened)(struct moment_listener *listener, the_moment moment, const void *thing);
} moment_listener;

/* Sets each of the gatherer's handlers. */
void listen_to(moment_listener *listener, floe_gatherer *gatherer);
/* For settings.on_trace; its user data is the listener. */
void listener_traced(void *data, const floe_trace_event *event);

#endif
