#include "cli/input.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fifty packets of 1,200 bytes. */
#define READ_SIZE 60000

void input_init(input *of, uv_loop_t *loop, int fd, const char *file, void (*ready)(void *data),
                void *data)
{
    *of = (input){
        .loop = loop, .fd = file != NULL ? -1 : fd, .file = file, .ready = ready, .data = data};
    of->terminal = of->fd >= 0 && isatty(of->fd);
    of->request.data = of;
    of->waiting.data = of;
}

static void end(input *of, int error)
{
    of->ended = true;
    of->error = error;
}

/* What was taken makes room. */
static bool make_room(input *of)
{
    if (of->taken > 0) {
        memmove(of->held, &of->held[of->taken], of->size - of->taken);
        of->size -= of->taken;
        of->taken = 0;
    }
    if (of->room - of->size <= READ_SIZE) {
        size_t room = 2 * of->size + READ_SIZE + 1; /* and a NUL */
        char *larger = realloc(of->held, room);
        if (larger == NULL) {
            return false;
        }
        of->held = larger;
        of->room = room;
    }
    return true;
}

static void wait_for_more(uv_work_t *work)
{
    const input *of = work->data;
    struct pollfd ready = {.fd = of->fd, .events = POLLIN};

    (void)poll(&ready, 1, -1);
}

static void on_more(uv_work_t *work, int status)
{
    input *of = work->data;

    (void)status;
    of->busy = false;
    if (!of->stopped) {
        input_read(of);
    }
}

static void on_read(uv_fs_t *request)
{
    input *of = request->data;
    ssize_t size = request->result;

    uv_fs_req_cleanup(request);
    of->busy = false;
    if (size == UV_EAGAIN && !of->stopped) { /* as another process has the descriptor too */
        of->busy = uv_queue_work(of->loop, &of->waiting, wait_for_more, on_more) == 0;
    }
    if (of->busy) {
        return;
    }
    if (size > 0) {
        of->size += (size_t)size;
    } else {
        end(of, (int)size);
    }
    if (!of->stopped) {
        of->ready(of->data);
    }
}

static void on_open(uv_fs_t *request)
{
    input *of = request->data;

    of->fd = (int)request->result;
    uv_fs_req_cleanup(request);
    of->busy = false;
    if (of->stopped) {
        return;
    }
    if (of->fd >= 0) {
        input_read(of);
    } else {
        end(of, of->fd);
        of->ready(of->data);
    }
}

void input_read(input *of)
{
    int failed;

    if (of->busy || of->ended || of->stopped) {
        return;
    }
    if (of->fd < 0) {
        failed = uv_fs_open(of->loop, &of->request, of->file, O_RDONLY | O_NOCTTY, 0, on_open);
    } else if (make_room(of)) {
        uv_buf_t buffer = uv_buf_init(&of->held[of->size], READ_SIZE);
        failed = uv_fs_read(of->loop, &of->request, of->fd, &buffer, 1, -1, on_read);
    } else {
        failed = UV_ENOMEM;
    }
    of->busy = failed == 0;
    if (failed != 0) {
        end(of, failed);
        of->ready(of->data);
    }
}

bool input_line(input *of, char **line, size_t *size)
{
    size_t left = of->size - of->taken;

    if (of->busy || left == 0) { /* while it is read, what is held must not be written */
        return false;
    }
    char *begin = &of->held[of->taken];
    char *newline = memchr(begin, '\n', left);
    if (newline == NULL && !of->ended && left <= INPUT_LINE_MAX) {
        return false;
    }
    *line = begin;
    *size = newline != NULL ? (size_t)(newline - begin) : left;
    of->taken += *size + (newline != NULL);
    begin[*size] = '\0';
    of->is_rest = of->goes_on;
    of->goes_on = newline == NULL && !of->ended;
    return true;
}

bool input_is_rest(const input *of)
{
    return of->is_rest;
}

void input_split(input *of, char *line, size_t size, size_t used)
{
    line[size] = '\n'; /* behind what is held, where the line has no end */
    of->taken = (size_t)(line - of->held) + used;
}

size_t input_bytes(input *of, const char **bytes, size_t most)
{
    size_t left = of->size - of->taken;
    size_t size = left < most ? left : most;

    *bytes = size > 0 ? &of->held[of->taken] : "";
    of->taken += size;
    return size;
}

bool input_is_over(const input *of)
{
    return of->ended && of->taken == of->size;
}

bool input_has_hung_up(const input *of)
{
    return of->terminal && of->error == UV_EIO;
}

void input_stop(input *of)
{
    of->stopped = true;
    if (of->busy) {
        (void)uv_cancel((uv_req_t *)&of->request);
        (void)uv_cancel((uv_req_t *)&of->waiting);
    }
}

bool input_is_idle(const input *of)
{
    return !of->busy;
}

void input_free(input *of)
{
    if (of->file != NULL && of->fd >= 0) {
        uv_fs_t request;
        (void)uv_fs_close(NULL, &request, of->fd, NULL);
        uv_fs_req_cleanup(&request);
    }
    free(of->held);
    of->held = NULL;
}
