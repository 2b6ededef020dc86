/* What rows have in common in lines and in the grid. */
#ifndef FLOE_CLI_CHECK_LINES_H
#define FLOE_CLI_CHECK_LINES_H

#include "cli/check.h"
#include "cli/check_text.h"

/* Each a part of a line. */
void check_add_relays(check_text *to, const check_row *row);
void check_add_data(check_text *to, const check_row *row);
void check_add_outside(check_text *to, const check_row *row);
const char *check_tcp_word(const check_row *row);
const char *check_outward_word(const check_row *row);

/* Whole lines: each warning once; the count of all. */
void check_add_warnings(check_text *to, const turn_checker *checker);
void check_add_summary(check_text *to, const turn_checker *checker, int status);

#endif
