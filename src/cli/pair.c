/* `floe pair`: which candidates of two sides can connect, and why not. */
#include "cli/pair.h"

#include "cli/candidate_file.h"
#include "cli/help.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/pair_judge.h"
#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_LIKELY = 0, EXIT_POSSIBLE = 1, EXIT_USAGE = 2, EXIT_IMPOSSIBLE = 3 };

#define ALIKE_MAX 6 /* pairs that fail for one reason, before they are counted and not listed */

typedef struct judged_pair {
    const floe_candidate *of[2];
    uint64_t priority;
    pair_judgement judgement;
} judged_pair;

/* What comes of all pairs. */
typedef struct pair_run {
    bool json;
    colour_mode colour;
    pair_side sides[2];
    judged_pair *pairs;
    size_t count;
    unsigned results[3];
    unsigned redundant;
    unsigned common; /* candidates that both sides have: whose they are cannot be told */
    const judged_pair
        *direct[2]; /* the first that is likely, and that is possible, without a relay */
    const judged_pair *relayed; /* that is likely */
} pair_run;

/* ── Reading ── */

/* Its number in the side's list, or the list's size. */
static size_t place_of(const pair_side *side, const floe_candidate *candidate)
{
    for (size_t i = 0; i < side->count; i++) {
        const floe_candidate *other = side->candidates[i];
        if (other->port == candidate->port && other->protocol == candidate->protocol &&
            other->type == candidate->type && other->component == candidate->component &&
            other->tcp_type == candidate->tcp_type &&
            strcmp(other->address, candidate->address) == 0) {
            return i;
        }
    }
    return side->count;
}

/* A copy, as what was found is gone behind this call. */
static void on_found(void *data, const extract_finding *finding)
{
    pair_side *side = data;
    char text[4096];
    floe_candidate *copy;

    if (finding->candidate == NULL) {
        screen_tell("floe: pair: %s: line %u, %s", side->name, finding->line, finding->why);
        return;
    }
    size_t at = place_of(side, finding->candidate);
    if (at == side->count && side->count < SIDE_MAX &&
        floe_candidate_format(finding->candidate, text, sizeof text) == FLOE_OK &&
        floe_candidate_parse(text, &copy) == FLOE_OK) {
        side->whose[at] = 0;
        side->candidates[side->count++] = copy;
    }
    if (at < side->count) {
        side->whose[at] |= 1U << finding->side;
    }
}

/* A dump has what its browser was sent as well, and says so. What is both stays: it has both ends of a connection. */
static void leave_out_remote(pair_side *side)
{
    size_t kept = 0;

    for (size_t i = 0; i < side->count; i++) {
        bool local = (side->whose[i] & 1U << EXTRACT_SIDE_LOCAL) != 0;
        if ((side->whose[i] & 1U << EXTRACT_SIDE_REMOTE) != 0 && !local) {
            floe_candidate_free(side->candidates[i]);
            side->left_out++;
        } else {
            side->candidates[kept++] = side->candidates[i];
        }
    }
    side->count = kept;
}

static bool read_side(pair_side *side, const char *word)
{
    bool good = is_candidate_file(word) || strstr(word, "candidate:") == NULL
                    ? read_candidates("pair", word, on_found, side, NULL)
                    : read_candidates_of_text(word, on_found, side);

    leave_out_remote(side);
    if (good && side->count == 0) {
        screen_tell("floe: pair: %s: there is no candidate%s in %s", side->name,
                    side->left_out > 0 ? " but those of the other side" : "",
                    strcmp(word, "-") == 0 ? "standard input" : word);
        return false;
    }
    pair_learn(side);
    return good;
}

/* ── Pairs ── */

static bool is_relayed(const judged_pair *pair)
{
    return pair->of[0]->type == FLOE_CANDIDATE_TYPE_RELAY ||
           pair->of[1]->type == FLOE_CANDIDATE_TYPE_RELAY;
}

static int by_priority(const void *a, const void *b)
{
    uint64_t one = ((const judged_pair *)a)->priority;
    uint64_t other = ((const judged_pair *)b)->priority;

    return (one < other) - (one > other);
}

static void add_pair(pair_run *run, const floe_candidate *a, const floe_candidate *b)
{
    judged_pair *pair = &run->pairs[run->count];

    if (a->component != b->component) {
        return;
    }
    if (pair_is_redundant(&run->sides[0], a)) {
        run->redundant++;
        return;
    }
    *pair = (judged_pair){.of = {a, b}, .priority = pair_priority(a->priority, b->priority)};
    pair_judge(&run->sides[0], a, &run->sides[1], b, &pair->judgement);
    run->count++;
}

