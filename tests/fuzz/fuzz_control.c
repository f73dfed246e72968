/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any packets of commands and programs on thagd's control socket: each gets one answer, which is a
 * message of ours, or none. An input is how many descriptors come along, one byte; what kind of
 * message it is, one byte, or 0 where what follows is the whole packet; and its body.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "whole.h"
#include "thag/control.h"

#define FDS_MAX 20

static char packet[sizeof(struct thag_message) + THAG_CONTROL_BODY_MAX];

static size_t make_packet(const uint8_t *data, size_t size)
{
	struct thag_message head = { .magic = THAG_CONTROL_MAGIC,
				     .version = THAG_CONTROL_VERSION,
				     .type = data[1] };

	data += 2;
	size -= 2;
	if (head.type == 0) {
		size = size > sizeof(packet) ? sizeof(packet) : size;
		memcpy(packet, data, size);
		return size;
	}
	head.body_bytes = (uint32_t)(size > THAG_CONTROL_BODY_MAX ? THAG_CONTROL_BODY_MAX : size);
	memcpy(packet, &head, sizeof(head));
	if (head.body_bytes)
		memcpy(packet + sizeof(head), data, head.body_bytes);
	return sizeof(head) + head.body_bytes;
}

/* With `count` descriptors of a file that holds the packet, too. */
static void send_packet(int fd, size_t bytes, uint32_t count)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(FDS_MAX * sizeof(int))] = { 0 };
	struct iovec part = { packet, bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	int memfd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING), fds[FDS_MAX];

	fuzz_check(memfd >= 0 && write(memfd, packet, bytes) == (ssize_t)bytes);
	for (uint32_t i = 0; i < count; i++)
		fds[i] = memfd;
	if (count) {
		struct cmsghdr *attached;

		message.msg_control = space;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		attached = CMSG_FIRSTHDR(&message);
		*attached = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS,
					      .cmsg_len = CMSG_LEN(count * sizeof(int)) };
		memcpy(CMSG_DATA(attached), fds, count * sizeof(int));
	}
	fuzz_check(sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)bytes || bytes == 0);
	close(memfd);
}

static void check_body(const struct thag_message *head, const char *body)
{
	json_t *json;

	fuzz_check(head->magic == THAG_CONTROL_MAGIC && head->version == THAG_CONTROL_VERSION);
	fuzz_check(head->type == THAG_MESSAGE_REFUSED || head->type == THAG_MESSAGE_RESPONSE);
	fuzz_check(head->status <= 0);
	if (head->type == THAG_MESSAGE_REFUSED) {
		fuzz_check(head->status < 0 && !memchr(body, '\n', head->body_bytes));
		return;
	}
	json = json_loadb(body, head->body_bytes, 0, NULL);
	fuzz_check(json_is_object(json));
	fuzz_check(head->status == 0 || json_is_string(json_object_get(json, "error")));
	json_decref(json);
}

/* The answer, if there is one, and its descriptor. */
static void take_answer(int fd)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))];
	struct iovec part = { packet, sizeof(packet) };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *came = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	struct thag_message head;
	int data_fd;

	if (came) {
		memcpy(&data_fd, CMSG_DATA(came), sizeof(data_fd));
		close(data_fd);
	}
	if (got <= 0)
		return;
	fuzz_check((size_t)got >= sizeof(head));
	memcpy(&head, packet, sizeof(head));
	fuzz_check(head.body_bytes == (size_t)got - sizeof(head));
	check_body(&head, packet + sizeof(head));
}

int fuzz_try(const uint8_t *data, size_t size)
{
	int fd;

	if (size < 2)
		return 0;
	fd = fuzz_connect_control();
	send_packet(fd, make_packet(data, size), data[0] % FDS_MAX);
	fuzz_settle();
	take_answer(fd);
	close(fd);
	fuzz_settle();
	return 0;
}
