/* What cannot be, named: checked in debug, sanitizer and fuzz builds (FLOE_ASSERTS), never of what
 * comes from the network. It traps, as no floor but the runtime knows the C library's streams: the
 * debugger, or the sanitizer, shows where. */
#ifndef FLOE_BASE_ASSERT_H
#define FLOE_BASE_ASSERT_H

#if !defined(FLOE_ASSERTS)
#define FLOE_ASSERT(condition) ((void)sizeof(condition))
#elif defined(__GNUC__)
#define FLOE_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#else
#include <stdlib.h>
#define FLOE_ASSERT(condition) ((condition) ? (void)0 : abort())
#endif

#endif
