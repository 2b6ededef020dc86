#include "cli/credentials.h"

#include "cli/output.h"
#include "cli/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2048
#define REST_LIFETIME_S 86400

char *read_first_line(const char *name, const char *file)
{
    char line[LINE_SIZE] = "";
    bool standard = strcmp(file, "-") == 0;

    errno = 0;
    FILE *from = standard ? stdin : fopen(file, "r");
    bool good = from != NULL && fgets(line, sizeof line, from) != NULL;
    int error = errno;
    if (from != NULL && !standard) {
        (void)fclose(from);
    }
    line[strcspn(line, "\r\n")] = '\0';
    if (!good || *line == '\0') {
        (void)option_is_wrong(name, file, error != 0 ? strerror(error) : "its first line is empty");
        return NULL;
    }
    char *made = strdup(line);
    memset(line, 0, sizeof line);
    if (made == NULL) {
        (void)option_is_wrong(name, file, "out of memory");
    }
    return made;
}

bool make_rest_user(gather_command *command)
{
    static const char option[] = "--rest-secret-file";
    const char *name = command->username != NULL ? command->username : "floe";
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    size_t room = strlen(name) + 24;
    char *username = malloc(room);
    char *credential = malloc(2 * EVP_MAX_MD_SIZE);

    if (username != NULL && credential != NULL) {
        (void)snprintf(username, room, "%lld:%s", (long long)time(NULL) + REST_LIFETIME_S, name);
        (void)HMAC(EVP_sha1(), command->rest_secret, (int)strlen(command->rest_secret),
                   (const unsigned char *)username, strlen(username), digest, &size);
        (void)EVP_EncodeBlock((unsigned char *)credential, digest, (int)size);
    }
    command->username = keep_text(command, option, username);
    command->credential = keep_text(command, option, credential);
    if (size == 0 && credential != NULL) {
        return option_is_wrong(option, "", "this OpenSSL has no HMAC-SHA1");
    }
    return command->username != NULL && command->credential != NULL;
}

/* ── The question ── */

static volatile sig_atomic_t interrupted_by;

static void on_signal(int number)
{
    interrupted_by = number;
}

#define SIGNALS 4
static const int signals[SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* A line, as it is typed; how many bytes, -1 if a signal came or the terminal has gone. */
static ssize_t read_typed(int terminal, char *line, size_t size)
{
    ssize_t got = -1;

    do {
        got = read(terminal, line, size - 1);
    } while (got < 0 && errno == EINTR && interrupted_by == 0);
    if (got >= 0) {
        line[got] = '\0';
        line[strcspn(line, "\r\n")] = '\0';
    }
    return interrupted_by != 0 ? -1 : got;
}

/* The terminal has its echo back before the signal does its work. */
static ssize_t read_hidden(int terminal, char *line, size_t size)
{
    struct termios before;
    struct sigaction old[SIGNALS];
    struct sigaction ours = {.sa_handler = on_signal};
    bool is_terminal = tcgetattr(terminal, &before) == 0;
    struct termios hidden = before;

    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], NULL, &old[i]);
        if (old[i].sa_handler != SIG_IGN) {
            (void)sigaction(signals[i], &ours, NULL);
        }
    }
    hidden.c_lflag &= ~(tcflag_t)ECHO;
    hidden.c_lflag |= ECHONL;
    if (is_terminal) {
        (void)tcsetattr(terminal, TCSAFLUSH, &hidden);
    }
    ssize_t got = read_typed(terminal, line, size);
    if (is_terminal) {
        (void)tcsetattr(terminal, TCSAFLUSH, &before);
    }
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &old[i], NULL);
    }
    if (interrupted_by != 0) {
        (void)!write(terminal, "\n", 1);
        (void)raise(interrupted_by);
    }
    return got;
}

static bool has_turn_url(const gather_command *command)
{
    for (size_t i = 0; i < command->url_count_of_line; i++) {
        if (strncasecmp(command->urls[i], "turn", 4) == 0) {
            return true;
        }
    }
    return false;
}

bool ask_credential(gather_command *command)
{
    char line[LINE_SIZE] = "";

    if (command->credential != NULL || command->access_token != NULL || command->help ||
        command->username == NULL || !has_turn_url(command) || !isatty(STDERR_FILENO)) {
        return true;
    }
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return true;
    }
    char question[600];
    int size = snprintf(question, sizeof question, "Password of %.512s: ", command->username);
    (void)!write(terminal, question,
                 (size_t)size < sizeof question ? (size_t)size : sizeof question - 1);
    ssize_t got = read_hidden(terminal, line, sizeof line);
    (void)close(terminal);
    if (got > 0 && *line != '\0') {
        command->credential = keep_text(command, "-c", strdup(line));
    }
    memset(line, 0, sizeof line);
    if (command->credential == NULL) {
        screen_tell("floe: no password was given (-c, FLOE_CREDENTIAL, --credential-file)");
    }
    return command->credential != NULL;
}
