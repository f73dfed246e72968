/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include <uv.h>

#include "daemon.h"
#include "files.h"
#include "format.h"
#include "hello.h"
#include "log.h"
#include "request.h"
#include "thag/control.h"
#include "thag/socket_path.h"

#define PACKET_BYTES (sizeof(struct thag_message) + THAG_CONTROL_BODY_MAX)
#define ALL_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

struct thag_connection {
	struct thag_control *control;
	int fd;
	uint32_t open_handles;
	uv_poll_t poll;
	uv_timer_t timer;
	thag_connection_over_fn *over; /* NULL: its answer is not deferred */
	void *context;		       /* for that */
};

struct thag_control {
	struct thag_daemon *daemon;
	uv_poll_t poll;
	uv_timer_t pause;     /* no descriptors left: wait for some */
	uint32_t connections; /* but the deferred: those keep nobody out */
	uint32_t deferred;
	bool stopped;
	union {
		struct thag_message head;
		char bytes[PACKET_BYTES + 1]; /* one more: a body ends with NUL for its parser */
	} packet;
};

/** A packet as it came; `fd` is -1 when none came with it. */
struct packet {
	size_t bytes;
	uint32_t fd_count;
	int fd;
	bool cut;
};

static void listen_again(struct thag_control *control);

static void on_connection_closed(uv_handle_t *handle)
{
	struct thag_connection *connection = handle->data;
	struct thag_control *control = connection->control;

	if (--connection->open_handles)
		return;
	close(connection->fd);
	if (connection->over)
		control->deferred--;
	else
		control->connections--;
	free(connection);
	listen_again(control);
}

static void connection_close(struct thag_connection *connection)
{
	uv_close((uv_handle_t *)&connection->poll, on_connection_closed);
	uv_close((uv_handle_t *)&connection->timer, on_connection_closed);
}

struct thag_daemon *thag_connection_daemon(const struct thag_connection *connection)
{
	return connection->control->daemon;
}

/* The packet fits the socket's buffer, which is empty: it goes at once, or the peer is gone. */
static void send_packet(struct thag_connection *connection, enum thag_message_type type, int status,
			const void *body, size_t bytes, int fd)
{
	struct thag_message head = { .magic = THAG_CONTROL_MAGIC,
				     .version = THAG_CONTROL_VERSION,
				     .type = (uint16_t)type,
				     .body_bytes = (uint32_t)bytes,
				     .status = status };
	struct iovec parts[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, bytes } };
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	if (fd >= 0) {
		struct cmsghdr *attached;

		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		attached = CMSG_FIRSTHDR(&message);
		attached->cmsg_level = SOL_SOCKET;
		attached->cmsg_type = SCM_RIGHTS;
		attached->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(attached), &fd, sizeof(int));
	}
	if (TEMP_FAILURE_RETRY(sendmsg(connection->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL)) < 0)
		thag_log_write(THAG_LOG_DEBUG, "an answer was not taken: %s", strerror(errno));
}

void thag_connection_respond(struct thag_connection *connection, int status, json_t *body,
			     int data_fd)
{
	bool is_whole = thag_format_is_whole();
	char *text = thag_format_dump(body, JSON_COMPACT);
	size_t bytes = text ? strlen(text) : 0;

	if ((!is_whole || (body && !text)) && status == 0)
		status = -ENOMEM;
	if (bytes > THAG_CONTROL_BODY_MAX)
		bytes = 0;
	send_packet(connection, THAG_MESSAGE_RESPONSE, status, bytes ? text : "{}",
		    bytes ? bytes : 2, data_fd);
	free(text);
	json_decref(body);
	if (data_fd >= 0)
		close(data_fd);
	connection_close(connection);
}

void thag_connection_fail(struct thag_connection *connection, int status, const char *why)
{
	thag_connection_respond(connection, status, json_pack("{s:s}", "error", why), -1);
}

