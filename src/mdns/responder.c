/* The responder's rules: a name and its addresses, from the first probe to the goodbye. */
#include "mdns/parts.h"

#include "base/error.h"

#include <string.h>

#define PROBES 3                           /* §8.1 */
#define PROBE_EVERY floe_milliseconds(250) /* §8.1 */
#define ANNOUNCEMENTS 2                    /* §8.3 */
#define FOR_A_PROBE floe_milliseconds(250) /* §6 */
#define FLIGHT floe_milliseconds(100)      /* what is on its way has come by then */
#define CONFLICTS_WITHIN floe_seconds(10)  /* §8.1: so many of them, */
#define AFTER_CONFLICTS floe_seconds(5)    /* and then each probing waits for so long */
#define REPLIES_MAX 128                    /* that wait to be polled */
#define WAITING_MAX 64                     /* names that wait for what askers know */

/* What there is to be said of a name: of each all, or nothing (§10.2). */
enum { IPV4, IPV6, NOTHING_ELSE, SETS };

typedef struct record_set {
    floe_time said; /* by multicast; zero: never */
    floe_time due;  /* when it is to be said; never: it is not */
    /* It is due for this one alone, whose known answers may be still to come (§7.2); family none: not
     * for one alone. */
    floe_address asker;
    bool direct;           /* and by unicast */
    floe_mdns_place waits; /* where it stands in the message that waits to be polled */
} record_set;

/* A name on one link. */
typedef struct link_state {
    bool active; /* it has an address there */
    bool ours;   /* probing is over */
    bool probed; /* the link has been asked, this time */
    unsigned probes;
    unsigned announcements; /* still to be sent */
    floe_time next;         /* the next of them */
    bool probe_waits;       /* to be polled */
    record_set sets[SETS];
} link_state;

typedef struct own_address {
    floe_list link;
    floe_address address; /* port 0 */
    uint32_t interface_index;
    unsigned owners; /* 0: it is gone, */
    uint32_t owed;   /* and these links, a bit each, have not heard it */
    /* The name on the links of the interface, IPv4 and IPv6: of the first address there alone, so
     * that a name has such where it stands and nowhere else. */
    link_state states[2];
} own_address;

typedef struct host {
    floe_list link;         /* of those that are ours, that leave, or that are taken */
    floe_tree_node by_name; /* of those that are ours */
    floe_alarm due;
    floe_list speaking;
    floe_list waiting;
    floe_list addresses;
    bool probe;
    uint32_t goodbyes; /* of one that leaves: on these links */
    char name[FLOE_MDNS_NAME_SIZE];
} host;

typedef struct reply {
    floe_list link;
    floe_mdns_link to_link;
    floe_address to;
    size_t size;
    uint8_t data[FLOE_MDNS_MESSAGE_SIZE];
} reply;

/* ── What there is ── */

void floe_mdns_hosts_init(floe_mdns *mdns, uint32_t seed)
{
    floe_list_init(&mdns->hosts);
    mdns->host_names =
        (floe_tree_kind){floe_mdns_compare_names, FLOE_TREE_KEY(host, by_name, name), seed};
    floe_tree_init(&mdns->hosts_by_name);
    floe_agenda_init(&mdns->hosts_due);
    floe_list_init(&mdns->speaking);
    floe_list_init(&mdns->waiting);
    floe_list_init(&mdns->leaving);
    floe_list_init(&mdns->taken);
    floe_list_init(&mdns->replies);
}

/* Nothing is to be said on the link; what was said there last counts still. */
static void rest(link_state *state)
{
    link_state resting = {.next = FLOE_TIME_NEVER};

    for (int k = 0; k < SETS; k++) {
        resting.sets[k] = (record_set){.said = state->sets[k].said, .due = FLOE_TIME_NEVER};
    }
    *state = resting;
}

static void clear(link_state *state)
{
    *state = (link_state){.active = false};
    rest(state);
}

/* The first address of the name on the interface; NULL: there is none. */
static own_address *first_on(const host *one, uint32_t interface_index)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->interface_index == interface_index) {
            return own;
        }
    }
    return NULL;
}

/* Who was the first has what the next is to go on with. */
static void leave_place(host *one, own_address *own)
{
    bool first = first_on(one, own->interface_index) == own;

    floe_list_remove(&own->link);
    own_address *next = first ? first_on(one, own->interface_index) : NULL;
    if (next != NULL) {
        memcpy(next->states, own->states, sizeof next->states);
    }
}

static void take_place(host *one, own_address *own, uint32_t interface_index)
{
    own->interface_index = interface_index;
    clear(&own->states[0]);
    clear(&own->states[1]);
    floe_list_append(&one->addresses, &own->link);
}

static void drop_address(floe_mdns *mdns, host *one, own_address *own)
{
    leave_place(one, own);
    floe_deallocate(&mdns->allocator, own);
}

/* It is none of ours any more. */
static void strike(floe_mdns *mdns, host *one)
{
    floe_tree_remove(&mdns->host_names, &mdns->hosts_by_name, &one->by_name);
    floe_agenda_set(&mdns->hosts_due, &one->due, FLOE_TIME_NEVER);
    floe_list_remove(&one->speaking);
    floe_list_remove(&one->waiting);
    floe_list_remove(&one->link);
}

static void resign(floe_mdns *mdns, host *one, floe_list *to)
{
    strike(mdns, one);
    floe_list_append(to, &one->link);
}

static bool is_ours(const host *one)
{
    return floe_tree_has(&one->by_name);
}

static void free_host(floe_mdns *mdns, host *one)
{
    FLOE_LIST_EACH_SAFE(own, &one->addresses, own_address, link)
    {
        floe_deallocate(&mdns->allocator, own);
    }
    strike(mdns, one);
    floe_deallocate(&mdns->allocator, one);
}

