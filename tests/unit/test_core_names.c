/* core: the names that stand for addresses (multicast DNS): whose they are, what becomes of one
 * that another machine has, and of those that nobody can look up. */
#include "support.h"

#include "base/name.h"
#include "base/time.h"
#include "polled.h"
#include "stun/writer.h"

#include <floe/core.h>
#include <stdio.h>
#include <string.h>

#define ADDRESSES 2
#define CORES 2

/* What one gatherer has said. */
typedef struct one_core {
    floe_core *core;
    uint32_t channels[ADDRESSES];
    char published[ADDRESSES][80]; /* the latest names */
    uint32_t host_id;              /* the latest host's */
    uint32_t reflexive_id;
    uint32_t withdrawn_id; /* the latest */
    char host[80];         /* its address */
    size_t hosts;          /* that were told */
    size_t withdrawn;
    size_t errors;
    char error[512]; /* the latest */
    char error_address[80];
    bool shown; /* the address itself was told */
    bool ended; /* the end of candidates was */
    bool late;  /* an error came after that */
} one_core;

typedef struct fixture {
    counting_allocator memory;
    seeded_random random;
    floe_core_shared *shared;
    floe_time now;
    size_t addresses; /* that this machine has */
    floe_error fails; /* to publish a name */
    one_core cores[CORES];
    floe_core_output output;
} fixture;

static void make(fixture *f, const char *name, floe_gather_policy policy)
{
    const char *url = "stun:203.0.113.2";
    floe_settings settings = FLOE_SETTINGS_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_ice_server server = FLOE_ICE_SERVER_INIT;

    memset(f, 0, sizeof *f);
    counting_init(&f->memory);
    seeded_init(&f->random, 11);
    f->now = floe_time_after((floe_time){0}, floe_seconds(1000));
    f->addresses = 1;
    settings.allocator = &f->memory.table;
    settings.mdns_mode = FLOE_MDNS_MODE_QUERY_AND_GATHER;
    settings.mdns_name = name;
    server.urls = &url;
    server.url_count = 1;
    options.ice_servers = &server;
    options.ice_server_count = 1;
    options.gather_policy = policy;
    assert_int_equal(floe_core_shared_new(&settings, &f->random.table, &f->shared), FLOE_OK);
    assert_int_equal(floe_core_new(f->shared, &options, &f->cores[0].core), FLOE_OK);
}

static void list_interfaces(fixture *f, one_core *one)
{
    const floe_interface_address list[ADDRESSES] = {
        {.interface_name = "eth0",
         .interface_index = 7,
         .up = true,
         .address = address_of("10.0.1.2:0")},
        {.interface_name = "eth1",
         .interface_index = 8,
         .up = true,
         .address = address_of("10.0.2.2:0")},
    };

    floe_core_interfaces(one->core, f->now, list, f->addresses);
}

/* 10.0.1.2 is the first address, 10.0.2.2 the second. */
static size_t place_of(const floe_address *address)
{
    return address->ip[2] - 1U;
}

static void answer_binding(fixture *f, one_core *one)
{
    uint8_t bytes[64];
    floe_stun_message request;
    floe_address server = address_of("203.0.113.2:3478");
    floe_address mapped = address_of("192.0.2.7:700");

    if (floe_stun_parse(floe_span_of(f->output.data, f->output.data_size), &request) !=
            FLOE_STUN_PARSED ||
        request.class != FLOE_STUN_REQUEST) {
        return;
    }
    floe_stun_writer writer =
        floe_stun_begin(bytes, sizeof bytes, FLOE_STUN_SUCCESS, FLOE_STUN_BINDING, &request.id);
    floe_stun_put_address(&writer, FLOE_STUN_XOR_MAPPED_ADDRESS, &mapped);
    floe_span answer = floe_stun_written(&writer);
    floe_core_datagram(one->core, f->now, f->output.channel, &server, answer.data, answer.size);
}

static void take_candidate(one_core *one, const floe_candidate *candidate)
{
    if (candidate == NULL) {
        one->ended = true;
        return;
    }
    one->shown = one->shown || strncmp(candidate->address, "10.0.", 5) == 0;
    if (candidate->type == FLOE_CANDIDATE_TYPE_HOST) {
        one->hosts++;
        one->host_id = candidate->id;
        (void)snprintf(one->host, sizeof one->host, "%s", candidate->address);
    } else {
        one->reflexive_id = candidate->id;
    }
}

static void take_error(one_core *one, const floe_candidate_error *error)
{
    one->errors++;
    one->late = one->late || one->ended;
    (void)snprintf(one->error, sizeof one->error, "%s", error->text);
    (void)snprintf(one->error_address, sizeof one->error_address, "%s",
                   error->address != NULL ? error->address : "");
}

