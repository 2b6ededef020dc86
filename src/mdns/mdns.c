/* The responder's and the querier's rules. */
#include "mdns/mdns.h"

#include "base/error.h"

#include <string.h>

#define PROBES 3                           /* §8.1 */
#define PROBE_EVERY floe_milliseconds(250) /* §8.1 */
#define ANNOUNCEMENTS 2                    /* §8.3 */
#define ONCE_A_SECOND floe_seconds(1)      /* §6, §8.3 */
#define FOR_A_PROBE floe_milliseconds(250) /* §6 */
#define DEFENDED_WITHIN floe_seconds(10)   /* §9 */
#define MESSAGES_MAX 512                   /* that wait to be polled */

/* What is to be said of a name on one link. */
typedef struct link_state {
    floe_time multicast; /* when it was last said; zero: never */
    floe_time due;       /* when it is to be said; never: it is not */
    bool address;        /* the address itself, and not only that there is no other */
    bool may_be_known;   /* §7.2: the asker's known answers are still to come */
} link_state;

typedef struct published {
    floe_list link;
    char name[FLOE_MDNS_NAME_SIZE];
    floe_address address;
    unsigned owners;
    bool ours;              /* probing is over */
    unsigned probes;        /* still to be sent */
    unsigned announcements; /* still to be sent */
    floe_time next;         /* the next of them */
    floe_time defended;     /* zero: never */
    link_state links[FLOE_MDNS_LINKS_MAX];
} published;

typedef struct query {
    floe_list link;
    char name[FLOE_MDNS_NAME_SIZE];
    void *asker;
    bool active;
    floe_time give_up;
    floe_time next;
    floe_duration interval;
} query;

typedef struct message_node {
    floe_list link;
    floe_mdns_output output;
} message_node;

struct floe_mdns {
    floe_allocator allocator;
    floe_random random;
    floe_mdns_link links[FLOE_MDNS_LINKS_MAX];
    size_t link_count;
    floe_list published;
    floe_list queries;
    floe_list outputs;
    size_t output_count;
    floe_mdns_message message; /* the one at hand */
};

floe_mdns *floe_mdns_new(const floe_allocator *allocator, const floe_random *random)
{
    floe_mdns *mdns = floe_allocate(allocator, sizeof *mdns);

    if (mdns != NULL) {
        mdns->allocator = *allocator;
        mdns->random = *random;
        floe_list_init(&mdns->published);
        floe_list_init(&mdns->queries);
        floe_list_init(&mdns->outputs);
    }
    return mdns;
}

void floe_mdns_free(floe_mdns *mdns)
{
    if (mdns == NULL) {
        return;
    }
    FLOE_LIST_EACH_SAFE(own, &mdns->published, published, link)
    {
        floe_deallocate(&mdns->allocator, own);
    }
    FLOE_LIST_EACH_SAFE(asked, &mdns->queries, query, link)
    {
        floe_deallocate(&mdns->allocator, asked);
    }
    FLOE_LIST_EACH_SAFE(node, &mdns->outputs, message_node, link)
    {
        floe_deallocate(&mdns->allocator, node);
    }
    floe_allocator allocator = mdns->allocator;
    floe_deallocate(&allocator, mdns);
}

