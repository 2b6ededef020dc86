/* Loaded before the command's libraries: SIGINT comes while its n-th line of JSON with a certain
 * word is made, as INTERRUPT_AT="N WORD" says. */
#include <dlfcn.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *json_dumps(const json_t *json, size_t flags)
{
    static char *(*next)(const json_t *, size_t);
    static unsigned seen;
    unsigned wanted;
    char word[64];

    if (next == NULL) {
        *(void **)&next = dlsym(RTLD_NEXT, "json_dumps");
    }
    char *text = next(json, flags);
    const char *at = getenv("INTERRUPT_AT");
    if (text != NULL && at != NULL && sscanf(at, "%u %63s", &wanted, word) == 2 &&
        strstr(text, word) != NULL && ++seen == wanted) {
        (void)raise(SIGINT);
    }
    return text;
}
