/* `floe turn`: which of its commands is meant. */
#include "cli/turn.h"

#include "cli/credentials.h"
#include "cli/help.h"

int turn_main(command_kind kind, int count, char **words)
{
    static gather_command command;
    bool pipe = kind == COMMAND_TURN_PIPE;
    gather_report report;
    int status = 2;

    if (parse_command(kind, count, words, &command) && ask_credential(&command)) {
        if (command.help) {
            print_command_help(kind);
            status = 0;
        } else {
            /* What is slow is there all the same, and may be the one that is wanted. */
            command.settings.straggler_grace_ms = FLOE_NEVER;
            if (report_init(&report, &command)) {
                report_use_trace(&report, &command.settings);
                status = pipe ? turn_pipe(&command) : turn_check(&command, &report);
            }
            report_free(&report);
        }
    }
    free_command(&command);
    return status;
}
