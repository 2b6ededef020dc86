/* `floe completion`: what shells complete, and the options' part of the man page. */
#ifndef FLOE_CLI_COMPLETION_H
#define FLOE_CLI_COMPLETION_H

int completion_main(int count, char **words);

#endif
