/* Room to send. Packets wait on a socket, on a connection, at a peer or stream without its permission. Each such
 * way has a `full_for`: the id of the candidate by which one more did not fit, and which is told when there is
 * room, or when the way is gone; 0: none. */
#ifndef FLOE_CORE_SOCKET_WAY_H
#define FLOE_CORE_SOCKET_WAY_H

#include "base/bytes.h"
#include "core/types.h"

#include <floe/core.h>

/* Packets wait on a socket, on a connection, at a peer or stream without its permission. Each such
 * way has a `full_for`: the id of the candidate by which one more did not fit, and which is told
 * when there is room, or when the way is gone; 0: none. */

/* So much waits on it now. */
void floe_way_drained(floe_core *core, uint32_t *full_for, size_t waiting);
/* What waited there goes nowhere any more. NULL is fine. */
void floe_way_gone(floe_core *core, uint32_t *full_for);

/* The largest UDP payload. */
#define FLOE_DATA_MAX 65507U

/* By the base's own socket. FLOE_ERR_QUEUE_FULL: more than `limit` bytes would wait then. */
floe_error floe_base_send(floe_core *core, floe_base *base, size_t limit,
                          const floe_address *remote, const floe_span *parts, size_t count);

/* For what was taken already: it goes on, whatever it has come to with its headers. */
#define FLOE_NO_LIMIT (SIZE_MAX / 2)

/* FLOE_ERR_PERMISSION: the server will not have the peer. */
floe_error floe_send_refused(void);

/* A relay's own requests fit beside the owner's data. */
#define FLOE_CONTROL_ROOM ((size_t)8192)

/* What the owner is told of a packet that went, or not: too much waits on the way, and it hears
 * when there is room again; no memory; or there are too many peers. */
floe_error floe_send_result(const floe_core *core, floe_error error, uint32_t *full_for);
floe_error floe_send_no_room(void);
void floe_base_writable(floe_core *core, floe_base *base);
bool floe_base_poll_send(floe_core *core, floe_base_sending *sending, floe_core_output *output);
/* See floe_core_poll_more. */
size_t floe_base_poll_more(floe_core *core, floe_base *base, size_t count, size_t bytes,
                           floe_core_row *rows, size_t room);

#endif
