/* Only `floe completion`, compiled for the machine that builds. It needs nothing but a C library.
 * See tools/command-files. */
#include "cli/completion.h"
#include "cli/output.h"

#include <stdarg.h>
#include <stdio.h>

struct output {
    int unused;
};
static output out;
static output err;
output *const standard_output = &out;
output *const standard_error = &err;

void output_print(output *to, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vfprintf(to == standard_output ? stdout : stderr, format, arguments);
    va_end(arguments);
}

int main(int count, char **words)
{
    int status = completion_main(count - 1, words + 1);

    return fflush(stdout) == 0 ? status : 1;
}
