/* The querier's rules: one question for all who look for a name. */
#include "mdns/parts.h"

#include <string.h>

#define ONE_EACH floe_milliseconds(1) /* of names, behind a burst */
#define BURST_TIME floe_milliseconds(FLOE_MDNS_BURST - 1)

/* Whose a look-up is, and the how-many-eth: one may have several. */
typedef struct asker_key {
    uintptr_t asker;
    uint64_t order;
} asker_key;

typedef struct question {
    floe_list link;
    floe_list asking;
    floe_list look_ups;
    floe_tree_node by_name;
    floe_alarm due;  /* when it is asked next: among the first-time questions or the others */
    floe_time asked; /* the last time; zero: never */
    floe_duration interval;
    uint32_t ipv4_waits; /* on these links, a bit each, it is to be sent */
    uint32_t ipv6_waits;
    char name[FLOE_MDNS_NAME_SIZE];
} question;

/* What somebody wants to know. */
typedef struct look_up {
    floe_list link; /* of its question, or among the ended */
    question *of;   /* NULL: it has ended */
    floe_tree_node by_asker;
    asker_key key;
    floe_alarm give_up;
    uint8_t family; /* a floe_address_family; none: any */
    floe_error error;
    size_t address_count;
    floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
    char name[FLOE_MDNS_NAME_SIZE];
} look_up;

static int compare_askers(const void *a, const void *b)
{
    const asker_key *one = a;
    const asker_key *other = b;

    if (one->asker != other->asker) {
        return one->asker < other->asker ? -1 : 1;
    }
    return (one->order > other->order) - (one->order < other->order);
}

static const floe_tree_kind look_ups_by_asker = {compare_askers,
                                                 FLOE_TREE_KEY(look_up, by_asker, key), 1};

void floe_mdns_questions_init(floe_mdns *mdns, uint32_t seed)
{
    floe_list_init(&mdns->questions);
    mdns->question_names =
        (floe_tree_kind){floe_mdns_compare_names, FLOE_TREE_KEY(question, by_name, name), seed};
    floe_tree_init(&mdns->questions_by_name);
    floe_agenda_init(&mdns->first_time);
    floe_agenda_init(&mdns->again);
    floe_list_init(&mdns->asking);
    floe_tree_init(&mdns->look_ups);
    floe_agenda_init(&mdns->give_ups);
    floe_list_init(&mdns->ended);
}

static floe_agenda *agenda_of(floe_mdns *mdns, const question *asked)
{
    return asked->asked.ns == 0 ? &mdns->first_time : &mdns->again;
}

static void free_question(floe_mdns *mdns, question *asked)
{
    floe_agenda_set(agenda_of(mdns, asked), &asked->due, FLOE_TIME_NEVER);
    floe_tree_remove(&mdns->question_names, &mdns->questions_by_name, &asked->by_name);
    floe_list_remove(&asked->link);
    floe_list_remove(&asked->asking);
    floe_deallocate(&mdns->allocator, asked);
}

/* A question that nobody has any more goes; one that was asked, a second after that, as it may not
 * be asked again before, for whoever it is (§5.2). */
static void free_if_nobody_asks(floe_mdns *mdns, question *asked)
{
    if (asked == NULL || !floe_list_empty(&asked->look_ups)) {
        return;
    }
    if (asked->asked.ns == 0 || floe_list_linked(&asked->asking)) { /* it has not left */
        free_question(mdns, asked);
    } else {
        floe_agenda_set(&mdns->again, &asked->due,
                        floe_time_after(asked->asked, FLOE_MDNS_A_SECOND));
    }
}

static void free_look_up(floe_mdns *mdns, look_up *wanted)
{
    floe_agenda_set(&mdns->give_ups, &wanted->give_up, FLOE_TIME_NEVER);
    floe_tree_remove(&look_ups_by_asker, &mdns->look_ups, &wanted->by_asker);
    floe_list_remove(&wanted->link);
    floe_deallocate(&mdns->allocator, wanted);
}

