/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "peer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "thagd_limits.h"

#define PAIR_BYTES 96

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

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

/* The other socket's addresses, as the kernel wants them: its own end first. */
static void fill_id(struct inet_diag_sockid *id, const union address *peer,
		    const union address *own)
{
	id->idiag_cookie[0] = id->idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	if (peer->any.sa_family == AF_INET) {
		id->idiag_sport = peer->v4.sin_port;
		id->idiag_dport = own->v4.sin_port;
		memcpy(id->idiag_src, &peer->v4.sin_addr, sizeof(peer->v4.sin_addr));
		memcpy(id->idiag_dst, &own->v4.sin_addr, sizeof(own->v4.sin_addr));
		return;
	}
	id->idiag_sport = peer->v6.sin6_port;
	id->idiag_dport = own->v6.sin6_port;
	memcpy(id->idiag_src, &peer->v6.sin6_addr, sizeof(peer->v6.sin6_addr));
	memcpy(id->idiag_dst, &own->v6.sin6_addr, sizeof(own->v6.sin6_addr));
}

static int read_answer(int netlink, uid_t *uid)
{
	union {
		struct nlmsghdr head;
		char bytes[4096];
	} answer;
	/* the kernel has answered by the time the request was sent */
	ssize_t got = recv(netlink, &answer, sizeof(answer), MSG_DONTWAIT);
	const struct inet_diag_msg *found = NLMSG_DATA(&answer.head);
	const struct nlmsgerr *error = NLMSG_DATA(&answer.head);

	if (got < (ssize_t)NLMSG_LENGTH(sizeof(*error)))
		return -EIO;
	if (answer.head.nlmsg_type == NLMSG_ERROR)
		return error->error == -ENOENT ? -ENOENT : -EIO;
	if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    got < (ssize_t)NLMSG_LENGTH(sizeof(*found)))
		return -EIO;
	if (found->idiag_inode == 0)
		return -ENOENT;
	*uid = found->idiag_uid;
	return 0;
}

/* One look-up, however many connections there are. -EIO where the kernel doesn't offer it. */
static int ask_kernel(const union address *peer, const union address *own, uid_t *uid)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} request = { .head = { .nlmsg_len = sizeof(request),
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_flags = NLM_F_REQUEST },
		      .body = { .sdiag_family = (uint8_t)peer->any.sa_family,
				.sdiag_protocol = IPPROTO_TCP,
				.idiag_states = ~0u } };
	int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	int ret = -EIO;

	if (netlink < 0)
		return -EIO;
	fill_id(&request.body.id, peer, own);
	if (send(netlink, &request, sizeof(request), 0) == (ssize_t)sizeof(request))
		ret = read_answer(netlink, uid);
	close(netlink);
	return ret;
}

int thag_peer_uid(int fd, uid_t *uid)
{
	union address peer = { 0 }, own = { 0 };
	socklen_t peer_bytes = sizeof(peer), own_bytes = sizeof(own);
	int ret;

	if (getpeername(fd, &peer.any, &peer_bytes) != 0 ||
	    getsockname(fd, &own.any, &own_bytes) != 0 ||
	    (peer.any.sa_family != AF_INET && peer.any.sa_family != AF_INET6))
		return -ENOENT;
	ret = ask_kernel(&peer, &own, uid);
	if (ret != -EIO)
		return ret;
	return peer.any.sa_family == AF_INET ? find4(&peer.v4, &own.v4, uid)
					     : find6(&peer.v6, &own.v6, uid);
}

bool thag_peer_is_ours(int fd)
{
	uid_t uid;

	return thag_peer_uid(fd, &uid) == 0 && (uid == geteuid() || uid == 0);
}