static void sum_up(pair_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const judged_pair *pair = &run->pairs[i];
        pair_result result = pair->judgement.result;
        run->results[result]++;
        if (result == PAIR_IMPOSSIBLE) {
            continue;
        }
        if (!is_relayed(pair) && run->direct[result] == NULL) {
            run->direct[result] = pair;
        } else if (is_relayed(pair) && result == PAIR_LIKELY && run->relayed == NULL) {
            run->relayed = pair;
        }
    }
}

/* An active one has no port of its own: two networks may have the same. */
static unsigned count_common(const pair_side *sides)
{
    unsigned count = 0;

    for (size_t i = 0; i < sides[0].count; i++) {
        const floe_candidate *one = sides[0].candidates[i];
        count += one->tcp_type != FLOE_TCP_TYPE_ACTIVE && place_of(&sides[1], one) < sides[1].count;
    }
    return count;
}

static bool make_pairs(pair_run *run)
{
    const pair_side *sides = run->sides;

    run->common = count_common(sides);
    run->pairs = calloc(sides[0].count * sides[1].count, sizeof *run->pairs);
    for (size_t i = 0; run->pairs != NULL && i < sides[0].count; i++) {
        for (size_t j = 0; j < sides[1].count; j++) {
            add_pair(run, sides[0].candidates[i], sides[1].candidates[j]);
        }
    }
    if (run->pairs != NULL) {
        qsort(run->pairs, run->count, sizeof *run->pairs, by_priority);
        sum_up(run);
    }
    return run->pairs != NULL;
}

/* ── The verdict ── */

/* Of the pairs without a relay, or with one, the reason of that which came nearest to work. PAIR_REASONS: there is none. */
static pair_reason nearest_failure(const pair_run *run, bool relayed)
{
    static const pair_reason stages[] = {
        PAIR_REASON_SYMMETRIC_NAT, PAIR_REASON_NO_PUBLIC_ADDRESS,
        PAIR_REASON_PRIVATE,       PAIR_REASON_MDNS,
        PAIR_REASON_FAMILY,        PAIR_REASON_LINK_LOCAL,
        PAIR_REASON_LOOPBACK,      PAIR_REASON_UNUSABLE,
        PAIR_REASON_TCPTYPE,       PAIR_REASON_TRANSPORT,
    };
    bool failed[PAIR_REASONS] = {false};

    for (size_t i = 0; i < run->count; i++) {
        const judged_pair *pair = &run->pairs[i];
        if (pair->judgement.result == PAIR_IMPOSSIBLE && is_relayed(pair) == relayed) {
            failed[pair->judgement.reason] = true;
        }
    }
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (failed[stages[i]]) {
            return stages[i];
        }
    }
    return PAIR_REASONS;
}

static bool only_relays(const pair_side *side)
{
    for (size_t i = 0; i < side->count; i++) {
        if (side->candidates[i]->type != FLOE_CANDIDATE_TYPE_RELAY) {
            return false;
        }
    }
    return true;
}

static const char *why_not_directly(const pair_run *run)
{
    static const char *const texts[PAIR_REASONS] = {
        [PAIR_REASON_SYMMETRIC_NAT] = "both NATs give each destination another port",
        [PAIR_REASON_MDNS] = "only .local names of different networks are left",
        [PAIR_REASON_LINK_LOCAL] = "link-local addresses are reached only on their link",
        [PAIR_REASON_LOOPBACK] = "loopback addresses are reached only on their machine",
        [PAIR_REASON_FAMILY] = "one side has only IPv4 where the other has only IPv6",
        [PAIR_REASON_TRANSPORT] = "one side has only UDP where the other has only TCP",
        [PAIR_REASON_TCPTYPE] = "neither side connects to a port where the other one listens",
        [PAIR_REASON_PRIVATE] = "the private addresses are of different networks",
        [PAIR_REASON_NO_PUBLIC_ADDRESS] = "a side shows no public address",
        [PAIR_REASON_UNUSABLE] = "there are addresses or ports at which nobody can be reached",
    };
    bool of_a = only_relays(&run->sides[0]);
    bool of_b = only_relays(&run->sides[1]);
    pair_reason reason = nearest_failure(run, false);

    return of_a && of_b            ? "both sides offer only relays"
           : of_a                  ? "A offers only relays"
           : of_b                  ? "B offers only relays"
           : reason < PAIR_REASONS ? texts[reason]
                                   : "no pair fits";
}

/* Why no relay helps, and what would. */
typedef struct relay_failure {
    const char *why;
    const char *advice;
} relay_failure;