static void free_hosts(floe_mdns *mdns, floe_list *list)
{
    FLOE_LIST_EACH_SAFE(one, list, host, link)
    {
        free_host(mdns, one);
    }
}

void floe_mdns_hosts_free(floe_mdns *mdns)
{
    free_hosts(mdns, &mdns->hosts);
    free_hosts(mdns, &mdns->leaving);
    free_hosts(mdns, &mdns->taken);
    FLOE_LIST_EACH_SAFE(one, &mdns->replies, reply, link)
    {
        floe_deallocate(&mdns->allocator, one);
    }
}

static host *find_host(const floe_mdns *mdns, const char *name)
{
    floe_tree_node *found = floe_tree_find(&mdns->host_names, &mdns->hosts_by_name, name);

    return found != NULL ? FLOE_CONTAINER(found, host, by_name) : NULL;
}

static own_address *find_address(const host *one, const floe_address *address)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (floe_address_same_ip(&own->address, address)) {
            return own;
        }
    }
    return NULL;
}

static bool same_bits(const floe_address *a, const floe_address *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Whether the name has said it itself, on whatever link: a packet of ours comes back by multicast,
 * and two interfaces may be on one link. */
static bool is_own(const host *one, const floe_address *address)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (same_bits(&own->address, address)) {
            return true;
        }
    }
    return false;
}

/* §6.2: what is on another interface is not said here. */
static bool is_on(const floe_mdns *mdns, const own_address *own, size_t n)
{
    return mdns->links[n].used && mdns->links[n].link.interface_index == own->interface_index;
}

static int set_of(uint8_t family)
{
    return family == FLOE_FAMILY_IPV4 ? IPV4 : IPV6;
}

/* The name on the n-th link; NULL: it does not stand there. */
static link_state *state_of(const floe_mdns *mdns, const host *one, size_t n)
{
    const floe_mdns_link *link = &mdns->links[n].link;
    own_address *first = mdns->links[n].used ? first_on(one, link->interface_index) : NULL;

    return first != NULL ? &first->states[set_of(link->family)] : NULL;
}

/* Whether there is a record of the set on the n-th link; of NOTHING_ELSE: any address at all. */
static bool has(const floe_mdns *mdns, const host *one, size_t n, int set)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->owners > 0 && is_on(mdns, own, n) &&
            (set == NOTHING_ELSE || set_of(own->address.family) == set)) {
            return true;
        }
    }
    return false;
}

static bool has_any(const host *one)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->owners > 0) {
            return true;
        }
    }
    return false;
}

static bool is_ours_somewhere(const host *one)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->states[0].ours || own->states[1].ours) {
            return true;
        }
    }
    return false;
}

size_t floe_mdns_hosts_find(const floe_mdns *mdns, const char *name, floe_address *addresses,
                            size_t room)
{
    const host *one = find_host(mdns, name);
    size_t count = 0;

    if (one == NULL || (one->probe && !is_ours_somewhere(one))) {
        return 0;
    }
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->owners > 0 && count < room) {
            addresses[count++] = own->address;
        }
    }
    return count;
}

/* ── Saying it ── */

static void speak(floe_mdns *mdns, host *one)
{
    if (!floe_list_linked(&one->speaking)) {
        floe_list_append(&mdns->speaking, &one->speaking);
    }
}

/* When the set may be said on the link again: not within `apart` of the last time (§6). */
static floe_time not_before(const record_set *set, floe_time now, floe_duration apart)
{
    floe_time next = floe_time_after(set->said, apart);

    return set->said.ns != 0 && next.ns > now.ns ? next : now;
}

/* It waits for nothing any more. */
static void settle(record_set *set)
{
    set->due = FLOE_TIME_NEVER;
    set->asker = (floe_address){0};
    set->direct = false;
}

/* By multicast; who was to have it by unicast has it so, too. */
static void due(record_set *set, floe_time when)
{
    floe_time before = set->direct ? FLOE_TIME_NEVER : set->due;

    settle(set);
    set->due = floe_time_min(before, when);
}

/* What is due, and beside it what may be said already: addresses of the other family (§6.2), and
 * that there are no others (§6.1). */
static void say(floe_mdns *mdns, floe_time now, host *one, size_t n)
{
    link_state *state = state_of(mdns, one, n);

    for (int k = 0; k < SETS; k++) {
        record_set *set = &state->sets[k];
        bool is_due = floe_time_reached(now, set->due);
        bool may = not_before(set, now, FLOE_MDNS_A_SECOND).ns == now.ns && has(mdns, one, n, k);
        if (is_due || may) {
            set->waits = is_due || set->waits == FLOE_MDNS_AS_ANSWER ? FLOE_MDNS_AS_ANSWER
                                                                     : FLOE_MDNS_BESIDE;
            set->said = now;
            settle(set);
        }
    }
    speak(mdns, one);
}

/* Whether the n-th link has heard of an address of the set that is gone, and not that it is. */
static bool owes(const floe_mdns *mdns, const host *one, size_t n, int set)
{
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (is_on(mdns, own, n) && (own->owed & 1U << n) != 0 &&
            set_of(own->address.family) == set) {
            return true;
        }
    }
    return false;
}

/* §8.3: all together, and what has gone while the name was disputed; where something of it has just
 * been said, a second after that. */
static void announce(const floe_mdns *mdns, floe_time now, host *one, size_t n)
{
    record_set *sets = state_of(mdns, one, n)->sets;
    floe_time when = now;

    for (int k = 0; k < SETS; k++) {
        floe_time may = not_before(&sets[k], now, FLOE_MDNS_A_SECOND);
        when = may.ns > when.ns ? may : when;
    }
    for (int k = 0; k < SETS; k++) {
        if (has(mdns, one, n, k) || owes(mdns, one, n, k)) {
            due(&sets[k], when);
        }
    }
}

