/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "listen.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "thagd_limits.h"

static int open_socket(int family, const struct sockaddr *address, socklen_t bytes)
{
	int on = 1, unsent = THAG_HTTP_UNSENT_BYTES, ret = 0;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* what is accepted has it, too: an answer doesn't wait until the message before was seen */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* and old states don't queue up in the kernel for a browser that is slow to read */
	setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, address, bytes) != 0 || listen(fd, THAG_HTTP_BACKLOG) != 0)
		ret = -errno;
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

static int open4(uint32_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((uint16_t)port),
				       .sin_addr = { htonl(INADDR_LOOPBACK) } };

	return open_socket(AF_INET, (struct sockaddr *)&address, sizeof(address));
}

/* -1 where this machine has no IPv6. */
static int open6(uint32_t port)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_port = htons((uint16_t)port),
					.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = open_socket(AF_INET6, (struct sockaddr *)&address, sizeof(address));

	return fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL || fd == -EACCES ? -1 : fd;
}

static int find_port(int fd, uint32_t *port)
{
	struct sockaddr_in address = { 0 };
	socklen_t bytes = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &bytes) != 0)
		return -errno;
	*port = ntohs(address.sin_port);
	return 0;
}

static int open_both(struct thag_listen *listen, uint32_t *port)
{
	int v4 = open4(*port), v6 = -1, ret;
	uint32_t got = 0;

	if (v4 < 0)
		return v4;
	ret = find_port(v4, &got);
	if (ret == 0)
		v6 = open6(got);
	if (v6 < -1)
		ret = v6;
	if (ret != 0) {
		close(v4);
		return ret;
	}
	listen->fds[0] = v4;
	listen->fds[1] = v6;
	*port = got;
	return 0;
}

int thag_listen_open(struct thag_listen *listen, uint32_t *port)
{
	int tries = *port ? 1 : THAG_ANY_PORT_TRIES;
	int ret = -EADDRINUSE;

	while (tries-- && ret == -EADDRINUSE)
		ret = open_both(listen, port);
	return ret;
}

static void on_connect(uv_poll_t *poll, int status, int events);

static void watch(struct thag_listen *listen)
{
	for (int i = 0; i < 2; i++)
		if (listen->fds[i] >= 0)
			uv_poll_start(&listen->polls[i], UV_READABLE, on_connect);
}

static void on_pause_over(uv_timer_t *timer)
{
	watch(timer->data);
}

static void pause_listening(struct thag_listen *listen)
{
	for (int i = 0; i < 2; i++)
		if (listen->fds[i] >= 0)
			uv_poll_stop(&listen->polls[i]);
	uv_timer_start(&listen->pause, on_pause_over, THAG_ACCEPT_PAUSE_MS, 0);
}

static void on_connect(uv_poll_t *poll, int status, int events)
{
	struct thag_listen *listen = poll->data;
	int fd = (int)TEMP_FAILURE_RETRY(accept4(listen->fds[poll - listen->polls], NULL, NULL,
						 SOCK_CLOEXEC | SOCK_NONBLOCK));

	(void)status;
	(void)events;
	if (fd >= 0)
		listen->accepted(listen->context, fd);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		pause_listening(listen);
}

int thag_listen_start(struct thag_listen *listen, uv_loop_t *loop,
		      void (*accepted)(void *context, int fd), void *context)
{
	listen->loop = loop;
	listen->accepted = accepted;
	listen->context = context;
	uv_timer_init(loop, &listen->pause);
	listen->pause.data = listen;
	for (int i = 0; i < 2; i++) {
		int ret = listen->fds[i] < 0
				  ? 0
				  : uv_poll_init(loop, &listen->polls[i], listen->fds[i]);

		if (ret != 0) {
			close(listen->fds[i]);
			listen->fds[i] = -1;
			return ret;
		}
		listen->polls[i].data = listen;
	}
	watch(listen);
	return 0;
}

void thag_listen_stop(struct thag_listen *listen)
{
	for (int i = 0; i < 2; i++) {
		if (listen->fds[i] < 0)
			continue;
		if (listen->polls[i].data)
			uv_close((uv_handle_t *)&listen->polls[i], NULL);
		close(listen->fds[i]);
		listen->fds[i] = -1;
	}
	if (listen->loop)
		uv_close((uv_handle_t *)&listen->pause, NULL);
	listen->loop = NULL;
}
