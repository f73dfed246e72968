/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Something that is not thagd, on thagd's socket.
 *
 *   fake_daemon SOCKET MODE [JSON]
 *
 * Answers one connection after the other: `silent` never; `close` at once; `garbage`; `short` with
 * half a header; `version` of a later protocol; `lies` about the length; `nonjson`; `list` with
 * JSON in the body; `data` with JSON in a memfd. Prints a line once it listens.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "thag/control.h"
#include "thag/socket_path.h"

static struct thag_message head_of(const char *mode, size_t bytes)
{
	struct thag_message head = { .magic = THAG_CONTROL_MAGIC,
				     .version = THAG_CONTROL_VERSION,
				     .type = THAG_MESSAGE_RESPONSE,
				     .body_bytes = (uint32_t)bytes };

	if (strcmp(mode, "garbage") == 0)
		head.magic = 0x20202020;
	if (strcmp(mode, "version") == 0)
		head.version++;
	if (strcmp(mode, "lies") == 0)
		head.body_bytes += 100;
	return head;
}

/** Sends `body` with its header, cut to `max` bytes in all, and `fd` when it is one. */
static void send_packet(int to, struct thag_message head, const char *body, size_t max, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	char packet[sizeof(head) + 4096];
	struct iovec part = { packet, sizeof(head) + strlen(body) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), body, strlen(body));
	part.iov_len = part.iov_len < max ? part.iov_len : max;
	if (fd >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *attached = CMSG_FIRSTHDR(&message);

		attached->cmsg_level = SOL_SOCKET;
		attached->cmsg_type = SCM_RIGHTS;
		attached->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(attached), &fd, sizeof(int));
	}
	if (sendmsg(to, &message, MSG_NOSIGNAL) < 0)
		perror("sendmsg");
}

static void answer(int to, const char *mode, const char *json)
{
	int data = strcmp(mode, "data") == 0 ? memfd_create("data", 0) : -1;
	const char *body = strcmp(mode, "nonjson") == 0 ? "{{" : data >= 0 ? "{}" : json;
	size_t max = strcmp(mode, "short") == 0 ? 7 : SIZE_MAX;

	if (strcmp(mode, "close") == 0)
		return;
	if (data >= 0 && write(data, json, strlen(json)) < 0)
		perror("write");
	lseek(data, 0, SEEK_SET);
	send_packet(to, head_of(mode, strlen(body)), body, max, data);
	if (data >= 0)
		close(data);
}

static void serve(int listener, const char *mode, const char *json)
{
	char request[4096];
	int fd = accept(listener, NULL, NULL);

	if (fd < 0 || recv(fd, request, sizeof(request), 0) < 0)
		return;
	if (strcmp(mode, "silent") == 0)
		pause();
	answer(fd, mode, json);
	close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	if (argc < 3)
		return 2;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 5)) {
		perror(argv[1]);
		return 1;
	}
	puts("listening");
	fflush(stdout);
	for (;;)
		serve(listener, argv[2], argc > 3 ? argv[3] : "{}");
}
