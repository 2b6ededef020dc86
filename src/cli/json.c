/* JSON lines by jansson. */
#include "cli/json.h"

#include <stdlib.h>

json_t *json_text_or_null(const char *text)
{
    return text != NULL && *text != '\0' ? json_string(text) : json_null();
}

void json_add_candidate(json_t *line, const floe_candidate *candidate)
{
    char text[4096] = "";
    bool related = candidate->related_address != NULL;

    (void)floe_candidate_format(candidate, text, sizeof text);
    (void)json_object_set_new(line, "candidate", json_string(text));
    (void)json_object_set_new(line, "foundation", json_string(candidate->foundation));
    (void)json_object_set_new(line, "component", json_integer(candidate->component));
    (void)json_object_set_new(line, "protocol",
                              json_string(floe_protocol_name(candidate->protocol)));
    (void)json_object_set_new(line, "priority", json_integer(candidate->priority));
    (void)json_object_set_new(line, "address", json_string(candidate->address));
    (void)json_object_set_new(line, "port", json_integer(candidate->port));
    (void)json_object_set_new(line, "type", json_string(floe_candidate_type_name(candidate->type)));
    (void)json_object_set_new(line, "related_address",
                              json_text_or_null(candidate->related_address));
    (void)json_object_set_new(line, "related_port",
                              related ? json_integer(candidate->related_port) : json_null());
    (void)json_object_set_new(line, "tcp_type",
                              json_text_or_null(floe_tcp_type_name(candidate->tcp_type)));
    (void)json_object_set_new(line, "url", json_text_or_null(candidate->url));
    (void)json_object_set_new(line, "relay_protocol",
                              json_text_or_null(floe_protocol_name(candidate->relay_protocol)));
    (void)json_object_set_new(line, "interface", json_text_or_null(candidate->interface_name));
}

void json_write_line(FILE *file, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));

    if (text != NULL) {
        (void)fprintf(file, "%s\n", text);
        (void)fflush(file);
    }
    free(text);
    json_decref(line);
}
