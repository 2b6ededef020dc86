/* Name servers on loopback, in threads of their own, and the system's list of them as the test
 * wants it: what is read as /etc/resolv.conf is a file of the test's, in which 127.0.0.1N is server
 * N; nobody listens at other addresses. For floe and c-ares alike, by functions that stand before
 * the C library's. */
#ifndef FLOE_TESTS_RUNTIME_NAME_SERVER_H
#define FLOE_TESTS_RUNTIME_NAME_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a server knows. An A record's data is "192.0.2.1", of AAAA and CNAME likewise; SRV:
 * "PRIORITY WEIGHT PORT TARGET"; NAPTR: "ORDER PREFERENCE FLAG SERVICE REPLACEMENT". A name that
 * begins with "silent" server 0 does not answer, nor one that begins with "late" while it is away; of
 * "servfail" the server fails, of "cut" the answer is for TCP alone; what ends in ".refused" is
 * refused. */
typedef struct name_record {
    const char *name;
    uint16_t type;
    uint32_t ttl;
    const char *data;
} name_record;

#define NAME_SERVERS 3

/* Number N from 0; the records must stay. */
void name_server_start(unsigned number, const name_record *records, size_t count);
/* Whether server 0 is away. */
void name_server_away(bool away);
/* All of them end. */
void name_servers_stop(void);
/* How often it was asked for this. */
unsigned name_server_asked(unsigned number, const char *name, uint16_t type);
/* From now on the system's list of name servers is this text. */
void name_servers_list(const char *resolv_conf);
/* How often a stream was written to in a way by which a signal may come. */
unsigned name_servers_signals(void);

#endif
