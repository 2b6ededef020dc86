/* A server URL, and an IP address. What is taken must stay the same when it is written again. */
#include "base/address.h"
#include "core/text/url.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_address(const char *text)
{
    floe_address address;
    floe_address again;
    char written[FLOE_ADDRESS_TEXT_SIZE];

    if (floe_address_parse(text, &address) == FLOE_OK) {
        if (floe_address_format(&address, written, sizeof written) != FLOE_OK ||
            floe_address_parse(written, &again) != FLOE_OK ||
            !floe_address_equal(&address, &again)) {
            abort();
        }
        (void)floe_address_classify(&address);
        again = floe_address_normalise(address);
        (void)floe_address_hash(&again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    char host[FLOE_HOST_SIZE];
    floe_url url;

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (floe_url_parse(text, &url, host) == FLOE_OK &&
        (url.port == 0 || url.host[0] == '\0' || strlen(url.host) >= sizeof host)) {
        abort();
    }
    try_address(text);
    free(text);
    return 0;
}