/* A memfd that holds `bytes` bytes and can't change, or a negative errno. */
static int make_data(const void *data, size_t bytes)
{
	int fd = memfd_create("thag-data", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret = fd < 0 ? -errno : thag_write_all(fd, data, bytes);

	if (ret == 0 && (fcntl(fd, F_ADD_SEALS, ALL_SEALS) != 0 || lseek(fd, 0, SEEK_SET) != 0))
		ret = -errno;
	if (ret == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return ret;
}

void thag_connection_respond_noted(struct thag_connection *connection, const char *note,
				   const void *data, size_t bytes)
{
	int fd = make_data(data, bytes);

	if (fd < 0)
		thag_connection_fail(connection, fd, "thagd has no memory for the answer");
	else
		thag_connection_respond(connection, 0,
					note ? json_pack("{s:s}", "note", note) : NULL, fd);
}

void thag_connection_respond_data(struct thag_connection *connection, const void *data,
				  size_t bytes)
{
	thag_connection_respond_noted(connection, NULL, data, bytes);
}

/* Gone, or it speaks out of its turn. */
static void on_deferred_peer(uv_poll_t *poll, int status, int events)
{
	struct thag_connection *connection = poll->data;

	(void)status;
	(void)events;
	connection->over(connection->context, true);
	connection_close(connection);
}

static void on_deferred_limit(uv_timer_t *timer)
{
	struct thag_connection *connection = timer->data;

	connection->over(connection->context, false);
}

int thag_connection_defer(struct thag_connection *connection, uint32_t limit_ms,
			  thag_connection_over_fn *over, void *context)
{
	struct thag_control *control = connection->control;

	if (control->deferred >= THAG_CONTROL_DEFERRED_MAX)
		return -EBUSY;
	connection->over = over;
	connection->context = context;
	control->deferred++;
	control->connections--;
	listen_again(control);
	uv_timer_start(&connection->timer, on_deferred_limit, limit_ms, 0);
	return uv_poll_start(&connection->poll, UV_READABLE, on_deferred_peer);
}

static void send_refused(struct thag_connection *connection, int status, const char *why)
{
	thag_log_write(THAG_LOG_WARN, "refused: %s", why);
	send_packet(connection, THAG_MESSAGE_REFUSED, status, why, strlen(why), -1);
	connection_close(connection);
}

static void handle_hello(struct thag_connection *connection, const struct packet *packet)
{
	struct thag_daemon *daemon = connection->control->daemon;
	struct ucred peer = { 0 };
	socklen_t bytes = sizeof(peer);
	struct thag_welcome welcome = { 0 };
	char why[THAG_WHY_BYTES] = "";
	int consumer_fd = -1, ret;

	if (packet->fd_count > 1) {
		send_refused(connection, -EPROTO, "more than one descriptor came with the hello");
		return;
	}
	if (getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		peer.pid = 0;
	ret = thag_hello_accept(daemon, connection->fd, peer.pid, packet->fd, &consumer_fd,
				&welcome.session, why);
	if (ret != 0) {
		send_refused(connection, ret, why);
		return;
	}
	welcome.port = daemon->port;
	send_packet(connection, THAG_MESSAGE_WELCOME, 0, &welcome, sizeof(welcome), consumer_fd);
	close(consumer_fd);
	connection_close(connection);
}

static void handle_packet(struct thag_connection *connection, const struct packet *packet)
{
	struct thag_control *control = connection->control;
	struct thag_message head = control->packet.head;
	char *body = control->packet.bytes + sizeof(head);

	if (packet->cut || packet->bytes < sizeof(head) || head.magic != THAG_CONTROL_MAGIC ||
	    head.body_bytes != packet->bytes - sizeof(head)) {
		send_refused(connection, -EPROTO, "not a message of thag");
	} else if (head.version != THAG_CONTROL_VERSION) {
		send_refused(
			connection, -EPROTONOSUPPORT,
			"thagd and the program are of different versions: install matching ones");
	} else if (head.type == THAG_MESSAGE_HELLO) {
		handle_hello(connection, packet);
	} else if (head.type == THAG_MESSAGE_REQUEST) {
		body[head.body_bytes] = '\0';
		thag_request_run(connection, body, head.body_bytes);
	} else {
		send_refused(connection, -EPROTO, "an unknown kind of message");
	}
}

/* Keeps the first descriptor that came, closes the others. */
static void take_fds(struct msghdr *message, struct packet *packet)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (packet->fd_count++ == 0)
				packet->fd = fd;
			else
				close(fd);
		}
	}
}

