/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "peer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "thagd_limits.h"

#define PAIR_BYTES 96

/* An address as /proc/net/tcp6 writes it: four words as they lie in memory, and the port. */
static int format6(char *out, size_t size, const struct in6_addr *address, in_port_t port)
{
	uint32_t words[4];

	memcpy(words, address, sizeof(words));
	return snprintf(out, size, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3],
			ntohs(port));
}

static int format4(char *out, size_t size, const struct sockaddr_in *at)
{
	return snprintf(out, size, "%08X:%04X", at->sin_addr.s_addr, ntohs(at->sin_port));
}

/* The same address as seen by a socket for both families. */
static struct in6_addr mapped(const struct sockaddr_in *at)
{
	struct in6_addr address = { 0 };

	address.s6_addr[10] = address.s6_addr[11] = 0xff;
	memcpy(&address.s6_addr[12], &at->sin_addr, 4);
	return address;
}

/*
 * "  sl  local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …": the row of
 * the other socket. A socket nobody holds any more has inode 0, and no user.
 */
static int match_line(const char *line, const char *pair, uid_t *uid)
{
	const char *at = strchr(line, ':');
	unsigned user;
	unsigned long inode;

	if (!at || strncmp(at + 2, pair, strlen(pair)) != 0)
		return -ENOENT;
	if (sscanf(at + 2 + strlen(pair), " %*x %*x:%*x %*x:%*x %*x %u %*d %lu", &user, &inode) !=
		    2 ||
	    inode == 0)
		return -ENOENT;
	*uid = user;
	return 0;
}

static int find_pair(const char *table, const char *pair, uid_t *uid)
{
	char *line = NULL;
	size_t size = 0, total = 0;
	ssize_t got;
	int ret = -ENOENT;
	FILE *file = fopen(table, "re");

	if (!file)
		return -ENOENT;
	while (ret != 0 && total < THAG_PROC_NET_BYTES && (got = getline(&line, &size, file)) > 0) {
		total += (size_t)got;
		ret = match_line(line, pair, uid);
	}
	free(line);
	fclose(file);
	return ret;
}

static int find4(const struct sockaddr_in *peer, const struct sockaddr_in *own, uid_t *uid)
{
	struct in6_addr peer6 = mapped(peer), own6 = mapped(own);
	char pair[PAIR_BYTES];
	int used = format4(pair, sizeof(pair), peer);

	pair[used++] = ' ';
	format4(pair + used, sizeof(pair) - (size_t)used, own);
	if (find_pair("/proc/net/tcp", pair, uid) == 0)
		return 0;
	used = format6(pair, sizeof(pair), &peer6, peer->sin_port);
	pair[used++] = ' ';
	format6(pair + used, sizeof(pair) - (size_t)used, &own6, own->sin_port);
	return find_pair("/proc/net/tcp6", pair, uid);
}

static int find6(const struct sockaddr_in6 *peer, const struct sockaddr_in6 *own, uid_t *uid)
{
	char pair[PAIR_BYTES];
	int used = format6(pair, sizeof(pair), &peer->sin6_addr, peer->sin6_port);

	pair[used++] = ' ';
	format6(pair + used, sizeof(pair) - (size_t)used, &own->sin6_addr, own->sin6_port);
	return find_pair("/proc/net/tcp6", pair, uid);
}

int thag_peer_uid(int fd, uid_t *uid)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} peer = { 0 }, own = { 0 };
	socklen_t peer_bytes = sizeof(peer), own_bytes = sizeof(own);

	if (getpeername(fd, &peer.any, &peer_bytes) != 0 ||
	    getsockname(fd, &own.any, &own_bytes) != 0)
		return -ENOENT;
	if (peer.any.sa_family == AF_INET)
		return find4(&peer.v4, &own.v4, uid);
	if (peer.any.sa_family == AF_INET6)
		return find6(&peer.v6, &own.v6, uid);
	return -ENOENT;
}

bool thag_peer_is_ours(int fd)
{
	uid_t uid;

	return thag_peer_uid(fd, &uid) == 0 && (uid == geteuid() || uid == 0);
}