/* Names are compared without regard to case (§16); they are kept in lower case. */
static bool copy_name(char *to, const char *name)
{
    size_t size = strlen(name);

    if (size > 0 && name[size - 1] == '.') {
        size--;
    }
    if (size == 0 || size >= FLOE_MDNS_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        to[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    }
    to[size] = '\0';
    return true;
}

/* ── Outputs ── */

static floe_mdns_output *add_output(floe_mdns *mdns, floe_mdns_output_kind kind)
{
    message_node *node =
        mdns->output_count < MESSAGES_MAX ? floe_allocate(&mdns->allocator, sizeof *node) : NULL;

    if (node == NULL) {
        return NULL; /* as if it were lost on the way */
    }
    node->output.kind = kind;
    floe_list_append(&mdns->outputs, &node->link);
    mdns->output_count++;
    return &node->output;
}

static void drop_output(floe_mdns *mdns, floe_mdns_output *output)
{
    message_node *node = FLOE_CONTAINER(output, message_node, output);

    floe_list_remove(&node->link);
    mdns->output_count--;
    floe_deallocate(&mdns->allocator, node);
}

bool floe_mdns_poll(floe_mdns *mdns, floe_mdns_output *output)
{
    if (floe_list_empty(&mdns->outputs)) {
        return false;
    }
    message_node *node = FLOE_CONTAINER(mdns->outputs.next, message_node, link);
    *output = node->output;
    drop_output(mdns, &node->output);
    return true;
}

static void send_answer(floe_mdns *mdns, const floe_mdns_link *link, const floe_address *to,
                        const floe_mdns_answer *answer)
{
    floe_mdns_output *output = add_output(mdns, FLOE_MDNS_SEND);

    if (output == NULL) {
        return;
    }
    output->link = *link;
    if (to != NULL) {
        output->to = *to;
    }
    output->size = floe_mdns_write_answer(answer, output->data, sizeof output->data);
    if (output->size == 0) {
        drop_output(mdns, output);
    }
}

static void send_query(floe_mdns *mdns, const char *name, floe_family family,
                       const floe_address *proposed)
{
    for (size_t i = 0; i < mdns->link_count; i++) {
        floe_mdns_output *output = add_output(mdns, FLOE_MDNS_SEND);
        if (output == NULL) {
            return;
        }
        output->link = mdns->links[i];
        output->size =
            floe_mdns_write_query(name, family, proposed, output->data, sizeof output->data);
        if (output->size == 0) {
            drop_output(mdns, output);
        }
    }
}

/* ── The responder ── */

static void say(floe_mdns *mdns, floe_time now, published *own, size_t n, uint32_t ttl)
{
    link_state *state = &own->links[n];
    floe_mdns_answer answer = {.name = own->name,
                               .address = state->address ? &own->address : NULL,
                               .family = own->address.family,
                               .ttl = ttl};

    state->multicast = now;
    state->due = FLOE_TIME_NEVER;
    send_answer(mdns, &mdns->links[n], NULL, &answer);
}

/* §10.1. */
static void say_goodbye(floe_mdns *mdns, floe_time now, published *own)
{
    for (size_t n = 0; n < mdns->link_count; n++) {
        own->links[n].address = true;
        say(mdns, now, own, n, 0);
    }
}

/* When it may be said on the link again: not within `apart` of the last time (§6). */
static floe_time not_before(const link_state *state, floe_time now, floe_duration apart)
{
    floe_time next = floe_time_after(state->multicast, apart);

    return state->multicast.ns != 0 && next.ns > now.ns ? next : now;
}

/* §8.3: on every link; where an answer has just been given, a second after it. */
static void announce(floe_mdns *mdns, floe_time now, published *own)
{
    for (size_t n = 0; n < mdns->link_count; n++) {
        link_state *state = &own->links[n];
        state->address = true;
        state->due = floe_time_min(state->due, not_before(state, now, ONCE_A_SECOND));
        if (floe_time_reached(now, state->due)) {
            say(mdns, now, own, n, FLOE_MDNS_TTL);
        }
    }
}

static published *find_published(floe_mdns *mdns, const char *name, const floe_address *address)
{
    FLOE_LIST_EACH(own, &mdns->published, published, link)
    {
        if (strcmp(own->name, name) == 0 && floe_address_same_ip(&own->address, address)) {
            return own;
        }
    }
    return NULL;
}

floe_error floe_mdns_publish(floe_mdns *mdns, floe_time now, const char *name,
                             const floe_address *address, bool probe)
{
    char plain[FLOE_MDNS_NAME_SIZE];

    if (!copy_name(plain, name)) {
        return floe_fail(FLOE_ERR_INVALID_ARGUMENT, "\"%.80s\" is no name to publish", name);
    }
    published *own = find_published(mdns, plain, address);
    if (own != NULL) {
        own->owners++;
        return FLOE_OK;
    }
    own = floe_allocate(&mdns->allocator, sizeof *own);
    if (own == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    memcpy(own->name, plain, sizeof own->name);
    own->address = floe_address_with_port(*address, 0);
    own->address.scope_id = 0;
    own->owners = 1;
    own->probes = probe ? PROBES : 0;
    own->announcements = ANNOUNCEMENTS;
    own->next = now;
    for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
        own->links[n].due = FLOE_TIME_NEVER;
    }
    floe_list_append(&mdns->published, &own->link);
    floe_mdns_time(mdns, now);
    return FLOE_OK;
}

static void forget_published(floe_mdns *mdns, published *own)
{
    floe_list_remove(&own->link);
    floe_deallocate(&mdns->allocator, own);
}

void floe_mdns_unpublish(floe_mdns *mdns, floe_time now, const char *name,
                         const floe_address *address)
{
    char plain[FLOE_MDNS_NAME_SIZE];
    published *own = copy_name(plain, name) ? find_published(mdns, plain, address) : NULL;

    if (own == NULL || --own->owners > 0) {
        return;
    }
    if (own->ours) {
        say_goodbye(mdns, now, own);
    }
    forget_published(mdns, own);
}

void floe_mdns_set_links(floe_mdns *mdns, floe_time now, const floe_mdns_link *links, size_t count)
{
    count = count < FLOE_MDNS_LINKS_MAX ? count : FLOE_MDNS_LINKS_MAX;
    bool same = count == mdns->link_count;
    for (size_t i = 0; same && i < count; i++) {
        same = links[i].interface_index == mdns->links[i].interface_index &&
               links[i].family == mdns->links[i].family;
    }
    if (same) {
        return;
    }
    if (count > 0) {
        memcpy(mdns->links, links, count * sizeof *links);
    }
    mdns->link_count = count;
    FLOE_LIST_EACH(own, &mdns->published, published, link)
    {
        for (size_t n = 0; n < FLOE_MDNS_LINKS_MAX; n++) {
            own->links[n] = (link_state){.due = FLOE_TIME_NEVER};
        }
        own->announcements = ANNOUNCEMENTS; /* §8.3: whenever a link has come */
        own->next = floe_time_min(own->next, now);
    }
    floe_mdns_time(mdns, now);
}

static void taken(floe_mdns *mdns, published *own)
{
    floe_mdns_output *output = add_output(mdns, FLOE_MDNS_TAKEN);

    if (output != NULL) {
        memcpy(output->name, own->name, sizeof output->name);
    }
    forget_published(mdns, own);
}

/* §6: not within a second of the last time, but for a probe. */
static void say_soon(floe_mdns *mdns, floe_time now, published *own, size_t n, bool address,
                     floe_duration apart)
{
    link_state *state = &own->links[n];
    floe_time due = not_before(state, now, apart);

    if (mdns->message.truncated) { /* §7.2: 400 to 500 ms, for the rest of the known answers */
        uint32_t more = 0;
        (void)floe_random_below(&mdns->random, 101, &more);
        floe_time after = floe_time_after(now, floe_milliseconds(400 + more));
        due = after.ns > due.ns ? after : due;
        state->may_be_known = true;
    }
    state->address = floe_time_is_never(state->due) ? address : state->address || address;
    state->due = floe_time_min(state->due, due);
    if (floe_time_reached(now, state->due)) {
        say(mdns, now, own, n, FLOE_MDNS_TTL);
    }
}

/* §7.1: the asker knows it, for at least half of its time. */
static bool is_known_answer(const floe_mdns_message *message, const published *own)
{
    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        if (record->section == FLOE_MDNS_ANSWER && record->ttl >= FLOE_MDNS_TTL / 2 &&
            strcmp(record->name, own->name) == 0 &&
            floe_address_same_ip(&record->address, &own->address)) {
            return true;
        }
    }
    return false;
}

