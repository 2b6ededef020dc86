/* Why there is no local address to gather on. */
#include "cli/no_address.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

static void append(char *text, size_t size, const char *between, const char *word)
{
    size_t used = strlen(text);

    (void)snprintf(&text[used], size - used, "%s%s", used > 0 ? between : "", word);
}

static bool is_named_before(const uv_interface_address_t *all, int at)
{
    for (int i = 0; i < at; i++) {
        if (strcmp(all[i].name, all[at].name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const gather_filters *filters, const char *name)
{
    for (size_t i = 0; i < filters->interface_count; i++) {
        if (fnmatch(filters->interfaces[i], name, 0) == 0) {
            return true;
        }
    }
    return filters->interface_count == 0;
}

void no_address_text(const gather_filters *filters, char *text, size_t size)
{
    uv_interface_address_t *all = NULL;
    char there[400] = "";
    int count = 0;
    bool wanted = false;

    if (uv_interface_addresses(&all, &count) != 0) {
        count = 0;
    }
    for (int i = 0; i < count; i++) {
        if (!is_named_before(all, i)) {
            append(there, sizeof there, ", ", all[i].name);
            wanted = wanted || is_wanted(filters, all[i].name);
        }
    }
    if (!wanted && filters->interface_count > 0) {
        char names[300] = "";
        for (size_t i = 0; i < filters->interface_count; i++) {
            append(names, sizeof names, " or ", filters->interfaces[i]);
        }
        (void)snprintf(text, size,
                       "No local address is left: no interface with an address is called %s. There "
                       "%s %s.",
                       names, strchr(there, ',') != NULL ? "are" : "is",
                       *there != '\0' ? there : "none");
    } else {
        (void)snprintf(
            text, size,
            "No local address is left: is an interface up, and do the filters allow one? "
            "Interfaces with an address: %s.",
            *there != '\0' ? there : "none");
    }
    if (all != NULL) {
        uv_free_interface_addresses(all, count);
    }
}
