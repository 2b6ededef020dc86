/* Why a handshake fails, for a person: OpenSSL's own words are for who knows OpenSSL (E1). */
#ifndef FLOE_SECURE_REASON_H
#define FLOE_SECURE_REASON_H

#include <stddef.h>

/* Of an error of OpenSSL's (ERR_peek_error) in a handshake; NULL: it has no words, either. */
const char *floe_secure_reason(unsigned long code);
/* What an alert of the server's says (RFC 8446 §6), and what to do about it. */
void floe_secure_alert(int alert, char *text, size_t size);

#endif
