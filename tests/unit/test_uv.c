/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* thag_uv.h: each callback that libuv has, and what may happen to a request or handle on its way.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "uv_program.h"

static void on_closed(uv_handle_t *handle)
{
	SEEN(handle->data);
}

static void close_it(void *handle)
{
	thag_uv_close(handle, on_closed);
}

/* --- handles --- */

static void on_timer(uv_timer_t *handle)
{
	SEEN(handle->data);
	if (uv_timer_get_repeat(handle) == 0)
		close_it(handle);
	uv_timer_set_repeat(handle, 0);
}

static void on_idle(uv_idle_t *handle)
{
	SEEN(handle->data);
	close_it(handle);
}

static void on_check(uv_check_t *handle)
{
	SEEN(handle->data);
	close_it(handle);
}

static void on_prepare(uv_prepare_t *handle)
{
	SEEN(handle->data);
	close_it(handle);
}

static void on_async(uv_async_t *handle)
{
	SEEN(handle->data);
	close_it(handle);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	SEEN(handle->data);
	need(status == 0 && events == UV_WRITABLE, "poll");
	close_it(handle);
}

static void on_signal(uv_signal_t *handle, int number)
{
	SEEN(handle->data);
	need(number == handle->signum || handle->signum == 0, "signal");
	close_it(handle);
}

static void on_fs_event(uv_fs_event_t *handle, const char *file, int events, int status)
{
	SEEN(handle->data);
	need(file && events && status == 0, "fs_event");
	if (!uv_is_closing((uv_handle_t *)handle))
		close_it(handle);
}

static void on_fs_poll(uv_fs_poll_t *handle, int status, const uv_stat_t *before,
		       const uv_stat_t *now)
{
	SEEN(handle->data);
	need(status == UV_ENOENT && before && now, "fs_poll");
	close_it(handle);
}

static void on_exit_of(uv_process_t *handle, int64_t status, int number)
{
	SEEN(handle->data);
	need(status == 3 && number == 0, "exit");
	close_it(handle);
}

