/* What listens on a base's address: its beginning and end. */
#include "core/candidate/listener.h"

#include "core/candidate/base.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/outbox/policy.h"

bool floe_listens(const floe_core *core, uint8_t family)
{
    bool listens = core->share == NULL || (floe_core_is_member(core) && core->shared->tcp_muxed);

    return listens && floe_gathers_tcp(core->shared, family);
}

static void open_anew(floe_core *core, floe_listener *listener)
{
    listener->channel = floe_shared_number(core->shared, &core->last_channel);
    listener->state = FLOE_BASE_OPENING;
    listener->local = floe_address_with_port(listener->base->local, 0);
    floe_shared_choose_port(core->shared, &listener->local.port, &listener->ports_left);
    if (core->share != NULL && core->shared->tcp_mux_port != 0) {
        listener->local.port = core->shared->tcp_mux_port;
        listener->ports_left = 0;
    }
    listener->refused = listener->refused && !floe_is_told(&listener->error_output);
    floe_untell(&listener->error_output);
    floe_tell(core, &listener->output, FLOE_OUTPUT_LISTEN);
    floe_base_changed(core, listener->base);
}

void floe_listener_want(floe_core *core, floe_base *base)
{
    bool serves = floe_hosts_are_told(core) ||
                  (core->shared->tcp_reflexive && floe_reflexive_is_wanted(core));

    if (!floe_listens(core, base->local.family) || !serves) {
        return;
    }
    if (base->listener == NULL) {
        base->listener = floe_allocate(&core->shared->allocator, sizeof *base->listener);
        if (base->listener == NULL) {
            floe_core_out_of_memory(core);
            return;
        }
        base->listener->base = base;
        floe_tree_init(&base->listener->peers);
        open_anew(core, base->listener);
    } else if (base->listener->state == FLOE_BASE_FAILED) {
        open_anew(core, base->listener); /* it may open this time */
    }
}

floe_listener *floe_listener_of_channel(const floe_core *core, uint32_t channel)
{
    FLOE_RING_EACH(base, &core->bases, floe_base, link)
    {
        if (base->listener != NULL && base->listener->channel == channel &&
            base->listener->state != FLOE_BASE_CLOSING) {
            return base->listener;
        }
    }
    return NULL;
}

void floe_listener_opened(floe_core *core, floe_listener *listener, const floe_address *local)
{
    listener->state = FLOE_BASE_OPEN;
    listener->refused = false;
    listener->local.port = local->port;
    floe_base_changed(core, listener->base);
}

bool floe_listener_failed(floe_core *core, floe_listener *listener, floe_error error)
{
    if (error == FLOE_ERR_ADDRESS_IN_USE && listener->ports_left > 0) {
        listener->ports_left--;
        listener->local.port = floe_shared_next_port(core->shared, listener->local.port);
        floe_tell(core, &listener->output, FLOE_OUTPUT_LISTEN);
        return false;
    }
    listener->state = FLOE_BASE_FAILED;
    listener->channel = 0;
    floe_base_changed(core, listener->base);
    return true;
}

void floe_listener_close(floe_core *core, floe_base *base)
{
    floe_listener *listener = base->listener;

    if (listener == NULL) {
        return;
    }
    floe_untell(&listener->error_output);
    floe_listener_forsake(listener);
    floe_untell(&listener->output);
    listener->state = FLOE_BASE_CLOSING;
    if (listener->channel == 0) {
        floe_listener_free(core, base);
    } else {
        floe_tell(core, &listener->output, FLOE_OUTPUT_UNLISTEN);
    }
}

void floe_listener_forsake(floe_listener *listener)
{
    if (listener->state == FLOE_BASE_OPENING && floe_is_told(&listener->output)) {
        listener->channel = 0; /* nobody has heard of it */
    }
}

void floe_listener_end(floe_core *core, floe_base *base)
{
    if (base->listener != NULL && base->listener->channel != 0) {
        base->listener->state = FLOE_BASE_CLOSING;
        floe_tell(core, &base->listener->output, FLOE_OUTPUT_UNLISTEN);
    }
}

void floe_listener_free(floe_core *core, floe_base *base)
{
    if (base->listener != NULL) {
        floe_untell(&base->listener->output);
        floe_untell(&base->listener->error_output);
        floe_deallocate(&core->shared->allocator, base->listener);
        base->listener = NULL;
    }
}

bool floe_listener_poll_open(const floe_listener *listener, floe_core_output *output)
{
    output->kind = FLOE_CORE_LISTEN;
    output->channel = listener->channel;
    output->protocol = FLOE_PROTOCOL_TCP;
    output->local = listener->local;
    return true;
}

bool floe_listener_poll_close(floe_core *core, floe_listener *listener, floe_core_output *output)
{
    output->kind = FLOE_CORE_CLOSE;
    output->channel = listener->channel;
    floe_listener_free(core, listener->base); /* which goes behind it */
    return true;
}
