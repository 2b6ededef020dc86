/* Completions for bash, zsh and fish, and the man pages' lists, all from the one table of commands
 * and options. Each command is offered what it takes and nothing else. */
#include "cli/completion.h"

#include "cli/faces.h"
#include "cli/output.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What may stand for an option's value, or for a command's words. */
typedef enum value_kind {
    VALUE_ANY,
    VALUE_CHOICE, /* all|nohost|relay */
    VALUE_LIST,   /* udp4,udp6 */
    VALUE_FILE,
    VALUE_INTERFACE,
    VALUE_URL,
} value_kind;

static const char all_urls[] = "stun: turn: turns: stuns:";
static const char turn_urls[] = "turn: turns:";

static value_kind kind_of_value(const option_face *option)
{
    return strchr(option->value, '|') != NULL    ? VALUE_CHOICE
           : strchr(option->value, ',') != NULL  ? VALUE_LIST
           : strcmp(option->value, "FILE") == 0  ? VALUE_FILE
           : strcmp(option->name, "server") == 0 ? VALUE_URL
           : strcmp(option->value, "NAME") == 0 && strstr(option->name, "interface") != NULL
               ? VALUE_INTERFACE
               : VALUE_ANY;
}

static bool takes(const command_face *command, const option_face *option)
{
    return option->name != NULL && (option->kinds & command->kind) != 0;
}

/* What the words of a command are; for VALUE_CHOICE they stand in its `words`. */
static value_kind kind_of_words(const command_face *command)
{
    switch (command->kind) {
    case COMMAND_PARSE:
    case COMMAND_PAIR:
        return VALUE_FILE;
    case COMMAND_COMPLETION:
        return VALUE_CHOICE;
    case COMMAND_VERSION:
        return VALUE_ANY;
    default:
        return VALUE_URL;
    }
}

static const char *urls_of(const command_face *command)
{
    return (command->kind & GATHERERS) != 0 ? all_urls : turn_urls;
}

/* "all|nohost" as "all nohost". */
static void print_words(const char *words)
{
    for (; *words != '\0'; words++) {
        output_print(standard_output, "%c", strchr("|,", *words) != NULL ? ' ' : *words);
    }
}

/* The first words of the commands, each once; or the second ones of those that begin so. */
static void print_command_words(const char *before)
{
    const char *last = "";

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const char *name = command_faces[i].name;
        const char *rest = strchr(name, ' ');
        size_t size = strcspn(name, " ");
        bool again = strncmp(last, name, size) == 0 && last[size] == ' ';
        if (before == NULL && !again) {
            output_print(standard_output, "%s%.*s", i > 0 ? " " : "", (int)size, name);
        } else if (before != NULL && rest != NULL && strncmp(name, before, size) == 0) {
            output_print(standard_output, "%s ", rest + 1);
        }
        last = name;
    }
}

/* ── bash ── */

static void print_bash_value(const option_face *option)
{
    value_kind kind = kind_of_value(option);

    output_print(standard_output, "        --%s", option->name);
    if (option->letter != 0) {
        output_print(standard_output, "|-%c", option->letter);
    }
    output_print(standard_output, ") ");
    if (kind == VALUE_CHOICE || kind == VALUE_LIST) {
        output_print(standard_output, "%s '", kind == VALUE_LIST ? "_floe_list" : "_floe_words");
        print_words(option->value);
        output_print(standard_output, "'; return");
    } else {
        static const char *const ways[] = {
            [VALUE_ANY] = "return",
            [VALUE_FILE] = "_floe_files; return",
            [VALUE_INTERFACE] = "_floe_words \"$(ls /sys/class/net 2>/dev/null)\"; return",
            [VALUE_URL] = "_floe_urls 'stun: turn: turns: stuns:'; return",
        };
        output_print(standard_output, "%s", ways[kind]);
    }
    output_print(standard_output, " ;;\n");
}

static void print_bash_command(const command_face *command)
{
    output_print(standard_output, "    '%s')\n        case $before in\n", command->name);
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        if (takes(command, &option_faces[n]) && option_faces[n].value != NULL) {
            print_bash_value(&option_faces[n]);
        }
    }
    output_print(standard_output, "        esac\n        options='");
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        if (takes(command, &option_faces[n])) {
            output_print(standard_output, "--%s ", option_faces[n].name);
        }
    }
    output_print(standard_output,
                 "'\n        [[ $word == -* ]] && { _floe_words \"$options\"; return; }\n");
    switch (kind_of_words(command)) {
    case VALUE_FILE:
        output_print(standard_output, "        _floe_files ;;\n");
        break;
    case VALUE_CHOICE:
        output_print(standard_output, "        _floe_words '");
        print_words(command->words);
        output_print(standard_output, "' ;;\n");
        break;
    case VALUE_URL:
        output_print(standard_output, "        _floe_urls '%s' ;;\n", urls_of(command));
        break;
    default:
        output_print(standard_output, "        ;;\n");
    }
}

