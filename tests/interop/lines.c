#include "lines.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ── Options ── */

/* "turn:203.0.113.2", "stun:[2001:db8::1]:3478" */
static bool read_server(const char *url, interop_server *server)
{
    unsigned port = 3478;

    if (sscanf(url, "%*[a-z]:[%63[^]]]:%u", server->host, &port) < 1 &&
        sscanf(url, "%*[a-z]:%63[^:]:%u", server->host, &port) < 1) {
        return false;
    }
    server->turn = strncmp(url, "turn:", 5) == 0;
    server->port = (uint16_t)port;
    return server->turn || strncmp(url, "stun:", 5) == 0;
}

static void read_types(const char *types, interop_options *options)
{
    options->udp4 = strstr(types, "udp4") != NULL;
    options->udp6 = strstr(types, "udp6") != NULL;
    options->tcp4 = strstr(types, "tcp4") != NULL;
    options->tcp6 = strstr(types, "tcp6") != NULL;
}

static bool read_option(int option, const char *value, interop_options *options)
{
    const size_t room = sizeof options->servers / sizeof *options->servers;

    switch (option) {
    case 'r':
        options->controlling = strcmp(value, "controlling") == 0;
        return true;
    case 's':
        return options->server_count < room &&
               read_server(value, &options->servers[options->server_count++]);
    case 'u':
        options->username = value;
        return true;
    case 'c':
        options->credential = value;
        return true;
    case 'p':
        options->relay = strcmp(value, "relay") == 0;
        return true;
    case 'n':
        read_types(value, options);
        return true;
    case 't':
        options->trickle = false;
        return true;
    case 'e':
        options->echo = true;
        return true;
    case 'l':
        options->lite = true;
        return true;
    default:
        return false;
    }
}

bool interop_read_options(int count, char **words, interop_options *options)
{
    static const struct option known[] = {
        {"role", required_argument, NULL, 'r'},     {"server", required_argument, NULL, 's'},
        {"username", required_argument, NULL, 'u'}, {"credential", required_argument, NULL, 'c'},
        {"policy", required_argument, NULL, 'p'},   {"network-types", required_argument, NULL, 'n'},
        {"no-trickle", no_argument, NULL, 't'},     {"echo", no_argument, NULL, 'e'},
        {"ice-lite", no_argument, NULL, 'l'},       {NULL, 0, NULL, 0},
    };
    int option;

    *options = (interop_options){.trickle = true, .udp4 = true, .udp6 = true};
    while ((option = getopt_long(count, words, "s:u:c:", known, NULL)) != -1) {
        if (!read_option(option, optarg, options)) {
            (void)fprintf(stderr, "%s: wrong usage: %s\n", words[0], optarg != NULL ? optarg : "");
            return false;
        }
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    return true;
}

/* ── Base64 ── */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void encode(const uint8_t *bytes, size_t size, char *text)
{
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= i + 2 < size ? bytes[i + 2] : 0;
        *text++ = digits[group >> 18];
        *text++ = digits[group >> 12 & 63];
        *text++ = i + 1 < size ? digits[group >> 6 & 63] : '=';
        *text++ = i + 2 < size ? digits[group & 63] : '=';
    }
    *text = 0;
}

static size_t decode(const char *text, uint8_t *bytes, size_t room)
{
    uint32_t group = 0;
    unsigned bits = 0;
    size_t size = 0;

    for (; *text != 0 && *text != '=' && size < room; text++) {
        const char *digit = strchr(digits, *text);
        group = group << 6 | (digit != NULL ? (uint32_t)(digit - digits) : 0);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[size++] = (uint8_t)(group >> bits);
        }
    }
    return size;
}

/* ── Lines ── */

static void say(json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT);

    (void)puts(text);
    free(text);
    json_decref(line);
}

void interop_say_parameters(const char *username_fragment, const char *password, bool lite)
{
    say(json_pack("{s:s, s:s, s:s, s:b}", "event", "parameters", "username_fragment",
                  username_fragment, "password", password, "ice_lite", lite));
}

void interop_say_candidate(const char *text)
{
    char line[512];

    text += strncmp(text, "a=", 2) == 0 ? 2 : 0;
    text += strncmp(text, "candidate:", 10) == 0 ? 10 : 0;
    (void)snprintf(line, sizeof line, "candidate:%s", text);
    say(json_pack("{s:s, s:s}", "event", "candidate", "candidate", line));
}

void interop_say_end(void)
{
    say(json_pack("{s:s}", "event", "end"));
}

void interop_say_state(const char *state)
{
    say(json_pack("{s:s, s:s}", "event", "transport", "state", state));
}

void interop_say_pair(const char *local, const char *remote)
{
    say(json_pack("{s:s, s:s, s:s}", "event", "pair", "local", local, "remote", remote));
}

void interop_say_packet(const uint8_t *bytes, size_t size)
{
    char text[4096];

    if (size <= sizeof text / 4 * 3 - 3) {
        encode(bytes, size, text);
        say(json_pack("{s:s, s:s}", "event", "packet", "data", text));
    }
}

static void hear_line(const interop_ears *ears, const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    const char *data = json_string_value(json_object_get(line, "send"));
    uint8_t bytes[2048];

    if (data != NULL) {
        ears->send(bytes, decode(data, bytes, sizeof bytes));
    } else if (json_object_get(line, "restart") != NULL) {
        ears->restart();
    } else if (event != NULL && strcmp(event, "parameters") == 0) {
        ears->parameters(json_string_value(json_object_get(line, "username_fragment")),
                         json_string_value(json_object_get(line, "password")));
    } else if (event != NULL && strcmp(event, "candidate") == 0) {
        ears->candidate(json_string_value(json_object_get(line, "candidate")));
    } else if (event != NULL && strcmp(event, "end") == 0) {
        ears->end();
    }
    json_decref(line);
}

bool interop_hear(const interop_ears *ears)
{
    static char heard[65536];
    static size_t size;
    ssize_t more = read(STDIN_FILENO, heard + size, sizeof heard - 1 - size);
    char *line = heard;

    if (more <= 0) {
        return false;
    }
    size += (size_t)more;
    heard[size] = 0;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        hear_line(ears, line);
    }
    size -= (size_t)(line - heard);
    memmove(heard, line, size);
    return true;
}