static void free_look_ups(floe_mdns *mdns, floe_list *list)
{
    FLOE_LIST_EACH_SAFE(wanted, list, look_up, link)
    {
        free_look_up(mdns, wanted);
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
    wanted->of = NULL;
    floe_agenda_set(&mdns->give_ups, &wanted->give_up, FLOE_TIME_NEVER);
    floe_list_remove(&wanted->link);
    floe_list_append(&mdns->ended, &wanted->link);
}

/* §5.2: as if it had not been asked yet, but not within a second of the last time. The look-ups of
 * a peer's names have no common cause, so that the first question need not wait for 20 to 120 ms:
 * that would be a connection's latency. */
static void ask_anew(floe_mdns *mdns, question *asked, floe_time now)
{
    floe_time second = floe_time_after(asked->asked, FLOE_MDNS_A_SECOND);
    bool lately = asked->asked.ns != 0 && !floe_time_reached(now, second);
    floe_time next = lately ? second : now;

    if (!floe_alarm_is_set(&asked->due, FLOE_TIME_NEVER)) {
        next = floe_time_min(next, asked->due.when);
    }
    floe_agenda_set(agenda_of(mdns, asked), &asked->due, next);
    asked->interval = floe_duration_times(FLOE_MDNS_A_SECOND, lately ? 2 : 1);
}

static question *find_question(const floe_mdns *mdns, const char *name)
{
    floe_tree_node *found = floe_tree_find(&mdns->question_names, &mdns->questions_by_name, name);

    return found != NULL ? FLOE_CONTAINER(found, question, by_name) : NULL;
}

static question *question_for(floe_mdns *mdns, const char *name)
{
    question *asked = find_question(mdns, name);

    if (asked == NULL && (asked = floe_allocate(&mdns->allocator, sizeof *asked)) != NULL) {
        floe_list_init(&asked->look_ups);
        memcpy(asked->name, name, sizeof asked->name);
        floe_list_append(&mdns->questions, &asked->link);
        floe_tree_insert(&mdns->question_names, &mdns->questions_by_name, &asked->by_name);
    }
    return asked;
}

/* Those that it wants. */
static void give_addresses(look_up *wanted, const floe_address *addresses, size_t count)
{
    wanted->address_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted->family == FLOE_FAMILY_NONE || wanted->family == addresses[i].family) {
            wanted->addresses[wanted->address_count++] = addresses[i];
        }
    }
}

