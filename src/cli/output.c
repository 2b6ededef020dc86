#include "cli/output.h"

#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { EXIT_NOT_WRITTEN = 1 };

/* After an interrupt a reader has so long for what was written. */
#define LAST_WORDS_NS UINT64_C(1000000000)

/* What waits of one output. */
#define WAITING_MAX (64U << 20)

/* A stretch for one descriptor. */
typedef struct piece {
    struct piece *next;
    output *to;
    size_t size;
    char data[];
} piece;

typedef struct writer {
    bool started;
    bool alone; /* there is no thread: it is written in the call */
    bool ending;
    uv_thread_t thread;
    uv_cond_t more;
    uv_cond_t written;
    piece *first; /* the thread has it in hand, if it writes */
    piece **end;
    void (*failed)(void *data);
    void *data;
} writer;

struct output {
    writer *by;
    int fd; /* -1: none */
    size_t waiting;
    int error; /* errno of what could not be written; what comes then is thrown away */
    const char *name;
};

static uv_once_t once = UV_ONCE_INIT;
static uv_mutex_t lock;
static writer standard_writer;
static writer trace_writer;
static output outputs[] = {
    {.by = &standard_writer, .fd = STDOUT_FILENO, .name = "standard output"},
    {.by = &standard_writer, .fd = STDERR_FILENO, .name = "standard error"},
    {.by = &trace_writer, .fd = -1, .name = "--trace"},
};
output *const standard_output = &outputs[0];
output *const standard_error = &outputs[1];
output *const trace_output = &outputs[2];

void output_begin(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            /* The lowest that is free is this one. Whoever uses it hears of it; and it is there
             * where there is no /dev. */
            (void)open("/", O_PATH);
        }
    }
    (void)signal(SIGPIPE, SIG_IGN); /* who reads no more is told by EPIPE */
}

int output_open_trace(const char *file)
{
    bool standard = strcmp(file, "-") == 0;

    if (standard) { /* in the order of the calls, too */
        trace_output->by = &standard_writer;
    }
    trace_output->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                                : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return trace_output->fd >= 0 ? 0 : errno;
}

/* ── The writing ── */

/* 0, or errno. */
static int write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);
        if (written < 0 && errno == EAGAIN) { /* who shares it with us has made it so */
            struct timespec pause = {.tv_nsec = 10000000};
            (void)nanosleep(&pause, NULL);
        } else if (written < 0 && errno != EINTR) {
            return errno;
        } else if (written > 0) {
            data += written;
            size -= (size_t)written;
        }
    }
    return 0;
}

/* The lock is held. */
static void fail(output *to, int error)
{
    writer *by = to->by;

    to->error = error;
    if (to == standard_output && by->failed != NULL) {
        by->failed(by->data);
        by->failed = NULL;
    }
}

/* The lock is held, but while it is written. */
static void write_first(writer *by)
{
    piece *one = by->first;
    output *to = one->to;

    if (to->error == 0) {
        uv_mutex_unlock(&lock);
        int error = write_all(to->fd, one->data, one->size);
        uv_mutex_lock(&lock);
        if (error != 0) {
            fail(to, error);
        }
    }
    to->waiting -= one->size;
    by->first = one->next;
    if (by->first == NULL) {
        by->end = &by->first;
    }
    uv_cond_broadcast(&by->written);
    free(one);
}

static void write_on(void *argument)
{
    writer *by = argument;

    uv_mutex_lock(&lock);
    while (by->first != NULL || !by->ending) {
        if (by->first != NULL) {
            write_first(by);
        } else {
            uv_cond_wait(&by->more, &lock);
        }
    }
    uv_mutex_unlock(&lock);
}

static void init(void)
{
    (void)uv_mutex_init(&lock);
}