static void settle(fixture *f, one_core *one)
{
    while (polled(one->core, f->now, &f->output)) {
        const floe_core_output *output = &f->output;
        floe_address local = output->local;
        switch (output->kind) {
        case FLOE_CORE_LIST_INTERFACES:
            list_interfaces(f, one);
            break;
        case FLOE_CORE_OPEN:
            local.port = (uint16_t)(4000 + output->channel);
            one->channels[place_of(&local)] = output->channel;
            floe_core_opened(one->core, f->now, output->channel, &local);
            break;
        case FLOE_CORE_SEND:
            answer_binding(f, one);
            break;
        case FLOE_CORE_CANDIDATE:
            take_candidate(one, output->candidate);
            break;
        case FLOE_CORE_CANDIDATE_WITHDRAWN:
            one->withdrawn++;
            one->withdrawn_id = output->candidate->id;
            break;
        case FLOE_CORE_CANDIDATE_ERROR:
            take_error(one, output->error);
            break;
        case FLOE_CORE_PUBLISH:
            assert_int_equal(output->interface_index, 7 + place_of(&local));
            (void)snprintf(one->published[place_of(&local)], sizeof one->published[0], "%s",
                           output->name);
            if (f->fails != FLOE_OK) {
                floe_core_names_failed(one->core, f->now, output->interface_index, f->fails);
            }
            break;
        default:
            break;
        }
    }
}

static void gather(fixture *f, one_core *one)
{
    assert_int_equal(floe_core_start(one->core, f->now), FLOE_OK);
    for (int i = 0; i < 100; i++) {
        settle(f, one);
        f->now = floe_time_after(f->now, floe_milliseconds(10));
        floe_core_time(one->core, f->now);
    }
    settle(f, one);
}

static void end(fixture *f)
{
    for (size_t i = CORES; i-- > 0;) {
        if (f->cores[i].core != NULL) {
            floe_core_close(f->cores[i].core, f->now);
            settle(f, &f->cores[i]);
            floe_core_free(f->cores[i].core);
        }
    }
    floe_core_shared_free(f->shared);
    assert_int_equal(f->memory.live, 0);
}

static void h2_a_name_is_taken_however_it_is_spelled(void **state)
{
    static const struct {
        const char *ours;
        const char *theirs;
        bool same;
    } rows[] = {
        {"my-host.local", "my-host.local", true},   {"My-Host.local", "my-host.local", true},
        {"my-host.LOCAL", "MY-HOST.local.", true},  {"my-host.local.", "my-host.local", true},
        {"my-host.local", "my-host2.local", false}, {"my-host.local", "y-host.local", false},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&f, rows[i].ours, FLOE_GATHER_POLICY_ALL);
        one_core *one = &f.cores[0];
        gather(&f, one);
        assert_true(floe_name_same(one->host, rows[i].ours));
        assert_int_not_equal(one->host[strlen(one->host) - 1], '.');
        floe_core_name_taken(one->core, f.now, rows[i].theirs);
        settle(&f, one);
        assert_int_equal(one->withdrawn, rows[i].same);
        assert_int_equal(one->hosts, 1U + rows[i].same);
        assert_int_equal(floe_name_same(one->host, rows[i].ours), !rows[i].same);
        assert_string_equal(one->host, one->published[0]);
        end(&f);
    }
}

/* One name for an address, before and after; whichever component hears of it first. */
static void h2_components_share_the_new_name(void **state)
{
    static fixture f;
    char before[80];

    (void)state;
    for (size_t first = 0; first < CORES; first++) {
        make(&f, NULL, FLOE_GATHER_POLICY_ALL);
        assert_int_equal(floe_core_new_associated(f.cores[0].core, &f.cores[1].core), FLOE_OK);
        gather(&f, &f.cores[0]);
        gather(&f, &f.cores[1]);
        assert_string_equal(f.cores[0].host, f.cores[1].host);
        memcpy(before, f.cores[0].host, sizeof before);
        for (size_t i = 0; i < CORES; i++) {
            one_core *one = &f.cores[(first + i) % CORES];
            floe_core_name_taken(one->core, f.now, before);
            settle(&f, one);
        }
        assert_string_not_equal(f.cores[0].host, before);
        assert_string_equal(f.cores[0].host, f.cores[1].host);
        assert_string_equal(f.cores[0].published[0], f.cores[1].published[0]);
        end(&f);
    }
}

