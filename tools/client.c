/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "thag/control.h"
#include "thag/socket_path.h"
#include "thag_text.h"

#define FDS_MAX 8 /* more than any honest response has */

static int set_timeouts(int fd, int timeout_ms)
{
	struct timeval limit = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)))
		return -errno;
	return 0;
}

static int connect_to(int fd, const struct sockaddr_un *address)
{
	int ret;

	do
		ret = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	while (ret && errno == EINTR);
	if (!ret)
		return 0;
	/* a full backlog is a daemon that doesn't accept; a wrong type isn't our daemon */
	return errno == EAGAIN ? -ETIMEDOUT : errno == EPROTOTYPE ? -EPROTO : -errno;
}

/** A socket connected to a thagd that may be trusted, or a negative errno. */
static int open_connection(int timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ret = thag_socket_path(address.sun_path, sizeof(address.sun_path));
	int fd = ret ? -1 : socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return ret ? ret : -errno;
	ret = set_timeouts(fd, timeout_ms);
	if (!ret)
		ret = connect_to(fd, &address);
	if (!ret)
		ret = thag_socket_check_peer(fd);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static int peer_pid(int fd)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) ? 0 : peer.pid;
}

static int send_request(int fd, const char *text)
{
	size_t bytes = strlen(text);
	struct thag_message head = { .magic = THAG_CONTROL_MAGIC,
				     .version = THAG_CONTROL_VERSION,
				     .type = THAG_MESSAGE_REQUEST,
				     .body_bytes = (uint32_t)bytes };
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)text, bytes } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	ssize_t sent;

	if (bytes > THAG_CONTROL_BODY_MAX)
		return -EMSGSIZE;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return 0;
	return errno == EAGAIN ? -ETIMEDOUT : errno == EPIPE ? -ECONNRESET : -errno;
}

/** Keeps the first descriptor that came, -1 when there is none, and closes the others. */
static int take_fd(struct msghdr *message)
{
	int kept = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
			if (kept < 0)
				kept = fd;
			else
				close(fd);
		}
	}
	return kept;
}

/** Takes the packet of `bytes` bytes apart into `reply`. */
static int parse_packet(const char *packet, size_t bytes, struct thag_reply *reply)
{
	struct thag_message head;

	if (bytes < sizeof(head))
		return bytes ? -EPROTO : -ECONNRESET;
	memcpy(&head, packet, sizeof(head));
	if (head.magic != THAG_CONTROL_MAGIC)
		return -EPROTO;
	if (head.version != THAG_CONTROL_VERSION)
		return -EPROTONOSUPPORT;
	if (head.type == THAG_MESSAGE_REFUSED)
		return head.status == -EPROTONOSUPPORT ? -EPROTONOSUPPORT : -EPROTO;
	if (head.type != THAG_MESSAGE_RESPONSE || head.body_bytes != bytes - sizeof(head))
		return -EPROTO;
	reply->status = head.status;
	reply->body = json_loadb(packet + sizeof(head), head.body_bytes, 0, NULL);
	if (json_is_object(reply->body))
		return 0;
	json_decref(reply->body);
	return -EPROTO;
}

static int receive_reply(int fd, struct thag_reply *reply)
{
	size_t room = sizeof(struct thag_message) + THAG_CONTROL_BODY_MAX;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(FDS_MAX * sizeof(int))];
	char *packet = malloc(room);
	struct iovec part = { packet, room };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t got;
	int ret;

	if (!packet)
		return -ENOMEM;
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		ret = errno == EAGAIN ? -ETIMEDOUT : -errno;
		goto out;
	}
	reply->data_fd = take_fd(&message);
	ret = message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)
		      ? -EPROTO
		      : parse_packet(packet, (size_t)got, reply);
	if (ret && reply->data_fd >= 0)
		close(reply->data_fd);
out:
	free(packet);
	return ret;
}

int thag_client_ask(json_t *request, int timeout_ms, struct thag_reply *reply)
{
	struct thag_reply got = { .data_fd = -1 };
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int fd = text ? open_connection(timeout_ms) : -ENOMEM;
	int ret = fd < 0 ? fd : send_request(fd, text);

	if (!ret)
		got.thagd_pid = peer_pid(fd);
	if (!ret)
		ret = receive_reply(fd, &got);
	if (fd >= 0)
		close(fd);
	free(text);
	json_decref(request);
	if (!ret)
		*reply = got;
	return ret;
}

