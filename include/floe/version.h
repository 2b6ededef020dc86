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

/** The version of the library that is in use, "0.1.0". Threads: any. Ownership: static. */
FLOE_EXPORT const char *floe_version(void);

#ifdef __cplusplus
}
#endif
#endif
