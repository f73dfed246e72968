/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * load PORT CONNECTIONS REQUESTS: clients for tasks-server. All connections are open at once, each
 * sends its next request when the one before is answered. Which ones is the same in every run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <uv.h>

#define LINE_BYTES 64

struct connection {
	uv_tcp_t tcp;
	uv_connect_t connect;
	uv_write_t write;
	uint64_t random;
	long left;
	size_t used;
	char request[LINE_BYTES];
	char answer[LINE_BYTES];
};

static long unanswered;

static void hang_up(struct connection *connection)
{
	if (!uv_is_closing((uv_handle_t *)&connection->tcp))
		uv_close((uv_handle_t *)&connection->tcp, NULL);
}

static void on_written(uv_write_t *req, int status)
{
	if (status != 0)
		hang_up(req->data);
}

static void send_next(struct connection *connection)
{
	static const char *const kinds[] = { "echo", "wait", "file", "work", "mixed" };
	uv_buf_t buf = { .base = connection->request };

	if (connection->left-- == 0) {
		hang_up(connection);
		return;
	}
	connection->random = connection->random * UINT64_C(6364136223846793005) + 1;
	buf.len = (size_t)snprintf(connection->request, sizeof(connection->request),
				   "%s %" PRIu64 "\n", kinds[(connection->random >> 40) % 5],
				   connection->random >> 33);
	if (uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buf, 1, on_written) != 0)
		hang_up(connection);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct connection *connection = handle->data;

	(void)size;
	*buf = uv_buf_init(connection->answer, sizeof(connection->answer));
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	struct connection *connection = stream->data;

	if (count < 0) {
		hang_up(connection);
		return;
	}
	for (ssize_t i = 0; i < count; i++) {
		if (buf->base[i] != '\n')
			continue;
		unanswered--;
		send_next(connection);
	}
}

static void on_connected(uv_connect_t *req, int status)
{
	struct connection *connection = req->data;

	if (status != 0 || uv_read_start(req->handle, on_alloc, on_read) != 0)
		hang_up(connection);
	else
		send_next(connection);
}

static void allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	long count = argc == 4 ? strtol(argv[2], NULL, 10) : 0;
	long requests = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
	struct connection *connections =
		count > 0 ? calloc((size_t)count, sizeof(*connections)) : NULL;
	struct sockaddr_in address;

	if (!connections || requests < 1 ||
	    uv_ip4_addr("127.0.0.1", (int)strtol(argv[1], NULL, 10), &address) != 0) {
		fprintf(stderr, "usage: tasks-load PORT CONNECTIONS REQUESTS\n");
		free(connections);
		return 2;
	}
	allow_files();
	unanswered = count * requests;
	for (long i = 0; i < count; i++) {
		struct connection *connection = &connections[i];

		connection->random = (uint64_t)i;
		connection->left = requests;
		connection->tcp.data = connection->connect.data = connection->write.data =
			connection;
		uv_tcp_init(uv_default_loop(), &connection->tcp);
		if (uv_tcp_connect(&connection->connect, &connection->tcp,
				   (struct sockaddr *)&address, on_connected) != 0)
			hang_up(connection);
	}
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	free(connections);
	if (unanswered)
		fprintf(stderr, "load: %ld requests were not answered\n", unanswered);
	return unanswered != 0;
}
