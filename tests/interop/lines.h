/* What the foreign agents of this folder have in common: their options, and the lines of `floe connect --json`, which
 * they speak on standard input and output. */
#ifndef INTEROP_LINES_H
#define INTEROP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct interop_server {
    bool turn;
    char host[64];
    uint16_t port;
} interop_server;

typedef struct interop_options {
    bool controlling;
    bool relay; /* --policy relay */
    bool trickle;
    bool echo; /* each packet goes back to who sent it */
    bool lite; /* --ice-lite */
    bool udp4, udp6, tcp4, tcp6;
    interop_server servers[4];
    size_t server_count;
    const char *username;
    const char *credential;
} interop_options;

/* What a line of standard input asks for. */
typedef struct interop_ears {
    void (*parameters)(const char *username_fragment, const char *password);
    void (*candidate)(const char *text); /* "candidate:…" */
    void (*end)(void);
    void (*send)(const uint8_t *bytes, size_t size);
    void (*restart)(void);
} interop_ears;

/* False: wrong usage, which has been said. */
bool interop_read_options(int count, char **words, interop_options *options);

/* Reads what standard input has, without waiting for more than its first byte. False: it has ended. */
bool interop_hear(const interop_ears *ears);

void interop_say_parameters(const char *username_fragment, const char *password, bool lite);
void interop_say_candidate(const char *text); /* with or without "a=", "candidate:" before it */
void interop_say_end(void);
void interop_say_state(const char *state);
void interop_say_pair(const char *local, const char *remote);
void interop_say_packet(const uint8_t *bytes, size_t size);

#endif
