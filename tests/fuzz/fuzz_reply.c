/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any answer of what may be a thagd, or what listens in its place: the command takes it apart, and
 * says of sessions and of a program's memory what they hold. The first byte: whether the rest is a
 * whole packet (0), the body of one, or (2) a file that comes with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fuzz.h"
#include "client.h"
#include "memory_facts.h"
#include "sessions.h"
#include "thag/control.h"

#define WIDTH 80

/* A command that gives up leaves its request to be answered meanwhile. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	char packet[sizeof(struct thag_message) + THAG_CONTROL_BODY_MAX];
	size_t bytes;
	int data_fd;
	int listen_fd;
	FILE *nowhere;
	char folder[64], path[96];
} state;

int LLVMFuzzerInitialize(int *argc, char ***argv);

static void send_answer(int fd)
{
	_Alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { state.packet, state.bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (state.data_fd >= 0) {
		message.msg_control = space;
		message.msg_controllen = sizeof(space);
		*CMSG_FIRSTHDR(&message) = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
							     .cmsg_type = SCM_RIGHTS,
							     .cmsg_len = CMSG_LEN(sizeof(int)) };
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &state.data_fd, sizeof(int));
	}
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		fprintf(stderr, "an answer was not taken\n");
}

static void answer(int fd)
{
	pthread_mutex_lock(&lock);
	send_answer(fd);
	pthread_mutex_unlock(&lock);
}

/* Each request is answered by what the input says; the command asks, and waits. */
static void *serve(void *unused)
{
	static char request[sizeof(state.packet)];

	(void)unused;
	for (;;) {
		int fd = accept(state.listen_fd, NULL, NULL);

		check(fd >= 0);
		if (recv(fd, request, sizeof(request), 0) > 0)
			answer(fd);
		close(fd);
	}
	return NULL;
}

static void tidy_up(void)
{
	unlink(state.path);
	rmdir(state.folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *tmp = getenv("TMPDIR");
	pthread_t thread;

	(void)argc;
	(void)argv;
	snprintf(state.folder, sizeof(state.folder), "%s/thag-fuzz.XXXXXX", tmp ? tmp : "/tmp");
	check(mkdtemp(state.folder) != NULL);
	snprintf(state.path, sizeof(state.path), "%s/thagd.sock", state.folder);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", state.path);
	atexit(tidy_up);
	state.listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	check(bind(state.listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	      listen(state.listen_fd, 8) == 0 && setenv("THAG_SOCKET", state.path, 1) == 0);
	state.data_fd = -1;
	state.nowhere = fopen("/dev/null", "w");
	check(state.nowhere && pthread_create(&thread, NULL, serve, NULL) == 0);
	return 0;
}

static void make_answer(uint8_t kind, const uint8_t *data, size_t size)
{
	struct thag_message head = { .magic = THAG_CONTROL_MAGIC,
				     .version = THAG_CONTROL_VERSION,
				     .type = THAG_MESSAGE_RESPONSE };
	static const char empty[] = "{}";

	if (state.data_fd >= 0)
		close(state.data_fd);
	state.data_fd = -1;
	if (kind == 0) {
		state.bytes = size;
		memcpy(state.packet, data, size);
		return;
	}
	if (kind == 2) {
		state.data_fd = memfd_create("fuzz", MFD_CLOEXEC);
		check(write(state.data_fd, data, size) == (ssize_t)size);
		data = (const uint8_t *)empty;
		size = sizeof(empty) - 1;
	}
	head.body_bytes = (uint32_t)size;
	memcpy(state.packet, &head, sizeof(head));
	memcpy(state.packet + sizeof(head), data, size);
	state.bytes = sizeof(head) + size;
}

static void show_session(const json_t *session)
{
	char *name = thag_session_name(session);
	const char *file = thag_session_file(session);

	fprintf(state.nowhere, "%s %s %s\n", name ? name : "?", file ? file : "",
		thag_session_text(session, "state"));
	free(name);
}

static void show(const struct thag_reply *reply)
{
	json_t *list = thag_reply_take_list(reply), *session;
	struct thag_memory_facts_of facts = { .memory = reply->body, .title = "fuzz" };
	size_t i;

	fprintf(state.nowhere, "%s\n", thag_reply_error(reply));
	json_array_foreach(json_object_get(list, "sessions"), i, session) show_session(session);
	check(thag_memory_facts_print(&facts, 10, WIDTH, state.nowhere) == 0);
	json_decref(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct thag_reply reply;

	if (size < 1 || size > THAG_CONTROL_BODY_MAX)
		return 0;
	pthread_mutex_lock(&lock);
	make_answer(data[0] % 3, data + 1, size - 1);
	pthread_mutex_unlock(&lock);
	if (thag_client_ask(json_pack("{s:s}", "op", "list"), THAG_CLIENT_TIMEOUT_MS, &reply) ==
	    0) {
		check(json_is_object(reply.body));
		show(&reply);
		thag_reply_fini(&reply);
	}
	return 0;
}