static void print_bash(void)
{
    output_print(
        standard_output,
        "# bash completion of floe, made by: floe completion bash\n"
        "_floe_words() { COMPREPLY=($(compgen -W \"$1\" -- \"$word\")); }\n"
        "_floe_files() { COMPREPLY=($(compgen -f -- \"$word\")); compopt -o filenames 2>/dev/null; "
        "}\n"
        "_floe_urls() { _floe_words \"$1\"; compopt -o nospace 2>/dev/null; }\n"
        "# Joined by commas: what stands before the last one stays.\n"
        "_floe_list() {\n"
        "    local done=\n"
        "    [[ $word == *,* ]] && done=${word%%,*},\n"
        "    COMPREPLY=($(compgen -P \"$done\" -W \"$1\" -- \"${word##*,}\"))\n"
        "    compopt -o nospace 2>/dev/null\n"
        "}\n"
        "_floe() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options at=1\n"
        "    COMPREPLY=()\n"
        "    # --option=value is three words here.\n"
        "    if [[ $word == = ]]; then word=\n"
        "    elif [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
        "    [[ ${COMP_WORDS[1]} == help ]] && at=2\n"
        "    if [[ $COMP_CWORD -le $at ]]; then\n"
        "        _floe_words '");
    print_command_words(NULL);
    output_print(standard_output, " help'\n        return\n    fi\n"
                                  "    local command=${COMP_WORDS[at]}\n"
                                  "    if [[ $command == turn ]]; then\n"
                                  "        [[ $COMP_CWORD -eq $((at + 1)) ]] && { _floe_words '");
    print_command_words("turn");
    output_print(standard_output, "'; return; }\n"
                                  "        command=\"turn ${COMP_WORDS[at+1]}\"\n"
                                  "    fi\n"
                                  "    [[ $at -eq 2 ]] && return\n"
                                  "    case $command in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        print_bash_command(&command_faces[i]);
    }
    output_print(standard_output, "    esac\n}\ncomplete -F _floe floe\n");
}

/* ── zsh ── */

/* Text inside of '…[…]…'. */
static void print_zsh_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:\\", *text) != NULL) {
            output_print(standard_output, "%c", '\\');
        }
        output_print(standard_output, "%s", *text == '\'' ? "'\\''" : (char[]){*text, '\0'});
    }
}

static void print_zsh_value(const option_face *option)
{
    value_kind kind = kind_of_value(option);

    if (kind == VALUE_CHOICE) {
        output_print(standard_output, ":%s:(", option->name);
        print_words(option->value);
        output_print(standard_output, ")");
    } else if (kind == VALUE_LIST) {
        output_print(standard_output, ":%s:_sequence compadd - ", option->name);
        print_words(option->value);
    } else {
        static const char *const ways[] = {
            [VALUE_ANY] = " ",
            [VALUE_FILE] = "_files",
            [VALUE_INTERFACE] = "_floe_interfaces",
            [VALUE_URL] = " _floe_urls stun\\: turn\\: turns\\: stuns\\:",
        };
        output_print(standard_output, ":");
        print_zsh_text(option->value);
        output_print(standard_output, ":%s", ways[kind]);
    }
}

/* Any option may come again: what may not is the command's to say. */
static void print_zsh_option(const option_face *option, const char *name)
{
    output_print(standard_output, "            '*%s[", name);
    print_zsh_text(option->help);
    output_print(standard_output, "]");
    if (option->value != NULL) {
        print_zsh_value(option);
    }
    output_print(standard_output, "' \\\n");
}

