/* The parts of a gatherer, by name: for who only points at them. */
#ifndef FLOE_CORE_TYPES_H
#define FLOE_CORE_TYPES_H

typedef struct floe_attempt floe_attempt;
typedef struct floe_base floe_base;
typedef struct floe_base_sending floe_base_sending;
typedef struct floe_binding floe_binding;
typedef struct floe_connection floe_connection;
typedef struct floe_found floe_found;
typedef struct floe_listener floe_listener;
typedef struct floe_mux floe_mux;
typedef struct floe_names floe_names;
typedef struct floe_network floe_network;
typedef struct floe_pair floe_pair;
typedef struct floe_relay floe_relay;
typedef struct floe_rewrite floe_rewrite;
typedef struct floe_server floe_server;
typedef struct floe_server_set floe_server_set;
typedef struct floe_source_listener floe_source_listener;
typedef struct floe_stream floe_stream;
typedef struct floe_tcp_mapping floe_tcp_mapping;
typedef struct floe_tcp_peer floe_tcp_peer;
typedef struct floe_unreached floe_unreached;

#endif
