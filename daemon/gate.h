/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Which requests of a browser are let in. Only pages we served ourselves may ask: a name that
 * someone made to point here (DNS rebinding) shows in Host, another site in Origin.
 *
 * Thread: any.
 */
#ifndef THAG_GATE_H
#define THAG_GATE_H

#include <stdbool.h>
#include <stdint.h>

#define THAG_GATE_HOST_BYTES 32
#define THAG_GATE_TOKEN_BYTES 33 /* 128 random bits in hexadecimal, terminated */

/** Whether `host` is localhost, 127.0.0.1 or [::1] with the port. */
bool thag_gate_host_is_ours(const char *host, uint32_t port);

/** Whether `origin` is http:// and such a host. */
bool thag_gate_origin_is_ours(const char *origin, uint32_t port);

/** Makes a token that nobody can guess. 0 or a negative errno. */
int thag_gate_make_token(char token[static THAG_GATE_TOKEN_BYTES]);

/** Whether `given` is the token, in a time that doesn't tell how much of it is right. */
bool thag_gate_token_is_ours(const char *given, const char token[static THAG_GATE_TOKEN_BYTES]);

#endif
