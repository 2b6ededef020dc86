#include "cli/faces.h"

#define EVERY (COMMAND_GATHER | COMMAND_TURN_CHECK | COMMAND_TURN_PIPE)

const option_face option_faces[] = {
#define OPTION(kinds, letter, name, value, action, help) {kinds, letter, name, value, help},
#include "cli/option_list.h"
#undef OPTION
};
