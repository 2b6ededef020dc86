/* Address rewrite rules: a machine behind a known NAT shows the NAT's address in its candidates.
 *
 *     rewrite RULE…        external=203.0.113.5,local=10.0.0.5 (see docs/behind-nat.md) */
#include <floe/floe.h>
#include <pthread.h>
#include <stdio.h>

#define RULES_MAX 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int complete;

static void on_candidate(void *user_data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)user_data;
    (void)pthread_mutex_lock(&lock);
    if (candidate != NULL) {
        (void)floe_candidate_format(candidate, text, sizeof text);
        (void)puts(text);
    } else {
        complete = 1;
        (void)pthread_cond_signal(&changed);
    }
    (void)pthread_mutex_unlock(&lock);
}

int main(int count, char **words)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_address_rewrite_rule *parsed[RULES_MAX];
    floe_address_rewrite_rule rules[RULES_MAX];
    size_t rule_count = 0;
    floe_api *api;
    floe_gatherer *gatherer;

    /* You can also fill in a rule field by field: external, external_count, local, iface, cidr … */
    for (int i = 1; i < count && rule_count < RULES_MAX; i++) {
        if (floe_address_rewrite_rule_parse(words[i], &parsed[rule_count]) != FLOE_OK) {
            (void)fprintf(stderr, "rewrite: %s\n", floe_last_error());
            return 2;
        }
        rules[rule_count] = *parsed[rule_count];
        rule_count++;
    }
    settings.address_rewrite_rules = rule_count > 0 ? rules : NULL;
    settings.address_rewrite_rule_count = rule_count;
    floe_error error = floe_api_new(&settings, &api); /* copies and checks the rules */
    for (size_t i = 0; i < rule_count; i++) {
        floe_address_rewrite_rule_free(parsed[i]);
    }
    if (error != FLOE_OK || floe_gatherer_new(api, NULL, &gatherer) != FLOE_OK) {
        (void)fprintf(stderr, "rewrite: %s\n", floe_last_error());
        return 2;
    }
    (void)floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL);
    (void)floe_gatherer_gather(gatherer);
    (void)pthread_mutex_lock(&lock);
    while (!complete) {
        (void)pthread_cond_wait(&changed, &lock);
    }
    (void)pthread_mutex_unlock(&lock);
    floe_api_free(api);
    return 0;
}
