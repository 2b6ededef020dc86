/* What cannot be, named: checked in debug, sanitizer and fuzz builds (FLOE_ASSERTS), never of what
 * comes from the network. */
#ifndef FLOE_BASE_ASSERT_H
#define FLOE_BASE_ASSERT_H

#ifdef FLOE_ASSERTS
#include <stdio.h>
#include <stdlib.h>
#define FLOE_ASSERT(condition)                                                                     \
    ((condition) ? (void)0                                                                         \
                 : (void)(fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition),  \
                          abort()))
#else
#define FLOE_ASSERT(condition) ((void)sizeof(condition))
#endif

#endif
