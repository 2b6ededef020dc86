/* The options as the help, the completions and the man page speak of them. It stands on the C library
 * alone: where the command is built for another machine, this one makes completions and man page. */
#ifndef FLOE_CLI_FACES_H
#define FLOE_CLI_FACES_H

#include <stddef.h>

/* The commands that have options. */
typedef enum command_kind {
    COMMAND_GATHER = 1,
    COMMAND_TURN_CHECK = 2,
    COMMAND_TURN_PIPE = 4,
} command_kind;

#define EVERY (COMMAND_GATHER | COMMAND_TURN_CHECK | COMMAND_TURN_PIPE)

typedef struct option_face {
    unsigned kinds; /* the commands that take it, joined by | */
    char letter;    /* 0: none */
    const char *name;
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;
} option_face;

/* In the order of the list. */
extern const option_face option_faces[];
enum {
#define OPTION(kinds, letter, name, value, action, help) +1
    OPTION_COUNT = 0
#include "cli/option_list.h"
#undef OPTION
};

#endif
