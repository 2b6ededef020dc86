/* What a driver does with one gatherer, where no mux stands between (core/mux/face.c): as floe/core.h has it. */
#ifndef FLOE_CORE_GATHERER_FACE_H
#define FLOE_CORE_GATHERER_FACE_H

#include "core/types.h"

#include <floe/core.h>
#include <floe/gatherer.h>

floe_error floe_gather_new(floe_core_shared *shared, const floe_gather_options *options,
                           floe_core **core);
void floe_gather_free(floe_core *core);
floe_error floe_gather_start(floe_core *core, floe_time now);
floe_error floe_gather_restart(floe_core *core, floe_time now, const floe_restart_options *options);
void floe_gather_close(floe_core *core, floe_time now);
floe_error floe_gather_set_options(floe_core *core, floe_time now,
                                   const floe_gather_options *options);
floe_error floe_gather_new_associated(floe_core *core, floe_core **associated);
bool floe_gather_poll(floe_core *core, floe_time now, const floe_core_output **output);
size_t floe_gather_poll_more(floe_core *core, uint32_t channel, size_t count, size_t bytes,
                             floe_core_row *rows, size_t room);
floe_time floe_gather_deadline(const floe_core *core);
void floe_gather_interfaces(floe_core *core, floe_time now, const floe_interface_address *list,
                            size_t count);
void floe_gather_interfaces_failed(floe_core *core, floe_time now, floe_error error);
void floe_gather_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                          const floe_address *addresses, size_t count);
void floe_gather_services_resolved(floe_core *core, floe_time now, uint32_t query, floe_error error,
                                   const floe_service_record *records, size_t count);
void floe_gather_opened(floe_core *core, floe_time now, uint32_t channel,
                        const floe_address *local);
void floe_gather_open_failed(floe_core *core, floe_time now, uint32_t channel, floe_error error);
/* `by`: the channel of the connection, if it has one; 0: it gets one. */
uint32_t floe_gather_accepted(floe_core *core, floe_time now, uint32_t channel,
                              const floe_address *remote, uint32_t by);
/* For a trunk: this server alone, for these types (floe_gather_type) and transports
 * (floe_relay_transport). NULL without memory. */
floe_core *floe_gather_new_alone(floe_core_shared *shared, const struct floe_server *server,
                                 uint8_t types, uint8_t transports);
/* Whether somebody has taken it. */
bool floe_gather_datagram(floe_core *core, floe_time now, uint32_t channel,
                          const floe_address *source, const void *data, size_t size);
void floe_gather_stream(floe_core *core, floe_time now, uint32_t channel, const void *data,
                        size_t size);
void floe_gather_disconnected(floe_core *core, floe_time now, uint32_t channel);
void floe_gather_blocked(floe_core *core, uint32_t channel);
void floe_gather_writable(floe_core *core, floe_time now, uint32_t channel);
const floe_packet *floe_gather_datagram_again(floe_core *core, const void *data, size_t size);
bool floe_gather_packet(floe_core *core, floe_time now, const floe_packet **packet);
floe_error floe_gather_send(floe_core *core, floe_time now, uint32_t candidate_id,
                            const floe_address *peer, const void *data, size_t size);
void floe_gather_hang_up(floe_core *core, floe_time now, uint32_t candidate_id,
                         const floe_address *peer, floe_time since);
floe_error floe_gather_doubt(floe_core *core, floe_time now, uint32_t candidate_id);
void floe_gather_unreachable(floe_core *core, floe_time now, uint32_t channel,
                             const floe_address *remote, floe_unreachable reason, const void *data,
                             size_t size);
void floe_gather_warn(floe_core *core, floe_time now, uint32_t channel, const floe_address *remote,
                      const char *detail);
void floe_gather_time(floe_core *core, floe_time now);
void floe_gather_woke(floe_core *core, floe_time now);
void floe_gather_network_changed(floe_core *core, floe_time now);
/* A list that is a change, of which a trunk hears by its members. */
void floe_gather_follow(floe_core *core, floe_time now, const floe_interface_address *list,
                        size_t count);
void floe_gather_trust_read(floe_core *core, floe_time now);
void floe_gather_name_taken(floe_core *core, floe_time now, const char *name);
void floe_gather_names_failed(floe_core *core, floe_time now, uint32_t interface_index,
                              floe_error error);
/* The next of what a member's mux is to do. */
bool floe_gather_poll_work(floe_core *core, floe_time now, const floe_core_output **output);
/* Of that the next socket to be opened, out of turn. */
bool floe_gather_poll_open(floe_core *core, floe_time now, const floe_core_output **output);
/* A packet has come for the member by a trunk's relay; `id` is its candidate. Whether it wants any. */
bool floe_gather_take_packet(floe_core *core, const floe_packet *packet, uint32_t id);

#endif
