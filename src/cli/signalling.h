/* What the other side signals, a line at a time, in any of three forms: the JSON lines of `floe connect --json`, W3C's
 * RTCIceCandidateInit and RTCSessionDescription, and lines of SDP. And what the user of `floe connect --json` asks for. */
#ifndef FLOE_CLI_SIGNALLING_H
#define FLOE_CLI_SIGNALLING_H

#include <floe/candidate.h>
#include <floe/options.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands in a longer line is not looked at. */
#define SIGNAL_LINE_MAX ((size_t)1 << 20)
#define SIGNAL_WHY_SIZE 320

typedef enum signal_kind {
    SIGNAL_PARAMETERS,
    SIGNAL_CANDIDATE, /* NULL: no more will come */
    SIGNAL_REMOVE,
    SIGNAL_SEND,
    SIGNAL_RESTART,
    SIGNAL_WRONG,
} signal_kind;

typedef struct signal_message {
    signal_kind kind;
    const floe_parameters *parameters;
    uint32_t generation;             /* of the parameters; 0: it is not said */
    const floe_candidate *candidate; /* also of SIGNAL_REMOVE */
    const char *username_fragment; /* of which generation no more will come; NULL: it is not said */
    const void *data;              /* of SIGNAL_SEND */
    size_t size;
    const char *why; /* of SIGNAL_WRONG: "line 3, column 17: …", without any secret */
} signal_message;

/* What a message points to is valid as long as this runs. */
typedef void (*signal_handler)(void *user_data, const signal_message *message);

typedef struct signalling {
    signal_handler handler;
    void *user_data;
    unsigned line;  /* from 1 */
    unsigned inner; /* of a description in JSON; 0: it is no such line */
    /* SDP: what of the parameters has come. Only its first media description counts, as one transport has one. */
    floe_parameters parameters;
    unsigned media;
    char mid[64]; /* of the first */
    bool holds;   /* they are not complete */
} signalling;

void signalling_init(signalling *of, signal_handler handler, void *user_data);
/* The next line, without its end; with a NUL behind it, and changed. */
void signalling_line(signalling *of, char *text, size_t size);

#endif