/* A probe by somebody else for the name: it holds what they propose. */
static const floe_mdns_record *proposal(const floe_mdns_message *message, const published *own)
{
    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        if (record->section == FLOE_MDNS_AUTHORITY && strcmp(record->name, own->name) == 0 &&
            !floe_address_same_ip(&record->address, &own->address)) {
            return record;
        }
    }
    return NULL;
}

/* §8.2: of two that probe at the same time, the one with the greater data goes on; the other waits
 * a second and probes again. */
static void contend(floe_time now, published *own, const floe_mdns_record *theirs)
{
    int order = (int)theirs->address.family - (int)own->address.family;

    if (order == 0) {
        order = memcmp(theirs->address.ip, own->address.ip, sizeof own->address.ip);
    }
    if (order > 0) {
        own->probes = PROBES;
        own->next = floe_time_after(now, ONCE_A_SECOND);
    }
}

static void answer_legacy(floe_mdns *mdns, size_t n, const published *own,
                          const floe_address *source, const floe_mdns_question *question)
{
    bool ipv4 = own->address.family == FLOE_FAMILY_IPV4;

    if (ipv4 ? question->ipv4 : question->ipv6) {
        floe_mdns_answer answer = {.name = own->name,
                                   .address = &own->address,
                                   .family = own->address.family,
                                   .ttl = FLOE_MDNS_LEGACY_TTL,
                                   .legacy = true,
                                   .id = mdns->message.id,
                                   .asked_ipv4 = ipv4};
        send_answer(mdns, &mdns->links[n], source, &answer);
    }
}

