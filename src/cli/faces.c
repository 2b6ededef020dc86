#include "cli/faces.h"

const option_face option_faces[] = {
#define OPTION(kinds, letter, name, value, action, help) {kinds, letter, name, value, help},
#include "cli/option_list.h"
#undef OPTION
};
