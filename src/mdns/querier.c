/* The querier's rules: one question for all who look for a name. */
#include "mdns/parts.h"

#include <string.h>

#define ONE_EACH floe_milliseconds(1) /* of names, behind a burst */
#define BURST_TIME floe_milliseconds(FLOE_MDNS_BURST - 1)

/* What somebody wants to know. */
typedef struct look_up {
    floe_list link; /* of its question, or among the ended */
    void *asker;
    floe_time give_up;
    floe_error error;
    size_t address_count;
    floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
    char name[FLOE_MDNS_NAME_SIZE];
} look_up;

typedef struct question {
    floe_list link;
    floe_list asking;
    floe_list look_ups;
    floe_time asked; /* the last time; zero: never */
    floe_time next;
    floe_duration interval;
    uint32_t ipv4_waits; /* on these links, a bit each, it is to be sent */
    uint32_t ipv6_waits;
    char name[FLOE_MDNS_NAME_SIZE];
} question;

static void free_question(floe_mdns *mdns, question *asked)
{
    floe_list_remove(&asked->link);
    floe_list_remove(&asked->asking);
    floe_deallocate(&mdns->allocator, asked);
}

static void free_look_ups(floe_mdns *mdns, floe_list *list)
{
    FLOE_LIST_EACH_SAFE(wanted, list, look_up, link)
    {
        floe_deallocate(&mdns->allocator, wanted);
    }
}

void floe_mdns_questions_free(floe_mdns *mdns)
{
    FLOE_LIST_EACH_SAFE(asked, &mdns->questions, question, link)
    {
        free_look_ups(mdns, &asked->look_ups);
        free_question(mdns, asked);
    }
    free_look_ups(mdns, &mdns->ended);
}

static void end(floe_mdns *mdns, look_up *wanted, floe_error error)
{
    wanted->error = error;
    floe_list_remove(&wanted->link);
    floe_list_append(&mdns->ended, &wanted->link);
}

/* §5.2: as if it had not been asked yet, but not within a second of the last time. */
static void ask_anew(question *asked, floe_time now)
{
    floe_time second = floe_time_after(asked->asked, FLOE_MDNS_A_SECOND);
    bool lately = asked->asked.ns != 0 && !floe_time_reached(now, second);

    asked->next = floe_time_min(asked->next, lately ? second : now);
    asked->interval = floe_duration_times(FLOE_MDNS_A_SECOND, lately ? 2 : 1);
}

static question *question_for(floe_mdns *mdns, const char *name)
{
    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        if (strcmp(asked->name, name) == 0) {
            return asked;
        }
    }
    question *made = floe_allocate(&mdns->allocator, sizeof *made);
    if (made != NULL) {
        floe_list_init(&made->look_ups);
        made->next = FLOE_TIME_NEVER;
        memcpy(made->name, name, sizeof made->name);
        floe_list_append(&mdns->questions, &made->link);
    }
    return made;
}

floe_error floe_mdns_look_up(floe_mdns *mdns, floe_time now, const char *name,
                             floe_duration timeout, void *asker)
{
    look_up *wanted = floe_allocate(&mdns->allocator, sizeof *wanted);

    if (wanted == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    wanted->asker = asker;
    wanted->give_up = floe_time_after(now, timeout);
    if (!floe_mdns_name(name, wanted->name)) {
        end(mdns, wanted, FLOE_ERR_NOT_FOUND);
        return FLOE_OK;
    }
    wanted->address_count =
        floe_mdns_hosts_find(mdns, wanted->name, wanted->addresses, FLOE_MDNS_ADDRESSES_MAX);
    if (wanted->address_count > 0) {
        end(mdns, wanted, FLOE_OK); /* our own names are known without asking */
        return FLOE_OK;
    }
    question *asked = question_for(mdns, wanted->name);
    if (asked == NULL) {
        floe_deallocate(&mdns->allocator, wanted);
        return FLOE_ERR_NO_MEMORY;
    }
    floe_list_append(&asked->look_ups, &wanted->link);
    ask_anew(asked, now);
    floe_mdns_time(mdns, now);
    return FLOE_OK;
}

static void forget_in(floe_mdns *mdns, floe_list *list, const void *asker)
{
    FLOE_LIST_EACH_SAFE(wanted, list, look_up, link)
    {
        if (wanted->asker == asker) {
            floe_list_remove(&wanted->link);
            floe_deallocate(&mdns->allocator, wanted);
        }
    }
}

void floe_mdns_forget(floe_mdns *mdns, const void *asker)
{
    FLOE_LIST_EACH_SAFE(asked, &mdns->questions, question, link)
    {
        forget_in(mdns, &asked->look_ups, asker);
        if (floe_list_empty(&asked->look_ups)) {
            free_question(mdns, asked);
        }
    }
    forget_in(mdns, &mdns->ended, asker);
}

void floe_mdns_questions_link_came(floe_mdns *mdns, floe_time now)
{
    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        ask_anew(asked, now);
    }
}

void floe_mdns_questions_link_went(floe_mdns *mdns, size_t n)
{
    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        asked->ipv4_waits &= ~(1U << n);
        asked->ipv6_waits &= ~(1U << n);
    }
}

/* The addresses of the name that the message gives. A link-local one is of use with its link alone.
 */
