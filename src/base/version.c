/* The library's version. */
#include <floe/version.h>

const char *floe_version(void)
{
    return FLOE_VERSION;
}

unsigned floe_version_number(void)
{
    return FLOE_VERSION_NUMBER;
}

_Static_assert(FLOE_VERSION_NUMBER ==
                   (FLOE_VERSION_MAJOR << 16 | FLOE_VERSION_MINOR << 8 | FLOE_VERSION_PATCH),
               "one version");