/* §5.4: to the asker alone, if all others have heard it lately. */
static bool answer_by_unicast(floe_mdns *mdns, floe_time now, size_t n, const published *own,
                              const floe_address *source, const floe_mdns_question *question,
                              bool address)
{
    const link_state *state = &own->links[n];
    floe_time stale = floe_time_after(state->multicast, floe_seconds(FLOE_MDNS_TTL / 4));

    if (!question->unicast || state->multicast.ns == 0 || floe_time_reached(now, stale)) {
        return false;
    }
    floe_mdns_answer answer = {.name = own->name,
                               .address = address ? &own->address : NULL,
                               .family = own->address.family,
                               .ttl = FLOE_MDNS_TTL};
    send_answer(mdns, &mdns->links[n], source, &answer);
    return true;
}

/* Whether another address of the name, in the family asked for, answers the question. */
static bool another_answers(floe_mdns *mdns, const published *own,
                            const floe_mdns_question *question)
{
    FLOE_LIST_EACH(other, &mdns->published, published, link)
    {
        bool ipv4 = other->address.family == FLOE_FAMILY_IPV4;
        if (other != own && strcmp(other->name, own->name) == 0 &&
            (ipv4 ? question->ipv4 : question->ipv6)) {
            return true;
        }
    }
    return false;
}

static void answer_question(floe_mdns *mdns, floe_time now, size_t n, published *own,
                            const floe_address *source, const floe_mdns_question *question)
{
    bool ipv4 = own->address.family == FLOE_FAMILY_IPV4;
    bool address = ipv4 ? question->ipv4 : question->ipv6;
    const floe_mdns_record *theirs = proposal(&mdns->message, own);

    if (!own->ours) {
        if (theirs != NULL) {
            contend(now, own, theirs);
        }
        return; /* it is not ours yet */
    }
    if (source->port != FLOE_MDNS_PORT) {
        answer_legacy(mdns, n, own, source, question);
        return;
    }
    if ((!address && another_answers(mdns, own, question)) ||
        (address && is_known_answer(&mdns->message, own))) {
        return;
    }
    if (!answer_by_unicast(mdns, now, n, own, source, question, address)) {
        say_soon(mdns, now, own, n, address, theirs != NULL ? FOR_A_PROBE : ONCE_A_SECOND);
    }
}

static void answer_query(floe_mdns *mdns, floe_time now, size_t n, const floe_address *source)
{
    const floe_mdns_message *message = &mdns->message;

    FLOE_LIST_EACH(own, &mdns->published, published, link)
    {
        link_state *state = &own->links[n];
        if (state->may_be_known && is_known_answer(message, own)) { /* §7.2 */
            state->due = FLOE_TIME_NEVER;
            state->may_be_known = false;
        }
        for (size_t i = 0; i < message->question_count; i++) {
            if (strcmp(message->questions[i].name, own->name) == 0) {
                answer_question(mdns, now, n, own, source, &message->questions[i]);
                break; /* one answer a record and message */
            }
        }
    }
}

/* Whether we say the same ourselves. */
static bool is_ours(floe_mdns *mdns, const floe_mdns_record *record)
{
    return find_published(mdns, record->name, &record->address) != NULL;
}

/* §9: somebody else says that the name is theirs. While we probe, it is. Afterwards we say ours
 * again, once; if they insist, they have it. */
