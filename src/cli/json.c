/* JSON lines by jansson. */
#include "cli/json.h"

#include <stdlib.h>
#include <string.h>

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

bool candidate_format_of(const char *word, candidate_format *format)
{
    static const char *const words[] = {"w3c", "ortc", "sdp"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(word, words[i]) == 0) {
            *format = (candidate_format)(CANDIDATE_W3C + i);
            return true;
        }
    }
    return false;
}

/* W3C WebRTC §4.8.1. */
static json_t *w3c_candidate(const floe_candidate *candidate, const char *text)
{
    json_t *line = json_object();

    (void)json_object_set_new(line, "candidate", json_string(text));
    (void)json_object_set_new(line, "sdpMid", json_text_or_null(candidate->sdp_mid));
    (void)json_object_set_new(line, "sdpMLineIndex", json_integer(candidate->sdp_mline_index));
    (void)json_object_set_new(line, "usernameFragment",
                              json_text_or_null(candidate->username_fragment));
    return line;
}

/* ORTC §4.2: RTCIceCandidate; what has no value is left out, as its dictionary has it. */
static json_t *ortc_candidate(const floe_candidate *candidate)
{
    json_t *line = json_object();

    (void)json_object_set_new(line, "foundation", json_string(candidate->foundation));
    (void)json_object_set_new(line, "priority", json_integer(candidate->priority));
    (void)json_object_set_new(line, "ip", json_string(candidate->address));
    (void)json_object_set_new(line, "protocol",
                              json_string(floe_protocol_name(candidate->protocol)));
    (void)json_object_set_new(line, "port", json_integer(candidate->port));
    (void)json_object_set_new(line, "type", json_string(floe_candidate_type_name(candidate->type)));
    if (candidate->tcp_type != FLOE_TCP_TYPE_NONE) {
        (void)json_object_set_new(line, "tcpType",
                                  json_string(floe_tcp_type_name(candidate->tcp_type)));
    }
    if (candidate->related_address != NULL) {
        (void)json_object_set_new(line, "relatedAddress", json_string(candidate->related_address));
        (void)json_object_set_new(line, "relatedPort", json_integer(candidate->related_port));
    }
    return line;
}

void write_candidate(FILE *file, const floe_candidate *candidate, candidate_format format)
{
    char text[4096] = "";

    (void)floe_candidate_format(candidate, text, sizeof text);
    if (format == CANDIDATE_SDP) {
        (void)fprintf(file, "a=%s\n", text);
        (void)fflush(file);
    } else {
        json_write_line(file, format == CANDIDATE_W3C ? w3c_candidate(candidate, text)
                                                      : ortc_candidate(candidate));
    }
}
