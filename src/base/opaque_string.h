/* The OpaqueString profile for user names and passwords (RFC 8265 §4.2, RFC 8264). */
#ifndef FLOE_BASE_OPAQUE_STRING_H
#define FLOE_BASE_OPAQUE_STRING_H

#include <floe/allocator.h>
#include <floe/error.h>

/* Prepares and enforces: other spaces become U+0020, the rest is NFC. *prepared is freed by
 * floe_deallocate. FLOE_ERR_SYNTAX names what is wrong: no UTF-8, a control character, a code point
 * that the profile does not allow; `what` is the field's name in the sentence. */
floe_error floe_opaque_string(const floe_allocator *allocator, const char *what, const char *text,
                              char **prepared);

#endif
