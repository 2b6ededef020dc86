/* What each output is when it is polled. */
#include "core/candidate/base.h"
#include "core/candidate/candidate.h"
#include "core/config/shared.h"
#include "core/core.h"
#include "core/gatherer/face.h"
#include "core/outbox/failure.h"
#include "core/outbox/outbox.h"
#include "core/outbox/policy.h"
#include "core/outbox/trace.h"
#include "core/outbox/unreachable.h"
#include "core/plan/names.h"
#include "core/plan/pair.h"
#include "core/plan/servers.h"
#include "core/server/server.h"
#include "core/socket/connection.h"
#include "core/socket/way.h"
#include "core/source/binding.h"
#include "core/source/relay.h"

#include <string.h>

static bool poll_open(floe_base *base, floe_core_output *output)
{
    output->kind = FLOE_CORE_OPEN;
    output->channel = base->channel;
    output->protocol = FLOE_PROTOCOL_UDP;
    output->local = base->local;
    return true;
}

/* A base whose address is gone goes with its socket. */
static bool poll_close(floe_core *core, floe_base *base, floe_core_output *output)
{
    bool opened = base->channel != 0;

    output->kind = FLOE_CORE_CLOSE;
    output->channel = base->channel;
    if (base->state == FLOE_BASE_CLOSING) {
        base->gone = true;
        floe_base_forget(core, base);
    }
    return opened;
}

/* The name is copied: an unpublished one may go with its base before the owner has read it. */
static bool poll_name(const floe_base_named *named, floe_core_output_kind kind,
                      floe_core_output *output)
{
    const floe_base *base = named->base;

    output->kind = kind;
    output->local = base->local;
    output->interface_index = base->interface_index;
    floe_put_text(output->room->text, sizeof output->room->text, named->text);
    output->name = output->room->text;
    return true;
}

/* What a candidate says is its owner's to read while another thread restarts or closes. */
static void keep_strings(floe_core_output *output)
{
    floe_candidate *candidate = &output->room->candidate;
    char *fragment = &output->room->text[FLOE_FOUNDATION_SIZE];
    size_t room = sizeof output->room->text - FLOE_FOUNDATION_SIZE;

    floe_put_text(fragment, room, candidate->username_fragment);
    candidate->username_fragment = fragment;
    if (candidate->address != output->room->address) {
        floe_put_text(output->room->name, sizeof output->room->name, candidate->address);
        candidate->address = output->room->name;
    }
}

static bool poll_candidate(const floe_core *core, floe_found *found, floe_core_output *output)
{
    found->told = found->known = true;
    output->kind = FLOE_CORE_CANDIDATE;
    floe_found_view(core, found, &output->room->candidate, output->room->address,
                    output->room->related_address, output->room->text);
    found->base_id = output->room->candidate.base_id;
    keep_strings(output);
    output->candidate = &output->room->candidate;
    return true;
}

/* A withdrawn candidate goes once it is told. */
static bool poll_withdrawn(floe_core *core, floe_found *found, floe_core_output *output)
{
    (void)poll_candidate(core, found, output);
    output->kind = FLOE_CORE_CANDIDATE_WITHDRAWN;
    floe_found_free(core, found);
    return true;
}

static bool poll_state(floe_core_output *output, enum floe_gatherer_state state)
{
    output->kind = FLOE_CORE_STATE;
    output->state = state;
    return true;
}

/* E1: the base's address is shown unless policy hides it. */
static bool poll_error(const floe_core *core, const floe_failure *failure,
                       const floe_server *server, const floe_base *base, bool url_failed,
                       floe_core_output *output)
{
    base = floe_failure_of_url(failure) ? NULL : base;
    /* A trunk's members show it by their own policies. */
    bool shown = base != NULL && (floe_hosts_are_shown(core) || floe_core_is_trunk(core));
    bool named = base != NULL && base->named != NULL && floe_hosts_are_told(core);

    floe_failure_text(core, failure, server != NULL ? server->url : NULL, output->room->text,
                      sizeof output->room->text);
    if (named) {
        floe_put_text(output->room->name, sizeof output->room->name, base->named->text);
    } else if (shown) {
        (void)floe_address_format(&base->local, output->room->address,
                                  sizeof output->room->address);
    }
    output->kind = FLOE_CORE_CANDIDATE_ERROR;
    output->room->error = (floe_candidate_error){
        .url = server != NULL ? server->url->text : NULL,
        .address = named   ? output->room->name
                   : shown ? output->room->address
                           : NULL,
        .port = named || shown ? base->local.port : 0,
        .code = floe_failure_code(failure),
        .text = output->room->text,
        .url_failed = url_failed,
        .reason =
            floe_failure_reason_of(core->shared, failure, server != NULL ? server->url : NULL),
    };
    output->error = &output->room->error;
    return true;
}

