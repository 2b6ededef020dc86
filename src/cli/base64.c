#include "cli/base64.h"

#include <openssl/evp.h>
#include <string.h>

void base64_encode(const void *data, size_t size, char *text)
{
    (void)EVP_EncodeBlock((unsigned char *)text, data, (int)size);
}

void base64_encode_for_urls(const void *data, size_t size, char *text)
{
    base64_encode(data, size, text);
    text[strcspn(text, "=")] = '\0';
    for (; *text != '\0'; text++) {
        *text = *text == '+' ? '-' : *text == '/' ? '_' : *text;
    }
}

/* -1: it is none of either form. */
static int value_of(char letter)
{
    if (letter >= 'A' && letter <= 'Z') {
        return letter - 'A';
    }
    if (letter >= 'a' && letter <= 'z') {
        return letter - 'a' + 26;
    }
    if (letter >= '0' && letter <= '9') {
        return letter - '0' + 52;
    }
    return letter == '+' || letter == '-' ? 62 : letter == '/' || letter == '_' ? 63 : -1;
}

bool base64_decode(const char *text, size_t length, uint8_t *data, size_t room, size_t *size,
                   size_t *column)
{
    size_t padding = length > 0 && text[length - 1] == '=';
    uint32_t bits = 0;

    padding += padding > 0 && length > 1 && text[length - 2] == '=';
    size_t letters = length - padding;
    *size = 0;
    *column = letters + 1;
    if (letters % 4 == 1 || (padding > 0 && length % 4 != 0)) {
        return false;
    }
    for (size_t i = 0; i < letters; i++) {
        int value = value_of(text[i]);
        *column = i + 1;
        if (value < 0 || (i % 4 > 0 && *size == room)) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 > 0) {
            data[(*size)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
        }
    }
    return true;
}

bool is_ice_text(const char *text, size_t least)
{
    size_t size = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    return text[size] == '\0' && size >= least && size <= 256;
}
