#include "cli/interrupt.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void on_signal(uv_signal_t *signal, int number)
{
    interrupt *of = signal->data;

    if (of->came && number != SIGPIPE) {
        (void)fflush(stdout);
        _exit(EXIT_INTERRUPTED);
    }
    if (!of->came) {
        of->came = true;
        of->ask(of->data);
    }
}

/* As `nohup` has it, or a shell that starts something behind it: whoever ignores it for us means
 * that. That nobody reads is another matter, of which we want to hear. */
static bool is_ignored(int number)
{
    struct sigaction before;

    return number != SIGPIPE && sigaction(number, NULL, &before) == 0 &&
           before.sa_handler == SIG_IGN;
}

int interrupt_start(interrupt *of, uv_loop_t *loop, void (*ask)(void *data), void *data)
{
    static const int numbers[INTERRUPTS] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    int failed = 0;

    of->ask = ask;
    of->data = data;
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

void interrupt_stop(interrupt *of)
{
    for (int i = 0; i < INTERRUPTS; i++) {
        uv_handle_t *handle = (uv_handle_t *)&of->signals[i];
        if (handle->data != NULL && !uv_is_closing(handle)) {
            uv_close(handle, NULL);
        }
    }
    (void)signal(SIGPIPE, SIG_IGN); /* what is printed at the end may find nobody either */
}