/* One that has not been published yet has no use for it either. */
static void h2_a_name_that_is_taken_before_it_is_told(void **state)
{
    static fixture f;
    one_core *two = &f.cores[1];
    char before[80];

    (void)state;
    make(&f, NULL, FLOE_GATHER_POLICY_ALL);
    assert_int_equal(floe_core_new_associated(f.cores[0].core, &two->core), FLOE_OK);
    gather(&f, &f.cores[0]);
    memcpy(before, f.cores[0].host, sizeof before);
    assert_int_equal(floe_core_start(two->core, f.now), FLOE_OK);
    while (polled(two->core, f.now, &f.output) && f.output.kind != FLOE_CORE_OPEN) {
        if (f.output.kind == FLOE_CORE_LIST_INTERFACES) {
            list_interfaces(&f, two);
        }
    }
    assert_int_equal(f.output.kind, FLOE_CORE_OPEN);
    floe_address local = address_of("10.0.1.2:4001");
    uint32_t channel = f.output.channel;
    for (size_t i = 0; i < CORES; i++) {
        floe_core_name_taken(f.cores[i].core, f.now, before);
    }
    settle(&f, &f.cores[0]);
    floe_core_opened(two->core, f.now, channel, &local);
    settle(&f, two);
    assert_int_equal(two->hosts, 1);
    assert_int_equal(two->withdrawn, 0);
    assert_string_equal(two->host, f.cores[0].host);
    assert_string_not_equal(two->host, before);
    end(&f);
}

/* L11: a candidate that a restart keeps has its id, and one by another name is another: a restart
 * comes before the owner has heard that the name is taken, or the word of it behind the restart. */
static void l11_a_name_that_was_taken_leaves_no_id(void **state)
{
    static fixture f;
    one_core *one = &f.cores[0];

    (void)state;
    for (int order = 0; order < 3; order++) {
        make(&f, NULL, FLOE_GATHER_POLICY_ALL);
        gather(&f, one);
        uint32_t before = one->host_id;
        if (order == 1) {
            floe_core_name_taken(one->core, f.now, one->host);
        }
        assert_int_equal(floe_core_restart(one->core, f.now), FLOE_OK);
        if (order == 2) {
            floe_core_name_taken(one->core, f.now, one->host);
        }
        gather(&f, one);
        assert_int_equal(one->hosts, 2);
        assert_string_equal(one->host, one->published[0]);
        assert_int_equal(one->withdrawn, order == 0 ? 0 : 1);
        assert_int_equal(one->withdrawn_id, order == 0 ? 0 : before);
        assert_int_equal(one->host_id == before, order == 0);
        end(&f);
    }
}

/* Of those that share a socket the host's, though its name is younger than the reflexive one. */
static void k1_a_packet_has_the_hosts_id(void **state)
{
    static fixture f;
    one_core *one = &f.cores[0];
    floe_address peer = address_of("198.51.100.7:9000");
    floe_packet packet;

    (void)state;
    make(&f, NULL, FLOE_GATHER_POLICY_ALL);
    gather(&f, one);
    assert_true(one->reflexive_id != 0);
    floe_core_receive_packets(one->core, true);
    for (int i = 0; i < 3; i++) {
        floe_core_datagram(one->core, f.now, one->channels[0], &peer, "\x80xyz", 4);
        assert_true(arrived(one->core, f.now, &packet));
        assert_int_equal(packet.candidate_id, one->host_id);
        floe_core_name_taken(one->core, f.now, one->host);
        settle(&f, one);
        assert_true(one->host_id > one->reflexive_id);
    }
    end(&f);
}

/* What comes with a datagram is the packet that it would be by itself, or it is to come by itself. */
static void k1_datagrams_that_come_together(void **state)
{
    static fixture f;
    one_core *one = &f.cores[0];
    floe_address peer = address_of("198.51.100.7:9000");
    uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42};
    floe_packet packet;

    (void)state;
    make(&f, NULL, FLOE_GATHER_POLICY_ALL);
    gather(&f, one);
    assert_null(floe_core_datagram_again(one->core, "\x80xyz", 4));
    floe_core_receive_packets(one->core, true);
    assert_null(floe_core_datagram_again(one->core, "\x80xyz", 4));
    for (int change = 0; change < 6; change++) {
        floe_core_datagram(one->core, f.now, one->channels[0], &peer, "\x80xyz", 4);
        assert_true(arrived(one->core, f.now, &packet));
        const floe_packet *again = floe_core_datagram_again(one->core, "\x81short", 6);
        assert_non_null(again);
        assert_int_equal(again->candidate_id, packet.candidate_id);
        assert_true(floe_address_equal(&again->peer, &peer));
        assert_int_equal(again->size, 6);
        assert_memory_equal(again->data, "\x81short", 6);
        assert_int_equal(again->kind, FLOE_PACKET_RTP);
        assert_null(floe_core_datagram_again(one->core, stun, sizeof stun));
        assert_null(floe_core_datagram_again(one->core, "\x16other", 6));
        assert_non_null(floe_core_datagram_again(one->core, "\x80xyz", 4));
        if (change == 0) {
            floe_core_name_taken(one->core, f.now, one->host);
            settle(&f, one);
        } else if (change == 1) {
            floe_core_datagram(one->core, f.now, one->channels[0], &peer, stun, sizeof stun);
            (void)arrived(one->core, f.now, &packet);
        } else if (change == 2) {
            floe_core_datagram(one->core, f.now, 4711, &peer, "\x80xyz", 4);
        } else if (change == 3) {
            floe_core_receive_packets(one->core, false);
        } else if (change == 4) {
            assert_int_equal(floe_core_restart(one->core, f.now), FLOE_OK);
            gather(&f, one);
        } else {
            floe_core_close(one->core, f.now);
        }
        assert_null(floe_core_datagram_again(one->core, "\x80xyz", 4));
        floe_core_receive_packets(one->core, true);
    }
    end(&f);
}