/* No signal is for this thread: it may stand where no handler helps. The lock is held. */
static void start(writer *by)
{
    sigset_t all;
    sigset_t before;

    by->started = true;
    by->end = &by->first;
    (void)uv_cond_init(&by->more);
    (void)uv_cond_init(&by->written);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    by->alone = uv_thread_create(&by->thread, write_on, by) != 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static piece *new_piece(output *to, size_t size)
{
    piece *made = malloc(sizeof *made + size + 1); /* and the zero of vsnprintf() */

    if (made != NULL) {
        made->next = NULL;
        made->to = to;
        made->size = size;
    }
    return made;
}

/* NULL: there was no memory for it. */
static void append(output *to, piece *one)
{
    writer *by = to->by;

    uv_once(&once, init);
    uv_mutex_lock(&lock);
    if (to->fd < 0 || to->error != 0) {
        free(one);
    } else if (one == NULL) {
        fail(to, ENOMEM);
    } else if (to->waiting > WAITING_MAX) { /* nobody reads, and more and more is told */
        free(one);
        fail(to, ENOBUFS);
    } else {
        if (!by->started) {
            start(by);
        }
        to->waiting += one->size;
        *by->end = one;
        by->end = &one->next;
        if (by->alone) {
            write_first(by);
        } else {
            uv_cond_signal(&by->more);
        }
    }
    uv_mutex_unlock(&lock);
}

void output_write(output *to, const void *data, size_t size)
{
    piece *made = new_piece(to, size);

    if (made != NULL) {
        memcpy(made->data, data, size);
    }
    append(to, made);
}

void output_print(output *to, const char *format, ...)
{
    va_list first;
    va_list second;

    va_start(first, format);
    va_copy(second, first);
    int size = vsnprintf(NULL, 0, format, first);
    piece *made = size >= 0 ? new_piece(to, (size_t)size) : NULL;
    if (made != NULL) {
        (void)vsnprintf(made->data, (size_t)size + 1, format, second);
    }
    va_end(second);
    va_end(first);
    append(to, made);
}

bool output_has_room(output *to, size_t most, uint64_t nanoseconds)
{
    uint64_t until = uv_hrtime() + nanoseconds;
    uint64_t now;

    uv_once(&once, init);
    uv_mutex_lock(&lock);
    while (to->waiting >= most && to->error == 0 && (now = uv_hrtime()) < until) {
        (void)uv_cond_timedwait(&to->by->written, &lock, until - now);
    }
    bool room = to->waiting < most;
    uv_mutex_unlock(&lock);
    return room;
}

bool output_failed(output *to)
{
    uv_once(&once, init);
    uv_mutex_lock(&lock);
    bool failed = to->error != 0;
    uv_mutex_unlock(&lock);
    return failed;
}

void output_on_failure(void (*failed)(void *data), void *data)
{
    writer *by = standard_output->by;

    uv_once(&once, init);
    uv_mutex_lock(&lock);
    by->failed = failed;
    by->data = data;
    if (failed != NULL && standard_output->error != 0) {
        fail(standard_output, standard_output->error);
    }
    uv_mutex_unlock(&lock);
}

/* ── The end ── */

static void end(writer *by, uint64_t until)
{
    if (!by->started || by->alone) {
        return;
    }
    uv_mutex_lock(&lock);
    by->ending = true;
    uv_cond_signal(&by->more);
    for (uint64_t now = uv_hrtime(); by->first != NULL && now < until; now = uv_hrtime()) {
        (void)uv_cond_timedwait(&by->written, &lock, until - now);
    }
    bool done = by->first == NULL;
    uv_mutex_unlock(&lock);
    if (done) { /* else it goes with the process */
        (void)uv_thread_join(&by->thread);
    }
}

int output_end(int status)
{
    bool interrupted = status == EXIT_INTERRUPTED;
    uint64_t now = uv_hrtime();
    uint64_t until = now + (interrupted ? LAST_WORDS_NS : OUTPUT_FOR_EVER_NS);

    end(&standard_writer, until);
    end(&trace_writer, until);
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        output *one = &outputs[i];
        bool last = one->fd == trace_output->fd && one->fd >= 0 && one->waiting == 0;
        if (last && close(one->fd) != 0 && one->error == 0) {
            one->error = errno;
        }
        if (one->error == EPIPE && one == standard_output) {
            status = EXIT_INTERRUPTED; /* nobody wants to know any more */
        } else if (one->error != 0 && one != standard_error) {
            (void)fprintf(stderr, "floe: %s: %s\n", one->name, strerror(one->error));
            status = status == 0 || interrupted ? EXIT_NOT_WRITTEN : status;
        }
    }
    return status;
}
