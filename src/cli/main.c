/* The floe command: which of its commands is meant. */
#include "cli/completion.h"
#include "cli/gather.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/turn.h"

#include <floe/floe.h>
#include <stdio.h>
#include <string.h>

static void print_usage(output *to)
{
    output_print(
        to, "%s",
        "floe gather [options] [URL...]   gather ICE candidates and print them\n"
        "floe turn check [options] URL... test what a TURN server can do\n"
        "floe turn pipe [options] --peer ADDRESS:PORT URL   send standard input through a relay\n"
        "floe parse [--json] [CANDIDATE]  explain a candidate line, or all lines of stdin\n"
        "floe completion bash|zsh         print the completion for a shell\n"
        "floe version                     print the version, and what was built in\n"
        "\n"
        "floe gather --help lists the options.\n");
}

static int print_version(void)
{
    output_print(
        standard_output,
        "floe %s\n"
        "candidates: host, srflx, relay\n"
        "servers: stun over UDP; turn over UDP, TCP, TLS and DTLS, IPv4 and IPv6, through\n"
        "proxies (HTTP, SOCKS5); SRV and NAPTR\n"
        "names: DNS, multicast DNS\n",
        floe_version());
    return 0;
}

static int run(int count, char **words)
{
    const char *command = count > 1 ? words[1] : "";

    if (strcmp(command, "gather") == 0) {
        return gather_main(count - 2, words + 2);
    }
    if (strcmp(command, "turn") == 0) {
        return turn_main(count - 2, words + 2);
    }
    if (strcmp(command, "parse") == 0) {
        return parse_main(count - 2, words + 2);
    }
    if (strcmp(command, "completion") == 0) {
        return completion_main(count - 2, words + 2);
    }
    if (strcmp(command, "version") == 0 || strcmp(command, "--version") == 0) {
        return print_version();
    }
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0 ||
        strcmp(command, "-h") == 0) {
        print_usage(standard_output);
        return 0;
    }
    if (*command == '\0') {
        print_usage(standard_error);
    } else {
        output_print(standard_error, "floe: unknown command %s (floe --help lists the commands)\n",
                     command);
    }
    return 2;
}

int main(int count, char **words)
{
    output_begin();
    return output_end(run(count, words));
}