void thag_reply_fini(struct thag_reply *reply)
{
	json_decref(reply->body);
	if (reply->data_fd >= 0)
		close(reply->data_fd);
	*reply = (struct thag_reply){ .data_fd = -1 };
}

/** The object that a file holds, read at once, or NULL. */
static json_t *load_file(int fd)
{
	struct stat st;
	size_t size = fstat(fd, &st) == 0 && st.st_size > 0 ? (size_t)st.st_size : 0, used = 0;
	char *text = malloc(size + 1);
	json_t *object;
	ssize_t got = 1;

	while (text && used < size && got > 0) {
		got = pread(fd, text + used, size - used, (off_t)used);
		used += got > 0 ? (size_t)got : 0;
	}
	object = text ? json_loadb(text, used, 0, NULL) : NULL;
	free(text);
	return object;
}

json_t *thag_reply_take_list(const struct thag_reply *reply)
{
	/* what is too big for a message comes in a file */
	json_t *answer = reply->data_fd < 0 ? json_incref(reply->body) : load_file(reply->data_fd);

	if (json_is_array(json_object_get(answer, "sessions")))
		return answer;
	json_decref(answer);
	return NULL;
}

const char *thag_reply_error(const struct thag_reply *reply)
{
	const char *error = json_string_value(json_object_get(reply->body, "error"));

	return error ? error : strerror(-reply->status);
}

static void complain_of_peer(const struct thag_command *command, const char *path)
{
	thag_command_complain(command,
			      "another user's process answers at %s: not asking it; "
			      "name a socket of your own in THAG_SOCKET",
			      path);
}

int thag_client_complain(const struct thag_command *command, int error)
{
	char path[THAG_SOCKET_PATH_BYTES] = "the socket";

	thag_socket_path(path, sizeof(path));
	switch (error) {
	case -ENOENT:
	case -ECONNREFUSED:
		thag_command_complain(command,
				      "no thagd is running (at %s); start one with "
				      "'thagd --daemonize'",
				      path);
		return THAG_EXIT_NO_DAEMON;
	case -EPERM:
		complain_of_peer(command, path);
		break;
	case -ENAMETOOLONG:
		thag_command_complain(command,
				      "THAG_SOCKET is too long for a socket's path (%zu "
				      "bytes at most)",
				      THAG_SOCKET_PATH_BYTES - 1);
		break;
	case -EINVAL:
		thag_command_complain(command, "THAG_SOCKET must be an absolute path");
		break;
	case -ETIMEDOUT:
		thag_command_complain(command, "thagd at %s doesn't answer: is it stopped?", path);
		break;
	case -ECONNRESET:
		thag_command_complain(command, "thagd at %s ended before it answered", path);
		break;
	case -EPROTONOSUPPORT:
		thag_command_complain(command,
				      "thagd at %s is of another version than this thag "
				      "(" THAG_VERSION "); end it and start the new one",
				      path);
		break;
	case -EPROTO:
		thag_command_complain(command, "what answers at %s is no thagd", path);
		break;
	default:
		thag_command_complain(command, "can't ask thagd at %s: %s", path, strerror(-error));
	}
	return THAG_EXIT_FAILURE;
}

void thag_reply_complain(const struct thag_command *command, const struct thag_reply *reply)
{
	const char *error = thag_reply_error(reply);
	struct thag_buffer text = { 0 };

	if (thag_text_append_terminal(&text, error, strlen(error)) == 0)
		thag_command_complain(command, "%.*s", (int)text.bytes, (const char *)text.data);
	thag_buffer_fini(&text);
}

int thag_client_command(const struct thag_command *command, json_t *request, int timeout_ms,
			struct thag_reply *reply)
{
	int ret = thag_client_ask(request, timeout_ms, reply);

	if (ret)
		return thag_client_complain(command, ret);
	if (reply->status == 0)
		return THAG_EXIT_OK;
	ret = reply->status == -ENOENT ? THAG_EXIT_NOT_FOUND : THAG_EXIT_FAILURE;
	thag_reply_complain(command, reply);
	thag_reply_fini(reply);
	return ret;
}
