/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The parts of the `thag` command, and the statuses it exits with.
 *
 * Commands print their errors, one line on stderr; everything else returns codes.
 */
#ifndef THAG_COMMAND_H
#define THAG_COMMAND_H

/** Exit statuses, documented in thag(1); `thag run` has those of env(1) instead. */
enum thag_exit {
	THAG_EXIT_OK = 0,
	THAG_EXIT_FAILURE = 1,
	THAG_EXIT_USAGE = 2,
	THAG_EXIT_NO_DAEMON = 3,
	THAG_EXIT_NOT_FOUND = 4,     /* no such session or thread */
	THAG_EXIT_PENDING = 5,	     /* asked for, but the program hasn't heeded it yet */
	THAG_EXIT_PARTIAL = 6,	     /* opened, but not whole */
	THAG_EXIT_ABOVE = 7,	     /* a difference is above --fail-above */
	THAG_EXIT_RUN_FAILURE = 125, /* thag itself failed */
	THAG_EXIT_RUN_REFUSED = 126, /* the program is there but can't be run */
	THAG_EXIT_RUN_MISSING = 127,
};

struct thag_command {
	const char *name;
	const char *help; /* everything `thag help NAME` prints */
	/** `argv[0]` is the command's name. Returns an exit status. */
	int (*run)(int argc, char **argv);
	int usage_status;
};

extern const struct thag_command thag_command_analyze;
extern const struct thag_command thag_command_run;
extern const struct thag_command thag_command_list;
extern const struct thag_command thag_command_export;
extern const struct thag_command thag_command_import;
extern const struct thag_command thag_command_stat;
extern const struct thag_command thag_command_top;
extern const struct thag_command thag_command_diff;
extern const struct thag_command thag_command_memory;
extern const struct thag_command thag_command_completion;
extern const struct thag_command thag_command_enable;
extern const struct thag_command thag_command_disable;
extern const struct thag_command thag_command_end;
extern const struct thag_command thag_command_record;
extern const struct thag_command thag_command_open;
extern const struct thag_command thag_command_forget;
extern const struct thag_command thag_command_stop;
extern const struct thag_command thag_command_svg;
extern const struct thag_command thag_command_symbols;
extern const struct thag_command thag_command_instrument;
extern const struct thag_command thag_command_remove;

/** The command of that name; NULL: there is none. */
const struct thag_command *thag_command_find(const char *name);

/** Prints "thag NAME: …" on stderr. */
void thag_command_complain(const struct thag_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Prints "thag NAME: SUBJECT: …", both fit for a terminal whatever bytes they are of. */
void thag_command_complain_of(const struct thag_command *command, const char *subject,
			      const char *format, ...) __attribute__((format(printf, 3, 4)));

/**
 * Says what getopt_long found wrong about the arguments, `option` being '?' or ':', and returns
 * the command's usage status.
 */
int thag_command_bad_option(const struct thag_command *command, int option, char **argv);

/** Says what is wrong about the arguments and where help is; returns the usage status. */
int thag_command_bad_usage(const struct thag_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** Prints the command's help; THAG_EXIT_OK, or THAG_EXIT_FAILURE when it can't be written. */
int thag_command_print_help(const struct thag_command *command);

/** Flushes stdout; THAG_EXIT_OK, or THAG_EXIT_FAILURE after saying why. */
int thag_command_end_output(const struct thag_command *command);

#endif