/* §8: a name that has come to a link, or has another address there. */
static void begin(floe_mdns *mdns, floe_time now, host *one, size_t n)
{
    link_state *state = state_of(mdns, one, n);
    uint32_t delay = 0;

    if (state->active && !state->ours) {
        return; /* what is proposed is more from now on */
    }
    if (!state->active) {
        rest(state);
        state->active = true;
        state->probes = one->probe ? PROBES : 0;
    }
    if (one->probe && !state->ours) {
        (void)floe_random_below(&mdns->random, 251, &delay); /* §8.1 */
    }
    state->announcements = ANNOUNCEMENTS;
    state->next = floe_time_after(now, floe_milliseconds(delay));
}

static void begin_address(floe_mdns *mdns, floe_time now, host *one, const own_address *own)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        if (is_on(mdns, own, n)) {
            begin(mdns, now, one, n);
        }
    }
}

/* ── Names come and go ── */

static host *host_for(floe_mdns *mdns, const char *name, bool probe)
{
    host *one = find_host(mdns, name);

    if (one == NULL && (one = floe_allocate(&mdns->allocator, sizeof *one)) != NULL) {
        memcpy(one->name, name, sizeof one->name);
        one->probe = probe;
        floe_list_init(&one->addresses);
        floe_list_append(&mdns->hosts, &one->link);
        floe_tree_insert(&mdns->host_names, &mdns->hosts_by_name, &one->by_name);
    }
    return one;
}

static size_t count_on(const host *one, uint32_t interface_index)
{
    size_t count = 0;

    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        count += own->interface_index == interface_index;
    }
    return count;
}

static floe_error add_address(floe_mdns *mdns, host *one, const floe_address *address,
                              uint32_t interface_index, own_address **added)
{
    if (count_on(one, interface_index) == FLOE_MDNS_RECORDS_MAX) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "\"%.80s\" has %d addresses already", one->name,
                         FLOE_MDNS_RECORDS_MAX);
    }
    own_address *own = floe_allocate(&mdns->allocator, sizeof *own);
    if (own == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    own->address = *address;
    take_place(one, own, interface_index);
    *added = own;
    return FLOE_OK;
}

static void move(host *one, own_address *own, uint32_t interface_index)
{
    if (own->interface_index != interface_index) {
        leave_place(one, own);
        take_place(one, own, interface_index);
    }
}

static void work_on(floe_mdns *mdns, floe_time now, host *one);

floe_error floe_mdns_publish(floe_mdns *mdns, floe_time now, const char *name,
                             const floe_address *address, uint32_t interface_index, bool probe)
{
    floe_address plain = floe_address_with_port(*address, 0);
    char canonical[FLOE_MDNS_NAME_SIZE];

    if (!floe_mdns_name(name, canonical)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "\"%.80s\" is no name to publish", name);
    }
    host *one = host_for(mdns, canonical, probe);
    if (one == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    own_address *own = find_address(one, &plain);
    if (own == NULL) {
        floe_error error = add_address(mdns, one, &plain, interface_index, &own);
        if (error != FLOE_OK) {
            if (floe_list_empty(&one->addresses)) {
                free_host(mdns, one);
            }
            return error;
        }
    }
    own->owed = 0;
    if (own->owners++ == 0) {
        move(one, own, interface_index); /* it may have gone there meanwhile */
        begin_address(mdns, now, one, own);
        work_on(mdns, now, one);
    }
    return FLOE_OK;
}

/* Whether the link has heard of the name: also of one that has gone back to probing since (§9). */
static bool was_said(const link_state *state)
{
    return state->ours || state->sets[IPV4].said.ns != 0 || state->sets[IPV6].said.ns != 0;
}

/* §10.1, of the whole name: at once, as the process may end. */
static void leave(floe_mdns *mdns, host *one)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        const link_state *state = state_of(mdns, one, n);
        one->goodbyes |= state != NULL && was_said(state) ? 1U << n : 0;
    }
    resign(mdns, one, &mdns->leaving);
}

static void say_in_a_second(floe_time now, record_set *set)
{
    due(set, not_before(set, now, FLOE_MDNS_A_SECOND));
}

/* §10.1, of addresses: together with those that stay (§10.2). */
static void say_goodbyes(const floe_mdns *mdns, floe_time now, const host *one, size_t n)
{
    record_set *sets = state_of(mdns, one, n)->sets;
    bool any = false;

    for (int k = IPV4; k <= IPV6; k++) {
        if (owes(mdns, one, n, k)) {
            say_in_a_second(now, &sets[k]);
            any = true;
        }
    }
    if (any && has(mdns, one, n, NOTHING_ELSE)) {
        say_in_a_second(now, &sets[NOTHING_ELSE]);
    }
}

/* Of a name that is disputed nothing is said, so that an address that goes is told when it is ours
 * again; where it was the last one there is no dispute any more. */
static void go_from(const floe_mdns *mdns, floe_time now, const host *one, size_t n)
{
    link_state *state = state_of(mdns, one, n);
    bool stays = has(mdns, one, n, NOTHING_ELSE);

    if (!state->ours && !stays) {
        rest(state);
    }
    if (state->ours || !stays) {
        say_goodbyes(mdns, now, one, n);
    }
}

static void say_it_is_gone(floe_mdns *mdns, floe_time now, host *one, own_address *own)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        if (is_on(mdns, own, n)) {
            own->owed |= was_said(state_of(mdns, one, n)) ? 1U << n : 0;
            go_from(mdns, now, one, n);
        }
    }
    if (own->owed == 0) {
        drop_address(mdns, one, own);
    }
}

