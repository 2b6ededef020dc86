/* The version of the headers and of the library. */
#ifndef FLOE_VERSION_H
#define FLOE_VERSION_H

#include <floe/export.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLOE_VERSION_MAJOR 0
#define FLOE_VERSION_MINOR 1
#define FLOE_VERSION_PATCH 0
#define FLOE_VERSION "0.1.0"
/** To compare in #if: the major version times 65,536, plus the minor version times 256, plus the
 *  patch version. */
#define FLOE_VERSION_NUMBER 0x000100

/** FLOE_VERSION_NUMBER of the library that is in use, which may be newer than the headers. Threads:
 *  any. */
FLOE_EXPORT unsigned floe_version_number(void);
/** The version of the library that is in use, "0.1.0". Threads: any. Ownership: static. */
FLOE_EXPORT const char *floe_version(void);

#ifdef __cplusplus
}
#endif
#endif
