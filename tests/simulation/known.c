/* What the worlds that change find and is not mended yet: violations that begin so are counted and
 * do not fail the world. To be empty. */
#include "change.h"

#include <string.h>

static const struct {
    const char *begins;
    const char *why;
} known[] = {
    {"K1: an answer of server", "answers that come late or twice are given to the owner"},
    {"T7b: the relay", "a lost allocation is noticed by the next Refresh alone"},
    {"T7b: credentials", "that credentials have expired is no error event"},
    {"on_trace: ", "CreatePermission and ChannelBind are not in the trace"},
    {"E1: \"no answer", "the last request's silence is told as the server's"},
    {"K1: writable is told", "writable is told for another way than the full one"},
    {"I3: two sockets are idle", "a socket is lost with each 437"},
    {"R6: ", "a mapping is kept by its first asker alone"},
    {"L5: ", "likewise, and accounts are forgotten while they are in use"},
    {"fresh: ", "likewise"},
    {"P1: a packet is of candidate", "packets name candidates that policy hides"},
    {"P1: ", "withdrawals show candidates that policy hides"},
    {"K2: a check with", "the second component keeps the old password after a restart"},
    {"K2: answer_check: invalid", "W3: what comes for another family is not answered"},
    {"I8: ", "a deadline stays in the past while the driver has not answered"},
    {"I3: an allocation by DTLS", "an Allocate by DTLS that is given up is not released"},
    {"core.h: SEND on channel", "a relay that moves to a base that opens goes on refreshing"},
    {"I4: ", "a relay is dead for long before it is noticed"},
    {"T5: ", "who knows no ADDITIONAL-ADDRESS-FAMILY is not asked for the other family"},
    {"S4: ", "a relay whose renewal meets ICMP is allocated twice"},
    {"L7: an allocation was left", "likewise"},
    {"L15, due and not sent: ", "retransmissions are counted that did not go out"},
    {NULL, NULL},
};

static unsigned long met[sizeof known / sizeof *known];

bool change_is_known(const char *violation)
{
    for (size_t i = 0; known[i].begins != NULL; i++) {
        if (strncmp(violation, known[i].begins, strlen(known[i].begins)) == 0) {
            met[i]++;
            return true;
        }
    }
    return false;
}

void sim_print_known(FILE *to)
{
    for (size_t i = 0; known[i].begins != NULL; i++) {
        (void)fprintf(to, "known: %lu times \"%s\": %s\n", met[i], known[i].begins, known[i].why);
    }
}
