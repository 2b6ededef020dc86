/* Rewrite rules as text, one a line: what is taken either is refused when it is used, with the name
 * of its field, or answers look-ups with addresses that may be shown. */
#include "core/config/rewrite.h"
#include "core/config/shared.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RULES_MAX 8

static floe_error fill_zero(void *user_data, void *bytes, size_t size)
{
    (void)user_data;
    memset(bytes, 0, size);
    return FLOE_OK;
}

static void look_up(floe_core_shared *shared)
{
    static const char *const interfaces[] = {"", "eth0", "eth1"};
    const floe_address locals[] = {
        {.family = FLOE_FAMILY_IPV4, .ip = {10, 0, 0, 2}, .port = 5},
        {.family = FLOE_FAMILY_IPV6, .ip = {0x2a, 0, [15] = 2}, .port = 5},
    };

    for (size_t i = 0; i < 3 * 3 * 2 * 2; i++) {
        static const floe_candidate_type types[] = {
            FLOE_CANDIDATE_TYPE_HOST, FLOE_CANDIDATE_TYPE_SRFLX, FLOE_CANDIDATE_TYPE_RELAY};
        const floe_address *local = &locals[i % 2];
        const floe_rewrite *rule =
            floe_rewrite_for(shared, types[i / 2 % 3], i >= 18, local, interfaces[i / 6 % 3]);
        floe_address external;
        size_t at = 0;
        while (floe_rewrite_next(shared, rule, local, &at, &external)) {
            if (external.family == FLOE_FAMILY_NONE || at > FLOE_REWRITE_EXTERNALS_MAX ||
                floe_address_classify(&external) == FLOE_ADDRESS_LOOPBACK) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const floe_random random = {.fill = fill_zero};
    floe_address_rewrite_rule *parsed[RULES_MAX];
    floe_address_rewrite_rule rules[RULES_MAX];
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_core_shared *shared;
    size_t count = 0;
    char *text = malloc(size + 1);

    if (text == NULL) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    for (char *line = text; line != NULL && count < RULES_MAX;) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end++ = '\0';
        }
        if (floe_address_rewrite_rule_parse(line, &parsed[count]) == FLOE_OK) {
            rules[count] = *parsed[count];
            count++;
        } else if (strncmp(floe_last_error(), "rewrite rule: ", 14) != 0) {
            abort();
        }
        line = end;
    }
    settings.address_rewrite_rules = count > 0 ? rules : NULL;
    settings.address_rewrite_rule_count = count;
    if (floe_core_shared_new(&settings, &random, &shared) == FLOE_OK) {
        look_up(shared);
        floe_core_shared_free(shared);
    } else if (strncmp(floe_last_error(), "address_rewrite_rules[", 22) != 0) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        floe_address_rewrite_rule_free(parsed[i]);
    }
    free(text);
    return 0;
}
