/* libfloe gathers ICE candidates. This header includes everything that most programs need. */
#ifndef FLOE_FLOE_H
#define FLOE_FLOE_H

#include <floe/address.h>
#include <floe/api.h>
#include <floe/candidate.h>
#include <floe/error.h>
#include <floe/gatherer.h>
#include <floe/options.h>
#include <floe/packet.h>
#include <floe/pair.h>
#include <floe/rewrite.h>
#include <floe/settings.h>
#include <floe/statistics.h>
#include <floe/transport.h>
#include <floe/version.h>

#endif