/* The owner hears of it, once for each name; the address stays hidden. */
static void h2_names_that_nobody_can_look_up(void **state)
{
    static const struct {
        floe_error error;
        const char *sentence;
    } rows[] = {
        {FLOE_ERR_ADDRESS_IN_USE, "another program holds UDP port 5353"},
        {FLOE_ERR_QUEUE_FULL, "raise net.ipv4.igmp_max_memberships"},
        {FLOE_ERR_PERMISSION, "does a local firewall forbid UDP port 5353?"},
        {FLOE_ERR_SYSTEM, "multicast DNS does not work on its link"},
    };
    static fixture f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make(&f, NULL, FLOE_GATHER_POLICY_ALL);
        one_core *one = &f.cores[0];
        f.addresses = 2;
        gather(&f, one);
        floe_core_names_failed(one->core, f.now, 9, rows[i].error); /* of no address of ours */
        settle(&f, one);
        assert_int_equal(one->errors, 0);
        for (int k = 0; k < 3; k++) {
            floe_core_names_failed(one->core, f.now, 8, rows[i].error);
            settle(&f, one);
        }
        assert_int_equal(one->errors, 1);
        assert_non_null(strstr(one->error, rows[i].sentence));
        assert_string_equal(one->error_address, one->published[1]);
        assert_int_equal(one->withdrawn, 0);
        floe_core_name_taken(one->core, f.now, one->published[1]); /* a new name, a new word */
        settle(&f, one);
        floe_core_names_failed(one->core, f.now, 8, rows[i].error);
        settle(&f, one);
        assert_int_equal(one->errors, 2);
        assert_string_equal(one->error_address, one->published[1]);
        assert_false(one->shown);
        end(&f);
    }
    /* Before the end of candidates, at which who has asked for no more may go. */
    for (int servers = 0; servers < 2; servers++) {
        make(&f, NULL, FLOE_GATHER_POLICY_ALL);
        floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
        if (servers == 0) {
            assert_int_equal(floe_core_set_options(f.cores[0].core, f.now, &options), FLOE_OK);
        }
        f.fails = FLOE_ERR_ADDRESS_IN_USE;
        gather(&f, &f.cores[0]);
        assert_true(f.cores[0].ended);
        assert_int_equal(f.cores[0].errors, 1);
        assert_false(f.cores[0].late);
        end(&f);
    }
    /* Where no host is shown, nobody is to look one up. */
    make(&f, NULL, FLOE_GATHER_POLICY_NOHOST);
    gather(&f, &f.cores[0]);
    floe_core_names_failed(f.cores[0].core, f.now, 7, FLOE_ERR_PERMISSION);
    settle(&f, &f.cores[0]);
    assert_int_equal(f.cores[0].errors, 0);
    end(&f);
}

static void names_are_compared_as_dns_does(void **state)
{
    (void)state;
    assert_true(floe_name_is_local("x.local"));
    assert_true(floe_name_is_local("X.LOCAL"));
    assert_true(floe_name_is_local("x.Local."));
    assert_false(floe_name_is_local(".local"));
    assert_false(floe_name_is_local("local."));
    assert_false(floe_name_is_local("xlocal"));
    assert_false(floe_name_is_local("x.local.org"));
    assert_false(floe_name_is_local(""));
    assert_true(floe_name_same("", "."));
    assert_false(floe_name_same("a", "a.."));
    assert_false(floe_name_same("[", "{")); /* letters alone have a case */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h2_a_name_is_taken_however_it_is_spelled),
        cmocka_unit_test(h2_components_share_the_new_name),
        cmocka_unit_test(h2_a_name_that_is_taken_before_it_is_told),
        cmocka_unit_test(l11_a_name_that_was_taken_leaves_no_id),
        cmocka_unit_test(k1_a_packet_has_the_hosts_id),
        cmocka_unit_test(k1_datagrams_that_come_together),
        cmocka_unit_test(h2_names_that_nobody_can_look_up),
        cmocka_unit_test(names_are_compared_as_dns_does),
    };
    return cmocka_run_group_tests_name("core_names", tests, NULL, NULL);
}