static relay_failure why_no_relay(pair_reason reason)
{
    switch (reason) {
    case PAIR_REASON_FAMILY:
        return (relay_failure){"no relay has an address of the other side's family (IPv4, IPv6)",
                               "The TURN server has to give relays of both families."};
    case PAIR_REASON_PRIVATE:
        return (relay_failure){
            "the relay has a private address, which the other side does not reach",
            "Is external-ip set on the TURN server?"};
    case PAIR_REASON_NO_PUBLIC_ADDRESS:
        return (relay_failure){"the relay knows no public address of the other side to let in",
                               "A STUN or TURN server that both can reach would show one."};
    case PAIR_REASON_TRANSPORT:
    case PAIR_REASON_TCPTYPE:
        return (relay_failure){
            "the relay and the other side have no transport (UDP, TCP) in common",
            "A relay for UDP would help."};
    default:
        return (relay_failure){"the relay's address, or the other side's, cannot be reached",
                               "A TURN server that both can reach would help."};
    }
}

static void say_never(const pair_run *run, char *text, size_t size)
{
    pair_reason relayed = nearest_failure(run, true);
    bool direct = nearest_failure(run, false) < PAIR_REASONS;
    relay_failure relay = why_no_relay(relayed);

    if (run->count == 0) {
        (void)snprintf(text, size,
                       "They cannot connect: they have no component in common. Are these two sides "
                       "of one call?");
    } else if (relayed == PAIR_REASONS) {
        (void)snprintf(text, size,
                       "They cannot connect: %s. A TURN server that both can reach would help.",
                       why_not_directly(run));
    } else {
        (void)snprintf(text, size, "They cannot connect: %s%s%s. %s",
                       direct ? why_not_directly(run) : "", direct ? "; and " : "", relay.why,
                       relay.advice);
    }
}

/* The fixed word of the JSON. */
static const char *verdict_word(const pair_run *run)
{
    return run->direct[PAIR_LIKELY] != NULL ? "direct"
           : run->direct[PAIR_POSSIBLE] != NULL
               ? run->relayed != NULL ? "direct-possible-or-relay" : "direct-possible"
           : run->relayed != NULL            ? "relay"
           : run->results[PAIR_POSSIBLE] > 0 ? "relay-possible"
                                             : "none";
}

static bool may_relay(const pair_run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        if (is_relayed(&run->pairs[i]) && run->pairs[i].judgement.result == PAIR_POSSIBLE) {
            return true;
        }
    }
    return false;
}

/* What is left if they do not connect directly. `end`: of the sentence, where no relay was offered. */
static void fall_back(const pair_run *run, const char *end, char *text, size_t size)
{
    pair_reason failed = nearest_failure(run, true);
    relay_failure relay = why_no_relay(failed);

    if (run->relayed != NULL || may_relay(run)) {
        (void)snprintf(text, size, "Else a relay %s them.",
                       run->relayed != NULL ? "connects" : "may connect");
    } else if (failed < PAIR_REASONS) {
        (void)snprintf(text, size, "There is no relay to fall back on: %s. %s", relay.why,
                       relay.advice);
    } else {
        (void)snprintf(text, size, "There is no relay to fall back on%s.", end);
    }
}

static void verdict(const pair_run *run, char *text, size_t size)
{
    const judged_pair *likely = run->direct[PAIR_LIKELY];
    const judged_pair *possible = run->direct[PAIR_POSSIBLE];
    char else_text[256];

    fall_back(run, likely != NULL ? "" : ": add a TURN server", else_text, sizeof else_text);
    if (likely != NULL) {
        bool sure = likely->judgement.reason != PAIR_REASON_HOLE_PUNCHING;
        (void)snprintf(text, size, "They should connect directly: %s.%s%s", likely->judgement.text,
                       sure ? "" : " ", sure ? "" : else_text);
    } else if (possible != NULL) {
        (void)snprintf(text, size, "A direct connection is not sure: %s. %s",
                       possible->judgement.text, else_text);
    } else if (run->relayed != NULL) {
        (void)snprintf(text, size, "Only a relay connects them: %s.", why_not_directly(run));
    } else if (run->results[PAIR_POSSIBLE] > 0) {
        (void)snprintf(text, size, "Only a relay may connect them, and that is not sure: %s.",
                       why_not_directly(run));
    } else {
        say_never(run, text, size);
    }
}

/* ── Telling ── */

