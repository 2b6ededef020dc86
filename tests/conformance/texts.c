/* Rows about text alone: server URLs, and candidate lines. */
#include "table.h"

#include "core/text/url.h"

#include <floe/floe.h>
#include <stdio.h>
#include <string.h>

/* Text between double quotes, with \n, \r, \t and \xNN in it. */
static char *unquote(char *given)
{
    char *text = table_trim(given);
    size_t size = strlen(text);
    char *to = text;

    if (size < 2 || text[0] != '"' || text[size - 1] != '"') {
        return text;
    }
    text[size - 1] = '\0';
    for (const char *at = text + 1; *at != '\0'; at++) {
        if (at[0] != '\\') {
            *to++ = *at;
            continue;
        }
        unsigned byte;
        at++;
        if (*at == 'x' && sscanf(at, "x%2x", &byte) == 1) {
            *to++ = (char)byte;
            at += 2;
        } else {
            *to++ = *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at == 't' ? '\t' : *at;
        }
    }
    *to = '\0';
    return text;
}

void case_of_urls(char *given, char *result, size_t size)
{
    char host[FLOE_HOST_SIZE];
    floe_url url;

    given = unquote(given);
    if (floe_url_parse(given, &url, host) != FLOE_OK) {
        const char *why = strstr(floe_last_error(), "\": ");
        (void)snprintf(result, size, "error %s", why != NULL ? why + 3 : floe_last_error());
        return;
    }
    (void)snprintf(result, size, "%s%s %s %s %u", url.turn ? "turn" : "stun", url.secure ? "s" : "",
                   floe_protocol_name(url.transport), url.host, url.port);
}

/* What comes out in canonical form, and that it stays so when it is read again. */
void case_of_candidates(char *given, char *result, size_t size)
{
    floe_candidate *candidate;
    char again[FLOE_CANDIDATE_TEXT_SIZE * 4];

    given = unquote(given);
    if (floe_candidate_parse(given, &candidate) != FLOE_OK) {
        (void)snprintf(result, size, "error %s", floe_last_error());
        return;
    }
    floe_error error = floe_candidate_format(candidate, result, size);
    floe_candidate_free(candidate);
    if (error != FLOE_OK || floe_candidate_parse(result, &candidate) != FLOE_OK) {
        (void)snprintf(result, size, "not to be formatted or read again");
        return;
    }
    error = floe_candidate_format(candidate, again, sizeof again);
    floe_candidate_free(candidate);
    if (error != FLOE_OK || strcmp(again, result) != 0) {
        (void)snprintf(result, size, "not stable: %s", again);
    }
}
