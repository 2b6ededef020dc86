/* The commands and their options as the help, the completions and the man pages speak of them. It
 * stands on the C library alone: where the command is built for another machine, this one makes
 * completions and man pages. */
#ifndef FLOE_CLI_FACES_H
#define FLOE_CLI_FACES_H

#include <stddef.h>

typedef enum command_kind {
    COMMAND_GATHER = 1,
    COMMAND_TURN_CHECK = 2,
    COMMAND_TURN_PIPE = 4,
    COMMAND_PARSE = 8,
    COMMAND_PAIR = 16,
    COMMAND_COMPLETION = 32,
    COMMAND_VERSION = 64,
    COMMAND_CONNECT = 128,
} command_kind;

/* Every command that talks to servers. */
#define EVERY (GATHERERS | COMMAND_TURN_CHECK | COMMAND_TURN_PIPE)
/* Those that gather candidates. */
#define GATHERERS (COMMAND_GATHER | COMMAND_CONNECT)
/* Those that read candidates. */
#define READERS (COMMAND_PARSE | COMMAND_PAIR)
#define ALL (EVERY | READERS | COMMAND_COMPLETION | COMMAND_VERSION)

typedef struct option_face {
    unsigned kinds;    /* the commands that take it, joined by | */
    char letter;       /* 0: none */
    const char *name;  /* NULL: the head of a group, which `help` names */
    const char *value; /* what its value is called; NULL: it takes none */
    const char *help;
} option_face;

/* In the order of the list. */
extern const option_face option_faces[];
enum {
#define GROUP(title) +1
#define OPTION(kinds, letter, name, value, action, help) +1
    OPTION_COUNT = 0
#include "cli/option_list.h"
#undef OPTION
#undef GROUP
};

typedef struct command_face {
    command_kind kind;
    const char *name;    /* "turn check" */
    const char *words;   /* that come behind it */
    const char *summary; /* a line of `floe --help` */
    const char *about;   /* lines of 80 columns at most, as the rest */
    const char *examples;
    const char *exit;
} command_face;

/* In the order of `floe --help`. */
extern const command_face command_faces[];
enum { COMMAND_COUNT = 8 };

const command_face *command_face_of(command_kind kind);

#endif
