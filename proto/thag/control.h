/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Messages on thagd's control socket: AF_UNIX, SOCK_SEQPACKET, one message a packet.
 *
 *   0        4         6      8            12           16
 *   +--------+---------+------+------------+------------+----------------+
 *   | magic  | version | type | body_bytes | status     | body …         |
 *   +--------+---------+------+------------+------------+----------------+
 *
 *   program                               thagd
 *     HELLO + memfd            ──>
 *                              <──   WELCOME + consumer memfd      body: struct thag_welcome
 *                              <──   REFUSED                       body: why, one line of text
 *   thag (the command)
 *     REQUEST, body: JSON      ──>                                see daemon/request.h
 *                              <──   RESPONSE [+ memfd with data]  body: JSON
 *
 * A connection carries one exchange, then thagd closes it. Who is calling is what the kernel
 * says (SO_PEERCRED), never what the message says.
 */
#ifndef THAG_CONTROL_H
#define THAG_CONTROL_H

#include <stdint.h>

#include "shm.h"

#define THAG_CONTROL_MAGIC UINT32_C(0x47414854) /* "THAG", little-endian */
#define THAG_CONTROL_VERSION 1
#define THAG_CONTROL_BODY_MAX 65536

/** The daemon's socket below XDG_RUNTIME_DIR; THAG_SOCKET overrides the whole path. */
#define THAG_SOCKET_NAME "thag/thagd.sock"
/** Without XDG_RUNTIME_DIR: the directory, owned by the user with mode 0700; %u is the uid. */
#define THAG_RUNTIME_FALLBACK "/tmp/thag-%u"
#define THAG_DEFAULT_PORT 8424

enum thag_message_type {
	THAG_MESSAGE_HELLO = 1,
	THAG_MESSAGE_WELCOME = 2,
	THAG_MESSAGE_REFUSED = 3,
	THAG_MESSAGE_REQUEST = 4,
	THAG_MESSAGE_RESPONSE = 5,
};

struct thag_message {
	uint32_t magic;
	uint16_t version;
	uint16_t type; /* enum thag_message_type */
	uint32_t body_bytes;
	int32_t status; /* RESPONSE and REFUSED: 0 or a negative errno */
};

struct thag_welcome {
	uint64_t session; /* its id, as the user sees it */
	uint32_t port;	  /* of the web UI, 0 when it has none */
	uint32_t reserved;
};

#ifndef __cplusplus
THAG_ASSERT_SIZE(struct thag_message, 16);
THAG_ASSERT_OFFSET(struct thag_message, type, 6);
THAG_ASSERT_OFFSET(struct thag_message, status, 12);
THAG_ASSERT_SIZE(struct thag_welcome, 16);
#endif

#endif
