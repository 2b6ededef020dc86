/* The profile by libunistring's tables (docs/decisions/0004). */
#include "base/opaque_string.h"

#include "base/crypto.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

/* What stands around a code point, for the contextual rules (RFC 5892 appendix A). */
typedef struct context {
    const uint8_t *text;
    size_t size;
    size_t at;     /* of the code point at hand */
    size_t length; /* of it, in bytes */
} context;

static ucs4_t before(const context *c)
{
    ucs4_t point = 0;

    (void)u8_prev(&point, &c->text[c->at], c->text);
    return c->at > 0 ? point : 0;
}

static ucs4_t behind(const context *c)
{
    ucs4_t point = 0;
    size_t next = c->at + c->length;

    return next < c->size && u8_mbtouc(&point, &c->text[next], c->size - next) > 0 ? point : 0;
}

static bool in_script(ucs4_t point, const char *name)
{
    const uc_script_t *script = point != 0 ? uc_script(point) : NULL;

    return script != NULL && strcmp(script->name, name) == 0;
}

static bool holds(const context *c, bool (*matches)(ucs4_t point))
{
    ucs4_t point;

    for (size_t at = 0; at < c->size;) {
        int length = u8_mbtouc(&point, &c->text[at], c->size - at);
        if (matches(point)) {
            return true;
        }
        at += (size_t)length;
    }
    return false;
}

static bool is_kana_or_han(ucs4_t point)
{
    return in_script(point, "Hiragana") || in_script(point, "Katakana") || in_script(point, "Han");
}

static bool is_arabic_indic_digit(ucs4_t point)
{
    return point >= 0x660 && point <= 0x669;
}

static bool is_extended_arabic_indic_digit(ucs4_t point)
{
    return point >= 0x6f0 && point <= 0x6f9;
}

/* RFC 5892 A.1 and A.2: a joiner behind a virama. */
static bool is_behind_virama(const context *c)
{
    return before(c) != 0 && uc_combining_class(before(c)) == UC_CCC_VR;
}

/* The joining type of the nearest code point on a side that is not transparent. */
static int joining_before(const context *c)
{
    int type = UC_JOINING_TYPE_U;
    ucs4_t point;

    for (const uint8_t *at = u8_prev(&point, &c->text[c->at], c->text); at != NULL;
         at = u8_prev(&point, at, c->text)) {
        type = uc_joining_type(point);
        if (type != UC_JOINING_TYPE_T) {
            break;
        }
    }
    return type;
}

static int joining_behind(const context *c)
{
    int type = UC_JOINING_TYPE_U;
    ucs4_t point;

    for (size_t at = c->at + c->length; at < c->size;) {
        at += (size_t)u8_mbtouc(&point, &c->text[at], c->size - at);
        type = uc_joining_type(point);
        if (type != UC_JOINING_TYPE_T) {
            break;
        }
    }
    return type;
}

/* RFC 5892 A.1: a non-joiner between two letters that would join, as Persian writes it. */
static bool parts_joined_letters(const context *c)
{
    int left = joining_before(c);
    int right = joining_behind(c);

    return (left == UC_JOINING_TYPE_L || left == UC_JOINING_TYPE_D) &&
           (right == UC_JOINING_TYPE_R || right == UC_JOINING_TYPE_D);
}

/* RFC 5892 §2.6 with RFC 8264 §9.6: those that are decided one by one. 1: allowed, 0: not, -1: by
 * the general rules. */
static int exceptional(ucs4_t point, const context *c)
{
    switch (point) {
    case 0xdf:
    case 0x3c2:
    case 0x6fd:
    case 0x6fe:
    case 0xf0b:
    case 0x3007:
        return 1;
    case 0x640:
    case 0x7fa:
    case 0x302e:
    case 0x302f:
    case 0x3031:
    case 0x3032:
    case 0x3033:
    case 0x3034:
    case 0x3035:
    case 0x303b:
        return 0;
    case 0xb7: /* A.3 */
        return before(c) == 'l' && behind(c) == 'l';
    case 0x375: /* A.4 */
        return in_script(behind(c), "Greek");
    case 0x5f3: /* A.5, A.6 */
    case 0x5f4:
        return in_script(before(c), "Hebrew");
    case 0x30fb: /* A.7 */
        return holds(c, is_kana_or_han);
    case 0x200c: /* A.1 */
        return is_behind_virama(c) || parts_joined_letters(c);
    case 0x200d: /* A.2 */
        return is_behind_virama(c);
    default:
        break;
    }
    if (is_arabic_indic_digit(point)) { /* A.8 */
        return !holds(c, is_extended_arabic_indic_digit);
    }
    if (is_extended_arabic_indic_digit(point)) { /* A.9 */
        return !holds(c, is_arabic_indic_digit);
    }
    return -1;
}