void floe_mdns_unpublish(floe_mdns *mdns, floe_time now, const char *name,
                         const floe_address *address)
{
    char canonical[FLOE_MDNS_NAME_SIZE];
    host *one = floe_mdns_name(name, canonical) ? find_host(mdns, canonical) : NULL;
    own_address *own = one != NULL ? find_address(one, address) : NULL;

    if (own == NULL || own->owners == 0 || --own->owners > 0) {
        return;
    }
    if (has_any(one)) {
        say_it_is_gone(mdns, now, one, own);
        work_on(mdns, now, one);
    } else {
        leave(mdns, one);
    }
}

/* Where the address is now: where it was, if it is there too, or is nowhere. */
static uint32_t interface_of(const own_address *own, const floe_interface_address *interfaces,
                             size_t count)
{
    uint32_t other = own->interface_index;
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        if (floe_address_same_ip(&interfaces[i].address, &own->address)) {
            if (interfaces[i].interface_index == own->interface_index) {
                return own->interface_index;
            }
            other = found ? other : interfaces[i].interface_index;
            found = true;
        }
    }
    return other;
}

static void follow(floe_mdns *mdns, floe_time now, host *one,
                   const floe_interface_address *interfaces, size_t count)
{
    FLOE_LIST_EACH_SAFE(own, &one->addresses, own_address, link)
    {
        uint32_t interface_index = interface_of(own, interfaces, count);
        if (own->owners > 0 && interface_index != own->interface_index) {
            move(one, own, interface_index);
            begin_address(mdns, now, one, own);
        }
    }
    work_on(mdns, now, one);
}

bool floe_mdns_has_names_on(const floe_mdns *mdns, uint32_t interface_index)
{
    FLOE_LIST_EACH(one, &mdns->hosts, host, link)
    {
        if (first_on(one, interface_index) != NULL) {
            return true;
        }
    }
    return false;
}

void floe_mdns_set_interfaces(floe_mdns *mdns, floe_time now,
                              const floe_interface_address *interfaces, size_t count)
{
    FLOE_LIST_EACH(one, &mdns->hosts, host, link)
    {
        follow(mdns, now, one, interfaces, count);
    }
}

void floe_mdns_hosts_link_came(floe_mdns *mdns, floe_time now, size_t n)
{
    FLOE_LIST_EACH(one, &mdns->hosts, host, link)
    {
        if (has(mdns, one, n, NOTHING_ELSE)) {
            begin(mdns, now, one, n);
            work_on(mdns, now, one);
        }
    }
}

static void set_alarm(floe_mdns *mdns, host *one);

static const floe_mdns_place everything[SETS] = {FLOE_MDNS_AS_ANSWER, FLOE_MDNS_AS_ANSWER,
                                                 FLOE_MDNS_AS_ANSWER};

/* The n-th link has heard which addresses of these sets are gone, or is gone itself. */
static void heard_on(floe_mdns *mdns, host *one, size_t n, const floe_mdns_place *places)
{
    FLOE_LIST_EACH_SAFE(own, &one->addresses, own_address, link)
    {
        if (places[set_of(own->address.family)] != FLOE_MDNS_LEFT_OUT) {
            own->owed &= ~(1U << n);
        }
        if (own->owners == 0 && own->owed == 0) {
            drop_address(mdns, one, own);
        }
    }
}

void floe_mdns_hosts_link_went(floe_mdns *mdns, size_t n)
{
    FLOE_LIST_EACH(one, &mdns->hosts, host, link)
    {
        link_state *state = state_of(mdns, one, n);
        if (state != NULL) {
            clear(state);
            heard_on(mdns, one, n, everything);
            set_alarm(mdns, one);
        }
    }
    FLOE_LIST_EACH(one, &mdns->leaving, host, link)
    {
        one->goodbyes &= ~(1U << n);
    }
}

/* ── Questions ── */

/* What a message asks of a name on a link. */
typedef struct wish {
    bool sets[SETS];
    bool by_multicast[SETS];
} wish;

/* Each question is answered: by an address, or by the word that there is none of the kind. */
static bool take_wish(const floe_mdns *mdns, const host *one, size_t n, bool direct, wish *wanted)
{
    const floe_mdns_message *message = &mdns->message;
    bool any = false;

    *wanted = (wish){{false}, {false}};
    for (size_t i = 0; i < message->question_count; i++) {
        const floe_mdns_question *question = &message->questions[i];
        bool both = question->ipv4 && question->ipv6;
        if (strcmp(question->name, one->name) != 0) {
            continue;
        }
        bool asks[SETS] = {question->ipv4 && has(mdns, one, n, IPV4),
                           question->ipv6 && has(mdns, one, n, IPV6), false};
        asks[NOTHING_ELSE] = !asks[IPV4] && !asks[IPV6] && !both;
        for (int k = 0; k < SETS; k++) {
            wanted->sets[k] = wanted->sets[k] || asks[k];
            /* §5.5: what is asked of us directly is as good as asked for by unicast. */
            wanted->by_multicast[k] =
                wanted->by_multicast[k] || (asks[k] && !question->unicast && !direct);
        }
        any = true;
    }
    return any;
}

static bool knows(const floe_mdns_message *message, const host *one, const floe_address *address)
{
    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        if (record->section == FLOE_MDNS_ANSWER && record->ttl >= FLOE_MDNS_TTL / 2 &&
            strcmp(record->name, one->name) == 0 && same_bits(&record->address, address)) {
            return true;
        }
    }
    return false;
}

/* §7.1: the asker knows all of it, for at least half of its time. */
static bool is_known(const floe_mdns *mdns, const host *one, size_t n, int set)
{
    static const floe_address none = {0};

    if (set == NOTHING_ELSE) {
        return knows(&mdns->message, one, &none);
    }
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->owners > 0 && is_on(mdns, own, n) && set_of(own->address.family) == set &&
            !knows(&mdns->message, one, &own->address)) {
            return false;
        }
    }
    return true;
}

