/* The library's version. */
#include <floe/version.h>

const char *floe_version(void)
{
    return FLOE_VERSION;
}
