/* Answers the checks of a peer, an ICE agent of whatever kind, and says by which protocol they came.
 *
 *     lab-answerer NETWORK-TYPE…        udp4, udp6, tcp4, tcp6
 *
 * Prints "ufrag TEXT", "password TEXT", a line for each candidate and "end"; then "check udp" or "check tcp" for each check
 * that is right, with "nominated" behind it, and "packet" for what is no STUN. It ends by SIGTERM. */
#include <floe/floe.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool is_tcp[64]; /* by the ids of candidates */

static void on_candidate(void *data, const floe_candidate *candidate)
{
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    (void)data;
    if (candidate == NULL) {
        (void)puts("end");
    } else if (floe_candidate_format(candidate, text, sizeof text) == FLOE_OK) {
        (void)puts(text);
        is_tcp[candidate->id % 64] = candidate->protocol == FLOE_PROTOCOL_TCP;
    }
}

static void on_packet(void *data, const floe_packet *packet)
{
    floe_gatherer *gatherer = data;

    if (packet->check != NULL && packet->check->authenticated) {
        (void)printf("check %s%s\n", is_tcp[packet->candidate_id % 64] ? "tcp" : "udp",
                     packet->check->use_candidate ? " nominated" : "");
        (void)floe_gatherer_answer_check(gatherer, packet, 0);
    } else if (packet->kind != FLOE_PACKET_STUN) {
        (void)puts("packet");
    }
}

static uint32_t types_of(int count, char **words)
{
    static const struct {
        const char *name;
        uint32_t type;
    } known[] = {{"udp4", FLOE_NETWORK_TYPE_UDP4},
                 {"udp6", FLOE_NETWORK_TYPE_UDP6},
                 {"tcp4", FLOE_NETWORK_TYPE_TCP4},
                 {"tcp6", FLOE_NETWORK_TYPE_TCP6}};
    uint32_t types = 0;

    for (int i = 1; i < count; i++) {
        for (size_t n = 0; n < sizeof known / sizeof *known; n++) {
            types |= strcmp(words[i], known[n].name) == 0 ? known[n].type : 0;
        }
    }
    return types;
}

int main(int count, char **words)
{
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_parameters parameters = FLOE_PARAMETERS_INIT;
    floe_api *api = NULL;
    floe_gatherer *gatherer = NULL;
    sigset_t ends;
    int came;

    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &ends, NULL); /* in the api's thread, too */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    settings.network_types = types_of(count, words);
    if (floe_api_new(&settings, &api) != FLOE_OK ||
        floe_gatherer_new(api, &options, &gatherer) != FLOE_OK ||
        floe_gatherer_on_local_candidate(gatherer, on_candidate, NULL) != FLOE_OK ||
        floe_gatherer_on_packet(gatherer, on_packet, gatherer) != FLOE_OK ||
        floe_gatherer_get_local_parameters(gatherer, &parameters) != FLOE_OK) {
        (void)fprintf(stderr, "lab-answerer: %s\n", floe_last_error());
        return 1;
    }
    (void)printf("ufrag %s\npassword %s\n", parameters.username_fragment, parameters.password);
    if (floe_gatherer_gather(gatherer) != FLOE_OK) {
        return 1;
    }
    (void)sigwait(&ends, &came);
    floe_gatherer_free(gatherer);
    floe_api_free(api);
    return 0;
}