static void print_zsh_command(const command_face *command)
{
    output_print(standard_output, "    '%s')\n        _arguments -s \\\n", command->name);
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        const option_face *option = &option_faces[n];
        char name[64];
        if (!takes(command, option)) {
            continue;
        }
        (void)snprintf(name, sizeof name, "--%s%s", option->name, option->value != NULL ? "=" : "");
        print_zsh_option(option, name);
        if (option->letter != 0) {
            (void)snprintf(name, sizeof name, "-%c%s", option->letter,
                           option->value != NULL ? "+" : "");
            print_zsh_option(option, name);
        }
    }
    switch (kind_of_words(command)) {
    case VALUE_FILE:
        output_print(standard_output, "            '*:file:_files' ;;\n");
        break;
    case VALUE_CHOICE:
        output_print(standard_output, "            '1:shell:(");
        print_words(command->words);
        output_print(standard_output, ")' ;;\n");
        break;
    case VALUE_URL:
        output_print(standard_output, "            '*:URL: _floe_urls ");
        print_zsh_text(urls_of(command));
        output_print(standard_output, "' ;;\n");
        break;
    default:
        output_print(standard_output, "            ;;\n");
    }
}

static void print_zsh(void)
{
    output_print(standard_output,
                 "#compdef floe\n# zsh completion of floe, made by: floe completion zsh\n"
                 "_floe_urls() { compadd -S '' -- $*; }\n"
                 "_floe_interfaces() { compadd -- ${(f)\"$(ls /sys/class/net 2>/dev/null)\"}; }\n"
                 "_floe() {\n"
                 "    local at=2 command\n"
                 "    [[ $words[2] = help ]] && at=3\n"
                 "    if (( CURRENT <= at )); then\n"
                 "        compadd -- ");
    print_command_words(NULL);
    output_print(standard_output, " help\n        return\n    fi\n"
                                  "    command=$words[at]\n"
                                  "    if [[ $command = turn ]]; then\n"
                                  "        (( at += 1 ))\n"
                                  "        if (( CURRENT == at )); then\n"
                                  "            compadd -- ");
    print_command_words("turn");
    output_print(standard_output,
                 "\n            return\n        fi\n"
                 "        command=\"turn $words[at]\"\n"
                 "    fi\n"
                 "    [[ $words[2] = help ]] && return\n"
                 "    # What follows is as if the command were a program of its own.\n"
                 "    shift $((at - 1)) words\n"
                 "    (( CURRENT -= at - 1 ))\n"
                 "    case $command in\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        print_zsh_command(&command_faces[i]);
    }
    output_print(standard_output, "    esac\n}\n_floe \"$@\"\n");
}

/* ── fish ── */

static void print_fish_text(const char *text)
{
    output_print(standard_output, "'");
    for (; *text != '\0'; text++) {
        output_print(standard_output, "%s%c", strchr("'\\", *text) != NULL ? "\\" : "", *text);
    }
    output_print(standard_output, "'");
}

static void print_fish_value(const option_face *option)
{
    switch (kind_of_value(option)) {
    case VALUE_CHOICE:
        output_print(standard_output, " -x -a '");
        print_words(option->value);
        output_print(standard_output, "'");
        break;
    case VALUE_LIST:
        output_print(standard_output, " -x -a '(__fish_append , ");
        print_words(option->value);
        output_print(standard_output, ")'");
        break;
    case VALUE_FILE:
        output_print(standard_output, " -r -F");
        break;
    case VALUE_INTERFACE:
        output_print(standard_output, " -x -a '(ls /sys/class/net 2>/dev/null)'");
        break;
    case VALUE_URL:
        output_print(standard_output, " -x -a '%s'", all_urls);
        break;
    case VALUE_ANY:
        output_print(standard_output, " -x");
        break;
    }
}

static void print_fish_command(const command_face *command)
{
    const char *head = "complete -c floe -n '__floe_command";

    for (size_t n = 0; n < OPTION_COUNT; n++) {
        const option_face *option = &option_faces[n];
        if (!takes(command, option)) {
            continue;
        }
        output_print(standard_output, "%s %s' -l %s", head, command->name, option->name);
        if (option->letter != 0) {
            output_print(standard_output, " -s %c", option->letter);
        }
        if (option->value != NULL) {
            print_fish_value(option);
        }
        output_print(standard_output, " -d ");
        print_fish_text(option->help);
        output_print(standard_output, "\n");
    }
    output_print(standard_output, "%s %s'", head, command->name);
    switch (kind_of_words(command)) {
    case VALUE_FILE:
        output_print(standard_output, " -F\n");
        break;
    case VALUE_CHOICE:
        output_print(standard_output, " -a '");
        print_words(command->words);
        output_print(standard_output, "'\n");
        break;
    case VALUE_URL:
        output_print(standard_output, " -a '%s'\n", urls_of(command));
        break;
    default:
        output_print(standard_output, "\n");
    }
}

