#include "cli/interrupt.h"

#include "cli/output.h"
#include "cli/screen.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

void interrupt_come(interrupt *of)
{
    if (!of->came) {
        of->came = true;
        of->ask(of->data);
    }
}

static void on_signal(uv_signal_t *signal, int number)
{
    interrupt *of = signal->data;

    (void)number;
    if (of->signalled) {
        _exit(EXIT_INTERRUPTED);
    }
    of->signalled = true;
    interrupt_come(of);
}

static void on_in_vain(uv_async_t *in_vain)
{
    interrupt_come(in_vain->data);
}

/* On the thread that writes. */
static void on_failure(void *data)
{
    interrupt *of = data;

    (void)uv_async_send(&of->in_vain);
}

/* As `nohup` has it, or a shell that starts something behind it: whoever ignores it for us means
 * that. */
static bool is_ignored(int number)
{
    struct sigaction before;

    return sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
}

/* libuv ends the process if it can't have its pipe for signals. */
static int init_loop(uv_loop_t *loop)
{
    int tried[3] = {-1, -1, -1};
    bool enough = pipe(tried) == 0;
    int error = enough ? 0 : errno;

    if (enough && (tried[2] = dup(tried[0])) < 0) {
        error = errno;
    }
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        if (tried[i] >= 0) {
            (void)close(tried[i]);
        }
    }
    return error == 0 ? uv_loop_init(loop) : uv_translate_sys_error(error);
}

static int start_all(interrupt *of, uv_loop_t *loop)
{
    static const int numbers[INTERRUPTS] = {SIGINT, SIGTERM, SIGHUP};
    int failed = uv_async_init(loop, &of->in_vain, on_in_vain);

    if (failed == 0) {
        of->in_vain.data = of;
        output_on_failure(on_failure, of);
    }
    for (int i = 0; i < INTERRUPTS && failed == 0; i++) {
        if (is_ignored(numbers[i])) {
            continue;
        }
        failed = uv_signal_init(loop, &of->signals[i]);
        if (failed == 0) {
            of->signals[i].data = of;
            failed = uv_signal_start(&of->signals[i], on_signal, numbers[i]);
        }
    }
    return failed;
}

int interrupt_start(interrupt *of, uv_loop_t *loop, void (*ask)(void *data), void *data)
{
    int failed = init_loop(loop);

    of->ask = ask;
    of->data = data;
    if (failed == 0 && (failed = start_all(of, loop)) != 0) {
        interrupt_stop(of);
        (void)uv_run(loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(loop);
    }
    if (failed != 0) {
        screen_tell("floe: %s", uv_strerror(failed));
    }
    return failed;
}

static void stop(uv_handle_t *handle)
{
    if (handle->data != NULL && !uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void interrupt_stop(interrupt *of)
{
    output_on_failure(NULL, NULL);
    stop((uv_handle_t *)&of->in_vain);
    for (int i = 0; i < INTERRUPTS; i++) {
        stop((uv_handle_t *)&of->signals[i]);
    }
}
