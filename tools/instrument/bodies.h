/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The functions of a source, as libclang reads it.
 *
 * Thread: owner. Allocates; reads the files that the source includes.
 */
#ifndef THAG_INSTRUMENT_BODIES_H
#define THAG_INSTRUMENT_BODIES_H

#include <stdbool.h>
#include <stddef.h>

#include "arguments.h"

/** A function. */
struct thag_body {
	size_t at;	  /* where its opening brace is; SIZE_MAX when that can't be said */
	size_t end;	  /* behind its closing brace */
	unsigned line;	  /* of its name, from 1 */
	unsigned lines;	  /* of its body */
	char *name;	  /* with the namespaces and classes it is in */
	const char *skip; /* why it can't have a mark, or NULL */
	bool is_main;
	bool is_lambda;
};

/** What libclang found wrong with a source. */
struct thag_problem {
	char *text; /* FILE:LINE: what is wrong */
};

/** All zero is valid and empty. */
struct thag_bodies {
	struct thag_body *list; /* in the order of their braces, those without one last */
	size_t count;
	size_t capacity;
	struct thag_problem *problems; /* the first of them */
	size_t problem_count;
	size_t problems_in_all;
};

#define THAG_BODIES_PROBLEMS_MAX 3 /* that are kept */

struct thag_bodies_job {
	const char *path;   /* what the source is called, a real path */
	const char *source; /* as it was read, whatever is in the file by now */
	size_t bytes;
	const struct thag_arguments *arguments;
	bool cpp;
};

/** 0; -ENOMEM; or -EINVAL when libclang can't read it at all. */
int thag_bodies_find(struct thag_bodies *bodies, const struct thag_bodies_job *job);

void thag_bodies_fini(struct thag_bodies *bodies);

#endif
