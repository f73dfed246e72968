/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * server: a TCP server on libuv whose requests are tasks.
 *
 * A client sends lines, "KIND NUMBER", and gets a line for each: "OK NUMBER". A request goes
 * through callbacks of its own kind (a timer, a file that is read, work on another thread), while
 * hundreds of others do the same. None of the callbacks says whose it is: thag_uv.h does, and the
 * profile has a tree for each kind of request.
 *
 * Without a port it brings its own clients: load, beside it, which it ends with.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <thag.h>
#define THAG_UV_ALL
#include <thag_uv.h>

#define LINE_BYTES 64
#define FILE_BYTES 8192
#define BACKLOG 1024
#define CONNECTIONS_MAX 10000
#define REQUESTS_MAX 100000

enum kind { KIND_ECHO, KIND_WAIT, KIND_FILE, KIND_WORK, KIND_MIXED, KIND_COUNT };

static const char *const kind_names[KIND_COUNT] = { "echo", "wait", "file", "work", "mixed" };

/* A connection, and the one request it is at. */
struct client {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_fs_t fs;
	uv_work_t work;
	uv_write_t write;
	enum kind kind;
	uint64_t number;
	uv_file file;
	char bytes[FILE_BYTES];
	int handles; /* that are not closed yet */
	size_t used;
	char line[LINE_BYTES];
	char answer[LINE_BYTES];
};

static uv_tcp_t listener;
static uint64_t served[KIND_COUNT], sum;
static char load_path[4096]; /* the clients; also the file that is read */

static uint64_t mix(uint64_t x, int steps)
{
	THAG_PROFILED();
	while (steps-- > 0)
		x = (x ^ x >> 29) * UINT64_C(0x9e3779b97f4a7c15);
	return x;
}

static void next_line(struct client *client);

static void on_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	if (--client->handles == 0)
		free(client);
}

static void hang_up(struct client *client)
{
	if (uv_is_closing((uv_handle_t *)&client->tcp))
		return;
	uv_close((uv_handle_t *)&client->timer, on_closed);
	uv_close((uv_handle_t *)&client->tcp, on_closed);
}

/* The last callback of a request: its task ends here. */
static void on_written(uv_write_t *req, int status)
{
	struct client *client = req->data;

	{
		THAG_PROFILED();
		served[client->kind]++;
		sum += client->number;
	}
	thag_task_destroy(thag_task_current());
	if (status == 0)
		next_line(client);
	else
		hang_up(client);
}

static void answer(struct client *client)
{
	THAG_PROFILED();
	uv_buf_t buf = { .base = client->answer };

	buf.len = (size_t)snprintf(client->answer, sizeof(client->answer), "OK %" PRIu64 "\n",
				   client->number);
	if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &buf, 1, on_written) != 0)
		on_written(&client->write, UV_EPIPE);
}

static void do_work(uv_work_t *req)
{
	THAG_PROFILED();
	struct client *client = req->data;

	client->number = mix(client->number, 2000);
}

static void on_work_done(uv_work_t *req, int status)
{
	THAG_PROFILED();
	(void)status;
	answer(req->data);
}

static void start_work(struct client *client)
{
	THAG_PROFILED();
	uv_queue_work(client->tcp.loop, &client->work, do_work, on_work_done);
}

static void on_file_closed(uv_fs_t *req)
{
	THAG_PROFILED();
	struct client *client = req->data;

	uv_fs_req_cleanup(req);
	if (client->kind == KIND_MIXED)
		start_work(client);
	else
		answer(client);
}

static void on_file_read(uv_fs_t *req)
{
	THAG_PROFILED();
	struct client *client = req->data;

	for (ssize_t i = 0; i < req->result; i++)
		client->number = client->number * 31 + (unsigned char)client->bytes[i];
	uv_fs_req_cleanup(req);
	uv_fs_close(client->tcp.loop, req, client->file, on_file_closed);
}

static void on_file_open(uv_fs_t *req)
{
	THAG_PROFILED();
	struct client *client = req->data;
	uv_buf_t buf = { .base = client->bytes, .len = sizeof(client->bytes) };

	client->file = (uv_file)req->result;
	uv_fs_req_cleanup(req);
	if (client->file < 0)
		answer(client);
	else
		uv_fs_read(client->tcp.loop, req, client->file, &buf, 1, 0, on_file_read);
}

static void start_file(struct client *client)
{
	THAG_PROFILED();
	uv_fs_open(client->tcp.loop, &client->fs, load_path, O_RDONLY, 0, on_file_open);
}

static void on_timer(uv_timer_t *timer)
{
	THAG_PROFILED();
	struct client *client = timer->data;

	if (client->kind == KIND_MIXED)
		start_file(client);
	else
		answer(client);
}

static void start_timer(struct client *client)
{
	THAG_PROFILED();
	uv_timer_start(&client->timer, on_timer, client->number % 4, 0);
}

static void handle(struct client *client)
{
	THAG_PROFILED();
	static void (*const starts[KIND_COUNT])(
		struct client *) = { answer, start_timer, start_file, start_work, start_timer };

	client->number = mix(client->number, 20);
	starts[client->kind](client);
}

static int parse(struct client *client, char *line)
{
	THAG_PROFILED();
	char *space = strchr(line, ' ');

	for (int kind = 0; space && kind < KIND_COUNT; kind++) {
		*space = '\0';
		if (strcmp(line, kind_names[kind]) != 0)
			continue;
		client->kind = (enum kind)kind;
		client->number = strtoull(space + 1, NULL, 10);
		return 0;
	}
	return -1;
}

