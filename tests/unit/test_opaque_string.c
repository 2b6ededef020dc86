/* base/opaque_string: RFC 8265's OpaqueString, by its examples and by RFC 8264's classes. */
#include "support.h"

#include "base/memory.h"
#include "base/opaque_string.h"

#include <floe/error.h>
#include <string.h>

typedef struct row {
    const char *in;
    const char *out; /* NULL: not allowed */
} row;

static const row rows[] = {
    {"correct horse battery staple", "correct horse battery staple"}, /* RFC 8265 §4.3, 1 */
    {"Correct Horse Battery Staple", "Correct Horse Battery Staple"},
    {"\xcf\x80\xc3\x9f\xc3\xa5", "\xcf\x80\xc3\x9f\xc3\xa5"},
    {"Jack of \xe2\x99\xa6s", "Jack of \xe2\x99\xa6s"},
    {"foo\xe1\x9a\x80"
     "bar",
     "foo bar"},                /* U+1680 OGHAM SPACE MARK */
    {"my cat is a \tby", NULL}, /* §4.3, a control character */
    {"a\x7f", NULL},
    {"\xc2\xa0", " "},                                   /* no-break space */
    {"\xe3\x80\x80x", " x"},                             /* ideographic space */
    {"A\xcc\x8a", "\xc3\x85"},                           /* NFC */
    {"\xe2\x84\xab", "\xc3\x85"},                        /* ANGSTROM SIGN, canonically */
    {"\xef\xbc\xa1", "\xef\xbc\xa1"},                    /* fullwidth A: not mapped */
    {"\xef\xac\x81", "\xef\xac\x81"},                    /* a ligature: FREE_PVAL */
    {"\xc2\xad", NULL},                                  /* soft hyphen: ignorable */
    {"\xe2\x80\x8b", NULL},                              /* zero width space */
    {"\xe1\x84\x80", NULL},                              /* a conjoining jamo */
    {"\xef\xbf\xbe", NULL},                              /* U+FFFE, no character */
    {"\xcd\xb8", NULL},                                  /* U+0378, unassigned */
    {"\xee\x80\x80", NULL},                              /* private use */
    {"\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7", /* a joiner behind a virama */
     "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7"},
    {"a\xe2\x80\x8d", NULL},                                  /* and elsewhere */
    {"\xe0\xa5\x8d\xe2\x80\x8c", "\xe0\xa5\x8d\xe2\x80\x8c"}, /* a non-joiner behind one */
    {"\xdb\x8c\xe2\x80\x8c\xd8\xae",
     "\xdb\x8c\xe2\x80\x8c\xd8\xae"}, /* between letters that join */
    {"\xdb\x8c\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xae",
     "\xdb\x8c\xd9\x8e\xe2\x80\x8c\xd9\x8e\xd8\xae"}, /* past vowel marks */
    {"\xd8\xaf\xe2\x80\x8c\xd8\xae", NULL},           /* DAL joins only what stands before it */
    {"\xdb\x8c\xe2\x80\x8d\xd8\xae", NULL},           /* a joiner there */
    {"\xdb\x8c\xe2\x80\x8c", NULL},                   /* a non-joiner with nothing behind it */
    {"\xe2\x80\x8c", NULL},
    {"l\xc2\xb7l", "l\xc2\xb7l"}, /* Catalan's middle dot */
    {"a\xc2\xb7"
     "b",
     NULL},
    {"\xcd\xb5\xce\xb1", "\xcd\xb5\xce\xb1"}, /* the Greek numeral sign */
    {"\xcd\xb5x", NULL},
    {"\xd7\x90\xd7\xb3", "\xd7\x90\xd7\xb3"}, /* Hebrew geresh */
    {"x\xd7\xb3", NULL},
    {"\xe3\x82\xa2\xe3\x83\xbb", "\xe3\x82\xa2\xe3\x83\xbb"}, /* Katakana middle dot */
    {"x\xe3\x83\xbb", NULL},
    {"\xd9\xa0\xd9\xa1", "\xd9\xa0\xd9\xa1"}, /* Arabic-Indic digits */
    {"\xd9\xa0\xdb\xb1", NULL},               /* mixed with the others */
    {"\xd9\x80", NULL},                       /* tatweel */
    {"\x80", NULL},                           /* no UTF-8 */
    {"a\xc3", NULL},
    {"\xc0\xaf", NULL},                     /* overlong */
    {"\xed\xa0\x80", NULL},                 /* a surrogate */
    {"\xf4\x90\x80\x80", NULL},             /* beyond U+10FFFF */
    {"1433895918:floe", "1433895918:floe"}, /* REST credentials (S5) */
};

static void s2_opaque_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *out = NULL;
        floe_error error = floe_opaque_string(&floe_default_allocator, "it", rows[i].in, &out);
        if (rows[i].out == NULL) {
            if (error != FLOE_ERR_SYNTAX) {
                fail_msg("row %zu was taken", i);
            }
            assert_non_null(strstr(floe_last_error(), "it "));
            continue;
        }
        if (error != FLOE_OK) {
            fail_msg("row %zu: %s", i, floe_last_error());
        }
        assert_string_equal(out, rows[i].out);
        floe_deallocate(&floe_default_allocator, out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(s2_opaque_strings)};

    return cmocka_run_group_tests_name("opaque string", tests, NULL, NULL);
}
