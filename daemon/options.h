/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * thagd's command line, and its exit statuses, which are stable.
 */
#ifndef THAG_OPTIONS_H
#define THAG_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum thag_exit_status {
	THAG_EXIT_OK = 0,
	THAG_EXIT_FAILURE = 1,
	THAG_EXIT_USAGE = 2,
	THAG_EXIT_RUNNING = 4, /* another thagd answers on the socket */
	THAG_EXIT_PORT = 5,    /* the port, or all that were tried, are busy */
};

struct thag_options {
	uint32_t port; /* 0: any free one */
	bool port_given;
	const char *socket;	 /* NULL: see proto/thag/socket_path.h */
	const char *output_dir;	 /* NULL: where each program runs */
	const char *record_dir;	 /* NULL: only what asks for it is recorded */
	uint64_t timeline_bytes; /* of all sessions together; 0: none are kept */
	bool daemonize;
	bool token;    /* whoever has it is let in to the page */
	bool limits;   /* print them, and end */
	bool json;     /* … as JSON */
	bool symbols;  /* be the process that reads symbols: not for users */
	int log_level; /* enum thag_log_level */
};

/**
 * Parses `argv`. Returns -1 to go on, or the status to exit with at once: after --help and
 * --version, or after one line about a wrong argument.
 */
int thag_options_parse(struct thag_options *options, int argc, char **argv);

#endif
