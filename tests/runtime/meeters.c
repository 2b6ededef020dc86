#include "meeters.h"

#include "support.h"

#include <string.h>
#include <unistd.h>

static void on_candidate(void *data, const floe_candidate *candidate)
{
    meeter *m = data;

    (void)floe_transport_add_remote_candidate(m->other->transport, candidate);
}

static void on_error(void *data, const floe_candidate_error *error)
{
    meeter *m = data;

    assert_true(*error->text != '\0');
    atomic_fetch_add(&m->errors, 1);
}

static void on_state(void *data, floe_ice_state state)
{
    meeter *m = data;

    atomic_store(&m->connected,
                 state == FLOE_ICE_STATE_CONNECTED || state == FLOE_ICE_STATE_COMPLETED);
    atomic_store(&m->failed, state == FLOE_ICE_STATE_FAILED);
}

static void on_selected(void *data, const floe_ice_pair *pair)
{
    meeter *m = data;

    atomic_fetch_add(&m->selections, pair != NULL);
}

static void on_pair(void *data, const floe_ice_pair *pair)
{
    (void)data;
    assert_non_null(pair);
}

static void on_packet(void *data, const floe_packet *packet)
{
    meeter *m = data;

    assert_true(packet->size > 0);
    atomic_fetch_add(&m->packets, 1);
}

static bool make(meeters *all, meeter *m, floe_api *api)
{
    floe_ice_options options = FLOE_ICE_OPTIONS_INIT;

    options.loopback = true;
    options.report_pairs = true;
    if (!all->judge(floe_gatherer_new(api, NULL, &m->gatherer), "gatherer_new") ||
        !all->judge(floe_transport_new(m->gatherer, &options, &m->transport), "transport_new")) {
        return false;
    }
    return all->judge(floe_gatherer_on_local_candidate(m->gatherer, on_candidate, m),
                      "on_local_candidate") &&
           all->judge(floe_gatherer_on_error(m->gatherer, on_error, m), "on_error") &&
           all->judge(floe_transport_on_state_change(m->transport, on_state, m), "on_state") &&
           all->judge(floe_transport_on_selected_pair_change(m->transport, on_selected, m),
                      "on_selected") &&
           all->judge(floe_transport_on_pair_change(m->transport, on_pair, m), "on_pair") &&
           all->judge(floe_transport_on_packet(m->transport, on_packet, m), "on_packet");
}

static bool start(meeters *all, meeter *m)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    floe_ice_role role = m == &all->side[0] ? FLOE_ICE_ROLE_CONTROLLING : FLOE_ICE_ROLE_CONTROLLED;

    return all->judge(floe_gatherer_get_local_parameters(m->other->gatherer, &remote),
                      "parameters") &&
           all->judge(floe_transport_start(m->transport, &remote, role), "start");
}

bool meeters_begin(meeters *all, floe_api *api, meeters_judge judge)
{
    memset(all, 0, sizeof *all);
    all->judge = judge;
    all->side[0].other = &all->side[1];
    all->side[1].other = &all->side[0];
    return make(all, &all->side[0], api) && make(all, &all->side[1], api) &&
           start(all, &all->side[0]) && start(all, &all->side[1]) &&
           judge(floe_gatherer_gather(all->side[0].gatherer), "gather") &&
           judge(floe_gatherer_gather(all->side[1].gatherer), "gather");
}

static bool is_there(const meeter *m)
{
    return atomic_load(&m->connected) && atomic_load(&m->selections) > 0;
}

bool meeters_met(meeters *all, unsigned patience_ms)
{
    for (unsigned ms = 0; ms < patience_ms; ms++) {
        if (is_there(&all->side[0]) && is_there(&all->side[1])) {
            return true;
        }
        if (atomic_load(&all->side[0].failed) && atomic_load(&all->side[1].failed)) {
            return false;
        }
        (void)usleep(1000);
    }
    return false;
}

bool meeters_exchange(meeters *all, unsigned patience_ms)
{
    unsigned before[] = {atomic_load(&all->side[0].packets), atomic_load(&all->side[1].packets)};

    for (unsigned ms = 0; ms < patience_ms; ms++) {
        bool all_came = true;
        for (unsigned n = 0; n < 2; n++) {
            bool came = atomic_load(&all->side[n].packets) != before[n];
            if (!came && ms % 100 == 0) {
                (void)floe_transport_send(all->side[n].other->transport, "hello", 5);
            }
            all_came = all_came && came;
        }
        if (all_came) {
            return true;
        }
        (void)usleep(1000);
    }
    return false;
}

bool meeters_restart(meeters *all)
{
    for (unsigned n = 0; n < 2; n++) {
        if (!all->judge(floe_transport_restart(all->side[n].transport), "restart")) {
            return false;
        }
        atomic_store(&all->side[n].selections, 0);
    }
    return start(all, &all->side[1]) && start(all, &all->side[0]);
}

void meeters_end(meeters *all)
{
    for (unsigned n = 0; n < 2; n++) { /* whose handlers use the transports */
        floe_gatherer_free(all->side[n].gatherer);
    }
    for (unsigned n = 0; n < 2; n++) {
        floe_transport_free(all->side[n].transport);
    }
}