static void resolve_conflict(floe_mdns *mdns, floe_time now, size_t n, published *own)
{
    bool lately = own->defended.ns != 0 &&
                  !floe_time_reached(now, floe_time_after(own->defended, DEFENDED_WITHIN));

    if (!own->ours) {
        taken(mdns, own);
    } else if (!lately) {
        own->defended = now;
        say_soon(mdns, now, own, n, true, ONCE_A_SECOND);
    } else if (floe_time_reached(now, floe_time_after(own->defended, ONCE_A_SECOND))) {
        taken(mdns, own);
    }
}

static void watch_our_names(floe_mdns *mdns, floe_time now, size_t n)
{
    const floe_mdns_message *message = &mdns->message;

    for (size_t i = 0; i < message->record_count; i++) {
        const floe_mdns_record *record = &message->records[i];
        if (record->ttl == 0 || is_ours(mdns, record)) {
            continue;
        }
        FLOE_LIST_EACH_SAFE(own, &mdns->published, published, link)
        {
            if (strcmp(own->name, record->name) == 0 &&
                own->address.family == record->address.family) {
                resolve_conflict(mdns, now, n, own);
            }
        }
    }
}

/* ── The querier ── */

static void end_query(floe_mdns *mdns, query *asked, floe_error error,
                      const floe_address *addresses, size_t count)
{
    floe_mdns_output *output = add_output(mdns, FLOE_MDNS_RESOLVED);

    if (output != NULL) {
        output->asker = asked->asker;
        output->error = error;
        output->address_count = count;
        if (count > 0) {
            memcpy(output->addresses, addresses, count * sizeof *addresses);
        }
        memcpy(output->name, asked->name, sizeof output->name);
        floe_list_remove(&asked->link);
        floe_deallocate(&mdns->allocator, asked);
    } else {
        asked->active = true; /* without memory it is tried again, and ends by its time at last */
        asked->next = asked->give_up = FLOE_TIME_NEVER;
    }
}

/* Our own names are known without asking. */
static bool resolve_own(floe_mdns *mdns, query *asked)
{
    floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
    size_t count = 0;

    FLOE_LIST_EACH(own, &mdns->published, published, link)
    {
        if (count < FLOE_MDNS_ADDRESSES_MAX && strcmp(own->name, asked->name) == 0) {
            addresses[count++] = own->address;
        }
    }
    if (count > 0) {
        end_query(mdns, asked, FLOE_OK, addresses, count);
    }
    return count > 0;
}

/* As many as may be under way; one that asks for the same name asks along. */
static void activate(floe_mdns *mdns, floe_time now)
{
    size_t active = 0;

    FLOE_LIST_EACH(asked, &mdns->queries, query, link)
    {
        active += asked->active;
    }
    FLOE_LIST_EACH(asked, &mdns->queries, query, link)
    {
        if (active >= FLOE_MDNS_QUERIES_MAX) {
            return;
        }
        if (!asked->active) {
            asked->active = true;
            asked->next = now;
            asked->interval = ONCE_A_SECOND;
            active++;
        }
    }
}

