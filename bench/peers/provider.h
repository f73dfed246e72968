/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* LTTng-UST's tracepoints for the workload. Read more than once, by LTTng's own headers. */
#undef TRACEPOINT_PROVIDER
#define TRACEPOINT_PROVIDER thag_peer
#undef TRACEPOINT_INCLUDE
#define TRACEPOINT_INCLUDE "./provider.h"

#if !defined(THAG_PEER_PROVIDER_H) || defined(TRACEPOINT_HEADER_MULTI_READ)
#define THAG_PEER_PROVIDER_H

#include <lttng/tracepoint.h>

/* clang-format off */
TRACEPOINT_EVENT(thag_peer, enter,
	TP_ARGS(unsigned int, site),
	TP_FIELDS(ctf_integer(unsigned int, site, site)))

TRACEPOINT_EVENT(thag_peer, leave,
	TP_ARGS(unsigned int, site),
	TP_FIELDS(ctf_integer(unsigned int, site, site)))
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
