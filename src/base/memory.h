/* Memory through the owner's table of functions. */
#ifndef FLOE_BASE_MEMORY_H
#define FLOE_BASE_MEMORY_H

#include <floe/allocator.h>
#include <stddef.h>

/* malloc and free. */
extern const floe_allocator floe_default_allocator;

/* Zeroed memory, or NULL with the thread's last error set. */
void *floe_allocate(const floe_allocator *allocator, size_t size);
/* NULL is fine. */
void floe_deallocate(const floe_allocator *allocator, void *memory);
/* A copy of `size` bytes with a NUL behind them. */
char *floe_copy_text(const floe_allocator *allocator, const void *text, size_t size);
/* Into `room` bytes, the NUL among them; what is longer is cut. */
void floe_put_text(char *to, size_t room, const char *text);

/* Public structs that begin with their own size, as the caller was compiled. Later releases append
 * fields, behind the end of the struct as it was, padding and all. */
typedef struct floe_struct_sizes {
    size_t now;
    size_t first; /* in the first release: what a size of 0 means */
} floe_struct_sizes;

/* `last` was the last field in the first release, and `widest` asks for the most alignment. */
#define FLOE_STRUCT_SIZES(type, last, widest)                                                      \
    ((floe_struct_sizes){sizeof(type), (offsetof(type, last) + sizeof(((type *)NULL)->last) +      \
                                        _Alignof(widest) - 1) /                                    \
                                           _Alignof(widest) * _Alignof(widest)})
#define FLOE_SETTINGS_SIZES FLOE_STRUCT_SIZES(floe_settings, host_address_count, void *)
#define FLOE_ICE_SERVER_SIZES FLOE_STRUCT_SIZES(floe_ice_server, access_token, void *)
#define FLOE_GATHER_OPTIONS_SIZES FLOE_STRUCT_SIZES(floe_gather_options, even_port, void *)
#define FLOE_RESTART_OPTIONS_SIZES FLOE_STRUCT_SIZES(floe_restart_options, password, void *)
#define FLOE_PARAMETERS_SIZES FLOE_STRUCT_SIZES(floe_parameters, renomination, size_t)
#define FLOE_REWRITE_RULE_SIZES FLOE_STRUCT_SIZES(floe_address_rewrite_rule, networks, void *)
#define FLOE_API_STATISTICS_SIZES FLOE_STRUCT_SIZES(floe_api_statistics, packets_dropped, uint64_t)
#define FLOE_INTERFACE_ADDRESS_SIZES FLOE_STRUCT_SIZES(floe_interface_address, loopback, void *)
#define FLOE_ICE_OPTIONS_SIZES FLOE_STRUCT_SIZES(floe_ice_options, renomination, void *)
#define FLOE_ICE_STATISTICS_SIZES                                                                  \
    FLOE_STRUCT_SIZES(floe_ice_statistics, ice_local_username_fragment, uint64_t)
#define FLOE_SERVICE_RECORD_SIZES FLOE_STRUCT_SIZES(floe_service_record, service, void *)

/* Of the caller's struct. */
size_t floe_struct_size(const void *callers, size_t first);
/* Copies what both have. The rest of `to`, and the caller's `size`, stay as they are. */
void floe_take_struct(void *to, const void *callers, floe_struct_sizes sizes);
/* The n-th of an array, whose first struct says the size of all. */
void floe_take_nth(void *to, const void *callers, size_t n, floe_struct_sizes sizes);
void floe_give_struct(void *callers, const void *from, floe_struct_sizes sizes);
/* All zeros but its size. */
void floe_init_struct(void *callers, size_t size);

#endif
