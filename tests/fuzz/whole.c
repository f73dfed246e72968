/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "whole.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "log.h"
#include "opened.h"
#include "recording_sample.h"
#include "thag_symbol_server.h"

#define TURNS 3	       /* that follow from each other without any work of the pool */
#define SESSIONS_MAX 4 /* that inputs may open */

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *data, size_t size));
void __wrap_thag_daemon_stop(struct thag_daemon *daemon);

static struct {
	struct thag_daemon daemon;
	char folder[64], socket[96];
	uint32_t port;
	pid_t pid;
	int argc;
	char **argv;
} state;

/* What asks for the end is answered, but thagd goes on. */
void __wrap_thag_daemon_stop(struct thag_daemon *daemon)
{
	(void)daemon;
}

struct thag_daemon *fuzz_daemon(void)
{
	return &state.daemon;
}

void fuzz_check(int holds)
{
	if (!holds)
		abort();
}

void fuzz_settle(void)
{
	do
		for (int i = 0; i < TURNS; i++)
			uv_run(&state.daemon.loop, UV_RUN_NOWAIT);
	while (state.daemon.holds && uv_run(&state.daemon.loop, UV_RUN_ONCE));
}

static int connect_to(int type, const void *address, socklen_t bytes)
{
	const struct sockaddr *to = address;
	int fd = socket(to->sa_family, type | SOCK_CLOEXEC, 0);

	fuzz_check(fd >= 0 && connect(fd, to, bytes) == 0);
	fuzz_check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	return fd;
}

int fuzz_connect_web(void)
{
	/* a closed connection is forgotten at once: there are only so many ports */
	struct linger linger = { .l_onoff = 1 };
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)state.port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = connect_to(SOCK_STREAM, &address, sizeof(address));

	fuzz_check(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
	return fd;
}

int fuzz_connect_control(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", state.socket);
	return connect_to(SOCK_SEQPACKET, &address, sizeof(address));
}

static void on_opened(struct thag_opened *wish)
{
	free(wish);
}

/* One recording to look at: inputs may have dropped it. */
static void open_recording(void)
{
	struct thag_opened *wish = calloc(1, sizeof(*wish));
	int fd = sample_recording(4, 200, 1, true);

	fuzz_check(wish && fd >= 0);
	wish->done = on_opened;
	thag_opened_start_fd(wish, &state.daemon, "sample", fd);
	fuzz_settle();
}

/* What inputs opened is not to pile up; the first is what most of them ask for. */
static void tidy_sessions(void)
{
	struct thag_registry *registry = &state.daemon.registry;
	const char *why;
	char id[24];

	while (registry->count > SESSIONS_MAX) {
		snprintf(id, sizeof(id), "%llu", (unsigned long long)registry->sessions[1]->id);
		if (thag_registry_forget(registry, id, &why) != 0)
			break;
	}
	if (registry->count == 0)
		open_recording();
}

static int try(const uint8_t *data, size_t size)
{
	tidy_sessions();
	return fuzz_try(data, size);
}

static void tidy_up(void)
{
	char command[128];

	if (getpid() != state.pid)
		return;
	snprintf(command, sizeof(command), "rm -rf %s", state.folder);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", state.folder);
}

/* thagd waits for nothing but what is told here from now on. */
static void on_ready(struct thag_daemon *daemon, const char *line)
{
	(void)line;
	state.port = daemon->port;
	daemon->port = FUZZ_PORT;
	open_recording();
	exit(LLVMFuzzerRunDriver(&state.argc, &state.argv, try));
}

int main(int argc, char **argv)
{
	struct thag_options options = { .output_dir = state.folder,
					.socket = state.socket,
					.timeline_bytes = THAG_TIMELINE_BYTES_MIN };
	const char *tmp = getenv("TMPDIR");

	/* thagd starts itself for that, and thagd is this here */
	if (argc > 1 && strcmp(argv[1], "--symbols") == 0)
		return thag_symbol_server_run();
	state.argc = argc;
	state.argv = argv;
	state.pid = getpid();
	snprintf(state.folder, sizeof(state.folder), "%s/thag-fuzz.XXXXXX", tmp ? tmp : "/tmp");
	fuzz_check(mkdtemp(state.folder) != NULL);
	atexit(tidy_up);
	snprintf(state.socket, sizeof(state.socket), "%s/thagd.sock", state.folder);
	thag_log_set_level(THAG_LOG_ERROR);
	return thag_daemon_run(&state.daemon, &options, on_ready);
}
