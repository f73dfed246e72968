/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "symbol_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include "clock.h"
#include "log.h"
#include "thagd_limits.h"

#define CHUNK_BYTES 65536

/* An exchange under way. */
struct exchange {
	struct thag_symbol_helper *helper;
	const uint64_t *addresses;
	uint32_t count;
	uint32_t answered;
	thag_symbol_answer_fn *answer;
	void *context;
	uint64_t until_ns;
	struct thag_buffer request;
	size_t sent;
	struct thag_buffer got;
	struct thag_symbol symbol;
};

/* A session of its own, so that Ctrl-C for thagd doesn't end it while names are still wanted. */
static int spawn(pid_t *pid, int in, int out)
{
	static char name[] = "thagd", option[] = "--symbols";
	char *const argv[] = { name, option, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	ret = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (ret == 0)
		ret = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (ret == 0)
		ret = posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
						       O_WRONLY, 0);
	/* the file that runs, whatever has become of its path */
	if (ret == 0)
		ret = posix_spawn(pid, "/proc/self/exe", &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

static void close_pair(int fds[static 2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static int start(struct thag_symbol_helper *helper)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	int ret = 0;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		ret = -errno;
	if (ret == 0)
		ret = spawn(&helper->pid, in[0], out[1]);
	if (ret != 0) {
		close_pair(in);
		close_pair(out);
		helper->pid = 0;
		thag_log_write(THAG_LOG_ERROR, "can't start the reader of symbols: %s",
			       strerror(-ret));
		return ret;
	}
	close(in[0]);
	close(out[1]);
	helper->to = in[1];
	helper->from = out[0];
	fcntl(helper->to, F_SETFL, O_NONBLOCK);
	fcntl(helper->from, F_SETFL, O_NONBLOCK);
	return 0;
}

void thag_symbol_helper_stop(struct thag_symbol_helper *helper)
{
	const struct timespec nap = { .tv_nsec = THAG_SYMBOLS_REAP_MS * 1000000L };

	if (!helper->pid)
		return;
	close(helper->to);
	close(helper->from);
	kill(helper->pid, SIGKILL);
	/* one that hangs in the kernel is not waited for: it is a zombie until we end */
	for (int i = 0; i < THAG_SYMBOLS_REAP_TRIES && waitpid(helper->pid, NULL, WNOHANG) == 0;
	     i++)
		nanosleep(&nap, NULL);
	*helper = (struct thag_symbol_helper)THAG_SYMBOL_HELPER_NONE;
}

/* One that ended while nobody asked it anything ended for no file's sake. */
static void notice_end(struct thag_symbol_helper *helper)
{
	if (!helper->pid || waitpid(helper->pid, NULL, WNOHANG) != helper->pid)
		return;
	close(helper->to);
	close(helper->from);
	*helper = (struct thag_symbol_helper)THAG_SYMBOL_HELPER_NONE;
}

static int send_some(struct exchange *exchange)
{
	size_t left = exchange->request.bytes - exchange->sent;
	ssize_t wrote = write(exchange->helper->to, exchange->request.data + exchange->sent, left);

	if (wrote < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	exchange->sent += (size_t)wrote;
	return 0;
}

/* All answers that are whole; each must be to the address whose turn it is. */
static int take_answers(struct exchange *exchange)
{
	size_t at = 0;

	while (exchange->answered < exchange->count) {
		long took = thag_symbol_read(exchange->got.data + at, exchange->got.bytes - at,
					     &exchange->symbol);

		if (took < 0)
			return -EPROTO;
		if (took == 0)
			break;
		if (exchange->symbol.address != exchange->addresses[exchange->answered])
			return -EPROTO;
		exchange->answer(exchange->context, exchange->answered++, &exchange->symbol);
		at += (size_t)took;
	}
	if (exchange->answered == exchange->count && at < exchange->got.bytes)
		return -EPROTO;
	memmove(exchange->got.data, exchange->got.data + at, exchange->got.bytes - at);
	exchange->got.bytes -= at;
	return 0;
}

static int receive_some(struct exchange *exchange)
{
	ssize_t got;

	if (thag_buffer_reserve(&exchange->got, CHUNK_BYTES) != 0)
		return -ENOMEM;
	got = read(exchange->helper->from, exchange->got.data + exchange->got.bytes, CHUNK_BYTES);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -EPIPE;
	if (got == 0)
		return -EPIPE;
	exchange->got.bytes += (size_t)got;
	return take_answers(exchange);
}

/* Waits until one of the pipes is ready. */
static int wait_ready(const struct exchange *exchange, short *to, short *from)
{
	uint64_t now = thag_clock_mono_ns();
	struct pollfd fds[2] = { { .fd = exchange->helper->from, .events = POLLIN },
				 { .fd = exchange->helper->to, .events = POLLOUT } };
	nfds_t count = exchange->sent < exchange->request.bytes ? 2 : 1;

	if (now >= exchange->until_ns)
		return -ETIMEDOUT;
	int ms = (int)((exchange->until_ns - now) / 1000000 + 1);

	if (poll(fds, count, ms) < 0 && errno != EINTR)
		return -errno;
	*from = fds[0].revents;
	*to = fds[1].revents;
	return 0;
}

static int run(struct exchange *exchange)
{
	short to = 0, from = 0;
	int ret = 0;

	while (ret == 0 && exchange->answered < exchange->count) {
		ret = wait_ready(exchange, &to, &from);
		if (ret == 0 && to)
			ret = send_some(exchange);
		if (ret == 0 && from)
			ret = receive_some(exchange);
	}
	return ret;
}

int thag_symbol_helper_ask(struct thag_symbol_helper *helper,
			   const struct thag_symbol_request_head *head, const char *path,
			   const char *dirs, const uint64_t *addresses, uint64_t timeout_ns,
			   thag_symbol_answer_fn *answer, void *context, uint32_t *answered)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	int ret = exchange ? 0 : -ENOMEM;

	*answered = 0;
	notice_end(helper);
	if (ret == 0 && !helper->pid)
		ret = start(helper);
	if (ret != 0) {
		free(exchange);
		return ret;
	}
	*exchange = (struct exchange){ .helper = helper,
				       .addresses = addresses,
				       .count = head->address_count,
				       .answer = answer,
				       .context = context,
				       .until_ns = thag_clock_mono_ns() + timeout_ns };
	ret = thag_symbol_request_append(&exchange->request, head, path, dirs, addresses);
	if (ret == 0) {
		ret = run(exchange);
		if (ret != 0)
			thag_symbol_helper_stop(helper);
	}
	*answered = exchange->answered;
	thag_buffer_fini(&exchange->request);
	thag_buffer_fini(&exchange->got);
	free(exchange);
	return ret;
}
