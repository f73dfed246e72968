/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where thagd's control socket is, and whether the one who answers there may be trusted.
 *
 *   1. $THAG_SOCKET, an absolute path, when it is set and not empty;
 *   2. $XDG_RUNTIME_DIR/thag/thagd.sock, when that directory is absolute, ours, closed to other
 *      writers, and short enough;
 *   3. /tmp/thag-UID/thagd.sock.
 *
 * Thread: any. Context: signal-safe as long as nobody changes the environment; doesn't allocate
 * or block, keeps errno.
 */
#ifndef THAG_SOCKET_PATH_H
#define THAG_SOCKET_PATH_H

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"

/** Bytes that hold any path of a socket, its terminator included. */
#define THAG_SOCKET_PATH_BYTES (sizeof(((struct sockaddr_un *)0)->sun_path))

/** Joins `head` and `tail` into `out`. 0 or -ENAMETOOLONG. */
static inline int thag_socket_join(char *out, size_t size, const char *head, const char *tail)
{
	size_t head_bytes = strlen(head);
	size_t tail_bytes = strlen(tail);

	if (head_bytes >= size || tail_bytes >= size - head_bytes)
		return -ENAMETOOLONG;
	memcpy(out, head, head_bytes);
	memcpy(out + head_bytes, tail, tail_bytes + 1);
	return 0;
}

/** Why $XDG_RUNTIME_DIR is passed over, in words; NULL when it is used, or not set. */
static inline const char *thag_socket_runtime_fault(void)
{
	const char *path = getenv("XDG_RUNTIME_DIR"), *why = NULL;
	int saved = errno;
	struct stat st;

	if (!path || !path[0])
		return NULL;
	if (path[0] != '/')
		why = "it is no absolute path";
	else if (strlen(path) + sizeof("/" THAG_SOCKET_NAME) > THAG_SOCKET_PATH_BYTES)
		why = "it is too long for a socket's path";
	else if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		why = "there is no such directory";
	else if (st.st_uid != geteuid())
		why = "it belongs to another user";
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		why = "others may write to it";
	errno = saved;
	return why;
}

/** The path below /tmp, for users without a runtime directory. 0 or -ENAMETOOLONG. */
static inline int thag_socket_fallback(char *out, size_t size)
{
	static const char head[] = "/tmp/thag-";
	char path[sizeof(head) + 10] = "/tmp/thag-"; /* a uid has at most 10 digits */
	size_t digits = 1;
	unsigned uid = (unsigned)geteuid();

	for (unsigned rest = uid; rest >= 10; rest /= 10)
		digits++;
	for (size_t i = digits; i-- > 0; uid /= 10)
		path[sizeof(head) - 1 + i] = (char)('0' + uid % 10);
	return thag_socket_join(out, size, path, "/thagd.sock");
}

/**
 * Writes the path of the control socket, terminated, to `out` of `size` bytes; give it
 * THAG_SOCKET_PATH_BYTES. Returns 0; -ENAMETOOLONG when $THAG_SOCKET is longer than a socket's
 * path can be; -EINVAL when it is not absolute. An unusable $XDG_RUNTIME_DIR is passed over.
 */
static inline int thag_socket_path(char *out, size_t size)
{
	const char *named = getenv("THAG_SOCKET");
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (named && named[0])
		return named[0] == '/' ? thag_socket_join(out, size, named, "") : -EINVAL;
	if (runtime && runtime[0] && !thag_socket_runtime_fault() &&
	    thag_socket_join(out, size, runtime, "/" THAG_SOCKET_NAME) == 0)
		return 0;
	return thag_socket_fallback(out, size);
}

#ifdef SO_PEERCRED
/**
 * Whether the peer of the connected socket `fd` is this user or root, by the kernel's word.
 * 0, -EPERM when it is someone else, or another negative errno. Needs _GNU_SOURCE.
 */
static inline int thag_socket_check_peer(int fd)
{
	int saved = errno;
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	int ret = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) ? -errno : 0;

	errno = saved;
	if (ret == 0 && peer.uid != geteuid() && peer.uid != 0)
		ret = -EPERM;
	return ret;
}
#endif

#endif
