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

/* The same words, with whatever numbers: how long was waited, how often was asked. */
static bool same_words(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0123456789");
            b += strspn(b, "0123456789");
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static failure *find(const failure_list *list, const floe_candidate_error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        failure *known = &list->items[i];
        bool placed = error->address != NULL;
        if (same(known->url, error->url) && known->reason == error->reason &&
            (known->address_count > 0) == placed && known->text != NULL &&
            same_words(known->text, error->text)) {
            return known;
        }
    }
    return NULL;
}

static void count_address(failure *of, const char *address)
{
    size_t i = 0;

    if (address == NULL) {
        of->times++;
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
    of->seen[i]++;
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
    count_address(known, error->address);
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

static bool is_of_address(char byte)
{
    return isalnum((unsigned char)byte) || byte == ':' || byte == '.';
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