/* A line begins a request, and with it a task. */
static void begin(struct client *client, char *line)
{
	struct thag_task task;

	if (parse(client, line) != 0) {
		hang_up(client);
		return;
	}
	task = thag_task_create(kind_names[client->kind]);
	thag_task_resume(task);
	handle(client);
	thag_task_suspend(task);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct client *client = handle->data;

	(void)size;
	*buf = uv_buf_init(client->line + client->used,
			   (unsigned)(sizeof(client->line) - client->used));
}

/* One request at a time: the client may send the next, it waits in the line buffer. */
static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	struct client *client = stream->data;

	(void)buf;
	if (count < 0) {
		hang_up(client);
		return;
	}
	client->used += (size_t)count;
	if (memchr(client->line, '\n', client->used))
		next_line(client);
	else if (client->used == sizeof(client->line))
		hang_up(client);
}

static void next_line(struct client *client)
{
	char *end = memchr(client->line, '\n', client->used), line[LINE_BYTES];
	size_t bytes = end ? (size_t)(end - client->line) : 0;

	if (!end) {
		if (uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read) != 0)
			hang_up(client);
		return;
	}
	uv_read_stop((uv_stream_t *)&client->tcp);
	memcpy(line, client->line, bytes);
	line[bytes] = '\0';
	client->used -= bytes + 1;
	memmove(client->line, end + 1, client->used);
	begin(client, line);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct client *client = status == 0 ? calloc(1, sizeof(*client)) : NULL;

	if (!client)
		return;
	client->tcp.data = client->timer.data = client;
	client->fs.data = client->work.data = client->write.data = client;
	client->handles = 2;
	uv_tcp_init(server->loop, &client->tcp);
	uv_timer_init(server->loop, &client->timer);
	if (uv_accept(server, (uv_stream_t *)&client->tcp) == 0)
		next_line(client);
	else
		hang_up(client);
}

static int listen_on(uv_loop_t *loop, int port)
{
	struct sockaddr_in address;
	int bytes = sizeof(address), result;

	uv_ip4_addr("127.0.0.1", port, &address);
	uv_tcp_init(loop, &listener);
	result = uv_tcp_bind(&listener, (struct sockaddr *)&address, 0);
	if (result == 0)
		result = uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection);
	if (result == 0)
		result = uv_tcp_getsockname(&listener, (struct sockaddr *)&address, &bytes);
	return result == 0 ? ntohs(address.sin_port) : result;
}

static void on_load_ended(uv_process_t *load, int64_t status, int number)
{
	load->data = (void *)(intptr_t)(status || number);
	uv_close((uv_handle_t *)load, NULL);
	uv_close((uv_handle_t *)&listener, NULL);
}

static int bring_clients(uv_loop_t *loop, uv_process_t *load, int port, char *connections,
			 char *requests)
{
	char port_text[16];
	char *arguments[] = { load_path, port_text, connections, requests, NULL };
	uv_stdio_container_t inherited[3] = { { .flags = UV_IGNORE },
					      { .flags = UV_INHERIT_FD, .data.fd = 1 },
					      { .flags = UV_INHERIT_FD, .data.fd = 2 } };
	uv_process_options_t options = { .exit_cb = on_load_ended,
					 .file = load_path,
					 .args = arguments,
					 .stdio_count = 3,
					 .stdio = inherited };

	snprintf(port_text, sizeof(port_text), "%d", port);
	return uv_spawn(loop, load, &options);
}

/* It lies beside this program. */
static int find_load(void)
{
	static const char name[] = "/tasks-load";
	size_t bytes = sizeof(load_path) - sizeof(name);
	int result = uv_exepath(load_path, &bytes);

	if (result == 0)
		memcpy(strrchr(load_path, '/'), name, sizeof(name));
	return result;
}

static int serve(int port, char *connections, char *requests)
{
	THAG_PROFILED();
	uv_loop_t *loop = uv_default_loop();
	uv_process_t load = { 0 };
	int result = find_load();

	if (result == 0)
		result = listen_on(loop, port);
	if (result > 0 && port == 0)
		result = bring_clients(loop, &load, result, connections, requests);
	if (result < 0) {
		fprintf(stderr, "server: %s\n", uv_strerror(result));
		return 1;
	}
	uv_run(loop, UV_RUN_DEFAULT);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		printf("%s %" PRIu64 "\n", kind_names[kind], served[kind]);
	printf("sum %016" PRIx64 "\n", sum);
	return load.data != NULL;
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	static char few[] = "200", some[] = "50";
	char *connections = argc > 1 ? argv[1] : few, *requests = argc > 2 ? argv[2] : some;
	long port = argc > 3 ? strtol(argv[3], NULL, 10) : 0;

	if (argc > 4 || port < 0 || port > 65535 || strtol(connections, NULL, 10) < 1 ||
	    strtol(connections, NULL, 10) > CONNECTIONS_MAX || strtol(requests, NULL, 10) < 1 ||
	    strtol(requests, NULL, 10) > REQUESTS_MAX) {
		fprintf(stderr,
			"usage: tasks-server [CONNECTIONS [REQUESTS [PORT]]]\n"
			"  200 connections with 50 requests each, from tasks-load; with a PORT\n"
			"  from whoever comes, until it is killed\n");
		return 2;
	}
	return serve((int)port, connections, requests);
}