/* §7.2: 400 to 500 ms, for the rest of the known answers. §6.3: 20 to 120 ms, as one of several
 * questions may be another machine's. */
static floe_time when_it_may_be_answered(floe_mdns *mdns, floe_time now)
{
    bool truncated = mdns->message.truncated;
    uint32_t more = 0;

    if (!truncated && mdns->message.question_count < 2) {
        return now;
    }
    (void)floe_random_below(&mdns->random, 101, &more);
    return floe_time_after(now, floe_milliseconds((truncated ? 400 : 20) + more));
}

/* §7.2: the asker goes on to say what it knows. */
static void hear_what_is_known(const floe_mdns *mdns, const host *one, size_t n,
                               const floe_address *source, floe_time known)
{
    link_state *state = state_of(mdns, one, n);

    for (int k = 0; state != NULL && k < SETS; k++) {
        record_set *set = &state->sets[k];
        if (!floe_address_equal(&set->asker, source)) {
            continue;
        }
        if (is_known(mdns, one, n, k)) {
            settle(set);
        } else if (mdns->message.truncated) {
            set->due = floe_time_max(set->due, known);
        }
    }
}

/* Whether the name may wait for what an asker knows: if not too many do already. */
static bool may_wait(const floe_mdns *mdns, const host *one)
{
    size_t count = 0;

    FLOE_LIST_EACH(other, &mdns->waiting, host, waiting)
    {
        count++;
    }
    return count < WAITING_MAX || floe_list_linked(&one->waiting);
}

/* How something is answered. */
typedef struct manner {
    floe_time when;      /* at the earliest */
    floe_duration apart; /* §6: from the last time, by multicast */
    floe_address asker;  /* whose known answers count till then, or who is answered alone */
    bool direct;         /* by unicast */
} manner;

/* Who asks for what waits for others already gets it with them. */
static void say_soon(floe_mdns *mdns, floe_time now, host *one, record_set *set, const manner *how)
{
    bool idle = floe_time_is_never(set->due);
    bool alone = how->asker.family != FLOE_FAMILY_NONE &&
                 (idle || floe_address_equal(&set->asker, &how->asker));
    bool direct = how->direct && alone && (idle || set->direct);

    if (direct) {
        set->due = floe_time_min(set->due, how->when);
    } else {
        due(set, floe_time_max(how->when, not_before(set, now, how->apart)));
    }
    if (alone) {
        set->asker = how->asker;
        set->direct = direct;
        if (!floe_list_linked(&one->waiting)) {
            floe_list_append(&mdns->waiting, &one->waiting);
        }
    }
}

/* What is proposed for a name. The data is of addresses alone: no record of another type is ours, so
 * that against ours the type decides. */
typedef struct proposed {
    uint16_t type;
    floe_address address;
} proposed;

/* By type (A before AAAA), then by data. */
static int compare_records(const proposed *a, const proposed *b)
{
    int order = (int)a->type - (int)b->type;

    return order != 0 ? order : memcmp(a->address.ip, b->address.ip, sizeof a->address.ip);
}

/* Into its place among those that are sorted already. */
static void insert_record(proposed *sorted, size_t count, uint16_t type,
                          const floe_address *address)
{
    proposed record = {type, *address};

    for (; count > 0 && compare_records(&sorted[count - 1], &record) > 0; count--) {
        sorted[count] = sorted[count - 1];
    }
    sorted[count] = record;
}

/* A probe of somebody else's for the name: what they propose, in order (§8.2). 0: there is none, or
 * it is our own, come back. */
static size_t proposal(const floe_mdns_message *message, const host *one, proposed *theirs)
{
    size_t count = 0;
    bool own = true;

    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        bool counts = record->other || record->address.family != FLOE_FAMILY_NONE;
        if (counts && record->section == FLOE_MDNS_AUTHORITY &&
            strcmp(record->name, one->name) == 0) {
            insert_record(theirs, count++, record->type, &record->address);
            own = own && is_own(one, &record->address);
        }
    }
    return own ? 0 : count;
}

static size_t own_proposal(const floe_mdns *mdns, const host *one, size_t n, proposed *ours)
{
    size_t count = 0;

    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (own->owners > 0 && is_on(mdns, own, n) && count < FLOE_MDNS_RECORDS_MAX) {
            bool ipv4 = own->address.family == FLOE_FAMILY_IPV4;
            insert_record(ours, count++, ipv4 ? FLOE_MDNS_TYPE_A : FLOE_MDNS_TYPE_AAAA,
                          &own->address);
        }
    }
    return count;
}

/* The probing begins anew, then at the earliest. */
static void probe_not_before(link_state *state, floe_time when)
{
    bool later = !state->probed && state->next.ns > when.ns;

    state->next = later ? state->next : when;
    state->probes = PROBES;
    state->probed = state->probe_waits = false;
}

/* §8.2: of two that probe at the same time, the one with the greater data, or with more of it, goes
 * on; the other waits a second and probes again. */
static void contend(const floe_mdns *mdns, floe_time now, host *one, size_t n,
                    const proposed *theirs, size_t count)
{
    proposed ours[FLOE_MDNS_RECORDS_MAX];
    size_t own_count = own_proposal(mdns, one, n, ours);
    int order = 0;

    for (size_t i = 0; i < count && i < own_count && order == 0; i++) {
        order = compare_records(&theirs[i], &ours[i]);
    }
    if (order > 0 || (order == 0 && count > own_count)) {
        probe_not_before(state_of(mdns, one, n), floe_time_after(now, FLOE_MDNS_A_SECOND));
    }
}

