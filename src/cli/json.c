/* JSON lines by jansson. */
#include "cli/json.h"
#include "cli/output.h"

#include <floe/floe.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes of UTF-8 the text begins with (RFC 3629 §4), one character; 0: they are none. */
static size_t character_size(const unsigned char *text)
{
    size_t size = text[0] < 0x80   ? 1
                  : text[0] < 0xC2 ? 0
                  : text[0] < 0xE0 ? 2
                  : text[0] < 0xF0 ? 3
                  : text[0] < 0xF5 ? 4
                                   : 0;
    bool good = !(text[0] == 0xE0 && text[1] < 0xA0) && !(text[0] == 0xED && text[1] > 0x9F) &&
                !(text[0] == 0xF0 && text[1] < 0x90) && !(text[0] == 0xF4 && text[1] > 0x8F);

    for (size_t i = 1; i < size && good; i++) {
        good = (text[i] & 0xC0) == 0x80;
    }
    return good ? size : 0;
}

json_t *json_text(const char *text)
{
    static const char replacement[] = "\xEF\xBF\xBD";
    json_t *made = json_string(text);
    char *clean = made == NULL ? malloc(3 * strlen(text) + 1) : NULL;
    size_t used = 0;

    if (clean == NULL) {
        return made;
    }
    while (*text != '\0') {
        size_t size = character_size((const unsigned char *)text);
        memcpy(&clean[used], size > 0 ? text : replacement, size > 0 ? size : 3);
        used += size > 0 ? size : 3;
        text += size > 0 ? size : 1;
    }
    clean[used] = '\0';
    made = json_string(clean);
    free(clean);
    return made;
}

json_t *json_text_or_null(const char *text)
{
    return text != NULL && *text != '\0' ? json_text(text) : json_null();
}

void json_add_candidate(json_t *line, const floe_candidate *candidate)
{
    char text[4096] = "";
    bool related = candidate->related_address != NULL;

    (void)floe_candidate_format(candidate, text, sizeof text);
    (void)json_object_set_new(line, "candidate", json_text(text));
    (void)json_object_set_new(line, "foundation", json_text(candidate->foundation));
    (void)json_object_set_new(line, "component", json_integer(candidate->component));
    (void)json_object_set_new(line, "protocol", json_text(floe_protocol_name(candidate->protocol)));
    (void)json_object_set_new(line, "priority", json_integer(candidate->priority));
    (void)json_object_set_new(line, "address", json_text(candidate->address));
    (void)json_object_set_new(line, "port", json_integer(candidate->port));
    (void)json_object_set_new(line, "type", json_text(floe_candidate_type_name(candidate->type)));
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
    (void)json_object_set_new(line, "family",
                              candidate->family != FLOE_FAMILY_NONE
                                  ? json_integer((json_int_t)candidate->family)
                                  : json_null());
    if (candidate->id != 0) { /* of a gatherer, and not parsed */
        (void)json_object_set_new(line, "id", json_integer(candidate->id));
        (void)json_object_set_new(line, "base_id", json_integer(candidate->base_id));
    }
}

void json_write_line(output *to, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9));

    if (text != NULL) {
        output_print(to, "%s\n", text);
    }
    free(text);
    json_decref(line);
}

json_t *json_start(const char *command)
{
    json_t *line = json_object();

    (void)json_object_set_new(line, "event", json_text("start"));
    (void)json_object_set_new(line, "format", json_integer(1));
    (void)json_object_set_new(line, "command", json_text(command));
    (void)json_object_set_new(line, "version", json_text(floe_version()));
    return line;
}

void json_write_start(const char *command)
{
    json_write_line(standard_output, json_start(command));
}

/* W3C WebRTC §4.8.1. */
static json_t *w3c_candidate(const floe_candidate *candidate, const char *text)
{
    json_t *line = json_object();

    (void)json_object_set_new(line, "candidate", json_text(text));
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

    (void)json_object_set_new(line, "foundation", json_text(candidate->foundation));
    (void)json_object_set_new(line, "priority", json_integer(candidate->priority));
    (void)json_object_set_new(line, "ip", json_text(candidate->address));
    (void)json_object_set_new(line, "protocol", json_text(floe_protocol_name(candidate->protocol)));
    (void)json_object_set_new(line, "port", json_integer(candidate->port));
    (void)json_object_set_new(line, "type", json_text(floe_candidate_type_name(candidate->type)));
    if (candidate->tcp_type != FLOE_TCP_TYPE_NONE) {
        (void)json_object_set_new(line, "tcpType",
                                  json_text(floe_tcp_type_name(candidate->tcp_type)));
    }
    if (candidate->related_address != NULL) {
        (void)json_object_set_new(line, "relatedAddress", json_text(candidate->related_address));
        (void)json_object_set_new(line, "relatedPort", json_integer(candidate->related_port));
    }
    return line;
}

void write_candidate(output *to, const floe_candidate *candidate, candidate_format format)
{
    char text[4096] = "";

    (void)floe_candidate_format(candidate, text, sizeof text);
    if (format == CANDIDATE_SDP) {
        output_print(to, "a=%s\n", text);
    } else {
        json_write_line(to, format == CANDIDATE_W3C ? w3c_candidate(candidate, text)
                                                    : ortc_candidate(candidate));
    }
}