static void start_child(void)
{
	static uv_process_t process = { .data = &task };
	char *arguments[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 3" }, NULL };
	uv_process_options_t options = { .file = "/bin/sh",
					 .args = arguments,
					 .exit_cb = on_exit_of };

	need_ok(thag_uv_spawn(loop, &process, &options), "spawn");
	need(options.exit_cb == on_exit_of, "the caller's options");
}

static void start_watching(void)
{
	static uv_fs_event_t event = { .data = &task };
	static uv_fs_poll_t poll = { .data = &task };
	char directory[] = "/tmp/thag-uv-XXXXXX", file[64];

	need(mkdtemp(directory) != NULL, "mkdtemp");
	snprintf(file, sizeof(file), "%s/file", directory);
	uv_fs_event_init(loop, &event);
	uv_fs_poll_init(loop, &poll);
	need_ok(thag_uv_fs_event_start(&event, on_fs_event, directory, 0), "fs_event");
	need_ok(thag_uv_fs_poll_start(&poll, on_fs_poll, "/nonexistent", 10), "fs_poll");
	close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	unlink(file);
	rmdir(directory);
}

static void program_handles(void *argument)
{
	static uv_timer_t timer = { .data = &task };
	static uv_idle_t idle = { .data = &task };
	static uv_check_t check = { .data = &task };
	static uv_prepare_t prepare = { .data = &task };
	static uv_async_t async = { .data = &task };
	static uv_poll_t poll = { .data = &task };
	static uv_signal_t first = { .data = &task }, second = { .data = &task };
	int pipes[2];

	(void)argument;
	begin();
	uv_timer_init(loop, &timer);
	uv_idle_init(loop, &idle);
	uv_check_init(loop, &check);
	uv_prepare_init(loop, &prepare);
	uv_signal_init(loop, &first);
	uv_signal_init(loop, &second);
	need(pipe(pipes) == 0, "pipe");
	need_ok(uv_poll_init(loop, &poll, pipes[1]), "poll_init");
	need_ok(thag_uv_timer_start(&timer, on_timer, 1, 1), "timer");
	need_ok(thag_uv_idle_start(&idle, on_idle), "idle");
	need_ok(thag_uv_check_start(&check, on_check), "check");
	need_ok(thag_uv_prepare_start(&prepare, on_prepare), "prepare");
	need_ok(thag_uv_async_init(loop, &async, on_async), "async");
	need_ok(thag_uv_poll_start(&poll, UV_WRITABLE, on_poll), "poll");
	need_ok(thag_uv_signal_start(&first, on_signal, SIGUSR1), "signal");
	need_ok(thag_uv_signal_start_oneshot(&second, on_signal, SIGUSR2), "oneshot");
	uv_async_send(&async);
	raise(SIGUSR1);
	raise(SIGUSR2);
	start_child();
	start_watching();
	finish();
}

Test(uv, handles_continue_the_task_that_started_them, .timeout = 60)
{
	RUN(program_handles, { "uv;on_timer", 2 }, { "uv;on_idle", 1 }, { "uv;on_check", 1 },
	    { "uv;on_prepare", 1 }, { "uv;on_async", 1 }, { "uv;on_poll", 1 },
	    { "uv;on_signal", 2 }, { "uv;on_fs_poll", 1 }, { "uv;on_exit_of", 1 },
	    { "uv;on_closed", 11 });
}

/* --- streams and datagrams --- */

static char received[64];
static uv_tcp_t listener, peer, client = { .data = &task };
static uv_pipe_t pipe_listener, pipe_peer, pipe_client = { .data = &task };
static uv_udp_t from = { .data = &task }, to = { .data = &task };
static uv_write_t write_req = { .data = &task };
static uv_shutdown_t shutdown_req = { .data = &task };
static uv_connect_t connect_req = { .data = &task }, pipe_connect_req = { .data = &task };
static uv_udp_send_t send_req = { .data = &task };
static char pipe_name[64];

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	SEEN(handle->data);
	need(size > 0, "alloc");
	*buf = uv_buf_init(received, sizeof(received));
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
	SEEN(req->data);
	need(status == 0, "shutdown");
}

static void on_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf)
{
	SEEN(handle->data);
	if (count == UV_EOF)
		close_it(handle);
	else
		need(count == 5 && memcmp(buf->base, "hello", 5) == 0, "read");
}

static void on_write(uv_write_t *req, int status)
{
	SEEN(req->data);
	need(status == 0, "write");
	need_ok(thag_uv_shutdown(&shutdown_req, req->handle, on_shutdown), "shutdown");
}

static void on_connect(uv_connect_t *req, int status)
{
	SEEN(req->data);
	uv_buf_t buf = uv_buf_init((char[]){ "hello" }, 5);

	need(status == 0, "connect");
	need_ok(thag_uv_read_start(req->handle, on_alloc, on_read), "read_start");
	need(uv_read_start(req->handle, on_alloc, on_read) == UV_EALREADY, "reads already");
	need(thag_uv_read_start(req->handle, on_alloc, on_read) == UV_EALREADY, "still reads");
	need_ok(thag_uv_write(&write_req, req->handle, &buf, 1, on_write), "write");
}

static void on_write2(uv_write_t *req, int status)
{
	SEEN(req->data);
	need(status == 0, "write2");
	close_it(req->handle);
	free(req);
}

static void on_pipe_connect(uv_connect_t *req, int status)
{
	SEEN(req->data);
	uv_buf_t buf = uv_buf_init((char[]){ "x" }, 1);
	uv_write_t *own = calloc(1, sizeof(*own));

	need(status == 0 && own, "pipe_connect");
	own->data = &task;
	need_ok(thag_uv_write2(own, req->handle, &buf, 1, NULL, on_write2), "write2");
}

static void on_peer_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char bytes[64];

	(void)handle;
	(void)size;
	*buf = uv_buf_init(bytes, sizeof(bytes));
}

