/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What a service manager (systemd) holds for thagd: the control socket, on which programs can
 * connect while no thagd runs, and the memory of each live session, so that the thagd after this
 * one reads what is in the rings even of programs that have ended meanwhile.
 *
 * Descriptors of a session are kept under its name, "session-ID": the program's memfd and thagd's
 * own. A thagd that isn't started by a service manager, or was built without libsystemd, has none.
 *
 * Thread: main loop.
 */
#ifndef THAG_SERVICE_H
#define THAG_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/** All zero but the socket, which is -1, is empty. */
struct thag_service {
	int socket; /* listening; -1: none, or taken */
	struct thag_service_fd {
		uint64_t session;
		int fd;
	} * kept; /* by an earlier thagd */
	uint32_t count;
};

/** Takes what was handed to us. Once, before other descriptors are opened. */
void thag_service_take(struct thag_service *service);

/** Has a descriptor of a session kept; it stays the caller's. */
void thag_service_keep(uint64_t session, int fd);

/** What is kept for that session isn't needed any more. */
void thag_service_drop(uint64_t session);

/** Closes what an earlier thagd had kept; `is_live` says for which sessions it stays so. */
void thag_service_settle(struct thag_service *service, bool (*is_live)(void *context, uint64_t id),
			 void *context);

/** Programs and browsers can connect; `line` says where. */
void thag_service_ready(const char *line);

/** thagd ends. */
void thag_service_stopping(void);

#endif
