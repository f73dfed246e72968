/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What can be seen of a program before it is run. Thread: main.
 *
 * The file may be anything. What can't be read of it is taken to be as usual: the kernel and the
 * loader have the last word.
 */
#ifndef THAG_PROGRAM_H
#define THAG_PROGRAM_H

#include <stdbool.h>

struct thag_program {
	bool is_script;	    /* what follows is said of its interpreter */
	bool is_elf;	    /* else a text for the shell, or nothing that runs */
	bool is_foreign;    /* not of this program's class and machine: can't load our libraries */
	bool is_static;	    /* no loader runs it */
	bool is_privileged; /* it would get rights we don't have: the loader keeps to itself */
	bool has_malloc;    /* a malloc of its own, which the loader puts before any other */
	bool links_thag;    /* libthag is in it, or a library of it */
	const char *sanitizer; /* that is built in and has a malloc, static; or NULL */
};

/**
 * Looks at what execvp(3) would run as `name`; where that is a script, at its interpreter. All is
 * false when there is none, or it can't be read.
 */
void thag_program_look(const char *name, struct thag_program *program);

/** Whether it is compiled with -finstrument-functions. Reads all of the file. */
bool thag_program_has_hooks(const char *name);

#endif
