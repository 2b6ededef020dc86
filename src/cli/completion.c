/* Completions for bash and zsh, and the man page's list, all from the one table of options. */
#include "cli/completion.h"

#include "cli/faces.h"
#include "cli/output.h"

#include <stdio.h>
#include <string.h>

static const char commands[] = "gather turn parse completion version help";

/* "all|nohost|relay" is a choice of words; a value in capitals is the user's own. */
static bool is_choice(const char *value)
{
    return value != NULL && strchr(value, '|') != NULL;
}

static void print_words(const char *choice)
{
    for (; *choice != '\0'; choice++) {
        output_print(standard_output, "%c", *choice == '|' ? ' ' : *choice);
    }
}

static void print_bash(void)
{
    output_print(standard_output,
                 "# bash completion of floe, made by: floe completion bash\n"
                 "_floe()\n{\n"
                 "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                 "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
                 "        COMPREPLY=($(compgen -W '%s' -- \"$word\"))\n"
                 "        return\n"
                 "    fi\n"
                 "    case ${COMP_WORDS[1]} in\n"
                 "    parse) COMPREPLY=($(compgen -W '--json --help' -- \"$word\")) ; return ;;\n"
                 "    completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$word\")) ; return ;;\n"
                 "    turn) if [ \"$COMP_CWORD\" = 2 ]; then\n"
                 "        COMPREPLY=($(compgen -W 'check pipe' -- \"$word\")) ; return ; fi ;;\n"
                 "    gather) ;;\n"
                 "    *) return ;;\n"
                 "    esac\n"
                 "    case $before in\n",
                 commands);
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        const option_face *option = &option_faces[n];
        if (is_choice(option->value)) {
            output_print(standard_output, "    --%s) COMPREPLY=($(compgen -W '", option->name);
            print_words(option->value);
            output_print(standard_output, "' -- \"$word\")) ; return ;;\n");
        } else if (option->value != NULL && strcmp(option->value, "FILE") == 0) {
            output_print(standard_output,
                         "    --%s) COMPREPLY=($(compgen -f -- \"$word\")) ; return ;;\n",
                         option->name);
        } else if (option->value != NULL && strcmp(option->value, "NAME") == 0 &&
                   strstr(option->name, "interface") != NULL) {
            output_print(
                standard_output,
                "    --%s) COMPREPLY=($(compgen -W \"$(ls /sys/class/net 2>/dev/null)\" -- "
                "\"$word\")) ; return ;;\n",
                option->name);
        } else if (option->value != NULL) {
            output_print(standard_output, "    --%s) return ;;\n", option->name);
        }
    }
    output_print(standard_output, "    esac\n    COMPREPLY=($(compgen -W '");
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        output_print(standard_output, "%s--%s", n > 0 ? " " : "", option_faces[n].name);
    }
    output_print(standard_output,
                 " stun: turn: turns: stuns:' -- \"$word\"))\n}\ncomplete -F _floe floe\n");
}

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

static void print_zsh_option(const option_face *option)
{
    output_print(standard_output, "            '--%s%s[", option->name,
                 option->value != NULL ? "=" : "");
    print_zsh_text(option->help);
    output_print(standard_output, "%c", ']');
    if (is_choice(option->value)) {
        output_print(standard_output, ":%s:(", option->name);
        print_words(option->value);
        output_print(standard_output, "%c", ')');
    } else if (option->value != NULL) {
        output_print(standard_output, ":%s:%s", option->value,
                     strcmp(option->value, "FILE") == 0 ? "_files" : " ");
    }
    output_print(standard_output, "' \\\n");
}

static void print_zsh(void)
{
    output_print(standard_output,
                 "#compdef floe\n# zsh completion of floe, made by: floe completion zsh\n"
                 "_floe() {\n"
                 "    if (( CURRENT == 2 )); then\n"
                 "        _values command %s\n"
                 "        return\n"
                 "    fi\n"
                 "    case $words[2] in\n"
                 "    completion) _values shell bash zsh ;;\n"
                 "    parse) _arguments '--json[JSON lines]' '*:candidate: ' ;;\n"
                 "    gather|turn)\n"
                 "        if [[ $words[2] = turn ]] && (( CURRENT == 3 )); then\n"
                 "            _values command check pipe\n"
                 "            return\n"
                 "        fi\n"
                 "        _arguments \\\n",
                 commands);
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        print_zsh_option(&option_faces[n]);
    }
    output_print(standard_output, "            '*:URL: ' ;;\n    esac\n}\n_floe \"$@\"\n");
}

/* The page itself is where the help sends its reader. */
static void print_mdoc_text(const char *help)
{
    static const char elsewhere[] = "see floe(1)";
    const char *at = strstr(help, elsewhere);

    if (at == NULL) {
        output_print(standard_output, "%s.\n", help);
    } else {
        output_print(standard_output, "%.*ssee below%s.\n", (int)(at - help), help,
                     at + strlen(elsewhere));
    }
}

/* A list of options in mdoc, for floe(1): those that every command takes, or what else this one does. */
static void print_mdoc(unsigned kind)
{
    for (size_t n = 0; n < OPTION_COUNT; n++) {
        const option_face *option = &option_faces[n];
        if (kind == EVERY ? option->kinds != EVERY
                          : option->kinds == EVERY || (option->kinds & kind) == 0) {
            continue;
        }
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
}

int completion_main(int count, char **words)
{
    const char *shell = count == 1 ? words[0] : "";

    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (strcmp(shell, "mdoc") == 0) {
        print_mdoc(EVERY);
    } else if (strcmp(shell, "mdoc-gather") == 0) {
        print_mdoc(COMMAND_GATHER);
    } else if (strcmp(shell, "mdoc-check") == 0) {
        print_mdoc(COMMAND_TURN_CHECK);
    } else if (strcmp(shell, "mdoc-pipe") == 0) {
        print_mdoc(COMMAND_TURN_PIPE);
    } else {
        output_print(standard_error, "floe: completion: expected bash or zsh\n");
        return 2;
    }
    return 0;
}