static void describe(const floe_candidate *candidate, char *out, size_t size)
{
    floe_address address;
    char text[FLOE_ADDRESS_TEXT_SIZE];
    const char *tcp = candidate->protocol == FLOE_PROTOCOL_TCP ? " tcp" : "";

    if (floe_candidate_address(candidate, &address) == FLOE_OK &&
        floe_address_format_with_port(&address, text, sizeof text) == FLOE_OK) {
        (void)snprintf(out, size, "%s %s%s", floe_candidate_type_name(candidate->type), text, tcp);
    } else {
        (void)snprintf(out, size, "%s %.200s:%u%s", floe_candidate_type_name(candidate->type),
                       candidate->address, candidate->port, tcp);
    }
}

static const char *result_word(pair_result result)
{
    static const char *const words[] = {"likely", "possible", "impossible"};

    return words[result];
}

/* How wide the two columns are; 0: they do not stand side by side. */
typedef struct pair_columns {
    size_t a;
    size_t b;
} pair_columns;

#define RESULT_WIDTH 8
#define GAP 2

static pair_columns columns_of(const pair_run *run)
{
    pair_columns widest = {0};
    size_t width = screen_width() == SIZE_MAX ? 80 : screen_width();

    for (size_t i = 0; i < run->count; i++) {
        char text[320];
        describe(run->pairs[i].of[0], text, sizeof text);
        widest.a = strlen(text) > widest.a ? strlen(text) : widest.a;
        describe(run->pairs[i].of[1], text, sizeof text);
        widest.b = strlen(text) > widest.b ? strlen(text) : widest.b;
    }
    return RESULT_WIDTH + widest.a + GAP + widest.b <= width ? widest : (pair_columns){0};
}

static void print_pair(const screen *on, const judged_pair *pair, pair_columns widths)
{
    static const char *const words[] = {"likely", "maybe", "no"};
    static const paint colours[] = {PAINT_GREEN, PAINT_PLAIN, PAINT_RED};
    pair_result result = pair->judgement.result;
    char a[320];
    char b[320];

    describe(pair->of[0], a, sizeof a);
    describe(pair->of[1], b, sizeof b);
    output_print(standard_output, "%s%-*s%s", screen_paint(on, colours[result]), RESULT_WIDTH,
                 words[result], screen_paint(on, PAINT_PLAIN));
    if (widths.a > 0) {
        output_print(standard_output, "%-*s%*s%s\n", (int)widths.a, a, GAP, "", b);
    } else {
        output_print(standard_output, "%s\n%*s%s\n", a, RESULT_WIDTH, "", b);
    }
    output_print(standard_output, "%*s", RESULT_WIDTH + GAP, "");
    screen_print_wrapped(standard_output, pair->judgement.text, RESULT_WIDTH + GAP,
                         RESULT_WIDTH + GAP);
}

static void print_pairs(const screen *on, const pair_run *run)
{
    pair_columns widths = columns_of(run);
    unsigned listed[PAIR_REASONS] = {0};

    if (widths.a > 0) {
        output_print(standard_output, "%*s%-*s%*s%s\n", RESULT_WIDTH, "", (int)widths.a, "A", GAP,
                     "", "B");
    }
    for (size_t i = 0; i < run->count; i++) {
        const judged_pair *pair = &run->pairs[i];
        bool impossible = pair->judgement.result == PAIR_IMPOSSIBLE;
        if (!impossible || listed[pair->judgement.reason]++ < ALIKE_MAX) {
            print_pair(on, pair, widths);
        }
    }
    for (size_t i = 0; i < PAIR_REASONS; i++) {
        if (listed[i] > ALIKE_MAX) {
            output_print(standard_output, "no      %u more pairs: %s\n", listed[i] - ALIKE_MAX,
                         pair_reason_name((pair_reason)i));
        }
    }
}

static void print_side(const pair_side *side)
{
    char text[256];
    char others[96] = "";

    if (side->left_out > 0) {
        (void)snprintf(others, sizeof others, " of its own (left out: %u of the other side)",
                       side->left_out);
    }
    (void)snprintf(text, sizeof text, "%s has %zu candidate%s%s%s", side->name, side->count,
                   side->count == 1 ? "" : "s", others,
                   side->symmetric ? "; its NAT gives each destination another port" : "");
    screen_print_wrapped(standard_output, text, 0, 0);
}

static void print_common(const pair_run *run)
{
    char text[200];

    if (run->common > 0) {
        (void)snprintf(text, sizeof text,
                       "%u candidate%s in both lists, and nothing shows whose: take from each side "
                       "what is its own",
                       run->common, run->common == 1 ? " is" : "s are");
        screen_print_wrapped(standard_output, text, 0, 0);
    }
}

