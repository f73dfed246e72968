/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "thag/control.h"
#include "thag/socket_path.h"

static void explain(char *why, size_t bytes, const char *a, const char *b, const char *c)
{
	const char *parts[] = { a, b, c };
	size_t used = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t part = strnlen(parts[i], bytes - 1 - used);

		memcpy(why + used, parts[i], part);
		used += part;
	}
	why[used] = '\0';
}

/*
 * Signals are blocked, but a socket with a patience of its own is interrupted, too, by a stop of
 * the process that goes on afterwards. What was interrupted has not been done.
 */
static int open_socket(const struct sockaddr_un *address, uint32_t patience_ms)
{
	struct timeval patience = { .tv_sec = patience_ms / 1000,
				    .tv_usec = patience_ms % 1000 * 1000 };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	do
		result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	while (result != 0 && errno == EINTR);
	if (result == 0 || errno == EISCONN)
		return fd;
	result = -errno;
	close(fd);
	return result;
}

/* Another user's thagd would get our memory, and could lie about its own. */
static int check_peer(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return -errno;
	return peer.uid == geteuid() || peer.uid == 0 ? 0 : -EPERM;
}

static int send_hello(int fd, int shm_fd)
{
	struct thag_message message = { .magic = THAG_CONTROL_MAGIC,
					.version = THAG_CONTROL_VERSION,
					.type = THAG_MESSAGE_HELLO };
	struct iovec part = { .iov_base = &message, .iov_len = sizeof(message) };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);
	ssize_t sent;

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &shm_fd, sizeof(int));
	do
		sent = sendmsg(fd, &packet, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

struct answer {
	struct thag_message message;
	char body[256];
};

static int receive_answer(int fd, struct answer *answer, int *received_fd)
{
	struct iovec part = { .iov_base = answer, .iov_len = sizeof(*answer) - 1 };
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr packet = { .msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control) };
	struct cmsghdr *rights;
	ssize_t got;

	do
		got = recvmsg(fd, &packet, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	rights = CMSG_FIRSTHDR(&packet);
	if (rights && rights->cmsg_type == SCM_RIGHTS && rights->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(received_fd, CMSG_DATA(rights), sizeof(int));
	if ((size_t)got < sizeof(answer->message) || answer->message.magic != THAG_CONTROL_MAGIC)
		return -EPROTO;
	return 0;
}

static int exchange(int fd, int shm_fd, int *consumer_fd, char *why, size_t why_bytes)
{
	struct answer answer = { 0 };
	int result = check_peer(fd);

	if (result == 0)
		result = send_hello(fd, shm_fd);
	if (result == 0)
		result = receive_answer(fd, &answer, consumer_fd);
	if (result)
		return result;
	if (answer.message.type == THAG_MESSAGE_REFUSED) {
		explain(why, why_bytes, "thagd refused: ", answer.body, "");
		return -EACCES;
	}
	if (answer.message.version != THAG_CONTROL_VERSION) {
		explain(why, why_bytes, THAG_OTHER_VERSION, "", "");
		return -EPROTONOSUPPORT;
	}
	if (answer.message.type != THAG_MESSAGE_WELCOME || *consumer_fd < 0)
		return -EPROTO;
	return 0;
}

static void explain_failure(int result, const char *path, char *why, size_t why_bytes)
{
	if (why[0])
		return;
	if (result == -ENOENT || result == -ECONNREFUSED)
		explain(why, why_bytes, "no thagd answers at ", path,
			thag_socket_runtime_fault() && !getenv("THAG_SOCKET")
				? " (XDG_RUNTIME_DIR can't be used; start thagd, or use 'thag run')"
				: " (start thagd, or use 'thag run')");
	else if (result == -EPERM)
		explain(why, why_bytes, "the thagd at ", path, " belongs to another user");
	else
		explain(why, why_bytes, path, ": ", strerrordesc_np(-result));
}

int thag_hello(int shm_fd, uint32_t patience_ms, int *consumer_fd, char *why, size_t why_bytes)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int result = thag_socket_path(address.sun_path, sizeof(address.sun_path));
	int fd;

	if (result) {
		explain(why, why_bytes, "THAG_SOCKET must be an absolute path of at most 107 bytes",
			"", "");
		return result;
	}
	thag_log("thagd's socket: %s", address.sun_path);
	fd = open_socket(&address, patience_ms);
	result = fd < 0 ? fd : exchange(fd, shm_fd, consumer_fd, why, why_bytes);
	if (fd >= 0)
		close(fd);
	if (result && *consumer_fd >= 0) {
		close(*consumer_fd);
		*consumer_fd = -1;
	}
	if (result)
		explain_failure(result, address.sun_path, why, why_bytes);
	return result;
}