floe_error floe_mdns_look_up(floe_mdns *mdns, floe_time now, const char *name,
                             floe_duration timeout, void *asker)
{
    query *asked = floe_allocate(&mdns->allocator, sizeof *asked);

    if (asked == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    asked->asker = asker;
    asked->give_up = floe_time_after(now, timeout);
    asked->next = FLOE_TIME_NEVER;
    floe_list_append(&mdns->queries, &asked->link);
    if (!copy_name(asked->name, name)) {
        end_query(mdns, asked, FLOE_ERR_NOT_FOUND, NULL, 0);
    } else if (!resolve_own(mdns, asked)) {
        floe_mdns_time(mdns, now);
    }
    return FLOE_OK;
}

void floe_mdns_forget(floe_mdns *mdns, const void *asker)
{
    FLOE_LIST_EACH_SAFE(asked, &mdns->queries, query, link)
    {
        if (asked->asker == asker) {
            floe_list_remove(&asked->link);
            floe_deallocate(&mdns->allocator, asked);
        }
    }
    FLOE_LIST_EACH_SAFE(node, &mdns->outputs, message_node, link)
    {
        if (node->output.kind == FLOE_MDNS_RESOLVED && node->output.asker == asker) {
            drop_output(mdns, &node->output);
        }
    }
}

static void take_answers(floe_mdns *mdns)
{
    const floe_mdns_message *message = &mdns->message;

    FLOE_LIST_EACH_SAFE(asked, &mdns->queries, query, link)
    {
        floe_address addresses[FLOE_MDNS_ADDRESSES_MAX];
        size_t count = 0;
        for (size_t i = 0; i < message->record_count && count < FLOE_MDNS_ADDRESSES_MAX; i++) {
            const floe_mdns_record *record = &message->records[i];
            if (record->ttl > 0 && strcmp(record->name, asked->name) == 0) {
                addresses[count++] = record->address;
            }
        }
        if (count > 0) {
            end_query(mdns, asked, FLOE_OK, addresses, count);
        }
    }
}

static void ask(floe_mdns *mdns, floe_time now, query *asked)
{
    /* §5.2: at most once a second, then at twice the interval each time. */
    asked->next = floe_time_after(now, asked->interval);
    asked->interval = floe_duration_times(asked->interval, 2);
    FLOE_LIST_EACH(other, &mdns->queries, query, link)
    {
        if (other == asked) {
            break;
        }
        if (other->active && strcmp(other->name, asked->name) == 0) {
            return; /* that one asks, and the answer serves all */
        }
    }
    send_query(mdns, asked->name, FLOE_FAMILY_IPV4, NULL);
    send_query(mdns, asked->name, FLOE_FAMILY_IPV6, NULL);
}

/* ── Inputs ── */

void floe_mdns_receive(floe_mdns *mdns, floe_time now, const floe_mdns_link *link,
                       const floe_address *source, const void *data, size_t size)
{
    size_t n = 0;

    while (n < mdns->link_count && (mdns->links[n].interface_index != link->interface_index ||
                                    mdns->links[n].family != link->family)) {
        n++;
    }
    if (n == mdns->link_count || !floe_mdns_parse(data, size, &mdns->message)) {
        return;
    }
    if (!mdns->message.response) {
        answer_query(mdns, now, n, source);
    } else if (source->port == FLOE_MDNS_PORT) { /* §6: others are no answers */
        watch_our_names(mdns, now, n);
        take_answers(mdns);
        activate(mdns, now);
    }
    floe_mdns_time(mdns, now);
}

static void work_on_name(floe_mdns *mdns, floe_time now, published *own)
{
    if (floe_time_reached(now, own->next)) {
        if (own->probes > 0) {
            own->probes--;
            send_query(mdns, own->name, FLOE_FAMILY_NONE, &own->address);
            own->next = floe_time_after(now, PROBE_EVERY);
        } else if (own->announcements > 0) {
            own->announcements--;
            own->ours = true;
            announce(mdns, now, own);
            own->next = floe_time_after(now, ONCE_A_SECOND);
        } else {
            own->next = FLOE_TIME_NEVER;
        }
    }
    for (size_t n = 0; n < mdns->link_count; n++) {
        if (floe_time_reached(now, own->links[n].due)) {
            own->links[n].may_be_known = false;
            say(mdns, now, own, n, FLOE_MDNS_TTL);
        }
    }
}

void floe_mdns_time(floe_mdns *mdns, floe_time now)
{
    FLOE_LIST_EACH(own, &mdns->published, published, link)
    {
        work_on_name(mdns, now, own);
    }
    FLOE_LIST_EACH_SAFE(asked, &mdns->queries, query, link)
    {
        if (floe_time_reached(now, asked->give_up)) {
            end_query(mdns, asked, FLOE_ERR_TIMED_OUT, NULL, 0);
        }
    }
    activate(mdns, now);
    FLOE_LIST_EACH(asked, &mdns->queries, query, link)
    {
        if (asked->active && floe_time_reached(now, asked->next)) {
            ask(mdns, now, asked);
        }
    }
}

floe_time floe_mdns_deadline(const floe_mdns *mdns)
{
    floe_time deadline = FLOE_TIME_NEVER;

    FLOE_LIST_EACH(own, &mdns->published, published, link)
    {
        deadline = floe_time_min(deadline, own->next);
        for (size_t n = 0; n < mdns->link_count; n++) {
            deadline = floe_time_min(deadline, own->links[n].due);
        }
    }
    FLOE_LIST_EACH(asked, &mdns->queries, query, link)
    {
        deadline = floe_time_min(deadline, floe_time_min(asked->give_up, asked->next));
    }
    return deadline;
}
