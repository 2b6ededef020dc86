/* What a command reads while its loop runs: standard input, a file, the terminal. It is read on another thread, as it may
 * be anything, and that thread can't be stopped while nothing comes. */
#ifndef FLOE_CLI_INPUT_H
#define FLOE_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* A longer line comes in parts. */
#define INPUT_LINE_MAX ((size_t)1 << 20)

typedef struct input {
    uv_loop_t *loop;
    uv_fs_t request;
    uv_work_t waiting; /* for more, where a read does not wait */
    int fd;            /* -1: it is not open yet */
    const char *file;  /* to be opened; NULL: it is open */
    bool terminal;     /* someone types */
    bool busy;         /* the thread has it */
    bool ended;
    bool stopped;
    bool goes_on; /* the line that was taken last: it was too long */
    bool is_rest; /* it was such a line's */
    int error;    /* libuv's, by which it ended; 0: none */
    char *held;   /* what was read and not taken */
    size_t size;
    size_t taken;
    size_t room;
    void (*ready)(void *data);
    void *data;
} input;

/* `ready` is called when more was read, or it has ended. `file`: NULL: `fd`. */
void input_init(input *of, uv_loop_t *loop, int fd, const char *file, void (*ready)(void *data),
                void *data);
/* Reads more, unless it does, or has ended. */
void input_read(input *of);
/* The next line without its end; a NUL is behind it. The last may have no end. False: there is none yet. */
bool input_line(input *of, char **line, size_t *size);
/* Whether the line that was taken last is the rest of one that came in parts. */
bool input_is_rest(const input *of);
/* Of the line that was taken last, all behind so many bytes comes again, as a line. */
void input_split(input *of, char *line, size_t size, size_t used);
/* The next bytes, at most so many. */
size_t input_bytes(input *of, const char **bytes, size_t most);
/* Whether it has ended, and all is taken. */
bool input_is_over(const input *of);
/* Whether it was a terminal, which has been closed. */
bool input_has_hung_up(const input *of);
/* `ready` is called no more. */
void input_stop(input *of);
/* Whether the thread is gone, so that the loop can end. */
bool input_is_idle(const input *of);
void input_free(input *of);

#endif
