/* conformance KIND FILE: runs a table (table.h) and says how many of its rows passed. */
#include "table.h"

#include <stdio.h>
#include <string.h>

char *table_trim(char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    size_t size = strlen(text);
    while (size > 0 &&
           (text[size - 1] == ' ' || text[size - 1] == '\n' || text[size - 1] == '\t')) {
        text[--size] = '\0';
    }
    return text;
}

char *table_next(char **at, char **key)
{
    char *part = *at;

    if (part == NULL) {
        return NULL;
    }
    char *bar = strstr(part, " | ");
    *at = bar != NULL ? bar + 3 : NULL;
    if (bar != NULL) {
        *bar = '\0';
    }
    part = table_trim(part);
    char *colon = strstr(part, ": ");
    *key = part + strlen(part);
    if (colon != NULL) {
        *colon = '\0';
        *key = part;
        part = table_trim(colon + 1);
    }
    return part;
}

static table_case kind_of(const char *name)
{
    static const struct {
        const char *name;
        table_case run;
    } kinds[] = {{"urls", case_of_urls},
                 {"candidates", case_of_candidates},
                 {"worlds", case_of_worlds},
                 {"messages", case_of_messages}};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return kinds[i].run;
        }
    }
    return NULL;
}

int main(int count, char **words)
{
    static char line[TABLE_TEXT_SIZE];
    static char result[TABLE_TEXT_SIZE];
    table_case run = count == 3 ? kind_of(words[1]) : NULL;
    FILE *file = run != NULL ? fopen(words[2], "r") : NULL;
    unsigned number = 0;
    unsigned rows = 0;
    unsigned failed = 0;

    if (file == NULL) {
        (void)fprintf(stderr, "usage: conformance urls|candidates|worlds|messages FILE\n");
        return 2;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        char *given = table_trim(line);
        number++;
        if (*given == '\0' || *given == '#') {
            continue;
        }
        char *arrow = strstr(given, " =>");
        if (arrow == NULL) {
            (void)fprintf(stderr, "%s:%u: no =>\n", words[2], number);
            return 2;
        }
        *arrow = '\0';
        char *wanted = table_trim(arrow + 3);
        *result = '\0';
        run(given, result, sizeof result);
        rows++;
        if (strcmp(table_trim(result), wanted) != 0) {
            failed++;
            (void)printf("%s:%u:\n  wanted %s\n  got    %s\n", words[2], number, wanted, result);
        }
    }
    (void)fclose(file);
    const char *name = strrchr(words[2], '/');
    (void)printf("%s: %u rows, %u passed, %u failed\n", name != NULL ? name + 1 : words[2], rows,
                 rows - failed, failed);
    return failed == 0 && rows > 0 ? 0 : 1;
}