static void print_run(const pair_run *run)
{
    char text[600];
    screen on;

    screen_init(&on, run->colour);
    print_side(&run->sides[0]);
    print_side(&run->sides[1]);
    print_common(run);
    output_print(standard_output, "\n");
    print_pairs(&on, run);
    verdict(run, text, sizeof text);
    output_print(standard_output, "\n%u likely, %u maybe, %u cannot work\n%s",
                 run->results[PAIR_LIKELY], run->results[PAIR_POSSIBLE],
                 run->results[PAIR_IMPOSSIBLE], screen_paint(&on, PAINT_BOLD));
    screen_print_wrapped(standard_output, text, 0, 0);
    output_print(standard_output, "%s", screen_paint(&on, PAINT_PLAIN));
}

static json_t *candidate_object(const floe_candidate *candidate)
{
    json_t *object = json_object();

    json_add_candidate(object, candidate);
    return object;
}

static void write_pair(const judged_pair *pair)
{
    json_t *line = json_object();
    uint64_t most = INT64_MAX;

    (void)json_object_set_new(line, "event", json_text("pair"));
    (void)json_object_set_new(
        line, "priority",
        json_integer((json_int_t)(pair->priority < most ? pair->priority : most)));
    (void)json_object_set_new(line, "result", json_text(result_word(pair->judgement.result)));
    (void)json_object_set_new(line, "reason", json_text(pair_reason_name(pair->judgement.reason)));
    (void)json_object_set_new(line, "text", json_text(pair->judgement.text));
    (void)json_object_set_new(line, "a", candidate_object(pair->of[0]));
    (void)json_object_set_new(line, "b", candidate_object(pair->of[1]));
    json_write_line(standard_output, line);
}

static void write_run(const pair_run *run)
{
    char text[600];
    json_t *line = json_object();

    for (size_t i = 0; i < run->count; i++) {
        write_pair(&run->pairs[i]);
    }
    verdict(run, text, sizeof text);
    (void)json_object_set_new(line, "event", json_text("summary"));
    (void)json_object_set_new(line, "a", json_integer((json_int_t)run->sides[0].count));
    (void)json_object_set_new(line, "b", json_integer((json_int_t)run->sides[1].count));
    (void)json_object_set_new(line, "a_left_out", json_integer(run->sides[0].left_out));
    (void)json_object_set_new(line, "b_left_out", json_integer(run->sides[1].left_out));
    (void)json_object_set_new(line, "common", json_integer(run->common));
    (void)json_object_set_new(line, "a_symmetric_nat", json_boolean(run->sides[0].symmetric));
    (void)json_object_set_new(line, "b_symmetric_nat", json_boolean(run->sides[1].symmetric));
    (void)json_object_set_new(line, "likely", json_integer(run->results[PAIR_LIKELY]));
    (void)json_object_set_new(line, "possible", json_integer(run->results[PAIR_POSSIBLE]));
    (void)json_object_set_new(line, "impossible", json_integer(run->results[PAIR_IMPOSSIBLE]));
    (void)json_object_set_new(line, "redundant", json_integer(run->redundant));
    (void)json_object_set_new(line, "verdict", json_text(verdict_word(run)));
    (void)json_object_set_new(line, "text", json_text(text));
    json_write_line(standard_output, line);
}

/* ── The command ── */

static int pair(const gather_command *command)
{
    static pair_run run;
    int status = EXIT_USAGE;

    run = (pair_run){
        .json = command->json, .colour = command->colour, .sides = {{.name = "A"}, {.name = "B"}}};
    if (command->word_count < 2) {
        screen_tell("floe: pair: two sides are needed, each a file with candidates (or -)");
        return status;
    }
    if (run.json) {
        json_write_start("pair");
    }
    if (read_side(&run.sides[0], command->words[0]) &&
        read_side(&run.sides[1], command->words[1]) && make_pairs(&run)) {
        if (run.json) {
            write_run(&run);
        } else {
            print_run(&run);
        }
        status = run.results[PAIR_LIKELY] > 0     ? EXIT_LIKELY
                 : run.results[PAIR_POSSIBLE] > 0 ? EXIT_POSSIBLE
                                                  : EXIT_IMPOSSIBLE;
    }
    for (size_t i = 0; i < 2; i++) {
        for (size_t j = 0; j < run.sides[i].count; j++) {
            floe_candidate_free(run.sides[i].candidates[j]);
        }
    }
    free(run.pairs);
    return status;
}

int pair_main(int count, char **words)
{
    static gather_command command;
    int status = EXIT_USAGE;

    if (parse_command(COMMAND_PAIR, count, words, &command)) {
        if (command.help) {
            print_command_help(COMMAND_PAIR);
            status = EXIT_LIKELY;
        } else {
            status = pair(&command);
        }
    }
    free_command(&command);
    return status;
}
