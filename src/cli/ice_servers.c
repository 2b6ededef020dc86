#include "cli/ice_servers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (1U << 20)
#define DEPTH_MAX 8

static const char option[] = "--ice-servers";

/* The n-th of the servers in the file, from 1, as its errors have it. */
static bool wrong_server(const gather_command *command, const char *why)
{
    char text[128];

    (void)snprintf(text, sizeof text, "server %zu: %s", command->listed_count + 1, why);
    return option_is_wrong(option, command->ice_servers, text);
}

/* The first of the keys that there is. */
static json_t *value_of(const json_t *object, const char *const *keys)
{
    json_t *found = NULL;

    for (size_t i = 0; found == NULL && keys[i] != NULL; i++) {
        found = json_object_get(object, keys[i]);
    }
    return json_is_null(found) ? NULL : found;
}

/* W3C has urls; url is what it was before, uris that of draft-uberti-behave-turn-rest-00. */
static json_t *urls_of(const json_t *server)
{
    static const char *const keys[] = {"urls", "url", "uris", NULL};

    return value_of(server, keys);
}

static bool add_urls(gather_command *command, const json_t *urls)
{
    bool good = true;

    if (json_is_string(urls)) {
        return add_url(command, option, json_string_value(urls));
    }
    if (!json_is_array(urls) || json_array_size(urls) == 0) {
        return wrong_server(command, "urls is neither a URL nor a list of URLs");
    }
    for (size_t i = 0; good && i < json_array_size(urls); i++) {
        const char *url = json_string_value(json_array_get(urls, i));
        good = url != NULL ? add_url(command, option, url)
                           : wrong_server(command, "one of its urls is no text");
    }
    return good;
}

/* W3C: a text, or with OAuth an RTCOAuthCredential. */
static bool set_credentials(gather_command *command, const json_t *server, floe_ice_server *made)
{
    static const char *const names[] = {"username", NULL};
    static const char *const credentials[] = {"credential", "password", NULL};
    const json_t *username = value_of(server, names);
    const json_t *credential = value_of(server, credentials);

    if (username != NULL && !json_is_string(username)) {
        return wrong_server(command, "username is no text");
    }
    made->username = json_string_value(username);
    if (json_is_object(credential)) {
        made->credential_type = FLOE_CREDENTIAL_TYPE_OAUTH;
        made->mac_key = json_string_value(json_object_get(credential, "macKey"));
        made->access_token = json_string_value(json_object_get(credential, "accessToken"));
        return made->mac_key != NULL && made->access_token != NULL
                   ? true
                   : wrong_server(command, "credential has no macKey and accessToken");
    }
    if (credential != NULL && !json_is_string(credential)) {
        return wrong_server(command, "credential is no text");
    }
    made->credential = json_string_value(credential);
    return true;
}

static bool add_listed(gather_command *command, const json_t *server)
{
    floe_ice_server made = FLOE_ICE_SERVER_INIT;
    size_t first = command->url_count;

    if (!json_is_object(server)) {
        return wrong_server(command, "not an object with urls");
    }
    if (urls_of(server) == NULL) {
        return wrong_server(command, "it has no urls");
    }
    if (!add_urls(command, urls_of(server)) || !set_credentials(command, server, &made)) {
        return false;
    }
    made.urls = &command->urls[first];
    made.url_count = command->url_count - first;
    command->listed[command->listed_count++] = made;
    return true;
}

/* A list of servers, one server, an RTCConfiguration, or an answer that has one of them inside. */
static const json_t *find_servers(const json_t *in, unsigned depth)
{
    static const char *const keys[] = {"iceServers", "ice_servers", NULL};
    const json_t *found = NULL;
    const char *key;
    json_t *value;

    if (json_is_array(in)) {
        return in;
    }
    if (!json_is_object(in) || depth == 0) {
        return NULL;
    }
    found = value_of(in, keys);
    if (found != NULL) {
        return found;
    }
    if (urls_of(in) != NULL) {
        return in;
    }
    json_object_foreach((json_t *)in, key, value)
    {
        found = json_is_object(value) ? find_servers(value, depth - 1) : NULL;
        if (found != NULL) {
            break;
        }
    }
    return found;
}

static bool add_all(gather_command *command, const json_t *servers)
{
    bool good = true;

    if (servers == NULL || (json_is_array(servers) && json_array_size(servers) == 0)) {
        return option_is_wrong(option, command->ice_servers, "there are no ICE servers in it");
    }
    if (!json_is_array(servers)) {
        return add_listed(command, servers);
    }
    for (size_t i = 0; good && i < json_array_size(servers); i++) {
        good = add_listed(command, json_array_get(servers, i));
    }
    return good;
}

/* Whole; NULL after a line that tells why. */
static char *read_file(const char *name, size_t *size)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *file = standard ? stdin : fopen(name, "r");
    char *text = malloc(FILE_MAX_BYTES + 1);
    const char *why = file == NULL ? strerror(errno) : "out of memory";

    if (file != NULL && text != NULL) {
        errno = 0;
        *size = fread(text, 1, FILE_MAX_BYTES + 1, file);
        why = ferror(file) ? strerror(errno) : *size > FILE_MAX_BYTES ? "larger than 1 MB" : NULL;
    }
    if (file != NULL && !standard) {
        (void)fclose(file);
    }
    if (why != NULL) {
        free(text);
        (void)option_is_wrong(option, name, why);
        return NULL;
    }
    return text;
}

bool read_ice_servers(gather_command *command)
{
    json_error_t error;
    size_t size = 0;
    char *text = read_file(command->ice_servers, &size);

    if (text == NULL) {
        return false;
    }
    command->ice_servers_content = json_loadb(text, size, JSON_DECODE_ANY, &error);
    memset(text, 0, size);
    free(text);
    if (command->ice_servers_content == NULL) {
        char why[256];
        (void)snprintf(why, sizeof why, "line %d, column %d: this is no JSON", error.line,
                       error.column);
        return option_is_wrong(option, command->ice_servers, why);
    }
    return add_all(command, find_servers(command->ice_servers_content, DEPTH_MAX));
}