static size_t take_addresses(const floe_mdns *mdns, size_t n, const char *name,
                             floe_address *addresses)
{
    const floe_mdns_message *message = &mdns->message;
    size_t count = 0;

    for (size_t i = 0; i < message->record_count && count < FLOE_MDNS_ADDRESSES_MAX; i++) {
        const floe_mdns_record *record = &message->records[i];
        if (record->ttl > 0 && record->address.family != FLOE_FAMILY_NONE &&
            strcmp(record->name, name) == 0) {
            floe_address *address = &addresses[count++];
            *address = record->address;
            if (address->family == FLOE_FAMILY_IPV6 &&
                floe_address_classify(address) == FLOE_ADDRESS_LINK_LOCAL) {
                address->scope_id = mdns->links[n].link.interface_index;
            }
        }
    }
    return count;
}

void floe_mdns_questions_heard(floe_mdns *mdns, size_t n)
{
    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
        size_t count = take_addresses(mdns, n, asked->name, addresses);
        if (count == 0) {
            continue;
        }
        FLOE_LIST_EACH_SAFE(wanted, &asked->look_ups, look_up, link)
        {
            wanted->address_count = count;
            memcpy(wanted->addresses, addresses, count * sizeof *addresses);
            end(mdns, wanted, FLOE_OK);
        }
    }
}

/* And a question that nobody has any more goes. */
static void give_up(floe_mdns *mdns, floe_time now)
{
    FLOE_LIST_EACH_SAFE(asked, &mdns->questions, question, link)
    {
        FLOE_LIST_EACH_SAFE(wanted, &asked->look_ups, look_up, link)
        {
            if (floe_time_reached(now, wanted->give_up)) {
                end(mdns, wanted, FLOE_ERR_TIMED_OUT);
            }
        }
        if (floe_list_empty(&asked->look_ups)) {
            free_question(mdns, asked);
        }
    }
}

static void ask(floe_mdns *mdns, floe_time now, question *asked)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        if (mdns->links[n].used) {
            asked->ipv4_waits |= 1U << n;
            asked->ipv6_waits |= 1U << n;
        }
    }
    if (!floe_list_linked(&asked->asking)) {
        floe_list_append(&mdns->asking, &asked->asking);
    }
    /* §5.2: at most once a second, then at twice the interval each time. */
    asked->asked = now;
    asked->next = floe_time_after(now, asked->interval);
    asked->interval = floe_duration_times(asked->interval, 2);
    mdns->paced = floe_time_after(mdns->paced.ns > now.ns ? mdns->paced : now, ONE_EACH);
}

/* When the next name may be asked for. */
static floe_time has_turn(const floe_mdns *mdns)
{
    return (floe_time){floe_time_since(mdns->paced, (floe_time){BURST_TIME.ns}).ns};
}

static void ask_those(floe_mdns *mdns, floe_time now, bool again)
{
    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        if (!floe_time_reached(now, has_turn(mdns))) {
            return;
        }
        if (floe_time_reached(now, asked->next) && (asked->asked.ns != 0) == again) {
            ask(mdns, now, asked);
        }
    }
}

void floe_mdns_questions_time(floe_mdns *mdns, floe_time now)
{
    give_up(mdns, now);
    ask_those(mdns, now, false);
    ask_those(mdns, now, true);
}

floe_time floe_mdns_questions_deadline(const floe_mdns *mdns)
{
    floe_time turn = has_turn(mdns);
    floe_time deadline = FLOE_TIME_NEVER;

    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        deadline = floe_time_min(deadline, asked->next.ns > turn.ns ? asked->next : turn);
        FLOE_LIST_EACH(wanted, &asked->look_ups, look_up, link)
        {
            deadline = floe_time_min(deadline, wanted->give_up);
        }
    }
    return deadline;
}

/* ── Outputs ── */

static void tell_end(floe_mdns *mdns, look_up *wanted, floe_mdns_output *output)
{
    output->kind = FLOE_MDNS_RESOLVED;
    output->asker = wanted->asker;
    output->error = wanted->error;
    output->address_count = wanted->address_count;
    memcpy(output->addresses, wanted->addresses, sizeof output->addresses);
    memcpy(output->name, wanted->name, sizeof output->name);
    floe_list_remove(&wanted->link);
    floe_deallocate(&mdns->allocator, wanted);
}

static bool send(const floe_mdns *mdns, const question *asked, size_t n, floe_family family,
                 floe_mdns_output *output)
{
    output->kind = FLOE_MDNS_SEND;
    output->link = mdns->links[n].link;
    output->size = floe_mdns_write_query(asked->name, family, output->data, sizeof output->data);
    return output->size > 0;
}

/* The question's next packet; false: it has none. One that can't be made is lost, as it may be on
 * the way. */
static bool send_next(const floe_mdns *mdns, question *asked, floe_mdns_output *output)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        uint32_t bit = 1U << n;
        if ((asked->ipv4_waits & bit) != 0) {
            asked->ipv4_waits &= ~bit;
            if (send(mdns, asked, n, FLOE_FAMILY_IPV4, output)) {
                return true;
            }
        }
        if ((asked->ipv6_waits & bit) != 0) {
            asked->ipv6_waits &= ~bit;
            if (send(mdns, asked, n, FLOE_FAMILY_IPV6, output)) {
                return true;
            }
        }
    }
    return false;
}

bool floe_mdns_questions_poll(floe_mdns *mdns, floe_mdns_output *output)
{
    if (!floe_list_empty(&mdns->ended)) {
        tell_end(mdns, FLOE_CONTAINER(mdns->ended.next, look_up, link), output);
        return true;
    }
    FLOE_LIST_EACH_SAFE(asked, &mdns->asking, question, asking)
    {
        if (send_next(mdns, asked, output)) {
            return true;
        }
        floe_list_remove(&asked->asking);
    }
    return false;
}
