/* Text in which candidates may stand: what is found is a candidate on a line that there is, without a
 * password; and of two candidates it is the same which is whose. */
#include "cli/extract.h"
#include "cli/pair_judge.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct finds {
    unsigned lines; /* that were given */
    pair_side sides[2];
} finds;

static void check_secrets(const floe_candidate *candidate)
{
    for (size_t i = 0; i < candidate->extension_count; i++) {
        const floe_candidate_extension *extension = &candidate->extensions[i];
        bool secret =
            strcmp(extension->name, "password") == 0 || strcmp(extension->name, "pwd") == 0;
        if (secret && *extension->value != '\0' && strcmp(extension->value, "hidden") != 0) {
            abort();
        }
    }
}

static void on_found(void *data, const extract_finding *finding)
{
    finds *of = data;
    char text[8192];

    if (finding->line == 0 || finding->line > of->lines ||
        (finding->candidate == NULL) != (*finding->why != '\0')) {
        abort();
    }
    if (finding->candidate == NULL) {
        return;
    }
    check_secrets(finding->candidate);
    if (floe_candidate_format(finding->candidate, text, sizeof text) != FLOE_OK) {
        abort();
    }
    pair_side *side = &of->sides[finding->line % 2];
    if (side->count < 8 && floe_candidate_parse(text, &side->candidates[side->count]) == FLOE_OK) {
        side->count++;
    }
}

static void judge_all(const finds *of)
{
    pair_judgement one;
    pair_judgement other;

    for (size_t i = 0; i < of->sides[0].count; i++) {
        for (size_t j = 0; j < of->sides[1].count; j++) {
            const floe_candidate *a = of->sides[0].candidates[i];
            const floe_candidate *b = of->sides[1].candidates[j];
            pair_judge(&of->sides[0], a, &of->sides[1], b, &one);
            pair_judge(&of->sides[1], b, &of->sides[0], a, &other);
            if (one.result != other.result || one.reason != other.reason || *one.text == '\0' ||
                *pair_reason_name(one.reason) == '\0') {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static finds of;
    extractor *from = extract_new(on_found, &of);
    size_t at = 0;

    memset(&of, 0, sizeof of);
    of.sides[0].name = "A";
    of.sides[1].name = "B";
    while (from != NULL && at < size) {
        const uint8_t *end = memchr(&data[at], '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - &data[at]) + 1 : size - at;
        char *line = malloc(length + 1);
        if (line == NULL) {
            break;
        }
        memcpy(line, &data[at], length);
        of.lines++;
        extract_line(from, line, length);
        free(line);
        at += length;
    }
    extract_free(from);
    pair_learn(&of.sides[0]);
    pair_learn(&of.sides[1]);
    judge_all(&of);
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < of.sides[i].count; j++) {
            floe_candidate_free(of.sides[i].candidates[j]);
        }
    }
    return 0;
}
