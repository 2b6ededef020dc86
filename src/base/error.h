/* The thread's last error: every function that fails says why through here. */
#ifndef FLOE_BASE_ERROR_H
#define FLOE_BASE_ERROR_H

#include <floe/error.h>

/* Records the sentence and returns `error`, so that a failing function can end with
 * `return floe_fail(FLOE_ERR_…, "port %u …", port);` */
floe_error floe_fail(floe_error error, const char *format, ...) FLOE_PRINTF(2, 3);

#endif
