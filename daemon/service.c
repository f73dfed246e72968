/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "thagd_limits.h"

#ifdef THAG_HAVE_SYSTEMD

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#define NAME "session-"
#define STATE_BYTES 128

static void take_one(struct thag_service *service, int fd, const char *name)
{
	char *end = NULL;
	uint64_t id = 0;

	if (strncmp(name, NAME, strlen(NAME)) == 0)
		id = strtoull(name + strlen(NAME), &end, 10);
	if (id && !*end) {
		service->kept[service->count++] = (struct thag_service_fd){ id, fd };
	} else if (service->socket < 0 && sd_is_socket(fd, AF_UNIX, SOCK_SEQPACKET, 1) > 0) {
		service->socket = fd;
	} else {
		thag_log_write(THAG_LOG_WARN, "a descriptor that is of no use was handed over: %s",
			       name);
		close(fd);
	}
}

void thag_service_take(struct thag_service *service)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	*service = (struct thag_service){ .socket = -1 };
	if (count <= 0)
		return;
	service->kept = calloc((size_t)count, sizeof(*service->kept));
	for (int i = 0; i < count; i++) {
		if (service->kept)
			take_one(service, SD_LISTEN_FDS_START + i, names ? names[i] : "");
		if (names)
			free(names[i]);
	}
	free(names);
}

void thag_service_keep(uint64_t session, int fd)
{
	char state[STATE_BYTES];
	int ret;

	snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=" NAME "%" PRIu64, session);
	ret = sd_pid_notify_with_fds(0, 0, state, &fd, 1);
	if (ret < 0)
		thag_log_write(THAG_LOG_WARN, "session %" PRIu64 ": not kept over a restart: %s",
			       session, strerror(-ret));
}

void thag_service_drop(uint64_t session)
{
	sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=" NAME "%" PRIu64, session);
}

void thag_service_ready(const char *line)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", line);
}

void thag_service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

#else

void thag_service_take(struct thag_service *service)
{
	*service = (struct thag_service){ .socket = -1 };
}

void thag_service_keep(uint64_t session, int fd)
{
	(void)session;
	(void)fd;
}

void thag_service_drop(uint64_t session)
{
	(void)session;
}

void thag_service_ready(const char *line)
{
	(void)line;
}

void thag_service_stopping(void)
{
}

#endif

void thag_service_settle(struct thag_service *service, bool (*is_live)(void *context, uint64_t id),
			 void *context)
{
	for (uint32_t i = 0; i < service->count; i++) {
		close(service->kept[i].fd);
		if (!is_live(context, service->kept[i].session))
			thag_service_drop(service->kept[i].session);
	}
	free(service->kept);
	service->kept = NULL;
	service->count = 0;
}
