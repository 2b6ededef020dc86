/* What of this machine's own addresses is told. */
#ifndef FLOE_CORE_OUTBOX_POLICY_H
#define FLOE_CORE_OUTBOX_POLICY_H

#include <floe/core.h>

/* Whether policy and types (P8) want such candidates; of relays the servers tell (floe_server_set_new). */
bool floe_hosts_are_wanted(const floe_core *core);
bool floe_reflexive_is_wanted(const floe_core *core);
/* Whether a name or nothing stands for the host's own addresses. */
bool floe_hosts_are_veiled(const floe_core *core);
/* Whether hosts are told, be it by a name that stands for the address. */
bool floe_hosts_are_told(const floe_core *core);
/* Whether the addresses of this machine may be shown. */
bool floe_hosts_are_shown(const floe_core *core);

#endif