floe_error floe_mdns_look_up(floe_mdns *mdns, floe_time now, const char *name, uint8_t family,
                             floe_duration timeout, void *asker)
{
    floe_address ours[FLOE_MDNS_ADDRESSES_MAX];
    look_up *wanted = floe_allocate(&mdns->allocator, sizeof *wanted);

    if (wanted == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    wanted->family = family;
    wanted->key = (asker_key){(uintptr_t)asker, ++mdns->look_up_count};
    floe_tree_insert(&look_ups_by_asker, &mdns->look_ups, &wanted->by_asker);
    if (!floe_mdns_name(name, wanted->name)) {
        end(mdns, wanted, FLOE_ERR_NOT_FOUND);
        return FLOE_OK;
    }
    size_t count = floe_mdns_hosts_find(mdns, wanted->name, ours, FLOE_MDNS_ADDRESSES_MAX);
    if (count > 0) { /* our own names are known without asking */
        give_addresses(wanted, ours, count);
        end(mdns, wanted, wanted->address_count > 0 ? FLOE_OK : FLOE_ERR_NOT_FOUND);
        return FLOE_OK;
    }
    question *asked = question_for(mdns, wanted->name);
    if (asked == NULL) {
        free_look_up(mdns, wanted);
        return FLOE_ERR_NO_MEMORY;
    }
    wanted->of = asked;
    floe_list_append(&asked->look_ups, &wanted->link);
    floe_agenda_set(&mdns->give_ups, &wanted->give_up, floe_time_after(now, timeout));
    ask_anew(mdns, asked, now);
    floe_mdns_time(mdns, now);
    return FLOE_OK;
}

static look_up *find_look_up(const floe_mdns *mdns, const void *asker)
{
    asker_key key = {(uintptr_t)asker, 0};
    floe_tree_node *found = floe_tree_from(&look_ups_by_asker, &mdns->look_ups, &key);
    look_up *wanted = found != NULL ? FLOE_CONTAINER(found, look_up, by_asker) : NULL;

    return wanted != NULL && wanted->key.asker == key.asker ? wanted : NULL;
}

void floe_mdns_forget(floe_mdns *mdns, const void *asker)
{
    look_up *wanted;

    while ((wanted = find_look_up(mdns, asker)) != NULL) {
        question *asked = wanted->of;
        free_look_up(mdns, wanted);
        free_if_nobody_asks(mdns, asked);
    }
}

/* §5.2: all that are on the link may see it come, so nobody asks at that moment. */
void floe_mdns_questions_link_came(floe_mdns *mdns, floe_time now)
{
    uint32_t more = 0;

    (void)floe_random_below(&mdns->random, 101, &more);
    FLOE_LIST_EACH(asked, &mdns->questions, question, link)
    {
        if (floe_list_empty(&asked->look_ups)) {
            continue;
        }
        ask_anew(mdns, asked, floe_time_after(now, floe_milliseconds(20 + more)));
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

/* §6: a responder has a name for itself, and answers at once, but may say each of its record sets in a
 * message of its own (Avahi does): who waits for the other family's waits so long behind the first. */
#define OTHER_FAMILY_WITHIN floe_milliseconds(150)

static void answered(floe_mdns *mdns, floe_time now, size_t n, question *asked)
{
    floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
    size_t count = take_addresses(mdns, n, asked->name, addresses);

    if (count == 0) {
        return;
    }
    FLOE_LIST_EACH_SAFE(wanted, &asked->look_ups, look_up, link)
    {
        give_addresses(wanted, addresses, count);
        if (wanted->address_count > 0) {
            end(mdns, wanted, FLOE_OK);
        } else {
            floe_time soon = floe_time_after(now, OTHER_FAMILY_WITHIN);
            floe_agenda_set(&mdns->give_ups, &wanted->give_up,
                            floe_time_min(soon, wanted->give_up.when));
        }
    }
    if (floe_list_empty(&asked->look_ups)) {
        free_question(mdns, asked);
    }
}

void floe_mdns_questions_heard(floe_mdns *mdns, floe_time now, size_t n)
{
    for (size_t i = 0; i < mdns->message.record_count; i++) {
        question *asked = find_question(mdns, mdns->message.records[i].name);
        if (asked != NULL) {
            answered(mdns, now, n, asked);
        }
    }
}

/* Of one that has not had its turn nobody can say that there was no answer. */
static void give_up(floe_mdns *mdns, floe_time now)
{
    floe_alarm *due;

    while ((due = floe_agenda_due(&mdns->give_ups, now)) != NULL) {
        look_up *wanted = FLOE_CONTAINER(due, look_up, give_up);
        question *asked = wanted->of;
        end(mdns, wanted, asked->asked.ns == 0 ? FLOE_ERR_QUEUE_FULL : FLOE_ERR_TIMED_OUT);
        free_if_nobody_asks(mdns, asked);
    }
}

static void ask(floe_mdns *mdns, floe_time now, question *asked)
{
    if (floe_list_empty(&asked->look_ups)) {
        free_question(mdns, asked);
        return;
    }
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
    floe_agenda_set(agenda_of(mdns, asked), &asked->due, FLOE_TIME_NEVER);
    asked->asked = now;
    floe_agenda_set(agenda_of(mdns, asked), &asked->due, floe_time_after(now, asked->interval));
    asked->interval = floe_duration_times(asked->interval, 2);
    mdns->paced = floe_time_after(mdns->paced.ns > now.ns ? mdns->paced : now, ONE_EACH);
}

/* When the next name may be asked for. */
static floe_time has_turn(const floe_mdns *mdns)
{
    return (floe_time){floe_time_since(mdns->paced, (floe_time){BURST_TIME.ns}).ns};
}

static void ask_those(floe_mdns *mdns, floe_time now, const floe_agenda *agenda)
{
    floe_alarm *due;

    while (floe_time_reached(now, has_turn(mdns)) && (due = floe_agenda_due(agenda, now)) != NULL) {
        ask(mdns, now, FLOE_CONTAINER(due, question, due));
    }
}

void floe_mdns_questions_time(floe_mdns *mdns, floe_time now)
{
    give_up(mdns, now);
    ask_those(mdns, now, &mdns->first_time);
    ask_those(mdns, now, &mdns->again);
}

floe_time floe_mdns_questions_deadline(const floe_mdns *mdns)
{
    floe_time turn = has_turn(mdns);
    floe_time next =
        floe_time_min(floe_agenda_deadline(&mdns->first_time), floe_agenda_deadline(&mdns->again));

    return floe_time_min(floe_agenda_deadline(&mdns->give_ups), next.ns > turn.ns ? next : turn);
}

/* ── Outputs ── */

static void tell_end(floe_mdns *mdns, look_up *wanted, floe_mdns_output *output)
{
    output->kind = FLOE_MDNS_RESOLVED;
    output->asker = (void *)wanted->key.asker;
    output->error = wanted->error;
    output->address_count = wanted->address_count;
    memcpy(output->addresses, wanted->addresses, sizeof output->addresses);
    memcpy(output->name, wanted->name, sizeof output->name);
    free_look_up(mdns, wanted);
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
