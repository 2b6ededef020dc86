/* A mark is a word of a call or an event (WebRTC, and its logs): what stands behind it, in the same object of JSON or in the
 * lines of the same description, is of its side. */
#include "cli/extract_side.h"

#include <ctype.h>
#include <string.h>

static const struct {
    const char *word;
    extract_side side;
} marks[] = {{"addIceCandidate", EXTRACT_SIDE_REMOTE},   {"emoteDescription", EXTRACT_SIDE_REMOTE},
             {"Remote SDP", EXTRACT_SIDE_REMOTE},        {"CAND-PAIR", EXTRACT_SIDE_REMOTE},
             {"icecandidate", EXTRACT_SIDE_LOCAL},       {"ocalDescription", EXTRACT_SIDE_LOCAL},
             {"createOffer", EXTRACT_SIDE_LOCAL},        {"createAnswer", EXTRACT_SIDE_LOCAL},
             {"Local SDP", EXTRACT_SIDE_LOCAL},          {"pairing local", EXTRACT_SIDE_LOCAL},
             {"trickling candidate", EXTRACT_SIDE_LOCAL}};

static void read_mark(side_reader *reader, const char *at)
{
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (*at == *marks[i].word && strncmp(at, marks[i].word, strlen(marks[i].word)) == 0) {
            reader->side = marks[i].side;
            reader->marked = reader->depth;
        }
    }
}

static void read_brace(side_reader *reader, const char *at)
{
    if (reader->escaped || (reader->quoted && *at == '\\')) {
        reader->escaped = !reader->escaped;
    } else if (*at == '"') {
        reader->quoted = !reader->quoted;
    } else if (!reader->quoted && (*at == '{' || *at == '[')) {
        reader->depth++;
    } else if (!reader->quoted && (*at == '}' || *at == ']') && reader->depth > 0) {
        reader->depth--;
        if (reader->depth < reader->marked) {
            reader->side = EXTRACT_SIDE_UNKNOWN;
        }
    }
}

/* A line of a description, or one that begins it as chrome://webrtc-internals shows it. */
static bool is_of_description(const char *line)
{
    line += strspn(line, " \t\r");
    return *line == '\0' || (islower((unsigned char)*line) && line[1] == '=') ||
           strncmp(line, "sdp", 3) == 0 || strncmp(line, "type:", 5) == 0;
}

void side_begin_line(side_reader *reader, const char *line, bool in_json)
{
    if (!in_json) {
        reader->depth = 0;
    }
    if (!in_json && (reader->marked > 0 || !is_of_description(line))) {
        reader->side = EXTRACT_SIDE_UNKNOWN;
    }
    reader->quoted = reader->escaped = false;
    reader->read = line;
}

extract_side side_before(side_reader *reader, const char *at)
{
    const char *from = reader->read;

    for (; from < at && *from != '\0'; from++) {
        read_mark(reader, from);
        read_brace(reader, from);
    }
    reader->read = from;
    return reader->side;
}

void side_end_line(side_reader *reader)
{
    (void)side_before(reader, reader->read + strlen(reader->read));
}