static void add_to_answer(const own_address *own, uint32_t ttl, floe_mdns_place place,
                          floe_mdns_answer *answer)
{
    if (answer->count < FLOE_MDNS_RECORDS_MAX) {
        answer->addresses[answer->count].address = own->address;
        answer->addresses[answer->count].ttl = ttl;
        answer->addresses[answer->count++].place = place;
    }
}

/* The sets of the n-th link, each at its place. */
static void make_answer(const floe_mdns *mdns, const host *one, size_t n,
                        const floe_mdns_place *places, const floe_mdns_message *legacy,
                        floe_mdns_answer *answer)
{
    *answer = (floe_mdns_answer){.name = one->name,
                                 .ipv4 = has(mdns, one, n, IPV4),
                                 .ipv6 = has(mdns, one, n, IPV6),
                                 .negative = places[NOTHING_ELSE],
                                 .legacy = legacy};
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        bool owed = (own->owed & 1U << n) != 0 && legacy == NULL; /* §6.7: he knows no goodbyes */
        if (is_on(mdns, own, n) && (own->owners > 0 || owed)) {
            add_to_answer(own, own->owners > 0 ? FLOE_MDNS_TTL : 0,
                          places[set_of(own->address.family)], answer);
        }
    }
}

/* To the asker alone. */
static void reply_to(floe_mdns *mdns, const host *one, size_t n, const floe_address *to,
                     const bool *sets, const floe_mdns_message *legacy)
{
    floe_mdns_place places[SETS];
    floe_mdns_answer answer;

    for (int k = 0; k < SETS; k++) {
        places[k] = sets[k] ? FLOE_MDNS_AS_ANSWER : FLOE_MDNS_LEFT_OUT;
    }
    if (legacy == NULL && places[NOTHING_ELSE] == FLOE_MDNS_LEFT_OUT) {
        places[NOTHING_ELSE] = FLOE_MDNS_BESIDE;
    }
    make_answer(mdns, one, n, places, legacy, &answer);
    reply *made =
        mdns->reply_count < REPLIES_MAX ? floe_allocate(&mdns->allocator, sizeof *made) : NULL;
    if (made == NULL) {
        return; /* as if it were lost on the way */
    }
    made->to_link = mdns->links[n].link;
    made->to = *to;
    made->size = floe_mdns_write_answer(&answer, made->data, sizeof made->data);
    if (made->size == 0) {
        floe_deallocate(&mdns->allocator, made);
        return;
    }
    floe_list_append(&mdns->replies, &made->link);
    mdns->reply_count++;
}

/* Those who wait to be told by unicast, each all that it has asked for. */
static void tell_askers(floe_mdns *mdns, floe_time now, const host *one, size_t n)
{
    record_set *sets = state_of(mdns, one, n)->sets;

    for (int k = 0; k < SETS; k++) {
        floe_address asker = sets[k].asker;
        bool its[SETS] = {false};
        if (!sets[k].direct || !floe_time_reached(now, sets[k].due)) {
            continue;
        }
        for (int i = k; i < SETS; i++) {
            if (sets[i].direct && floe_address_equal(&sets[i].asker, &asker)) {
                its[i] = true;
                settle(&sets[i]);
            }
        }
        reply_to(mdns, one, n, &asker, its, NULL);
    }
}

/* §5.4: by unicast, if all others have heard it lately. */
static bool may_be_unicast(const link_state *state, floe_time now, const wish *wanted)
{
    for (int k = 0; k < SETS; k++) {
        const record_set *set = &state->sets[k];
        floe_time stale = floe_time_after(set->said, floe_seconds(FLOE_MDNS_TTL / 4));
        if (wanted->sets[k] &&
            (wanted->by_multicast[k] || set->said.ns == 0 || floe_time_reached(now, stale))) {
            return false;
        }
    }
    return true;
}

/* §6.3, §8.1: a name is defended at once. */
static void say_what_is_wanted(floe_mdns *mdns, floe_time now, host *one, size_t n,
                               const floe_mdns_arrival *arrival, const wish *wanted, bool defence)
{
    link_state *state = state_of(mdns, one, n);
    bool direct = arrival->neighbour && may_be_unicast(state, now, wanted);
    bool by_asker = direct || mdns->message.truncated;
    bool waits = !defence && (!by_asker || may_wait(mdns, one));
    manner how = {.when = waits ? when_it_may_be_answered(mdns, now) : now,
                  .apart = defence ? FOR_A_PROBE : FLOE_MDNS_A_SECOND,
                  .direct = direct};

    if (direct && how.when.ns == now.ns) {
        reply_to(mdns, one, n, &arrival->source, wanted->sets, NULL);
        return;
    }
    if (waits && by_asker) {
        how.asker = arrival->source;
    }
    for (int k = 0; k < SETS; k++) {
        if (wanted->sets[k]) {
            say_soon(mdns, now, one, &state->sets[k], &how);
        }
    }
}

static void answer(floe_mdns *mdns, floe_time now, host *one, size_t n,
                   const floe_mdns_arrival *arrival, wish *wanted)
{
    proposed theirs[FLOE_MDNS_ITEMS_MAX] = {0};
    size_t count = proposal(&mdns->message, one, theirs);
    link_state *state = state_of(mdns, one, n);
    bool any = false;

    if (!state->ours) {
        if (count > 0) {
            contend(mdns, now, one, n, theirs, count);
        }
        return; /* it is not ours yet */
    }
    if (arrival->source.port != FLOE_MDNS_PORT) { /* §6.7; §11: who is elsewhere is not told */
        if (arrival->neighbour) {
            reply_to(mdns, one, n, &arrival->source, wanted->sets, &mdns->message);
        }
        return;
    }
    for (int k = 0; k < SETS; k++) {
        wanted->sets[k] = wanted->sets[k] && !is_known(mdns, one, n, k);
        any = any || wanted->sets[k];
    }
    if (any) {
        say_what_is_wanted(mdns, now, one, n, arrival, wanted, count > 0);
    }
}

