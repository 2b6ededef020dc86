#include "cli/faces.h"

const option_face option_faces[] = {
#define GROUP(title) {ALL, 0, NULL, NULL, title},
#define OPTION(kinds, letter, name, value, action, help) {kinds, letter, name, value, help},
#include "cli/option_list.h"
#undef OPTION
#undef GROUP
};

const command_face command_faces[COMMAND_COUNT] = {
    {COMMAND_GATHER, "gather", "[options] [URL...]", "gather ICE candidates and print them",
     "Gathers ICE candidates and prints them. Without a URL: only host candidates.\n",
     "  floe gather stun:stun.example.org\n"
     "  floe gather -u alice turn:turn.example.org      (asks for the password)\n"
     "  floe gather --ice-servers servers.json --json\n"
     "  floe gather --rewrite external=203.0.113.5,local=10.0.0.5\n",
     "0 every server answered; 1 a server failed, or could not be asked;\n"
     "2 wrong usage; 3 no candidate; 130 interrupted.\n"},
    {COMMAND_CONNECT, "connect", "[options] [URL...]", "connect to another floe connect, and talk",
     "Connects two machines, each of which runs this command. It prints a ticket, a\n"
     "line that the other side pastes, and asks for the other side's. Then it tries\n"
     "the pairs of candidates, and says which is chosen. From then on each line that\n"
     "is typed is shown on the other side. The end of the input (Ctrl-D) ends both.\n"
     "\n"
     "The ticket is for the other side alone, as it has the password. What is sent is\n"
     "not encrypted, and packets may be lost: it is UDP.\n",
     "  floe connect -u alice turn:turn.example.org stun:stun.example.org\n"
     "  tar c photos | floe connect --pipe     and there: floe connect --pipe | tar x\n"
     "  floe connect --json stun:stun.example.org      (standard input signals)\n",
     "0 it was connected; 1 it failed, or was cut off before both sides had ended;\n"
     "2 wrong usage; 130 interrupted.\n"},
    {COMMAND_TURN_CHECK, "turn check", "[options] URL...", "test what a TURN server can do",
     "Asks each TURN server for a relay, over each transport and at each of its\n"
     "addresses, sends data through the relay to itself, and packets from here to the\n"
     "relayed address, and prints what works, and why not. A URL without ?transport=\n"
     "is tried with each transport that it can mean.\n",
     "  floe turn check -u alice turn:turn.example.org turns:turn.example.org\n"
     "  floe turn check --ice-servers servers.json --json\n"
     "  floe turn check --rest-secret-file secret turn:turn.example.org\n",
     "0 everything works; 1 something failed; 2 wrong usage; 3 nothing works;\n"
     "4 everything works, but there are warnings (--strict); 130 interrupted.\n"},
    {COMMAND_TURN_PIPE, "turn pipe", "[options] --peer ADDRESS:PORT URL...",
     "send standard input through a relay",
     "Sends standard input to the peer, one packet for each read, and writes what\n"
     "comes from the peer to standard output. Prints the address where the peer can\n"
     "reach this program on standard error.\n",
     "  echo hello | floe turn pipe -u alice -p 192.0.2.7:9000 turn:turn.example.org\n",
     "0 at the end of the input; 1 there is no relay, or it was lost, or it takes\n"
     "no more data, or the peer is refused or cannot be reached, or the input cannot\n"
     "be read; 2 wrong usage; 130 interrupted.\n"},
    {COMMAND_PARSE, "parse", "[options] [CANDIDATE|FILE|-]",
     "explain candidates, wherever they stand",
     "Finds candidates and explains them. It takes them out of whatever it is given:\n"
     "candidate lines, SDP, JSON (of RTCIceCandidate, getStats, floe), a dump of\n"
     "chrome://webrtc-internals, about:webrtc, logs. Without a word it reads\n"
     "standard input. Passwords in what it reads are not shown.\n",
     "  floe parse 'candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host'\n"
     "  floe parse offer.sdp\n"
     "  floe parse --format w3c webrtc_internals_dump.txt\n",
     "0 each candidate could be read; 1 one could not, or there is none;\n"
     "2 wrong usage.\n"},
    {COMMAND_PAIR, "pair", "[options] A B", "which candidates of two sides can connect",
     "Takes the candidates of two sides, each from a file (- is standard input) in\n"
     "any form that floe parse reads. Says which pairs can work, which cannot, and\n"
     "why, in the order in which ICE tries them; A is the controlling side.\n",
     "  floe pair offer.sdp answer.sdp\n"
     "  floe gather --format sdp stun:stun.example.org | floe pair - answer.sdp\n",
     "0 a pair is likely to work; 1 a pair may work, but none is likely to;\n"
     "2 wrong usage; 3 no pair can work.\n"},
    {COMMAND_COMPLETION, "completion", "bash|zsh|fish", "print the completion for a shell",
     "Prints what a shell needs to complete floe's commands and options.\n",
     "  floe completion bash >~/.local/share/bash-completion/completions/floe\n",
     "0; 2 wrong usage.\n"},
    {COMMAND_VERSION, "version", "", "print the version, and what was built in",
     "Prints the version, and what was built in.\n", "", "0.\n"},
};

const command_face *command_face_of(command_kind kind)
{
    size_t i = 0;

    while (command_faces[i].kind != kind) {
        i++;
    }
    return &command_faces[i];
}
