#include "cli/rest_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As many digits as a time of this century has. */
#define DIGITS 10

void rest_user_text(const char *username, time_t now, char *text, size_t size)
{
    static const struct {
        long long seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
    size_t digits = username != NULL ? strspn(username, "0123456789") : 0;
    size_t i = 0;

    *text = '\0';
    if (digits != DIGITS || (username[digits] != ':' && username[digits] != '\0')) {
        return;
    }
    long long past = (long long)now - strtoll(username, NULL, 10);
    if (past < 0) {
        return;
    }
    while (units[i].seconds > 1 && past < units[i].seconds) {
        i++;
    }
    long long count = past / units[i].seconds;
    (void)snprintf(text, size, "the user name's time ended %lld %s%s ago", count, units[i].name,
                   count == 1 ? "" : "s");
}