/* Whether an earlier question of the message was for the same name. */
static bool is_repeated(const floe_mdns_message *message, size_t question)
{
    for (size_t i = 0; i < question; i++) {
        if (strcmp(message->questions[i].name, message->questions[question].name) == 0) {
            return true;
        }
    }
    return false;
}

void floe_mdns_hosts_asked(floe_mdns *mdns, floe_time now, size_t n,
                           const floe_mdns_arrival *arrival)
{
    floe_time known = when_it_may_be_answered(mdns, now);

    FLOE_LIST_EACH_SAFE(one, &mdns->waiting, host, waiting)
    {
        hear_what_is_known(mdns, one, n, &arrival->source, known);
        set_alarm(mdns, one);
    }
    for (size_t i = 0; i < mdns->message.question_count; i++) {
        host *one = find_host(mdns, mdns->message.questions[i].name);
        wish wanted;
        if (one == NULL || is_repeated(&mdns->message, i) || !has(mdns, one, n, NOTHING_ELSE) ||
            !state_of(mdns, one, n)->active) {
            continue;
        }
        if (take_wish(mdns, one, n, !arrival->to_group, &wanted)) {
            answer(mdns, now, one, n, arrival, &wanted);
            work_on(mdns, now, one);
        }
    }
}

/* ── Answers of others ── */

/* §8.1: whether there have been more than fifteen of them within ten seconds. */
static bool count_conflict(floe_mdns *mdns, floe_time now)
{
    floe_time *oldest = &mdns->conflicts[mdns->conflict_count++ % FLOE_MDNS_CONFLICTS];
    bool many =
        oldest->ns != 0 && !floe_time_reached(now, floe_time_after(*oldest, CONFLICTS_WITHIN));

    *oldest = now;
    return many;
}

/* §9: somebody else says that the name is theirs: it goes back to probing, in which one of the two
 * wins; a name of random bits too, that was not probed for. It does so wherever it stands, as it is
 * kept or given up as a whole: of two that meet on several links each might else lose it on one
 * where the other has it still. And not before all has come that was said before: who answers
 * nothing any more is not to be beaten by what it said a moment ago. */
static void dispute(floe_mdns *mdns, floe_time now, host *one)
{
    floe_time when = floe_time_after(now, count_conflict(mdns, now) ? AFTER_CONFLICTS : FLIGHT);

    one->probe = true;
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        link_state *state = state_of(mdns, one, n);
        if (state == NULL || !state->active) {
            continue;
        }
        rest(state);
        if (has(mdns, one, n, NOTHING_ELSE)) {
            begin(mdns, now, one, n);
            probe_not_before(state, when);
        } else {
            say_goodbyes(mdns, now, one, n);
        }
    }
}

/* Another has such a record of the name. §8.1: who was asked and has it keeps it; what comes before
 * the first probe may be stale. */
static void hear_another(floe_mdns *mdns, floe_time now, host *one, size_t n,
                         const floe_mdns_record *record)
{
    const link_state *state = state_of(mdns, one, n);

    if (state->ours ? !record->other && has(mdns, one, n, set_of(record->address.family))
                    : state->probed && is_ours_somewhere(one)) {
        dispute(mdns, now, one);
    } else if (!state->ours && state->probed) {
        (void)count_conflict(mdns, now);
        resign(mdns, one, &mdns->taken);
    }
}

/* Our own record, as said by whoever. §6.6: who makes the link forget it too early makes us say it
 * again. */
static void hear_own(const floe_mdns *mdns, floe_time now, const host *one, size_t n,
                     const floe_mdns_record *record)
{
    link_state *state = state_of(mdns, one, n);
    record_set *set = &state->sets[set_of(record->address.family)];

    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (state->ours && own->owners > 0 && is_on(mdns, own, n) &&
            same_bits(&own->address, &record->address) && record->ttl < FLOE_MDNS_TTL / 2) {
            say_in_a_second(now, set);
        }
    }
}

static void hear(floe_mdns *mdns, floe_time now, host *one, size_t n,
                 const floe_mdns_record *record)
{
    const link_state *state = state_of(mdns, one, n);

    if (state == NULL || !state->active) {
        return;
    }
    if (is_own(one, &record->address)) {
        hear_own(mdns, now, one, n, record);
    } else if (record->ttl > 0) {
        hear_another(mdns, now, one, n, record);
    }
    if (is_ours(one)) {
        work_on(mdns, now, one);
    }
}

void floe_mdns_hosts_heard(floe_mdns *mdns, floe_time now, size_t n)
{
    const floe_mdns_message *message = &mdns->message;

    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        bool counts = record->other || record->address.family != FLOE_FAMILY_NONE;
        host *one = counts ? find_host(mdns, record->name) : NULL;
        if (one != NULL) {
            hear(mdns, now, one, n, record);
        }
    }
}

/* ── The time ── */

static void work_on_link(floe_mdns *mdns, floe_time now, host *one, size_t n)
{
    link_state *state = state_of(mdns, one, n);

    if (state == NULL) {
        return;
    }
    if (floe_time_reached(now, state->next)) {
        if (state->probes > 0) {
            state->probes--;
            state->probe_waits = true;
            state->next = floe_time_after(now, PROBE_EVERY);
            speak(mdns, one);
        } else if (state->announcements > 0) {
            state->announcements--;
            state->ours = true;
            announce(mdns, now, one, n);
            state->next = floe_time_after(now, FLOE_MDNS_A_SECOND);
        } else {
            state->next = FLOE_TIME_NEVER;
        }
    }
    tell_askers(mdns, now, one, n);
    for (int k = 0; k < SETS; k++) {
        if (floe_time_reached(now, state->sets[k].due)) {
            say(mdns, now, one, n);
        }
    }
}