/* The other side is nobody's; what arrives there is sent back. */
static void on_peer_read(uv_stream_t *handle, ssize_t count, const uv_buf_t *buf)
{
	uv_buf_t back = uv_buf_init(buf->base, count > 0 ? (unsigned)count : 0);

	need(thag_task_current().id == 0, "the peer is no task's");
	if (count < 0)
		thag_uv_close((uv_handle_t *)handle, NULL);
	else if (handle == (uv_stream_t *)&peer)
		need(uv_try_write(handle, &back, 1) == count, "try_write");
}

static void on_connection(uv_stream_t *server, int status)
{
	uv_stream_t *accepted = server == (uv_stream_t *)&listener ? (uv_stream_t *)&peer
								   : (uv_stream_t *)&pipe_peer;

	need(status == 0 && thag_task_current().id == 0, "connections are nobody's");
	need_ok(uv_accept(server, accepted), "accept");
	need_ok(thag_uv_read_start(accepted, on_peer_alloc, on_peer_read), "read_start");
	need(accepted->read_cb == on_peer_read, "without a task libuv has it as it is");
	thag_uv_close((uv_handle_t *)server, NULL);
}

static void on_send(uv_udp_send_t *req, int status)
{
	SEEN(req->data);
	need(status == 0, "send");
	close_it(&from);
}

static void on_receive(uv_udp_t *handle, ssize_t count, const uv_buf_t *buf,
		       const struct sockaddr *address, unsigned flags)
{
	SEEN(handle->data);
	(void)flags;
	if (count == 0 && !address)
		return;
	need(count == 5 && memcmp(buf->base, "hello", 5) == 0, "receive");
	close_it(handle);
}

static void start_datagrams(void)
{
	struct sockaddr_in address;
	int bytes = sizeof(address);
	uv_buf_t buf = uv_buf_init((char[]){ "hello" }, 5);

	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_udp_init(loop, &from);
	uv_udp_init(loop, &to);
	need_ok(uv_udp_bind(&to, (struct sockaddr *)&address, 0), "bind");
	uv_udp_getsockname(&to, (struct sockaddr *)&address, &bytes);
	need_ok(thag_uv_udp_recv_start(&to, on_alloc, on_receive), "recv_start");
	need_ok(thag_uv_udp_send(&send_req, &from, &buf, 1, (struct sockaddr *)&address, on_send),
		"udp_send");
}

static void program_streams(void *argument)
{
	struct sockaddr_in address;
	int bytes = sizeof(address);

	(void)argument;
	begin();
	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &listener);
	uv_tcp_init(loop, &peer);
	uv_tcp_init(loop, &client);
	need_ok(uv_tcp_bind(&listener, (struct sockaddr *)&address, 0), "bind");
	need_ok(uv_listen((uv_stream_t *)&listener, 1, on_connection), "listen");
	uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &bytes);
	need_ok(thag_uv_tcp_connect(&connect_req, &client, (struct sockaddr *)&address, on_connect),
		"tcp_connect");
	snprintf(pipe_name, sizeof(pipe_name), "/tmp/thag-uv-%d.sock", getpid());
	uv_pipe_init(loop, &pipe_listener, 0);
	uv_pipe_init(loop, &pipe_peer, 0);
	uv_pipe_init(loop, &pipe_client, 0);
	need_ok(uv_pipe_bind(&pipe_listener, pipe_name), "pipe_bind");
	need_ok(uv_listen((uv_stream_t *)&pipe_listener, 1, on_connection), "listen");
	thag_uv_pipe_connect(&pipe_connect_req, &pipe_client, pipe_name, on_pipe_connect);
	start_datagrams();
	finish();
	unlink(pipe_name);
}

Test(uv, streams_and_datagrams_continue_the_task, .timeout = 60)
{
	RUN(program_streams, { "uv;on_connect", 1 }, { "uv;on_write", 1 }, { "uv;on_shutdown", 1 },
	    { "uv;on_read", 2 }, { "uv;on_pipe_connect", 1 }, { "uv;on_write2", 1 },
	    { "uv;on_send", 1 }, { "uv;on_receive", 1 }, { "uv;on_closed", 4 });
}
