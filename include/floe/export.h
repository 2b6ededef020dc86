/* What libfloe exports: every public function is marked FLOE_EXPORT, everything else is hidden. */
#ifndef FLOE_EXPORT_H
#define FLOE_EXPORT_H

#if defined(__GNUC__) || defined(__clang__)
#define FLOE_EXPORT __attribute__((visibility("default")))
#if defined(__MINGW32__) /* the system's own printf does not know %zu */
#define FLOE_PRINTF(text, arguments) __attribute__((__format__(__gnu_printf__, text, arguments)))
#else
#define FLOE_PRINTF(text, arguments) __attribute__((__format__(__printf__, text, arguments)))
#endif
#else
#define FLOE_EXPORT
#define FLOE_PRINTF(text, arguments)
#endif

/* What the _INIT macros expand to: all zeros except for the size. */
#ifdef __cplusplus
#define FLOE_INIT(type)                                                                            \
    ([] {                                                                                          \
        type value = {};                                                                           \
        value.size = sizeof value;                                                                 \
        return value;                                                                              \
    }())
#else
#define FLOE_INIT(type)                                                                            \
    {                                                                                              \
        .size = sizeof(type)                                                                       \
    }
#endif

#endif