/* When something of it is due; and who waits for no asker is off their list. */
static void set_alarm(floe_mdns *mdns, host *one)
{
    floe_time when = FLOE_TIME_NEVER;
    bool waits = false;

    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        for (size_t i = 0; i < 2; i++) {
            const link_state *state = &own->states[i];
            when = floe_time_min(when, state->next);
            for (int k = 0; k < SETS; k++) {
                when = floe_time_min(when, state->sets[k].due);
                waits = waits || state->sets[k].asker.family != FLOE_FAMILY_NONE;
            }
        }
    }
    floe_agenda_set(&mdns->hosts_due, &one->due, when);
    if (!waits) {
        floe_list_remove(&one->waiting);
    }
}

static void work_on(floe_mdns *mdns, floe_time now, host *one)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        work_on_link(mdns, now, one, n);
    }
    set_alarm(mdns, one);
}

void floe_mdns_hosts_time(floe_mdns *mdns, floe_time now)
{
    floe_alarm *due;

    while ((due = floe_agenda_due(&mdns->hosts_due, now)) != NULL) {
        work_on(mdns, now, FLOE_CONTAINER(due, host, due));
    }
}

floe_time floe_mdns_hosts_deadline(const floe_mdns *mdns)
{
    return floe_agenda_deadline(&mdns->hosts_due);
}

/* ── Outputs ── */

static bool send_probe(const floe_mdns *mdns, host *one, size_t n, floe_mdns_output *output)
{
    proposed ours[FLOE_MDNS_RECORDS_MAX];
    floe_address addresses[FLOE_MDNS_RECORDS_MAX];
    size_t count = own_proposal(mdns, one, n, ours);

    for (size_t i = 0; i < count; i++) {
        addresses[i] = ours[i].address;
    }
    state_of(mdns, one, n)->probe_waits = false;
    state_of(mdns, one, n)->probed = true;
    output->size =
        floe_mdns_write_probe(one->name, addresses, count, output->data, sizeof output->data);
    return output->size > 0;
}

static bool send_answer(floe_mdns *mdns, host *one, size_t n, floe_mdns_output *output)
{
    floe_mdns_place places[SETS];
    floe_mdns_answer answer;
    link_state *state = state_of(mdns, one, n);
    bool any = false;

    for (int k = 0; k < SETS; k++) {
        places[k] = state->sets[k].waits;
        state->sets[k].waits = FLOE_MDNS_LEFT_OUT;
        any = any || places[k] != FLOE_MDNS_LEFT_OUT;
    }
    if (!any) {
        return false;
    }
    make_answer(mdns, one, n, places, NULL, &answer);
    heard_on(mdns, one, n, places);
    set_alarm(mdns, one); /* what it stood on may be gone */
    output->size = floe_mdns_write_answer(&answer, output->data, sizeof output->data);
    return output->size > 0;
}

/* The host's next packet; false: it has none. One that can't be made is lost, as it may be on the
 * way. */
static bool send_next(floe_mdns *mdns, host *one, floe_mdns_output *output)
{
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        const link_state *state = state_of(mdns, one, n);
        output->link = mdns->links[n].link;
        if (state != NULL && ((state->probe_waits && send_probe(mdns, one, n, output)) ||
                              send_answer(mdns, one, n, output))) {
            return true;
        }
    }
    return false;
}

/* To the first of the links that have still to hear it; false: the message can't be made, and is
 * lost. */
static bool send_goodbye(floe_mdns *mdns, host *one, floe_mdns_output *output)
{
    floe_mdns_answer answer = {.name = one->name};
    size_t n = 0;

    while ((one->goodbyes & 1U << n) == 0) {
        n++;
    }
    FLOE_LIST_EACH(own, &one->addresses, own_address, link)
    {
        if (is_on(mdns, own, n)) {
            add_to_answer(own, 0, FLOE_MDNS_AS_ANSWER, &answer);
        }
    }
    one->goodbyes &= ~(1U << n);
    output->link = mdns->links[n].link;
    output->size = floe_mdns_write_answer(&answer, output->data, sizeof output->data);
    return output->size > 0;
}

static void send_reply(floe_mdns *mdns, reply *one, floe_mdns_output *output)
{
    output->link = one->to_link;
    output->to = one->to;
    output->size = one->size;
    memcpy(output->data, one->data, one->size);
    floe_list_remove(&one->link);
    mdns->reply_count--;
    floe_deallocate(&mdns->allocator, one);
}

bool floe_mdns_hosts_poll(floe_mdns *mdns, floe_mdns_output *output)
{
    if (!floe_list_empty(&mdns->taken)) {
        host *one = FLOE_CONTAINER(mdns->taken.next, host, link);
        output->kind = FLOE_MDNS_TAKEN;
        memcpy(output->name, one->name, sizeof output->name);
        free_host(mdns, one);
        return true;
    }
    output->kind = FLOE_MDNS_SEND;
    FLOE_LIST_EACH_SAFE(one, &mdns->leaving, host, link)
    {
        while (one->goodbyes != 0) {
            if (send_goodbye(mdns, one, output)) {
                return true;
            }
        }
        free_host(mdns, one);
    }
    if (!floe_list_empty(&mdns->replies)) {
        send_reply(mdns, FLOE_CONTAINER(mdns->replies.next, reply, link), output);
        return true;
    }
    FLOE_LIST_EACH_SAFE(one, &mdns->speaking, host, speaking)
    {
        if (send_next(mdns, one, output)) {
            return true;
        }
        floe_list_remove(&one->speaking);
    }
    return false;
}
