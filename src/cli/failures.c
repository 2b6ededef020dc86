#include "cli/failures.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static char *copy(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static bool same(const char *a, const char *b)
{
    return (a == NULL || b == NULL) ? a == b : strcmp(a, b) == 0;
}

static bool is_of_address(char byte)
{
    return isalnum((unsigned char)byte) || byte == ':' || byte == '.';
}

/* How long the number is that begins there, if it counts or measures; 0: it is none, or is of an address or a port. */
static size_t measure_size(const char *text, const char *at)
{
    static const char port[] = "port ";
    size_t before = (size_t)(at - text);
    size_t size = strspn(at, "0123456789");
    const char *end = at + size;
    bool goes_on =
        isalnum((unsigned char)*end) || ((*end == '.' || *end == ':') && is_of_address(end[1]));
    bool placed = before >= strlen(port) && strncmp(at - strlen(port), port, strlen(port)) == 0;

    return goes_on || placed || (before > 0 && is_of_address(at[-1])) ? 0 : size;
}

bool same_cause(const char *a, const char *b)
{
    const char *one = a;
    const char *other = b;

    while (*one != '\0' && *other != '\0') {
        size_t size = measure_size(a, one);
        size_t other_size = measure_size(b, other);
        if (size > 0 && other_size > 0) {
            one += size;
            other += other_size;
        } else if (*one++ != *other++) {
            return false;
        }
    }
    return *one == *other;
}

static failure *find(const failure_list *list, const floe_candidate_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        failure *known = &list->items[i];
        bool placed = error->address != NULL;
        if (same(known->url, error->url) && known->reason == error->reason &&
            (known->address_count > 0) == placed && known->text != NULL &&
            same_cause(known->text, error->text)) {
            return known;
        }
    }
    return NULL;
}

static void count_address(failure *of, const char *address, bool shared)
{
    size_t i = 0;

    if (address == NULL) {
        of->times += !shared || of->times == 0;
        return;
    }
    while (i < of->address_count && !same(of->addresses[i], address)) {
        i++;
    }
    if (i == FAILURE_ADDRESSES_MAX) {
        return;
    }
    if (i == of->address_count) {
        of->addresses[i] = copy(address);
        of->address_count++;
    }
    of->seen[i] += !shared || of->seen[i] == 0;
    of->times = of->seen[i] > of->times ? of->seen[i] : of->times;
}

bool failures_add(failure_list *list, const floe_candidate_error *error)
{
    failure *known = find(list, error);
    bool first = known == NULL;

    if (first) {
        failure *grown = realloc(list->items, (list->count + 1) * sizeof *list->items);
        if (grown == NULL) {
            return false;
        }
        list->items = grown;
        known = &grown[list->count++];
        *known = (failure){.url = copy(error->url), .reason = error->reason};
    }
    free(known->text);
    known->text = copy(error->text);
    known->url_failed = known->url_failed || error->url_failed;
    count_address(known, error->address, list->shared);
    return first;
}

void failures_free(failure_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        failure *one = &list->items[i];
        for (size_t n = 0; n < one->address_count; n++) {
            free(one->addresses[n]);
        }
        free(one->url);
        free(one->text);
    }
    free(list->items);
    *list = (failure_list){0};
}

const failure *failures_of_url(const failure_list *list, const char *url)
{
    const failure *found = NULL;

    for (size_t i = 0; i < list->count; i++) {
        const failure *one = &list->items[i];
        if (same(one->url, url) && (found == NULL || (one->url_failed && !found->url_failed))) {
            found = one;
        }
    }
    return found;
}

bool failure_names(const failure *of, const char *address)
{
    size_t size = strlen(address);
    const char *text = of->text != NULL ? of->text : "";

    for (const char *at = strstr(text, address); size > 0 && at != NULL;
         at = strstr(at + 1, address)) {
        const char *end = at + size;
        bool ends = !is_of_address(*end) || (*end == '.' && !is_of_address(end[1])) ||
                    (*end == ':' && (strchr(address, ':') == NULL || !is_of_address(end[1])));
        if (ends && (at == text || !is_of_address(at[-1]))) {
            return true;
        }
    }
    return false;
}

const failure *failures_naming(const failure_list *list, const char *url, const char *address)
{
    for (size_t i = 0; i < list->count; i++) {
        const failure *one = &list->items[i];
        if (same(one->url, url) && failure_names(one, address)) {
            return one;
        }
    }
    return NULL;
}

void failures_note_unreachable(failure_list *list, const floe_address *server)
{
    for (size_t i = 0; i < list->unreachable_count; i++) {
        if (floe_address_equal(&list->unreachable[i], server)) {
            return;
        }
    }
    if (list->unreachable_count < UNREACHABLE_MAX) {
        list->unreachable[list->unreachable_count++] = *server;
    }
}

bool failures_unreachable(const failure_list *list, const char *address, uint16_t port)
{
    floe_address place;

    if (floe_address_parse(address, &place) != FLOE_OK) {
        return false;
    }
    place.port = port;
    for (size_t i = 0; i < list->unreachable_count; i++) {
        if (floe_address_equal(&list->unreachable[i], &place)) {
            return true;
        }
    }
    return false;
}
