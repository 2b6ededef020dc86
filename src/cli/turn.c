/* `floe turn`: which of its commands is meant. */
#include "cli/turn.h"

#include "cli/output.h"
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

int turn_main(int count, char **words)
{
    const char *word = count > 0 ? words[0] : "";
    bool pipe = strcmp(word, "pipe") == 0;
    command_kind kind = pipe ? COMMAND_TURN_PIPE : COMMAND_TURN_CHECK;
    gather_command command = {0};
    gather_report report;
    int status = 2;

    if (!pipe && strcmp(word, "check") != 0) {
        output_print(standard_error,
                     "floe: turn: expected check or pipe (see floe turn check --help, "
                     "floe turn pipe --help)\n");
        return status;
    }
    if (parse_command(kind, count - 1, words + 1, &command)) {
        if (command.help) {
            print_command_help(kind);
            status = 0;
        } else {
            /* What is slow is there all the same, and may be the one that is wanted. */
            command.settings.straggler_grace_ms = FLOE_NEVER;
            if (report_init(&report, &command)) {
                report_use_trace(&report, &command.settings);
                status = pipe ? turn_pipe(&command) : turn_check(&command);
            }
            report_free(&report);
        }
    }
    free_command(&command);
    return status;
}
