#include "moments.h"

#include "support.h"

static void tell(void *data, the_moment moment, const void *thing)
{
    moment_listener *one = data;

    one->happened(one, moment, thing);
}

static void on_candidate(void *data, const floe_candidate *candidate)
{
    tell(data, candidate != NULL ? ON_CANDIDATE : ON_END, candidate);
}

static void on_withdrawn(void *data, const floe_candidate *candidate)
{
    assert_non_null(candidate);
    tell(data, ON_WITHDRAWN, candidate);
}

static void on_state(void *data, enum floe_gatherer_state state)
{
    static const the_moment moments[] = {[FLOE_GATHERER_STATE_GATHERING] = ON_GATHERING,
                                         [FLOE_GATHERER_STATE_COMPLETE] = ON_COMPLETE,
                                         [FLOE_GATHERER_STATE_CLOSED] = ON_CLOSED};

    if (state != FLOE_GATHERER_STATE_NEW) {
        tell(data, moments[state], NULL);
    }
}

static void on_error(void *data, const floe_candidate_error *error)
{
    assert_non_null(error->text);
    tell(data, ON_ERROR, NULL);
}

static void on_packet(void *data, const floe_packet *packet)
{
    tell(data, ON_PACKET, packet);
}

void listener_traced(void *data, const floe_trace_event *event)
{
    assert_non_null(event->detail);
    tell(data, ON_TRACE, NULL);
}

void listen_to(moment_listener *listener, floe_gatherer *gatherer)
{
    assert_int_equal(floe_gatherer_on_local_candidate(gatherer, on_candidate, listener), FLOE_OK);
    assert_int_equal(floe_gatherer_on_candidate_withdrawn(gatherer, on_withdrawn, listener),
                     FLOE_OK);
    assert_int_equal(floe_gatherer_on_state_change(gatherer, on_state, listener), FLOE_OK);
    assert_int_equal(floe_gatherer_on_error(gatherer, on_error, listener), FLOE_OK);
    assert_int_equal(floe_gatherer_on_packet(gatherer, on_packet, listener), FLOE_OK);
}