/* It goes once it is told: its texts are the room's then. */
static bool poll_told(floe_core *core, floe_told_error *told, floe_core_output *output)
{
    struct floe_core_room *room = output->room;

    room->error = told->error;
    floe_put_text(room->address, sizeof room->address, told->address);
    room->error.address = told->error.address != NULL ? room->address : NULL;
    floe_put_text(room->text, sizeof room->text, told->text);
    floe_put_text((char *)room->data, sizeof room->data, told->url);
    room->error.text = room->text;
    room->error.url = told->error.url != NULL ? (const char *)room->data : NULL;
    floe_deallocate(&core->shared->allocator, told);
    output->kind = FLOE_CORE_CANDIDATE_ERROR;
    output->error = &room->error;
    return true;
}

static bool poll_trace(floe_core *core, floe_trace_node *node, floe_core_output *output)
{
    output->kind = FLOE_CORE_TRACE;
    output->trace = &node->event;
    core->shared->traced = node; /* it goes with the output */
    return true;
}

/* Whether the output still has something to say. */
static bool poll_one(floe_core *core, floe_time now, floe_output *link, floe_core_output *output)
{
    static const floe_failure out_of_memory = {.kind = FLOE_FAILURE_MEMORY};

    switch ((floe_output_kind)link->kind) {
    case FLOE_OUTPUT_LIST_INTERFACES:
        output->kind = FLOE_CORE_LIST_INTERFACES;
        core->interfaces_asked = true;
        return true;
    case FLOE_OUTPUT_OPEN:
        return poll_open(FLOE_CONTAINER(link, floe_base, output), output);
    case FLOE_OUTPUT_CLOSE:
        return poll_close(core, FLOE_CONTAINER(link, floe_base, output), output);
    case FLOE_OUTPUT_LISTEN:
        return floe_listener_poll_open(FLOE_CONTAINER(link, floe_listener, output), output);
    case FLOE_OUTPUT_UNLISTEN:
        return floe_listener_poll_close(core, FLOE_CONTAINER(link, floe_listener, output), output);
    case FLOE_OUTPUT_PUBLISH:
        return poll_name(FLOE_CONTAINER(link, floe_base_named, output), FLOE_CORE_PUBLISH, output);
    case FLOE_OUTPUT_UNPUBLISH:
        return poll_name(FLOE_CONTAINER(link, floe_base_named, output), FLOE_CORE_UNPUBLISH,
                         output);
    case FLOE_OUTPUT_SEND_BINDING:
        return floe_binding_poll_send(core, now, FLOE_CONTAINER(link, floe_binding, output),
                                      output);
    case FLOE_OUTPUT_SEND_RELAY:
        return floe_relay_poll_send(core, now, FLOE_CONTAINER(link, floe_relay, output), output);
    case FLOE_OUTPUT_CONNECT:
        return floe_connection_poll_open(core, now, FLOE_CONTAINER(link, floe_connection, output),
                                         output);
    case FLOE_OUTPUT_DISCONNECT:
        return floe_connection_poll_close(core, now, FLOE_CONTAINER(link, floe_connection, output),
                                          output);
    case FLOE_OUTPUT_SEND_CONNECTION:
        return floe_connection_poll_send(core, FLOE_CONTAINER(link, floe_connection, send_output),
                                         output);
    case FLOE_OUTPUT_SEND_BASE:
        return floe_base_poll_send(core, FLOE_CONTAINER(link, floe_base_sending, output), output);
    case FLOE_OUTPUT_WRITABLE:
        output->kind = FLOE_CORE_WRITABLE;
        output->candidate_id = floe_found_poll_writable(core);
        return output->candidate_id != 0;
    case FLOE_OUTPUT_UNREACHABLE:
        return floe_unreached_poll(link, output);
    case FLOE_OUTPUT_RESOLVE:
        return floe_lookup_poll(core, now, FLOE_CONTAINER(link, floe_lookup, output), output);
    case FLOE_OUTPUT_CANDIDATE:
        return poll_candidate(core, FLOE_CONTAINER(link, floe_found, output), output);
    case FLOE_OUTPUT_WITHDRAWN:
        return poll_withdrawn(core, FLOE_CONTAINER(link, floe_found, output), output);
    case FLOE_OUTPUT_NEW:
        return poll_state(output, FLOE_GATHERER_STATE_NEW);
    case FLOE_OUTPUT_GATHERING:
        return poll_state(output, FLOE_GATHERER_STATE_GATHERING);
    case FLOE_OUTPUT_COMPLETE:
        floe_tell_next(core, link, FLOE_OUTPUT_END_OF_CANDIDATES);
        return poll_state(output, FLOE_GATHERER_STATE_COMPLETE);
    case FLOE_OUTPUT_END_OF_CANDIDATES:
        output->kind = FLOE_CORE_CANDIDATE;
        output->candidate = NULL;
        return true;
    case FLOE_OUTPUT_CLOSED:
        return poll_state(output, FLOE_GATHERER_STATE_CLOSED);
    case FLOE_OUTPUT_PAIR_ERROR: {
        const floe_pair *pair = FLOE_CONTAINER(link, floe_pair, output);
        return poll_error(core, floe_failure_kept(pair->failure), pair->server, pair->base,
                          pair->url_failed, output);
    }
    case FLOE_OUTPUT_SERVER_ERROR: {
        const floe_server *server = FLOE_CONTAINER(link, floe_server, output);
        floe_failure failure = floe_failure_in_full(&server->failure);
        return poll_error(core, &failure, server, NULL, true, output);
    }
    case FLOE_OUTPUT_BASE_ERROR: {
        const floe_base_past *past = FLOE_CONTAINER(link, floe_base_past, error_output);
        floe_failure failure = {
            .kind = past->failure, .detail = past->error, .remote = past->base->local};
        return poll_error(core, &failure, NULL, past->base, false, output);
    }
    case FLOE_OUTPUT_LISTENER_ERROR: {
        const floe_listener *listener = FLOE_CONTAINER(link, floe_listener, error_output);
        floe_failure failure = {.kind = FLOE_FAILURE_OPEN,
                                .transport = FLOE_PROTOCOL_TCP,
                                .detail = listener->error,
                                .remote = listener->base->local};
        return poll_error(core, &failure, NULL, listener->base, false, output);
    }
    case FLOE_OUTPUT_LIST_ERROR: {
        floe_failure failure = {.kind = FLOE_FAILURE_INTERFACES, .detail = core->list_error};
        return poll_error(core, &failure, NULL, NULL, false, output);
    }
    case FLOE_OUTPUT_MEMORY_ERROR:
        return poll_error(core, &out_of_memory, NULL, NULL, false, output);
    case FLOE_OUTPUT_TOLD_ERROR:
        return poll_told(core, FLOE_CONTAINER(link, floe_told_error, output), output);
    case FLOE_OUTPUT_TRACE:
        return poll_trace(core, FLOE_CONTAINER(link, floe_trace_node, output), output);
    }
    return false;
}

