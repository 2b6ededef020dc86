/* When relays have something to do. Each has an alarm on core->times, so that an input looks at those that it is for
 * and at those that are due, however many there are. What a relay waits for depends on much: its machine, its peers
 * and streams, its connection, its attempt. So nobody sets the alarm where one of these changes: who may have changed
 * one touches the relay, and by when it is due is asked when the input is over. */
#include "base/assert.h"
#include "core/core.h"
#include "core/source/relay_inside.h"

static floe_relay *relay_of(floe_alarm *alarm)
{
    return FLOE_CONTAINER(alarm, floe_relay, alarm);
}

static floe_time deadline_of(const floe_relay *relay)
{
    return floe_relay_lives(relay)           ? floe_relay_deadline(relay)
           : relay->state == FLOE_RELAY_LEFT ? floe_relay_left_deadline(relay)
                                             : FLOE_TIME_NEVER;
}

void floe_relay_enter_times(floe_core *core, floe_relay *relay)
{
    relay->alarm.order = ++core->times.numbers;
    floe_relay_touch(core, relay);
}

void floe_relay_leave_times(floe_core *core, floe_relay *relay)
{
    floe_relay_touch(core, relay);
    floe_ring_remove(&core->touched, &relay->touched);
}

void floe_relay_touch(floe_core *core, floe_relay *relay)
{
    if (!relay->is_touched) {
        floe_agenda_set_numbered(&core->times, &relay->alarm, FLOE_TIME_NEVER, relay->alarm.order);
        relay->is_touched = true;
        floe_ring_append(&core->touched, &relay->touched);
    }
}

void floe_relays_touch(floe_core *core)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        floe_relay_touch(core, relay);
    }
}

/* One that has ended stays until it is freed. */
static void set_alarms(floe_core *core)
{
    FLOE_RING_EACH_SAFE(relay, &core->touched, floe_relay, touched)
    {
        if (relay->state != FLOE_RELAY_ENDED) {
            floe_ring_remove(&core->touched, &relay->touched);
            relay->is_touched = false;
            relay->alarm.node = (floe_tree_node){0};
            floe_agenda_set_numbered(&core->times, &relay->alarm, deadline_of(relay),
                                     relay->alarm.order);
        }
    }
}

void floe_relays_settle(floe_core *core)
{
    floe_relays_sweep(core);
    set_alarms(core);
}

/* Each that is due has its turn once, in the order in which they were made, whatever those before it do. */
void floe_relays_time(floe_core *core, floe_time now)
{
    floe_alarm *alarm;
    uint64_t last = 0;

    set_alarms(core);
    while ((alarm = floe_agenda_due_above(&core->times, now, last)) != NULL) {
        last = alarm->order;
        floe_relay_touch(core, relay_of(alarm));
        floe_relay_time(core, now, relay_of(alarm));
        set_alarms(core);
    }
    while ((alarm = floe_agenda_due(&core->times, now)) != NULL) { /* by what one behind it did */
        floe_relay_touch(core, relay_of(alarm));
    }
}

#ifdef FLOE_ASSERTS
/* Nobody has forgotten to touch one. */
static bool are_on_time(const floe_core *core)
{
    FLOE_RING_EACH(relay, &core->relays, floe_relay, link)
    {
        if (!relay->is_touched && !floe_alarm_is_set(&relay->alarm, deadline_of(relay))) {
            return false;
        }
    }
    return true;
}
#endif

floe_time floe_relays_deadline(const floe_core *core)
{
    floe_time deadline = floe_agenda_deadline(&core->times);

    FLOE_RING_EACH(relay, &core->touched, floe_relay, touched)
    {
        deadline = floe_time_min(deadline, deadline_of(relay));
    }
#ifdef FLOE_ASSERTS
    FLOE_ASSERT(are_on_time(core));
#endif
    return deadline;
}
