/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define SCHEME "http://"

bool thag_gate_host_is_ours(const char *host, uint32_t port)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
	char wanted[THAG_GATE_HOST_BYTES];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(wanted, sizeof(wanted), "%s:%u", names[i], port);
		if (strcasecmp(host, wanted) == 0)
			return true;
	}
	return false;
}

bool thag_gate_origin_is_ours(const char *origin, uint32_t port)
{
	return strncmp(origin, SCHEME, strlen(SCHEME)) == 0 &&
	       thag_gate_host_is_ours(origin + strlen(SCHEME), port);
}

int thag_gate_make_token(char token[static THAG_GATE_TOKEN_BYTES])
{
	unsigned long long random[2];

	if (getentropy(random, sizeof(random)) != 0)
		return -errno;
	snprintf(token, THAG_GATE_TOKEN_BYTES, "%016llx%016llx", random[0], random[1]);
	return 0;
}

bool thag_gate_token_is_ours(const char *given, const char token[static THAG_GATE_TOKEN_BYTES])
{
	unsigned char differs = 0;

	if (strlen(given) != THAG_GATE_TOKEN_BYTES - 1)
		return false;
	for (size_t i = 0; i < THAG_GATE_TOKEN_BYTES - 1; i++)
		differs |= (unsigned char)(given[i] ^ token[i]);
	return differs == 0;
}