/* The next of this queue. */
static bool poll_from(floe_core *core, floe_time now, floe_outputs *queue,
                      const floe_core_output **output)
{
    floe_core_output *next = &core->shared->output;
    floe_output *due;

    floe_core_is_told(core, now);
    next->room = &core->shared->room;
    floe_deallocate(&core->shared->allocator, core->shared->traced);
    core->shared->traced = NULL;
    floe_servers_bury(core);
    while ((due = floe_outputs_take(queue)) != NULL) {
        if (poll_one(core, now, due, next)) {
            *output = next;
            return true;
        }
    }
    return false;
}

bool floe_gather_poll(floe_core *core, floe_time now, const floe_core_output **output)
{
    return poll_from(core, now, &core->outputs, output);
}

bool floe_gather_poll_work(floe_core *core, floe_time now, const floe_core_output **output)
{
    return poll_from(core, now, &core->share->work, output);
}

bool floe_gather_poll_open(floe_core *core, floe_time now, const floe_core_output **output)
{
    FLOE_OUTPUTS_EACH(work, &core->share->work)
    {
        if (work->kind == FLOE_OUTPUT_OPEN || work->kind == FLOE_OUTPUT_LISTEN) {
            floe_core_output *next = &core->shared->output;
            next->room = &core->shared->room;
            floe_untell(work);
            (void)poll_one(core, now, work, next);
            *output = next;
            return true;
        }
    }
    return false;
}

size_t floe_gather_poll_more(floe_core *core, uint32_t channel, size_t count, size_t bytes,
                             floe_core_row *rows, size_t room)
{
    floe_base *base = floe_base_of_channel(core, channel);

    return base != NULL ? floe_base_poll_more(core, base, count, bytes, rows, room) : 0;
}