static void print_fish(void)
{
    output_print(
        standard_output,
        "# fish completion of floe, made by: floe completion fish\n"
        "# Whether these words are the command's.\n"
        "function __floe_command\n"
        "    set -l words (commandline -opc)\n"
        "    set -e words[1]\n"
        "    test (count $words) -ge (count $argv); or return 1\n"
        "    for i in (seq (count $argv))\n"
        "        test \"$words[$i]\" = \"$argv[$i]\"; or return 1\n"
        "    end\n"
        "end\n"
        "# Whether they are all that stands there.\n"
        "function __floe_only\n"
        "    test (count (commandline -opc)) -eq (math 1 + (count $argv)); and __floe_command "
        "$argv\n"
        "end\n"
        "complete -c floe -f\n"
        "complete -c floe -n 'test (count (commandline -opc)) -eq 1; or __floe_only help' -a '");
    print_command_words(NULL);
    output_print(standard_output,
                 "'\n"
                 "complete -c floe -n 'test (count (commandline -opc)) -eq 1' -a help\n"
                 "complete -c floe -n '__floe_only turn; or __floe_only help turn' -a '");
    print_command_words("turn");
    output_print(standard_output, "'\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        print_fish_command(&command_faces[i]);
    }
}

/* ── The man pages ── */

/* The page itself is where the help sends its reader. */
static void print_mdoc_text(const char *help)
{
    static const char elsewhere[] = "see floe-gather(1)";
    const char *at = strstr(help, elsewhere);

    if (at == NULL) {
        output_print(standard_output, "%s.\n", help);
    } else {
        output_print(standard_output, "%.*ssee below%s.\n", (int)(at - help), help,
                     at + strlen(elsewhere));
    }
}

static void print_mdoc_option(const option_face *option)
{
    output_print(standard_output, ".It ");
    if (option->letter != 0) {
        output_print(standard_output, "Fl %c , ", option->letter);
    }
    output_print(standard_output, "Fl Fl %s", option->name);
    if (option->value != NULL) {
        output_print(standard_output, " Ar %s", option->value);
    }
    output_print(standard_output, "\n");
    print_mdoc_text(option->help);
}

/* The options of a command in mdoc, a list for each group. */
static void print_mdoc(const command_face *command)
{
    const char *group = NULL;
    bool begun = false;

    for (size_t n = 0; n < OPTION_COUNT; n++) {
        const option_face *option = &option_faces[n];
        if (option->name == NULL) {
            group = option->help;
        } else if (takes(command, option)) {
            if (group != NULL) {
                output_print(standard_output, "%s.Ss %s\n.Bl -tag -width Ds\n",
                             begun ? ".El\n" : "", group);
                group = NULL;
                begun = true;
            }
            print_mdoc_option(option);
        }
    }
    output_print(standard_output, ".El\n");
}

/* What each command does, for floe(1). */
static void print_mdoc_commands(void)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        const command_face *command = &command_faces[i];
        output_print(standard_output, ".It Nm Cm %s", command->name);
        if (*command->words != '\0') {
            output_print(standard_output, " Ar %s", command->words);
        }
        output_print(standard_output, "\n");
        print_mdoc_text(command->summary);
    }
}

/* "turn-check", as the man page is called. */
static bool is_page(const command_face *command, const char *page)
{
    size_t i = 0;

    while (page[i] != '\0' && page[i] == (command->name[i] == ' ' ? '-' : command->name[i])) {
        i++;
    }
    return page[i] == '\0' && command->name[i] == '\0';
}

/* For tools/command-files. */
static bool print_page_part(const char *part)
{
    if (strcmp(part, "mdoc-commands") == 0) {
        print_mdoc_commands();
        return true;
    }
    for (size_t i = 0; strncmp(part, "mdoc-", 5) == 0 && i < COMMAND_COUNT; i++) {
        if (is_page(&command_faces[i], part + 5)) {
            print_mdoc(&command_faces[i]);
            return true;
        }
    }
    return false;
}

int completion_main(int count, char **words)
{
    const char *shell = count == 1 ? words[0] : "";

    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        print_fish();
    } else if (!print_page_part(shell)) {
        output_print(standard_error, "floe: completion: expected bash, zsh or fish\n");
        return 2;
    }
    return 0;
}