static ssize_t receive(struct thag_connection *connection, struct packet *packet)
{
	struct thag_control *control = connection->control;
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int) * THAG_CONTROL_FDS_MAX)];
	struct iovec part = { control->packet.bytes, PACKET_BYTES };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	ssize_t got = TEMP_FAILURE_RETRY(
		recvmsg(connection->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));

	if (got < 0)
		return -errno;
	packet->bytes = (size_t)got;
	packet->cut = message.msg_flags & (MSG_TRUNC | MSG_CTRUNC);
	take_fds(&message, packet);
	return got;
}

static void on_packet(uv_poll_t *poll, int status, int events)
{
	struct thag_connection *connection = poll->data;
	struct packet packet = { .fd = -1 };
	ssize_t got = receive(connection, &packet);

	(void)status;
	(void)events;
	if (got == -EAGAIN || got == -EINTR)
		return;
	uv_poll_stop(&connection->poll);
	uv_timer_stop(&connection->timer);
	if (got <= 0)
		connection_close(connection);
	else
		handle_packet(connection, &packet);
	if (packet.fd >= 0)
		close(packet.fd);
}

static void on_timeout(uv_timer_t *timer)
{
	connection_close(timer->data);
}

/* Takes over `fd`. */
static int connection_open(struct thag_control *control, int fd)
{
	struct thag_connection *connection = calloc(1, sizeof(*connection));

	if (!connection) {
		close(fd);
		return -ENOMEM;
	}
	connection->control = control;
	connection->fd = fd;
	if (uv_poll_init(&control->daemon->loop, &connection->poll, fd) != 0) {
		close(fd);
		free(connection);
		return -EMFILE;
	}
	uv_timer_init(&control->daemon->loop, &connection->timer);
	connection->open_handles = 2;
	connection->poll.data = connection->timer.data = connection;
	control->connections++;
	uv_poll_start(&connection->poll, UV_READABLE, on_packet);
	uv_timer_start(&connection->timer, on_timeout, THAG_CONTROL_TIMEOUT_MS, 0);
	return 0;
}

static void on_pause_over(uv_timer_t *timer)
{
	listen_again(timer->data);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct thag_control *control = poll->data;
	int fd = (int)TEMP_FAILURE_RETRY(accept4(control->daemon->runtime.listen_fd, NULL, NULL,
						 SOCK_CLOEXEC | SOCK_NONBLOCK));

	(void)status;
	(void)events;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		uv_poll_stop(&control->poll);
		uv_timer_start(&control->pause, on_pause_over, THAG_ACCEPT_PAUSE_MS, 0);
	}
	if (fd < 0)
		return;
	if (thag_socket_check_peer(fd) != 0) {
		thag_log_write(THAG_LOG_WARN, "refused: another user connected");
		close(fd);
		return;
	}
	connection_open(control, fd);
	if (control->connections >= THAG_CONTROL_CONNECTIONS_MAX)
		uv_poll_stop(&control->poll); /* the others wait in the kernel */
}

static void listen_again(struct thag_control *control)
{
	if (!control->stopped && control->connections < THAG_CONTROL_CONNECTIONS_MAX)
		uv_poll_start(&control->poll, UV_READABLE, on_connect);
}

int thag_control_start(struct thag_daemon *daemon)
{
	struct thag_control *control = calloc(1, sizeof(*control));
	int ret;

	if (!control)
		return -ENOMEM;
	ret = uv_poll_init(&daemon->loop, &control->poll, daemon->runtime.listen_fd);
	if (ret != 0) {
		free(control);
		return ret;
	}
	uv_timer_init(&daemon->loop, &control->pause);
	control->daemon = daemon;
	control->poll.data = control->pause.data = control;
	daemon->control = control;
	listen_again(control);
	return 0;
}

void thag_control_stop(struct thag_control *control)
{
	if (!control || control->stopped)
		return;
	control->stopped = true;
	uv_close((uv_handle_t *)&control->poll, NULL);
	uv_close((uv_handle_t *)&control->pause, NULL);
}

void thag_control_destroy(struct thag_control *control)
{
	free(control);
}