/* RFC 8264 §9.9: conjoining jamo. */
static bool is_old_hangul_jamo(ucs4_t point)
{
    return (point >= 0x1100 && point <= 0x11ff) || (point >= 0xa960 && point <= 0xa97c) ||
           (point >= 0xd7b0 && point <= 0xd7fb);
}

/* RFC 8264 §8, for the FreeformClass. */
static bool is_freeform(ucs4_t point, const context *c)
{
    int exception = exceptional(point, c);

    if (exception >= 0) {
        return exception == 1;
    }
    if (point >= 0x21 && point <= 0x7e) {
        return true;
    }
    if (is_old_hangul_jamo(point) ||
        uc_is_property(point, UC_PROPERTY_DEFAULT_IGNORABLE_CODE_POINT) ||
        uc_is_property(point, UC_PROPERTY_NOT_A_CHARACTER)) {
        return false;
    }
    /* Letters, marks, numbers, punctuation, symbols, spaces; so no control, no format character, no
     * unassigned or private one. */
    return uc_is_general_category_withtable(point, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M |
                                                       UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_P |
                                                       UC_CATEGORY_MASK_S | UC_CATEGORY_MASK_Zs);
}

static floe_error check(const char *what, const uint8_t *text, size_t size)
{
    context c = {.text = text, .size = size};

    for (c.at = 0; c.at < size; c.at += c.length) {
        ucs4_t point;
        int length = u8_mbtoucr(&point, &text[c.at], size - c.at);
        if (length <= 0) {
            return floe_fail(FLOE_ERR_SYNTAX, "%s is no UTF-8 (byte %zu)", what, c.at + 1);
        }
        c.length = (size_t)length;
        if (!is_freeform(point, &c)) {
            return floe_fail(FLOE_ERR_SYNTAX,
                             "%s has U+%04X, which RFC 8265's OpaqueString does not allow", what,
                             (unsigned)point);
        }
    }
    return FLOE_OK;
}

/* Every other space becomes U+0020, which never needs more bytes. */
static size_t map_spaces(uint8_t *text, size_t size)
{
    size_t to = 0;

    for (size_t at = 0; at < size;) {
        ucs4_t point;
        size_t length = (size_t)u8_mbtouc(&point, &text[at], size - at);
        if (point > 0x7f && uc_is_general_category_withtable(point, UC_CATEGORY_MASK_Zs)) {
            text[to++] = ' ';
        } else {
            memmove(&text[to], &text[at], length);
            to += length;
        }
        at += length;
    }
    return to;
}

/* Of ASCII's graphic characters and spaces: all are allowed (RFC 8264 §9.11), and none becomes another one. */
static bool is_plain(const char *text, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        if (text[at] < 0x20 || text[at] > 0x7e) {
            return false;
        }
    }
    return true;
}

floe_error floe_opaque_string(const floe_allocator *allocator, const char *what, const char *text,
                              char **prepared)
{
    size_t size = strlen(text);
    size_t normal_size = 0;

    if (is_plain(text, size)) {
        *prepared = floe_copy_text(allocator, text, size);
        return *prepared != NULL ? FLOE_OK : FLOE_ERR_NO_MEMORY;
    }
    floe_error error = check(what, (const uint8_t *)text, size);
    if (error != FLOE_OK) {
        return error;
    }
    uint8_t *copy = (uint8_t *)floe_copy_text(allocator, text, size);
    if (copy == NULL) {
        return FLOE_ERR_NO_MEMORY;
    }
    size = map_spaces(copy, size);
    uint8_t *normal = u8_normalize(UNINORM_NFC, copy, size, NULL, &normal_size);
    floe_wipe(copy, size);
    floe_deallocate(allocator, copy);
    if (normal == NULL) {
        return floe_fail(FLOE_ERR_NO_MEMORY, "%s can't be normalised", what);
    }
    *prepared = floe_copy_text(allocator, normal, normal_size);
    floe_wipe(normal, normal_size);
    free(normal);
    return *prepared != NULL ? FLOE_OK : FLOE_ERR_NO_MEMORY;
}
