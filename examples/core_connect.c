/* Connects with only the core and the agent without I/O (<floe/ice.h>): poll(2), no libuv, no threads.
 *
 *     core_connect [URL [USERNAME CREDENTIAL]]        the URL's host has to be an IP address
 *
 * As chat.c: each side prints a few lines; paste those of the other side, the empty line at their end too. Then both say hello
 * to each other, and end.
 *
 * cc core_connect.c $(pkg-config --cflags --libs floe libcrypto) */
#include "core_sockets.h"

#include <floe/ice.h>

typedef struct program {
    floe_core *core;
    floe_ice *ice;
    bool gathered;
    bool over;
    bool heard;
} program;

/* What has come: checks and their answers are the agent's. */
static void take_packets(void *user_data)
{
    program *p = user_data;
    const floe_packet *packet;

    while (floe_core_packet(p->core, now(), &packet)) {
        if (floe_ice_packet(p->ice, now(), packet)) {
            (void)printf("> %.*s\n", (int)packet->size, (const char *)packet->data);
            p->heard = true;
        }
    }
}

static void take_reports(program *p)
{
    const floe_ice_output *report;

    while (floe_ice_poll(p->ice, &report)) {
        switch (report->kind) {
        case FLOE_ICE_STATE:
            (void)fprintf(stderr, "(%s)\n", floe_ice_state_name(report->state));
            p->over = p->over || report->state == FLOE_ICE_STATE_FAILED;
            if (report->state == FLOE_ICE_STATE_CONNECTED) {
                (void)floe_ice_send(p->ice, now(), "hello", 5);
            }
            break;
        case FLOE_ICE_LOOK_UP: /* this example does not look up names */
            floe_ice_looked_up(p->ice, now(), report->name, FLOE_ERR_NOT_FOUND, NULL, 0);
            break;
        default:
            break;
        }
    }
}

/* Each call of the agent may make outputs of the core, and the other way round: until nothing is left. */
static void do_outputs(program *p)
{
    const floe_core_output *output;
    char text[FLOE_CANDIDATE_TEXT_SIZE];

    take_reports(p);
    while (floe_core_poll(p->core, now(), &output)) {
        if (output->kind == FLOE_CORE_CANDIDATE && output->candidate == NULL) {
            p->gathered = true;
        } else if (output->kind == FLOE_CORE_CANDIDATE &&
                   floe_candidate_format(output->candidate, text, sizeof text) == FLOE_OK) {
            (void)puts(text);
        } else if (output->kind == FLOE_CORE_CANDIDATE_ERROR) {
            (void)fprintf(stderr, "%s\n", output->error->text);
        }
        floe_ice_core_output(p->ice, now(), output);
        (void)do_output(p->core, output);
        take_reports(p);
    }
}

static void turn(program *p)
{
    floe_time core_due = floe_core_deadline(p->core);
    floe_time ice_due = floe_ice_deadline(p->ice);

    wait_and_read(p->core, core_due.ns < ice_due.ns ? core_due : ice_due, take_packets, p);
    floe_ice_time(p->ice, now());
    do_outputs(p);
}

/* As in chat.c. */
static floe_error read_other_side(floe_ice *ice)
{
    floe_parameters remote = FLOE_PARAMETERS_INIT;
    char line[FLOE_CANDIDATE_TEXT_SIZE];

    while (fgets(line, sizeof line, stdin) != NULL && line[0] != '\n') {
        floe_candidate *candidate = NULL;
        line[strcspn(line, "\r\n")] = '\0';
        if (sscanf(line, "parameters %256s %256s", remote.username_fragment, remote.password) ==
            2) {
            continue;
        }
        if (floe_candidate_parse(line, &candidate) != FLOE_OK ||
            floe_ice_add_remote_candidate(ice, now(), candidate) != FLOE_OK) {
            (void)fprintf(stderr, "%s: %s\n", line, floe_last_error());
        }
        floe_candidate_free(candidate);
    }
    (void)floe_ice_add_remote_candidate(ice, now(), NULL);
    return floe_ice_start(ice, now(), &remote, FLOE_ICE_ROLE_CONTROLLING);
}

int main(int count, char **words)
{
    const char *urls[] = {count > 1 ? words[1] : NULL};
    const floe_random random = {.fill = fill_random};
    floe_ice_server server = FLOE_ICE_SERVER_INIT;
    floe_gather_options options = FLOE_GATHER_OPTIONS_INIT;
    floe_parameters local = FLOE_PARAMETERS_INIT;
    floe_core_shared *shared;
    program p = {0};
    char why[FLOE_ICE_EXPLANATION_SIZE];

    no_sockets();
    server.urls = urls;
    server.url_count = 1;
    server.username = count > 2 ? words[2] : NULL;
    server.credential = count > 3 ? words[3] : NULL;
    options.ice_servers = &server;
    options.ice_server_count = count > 1;
    if (floe_core_shared_new(NULL, &random, &shared) != FLOE_OK ||
        floe_core_new(shared, &options, &p.core) != FLOE_OK ||
        floe_core_receive_packets(p.core, true) != FLOE_OK ||
        floe_ice_new(p.core, NULL, &random, &p.ice) != FLOE_OK) {
        (void)fprintf(stderr, "core_connect: %s\n", floe_last_error());
        return 2;
    }
    (void)floe_core_get_local_parameters(p.core, &local);
    (void)printf("parameters %s %s\n", local.username_fragment, local.password);
    (void)floe_core_start(p.core, now());
    do_outputs(&p);
    while (!p.gathered) {
        turn(&p);
    }
    (void)puts("");
    (void)fflush(stdout);
    if (read_other_side(p.ice) != FLOE_OK) {
        (void)fprintf(stderr, "core_connect: %s\n", floe_last_error());
        p.over = true;
    }
    do_outputs(&p);
    /* A second more, for the other side: it may have heard nothing yet. */
    for (uint64_t end = UINT64_MAX; !p.over && now().ns < end; turn(&p)) {
        end = p.heard && end == UINT64_MAX ? now().ns + 1000000000U : end;
    }
    if (!p.heard && floe_ice_explain(p.ice, why, sizeof why) == FLOE_OK) {
        (void)fprintf(stderr, "core_connect: %s\n", why);
    }
    floe_ice_free(p.ice);
    floe_core_close(p.core, now());
    for (const floe_core_output *output; floe_core_poll(p.core, now(), &output);) {
        (void)do_output(p.core, output);
    }
    floe_core_free(p.core);
    floe_core_shared_free(shared);
    return p.heard ? 0 : 1;
}
