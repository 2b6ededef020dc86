/* Base64 (RFC 4648): §4 for packets in JSON, §5 for tickets. */
#ifndef FLOE_CLI_BASE64_H
#define FLOE_CLI_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for the text of so many bytes, with its NUL. */
#define BASE64_SIZE(bytes) (((bytes) + 2) / 3 * 4 + 1)

/* Padded, with + and /. */
void base64_encode(const void *data, size_t size, char *text);
/* Not padded, with - and _. */
void base64_encode_for_urls(const void *data, size_t size, char *text);
/* Either form, with its padding or without. False: it is none, or there is no room; *column is where, from 1 on. */
bool base64_decode(const char *text, size_t length, uint8_t *data, size_t room, size_t *size,
                   size_t *column);
/* Whether it has that many letters or more, up to 256, all of them ice-char (RFC 8839 §5.1), which are those of §4. */
bool is_ice_text(const char *text, size_t least);

#endif
