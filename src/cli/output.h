/* The one way to standard output, standard error and a trace's file. What is written waits in memory
 * and is written by a thread: a reader that stands still holds up no loop, so that relays are
 * refreshed and signals heard meanwhile. What comes of it is told at the end, by the exit status. */
#ifndef FLOE_CLI_OUTPUT_H
#define FLOE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct output output;

/* What is written to the first two comes in the order of the calls; to the third as well, if it is standard output. */
extern output *const standard_output;
extern output *const standard_error;
extern output *const trace_output;

/* At the program's beginning: descriptors 0 to 2 that are closed lead nowhere from now on, and
 * never to a socket. */
void output_begin(void);
/* Into the file, which is made empty ("-": to standard output); 0, or errno. */
int output_open_trace(const char *file);

void output_write(output *to, const void *data, size_t size);
void output_print(output *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether it can be written no more: what comes is thrown away. */
bool output_failed(output *to);
#define OUTPUT_FOR_EVER_NS (UINT64_MAX / 4)

/* Whether fewer bytes wait to be written than `most`; waits so long for that. */
bool output_has_room(output *to, size_t most, uint64_t nanoseconds);

/* Calls `failed` once, on another thread, when standard output can be written no more; at once if
 * that is so. NULL: no more. */
void output_on_failure(void (*failed)(void *data), void *data);

/* At the end: waits for what is to be written, after an interrupt no longer than a second, and
 * tells what could not be. The exit status: the one that is given, or what that makes of it. */
int output_end(int status);

#endif
