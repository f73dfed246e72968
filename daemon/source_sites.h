/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Where the functions of a session are in its source: in which files one of a name is, and which
 * begin in a file.
 *
 * A function that a site names begins at the site's line. One that is only known from native
 * stacks has the lines of its calls: it begins somewhere above them.
 *
 * Thread: any; meant for the pool. Takes the session's names_lock.
 */
#ifndef THAG_SOURCE_SITES_H
#define THAG_SOURCE_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "session.h"
#include "source_file.h"
#include "thag_heap_profile.h"

/** A file that has a function. */
struct thag_source_place {
	char *name;	      /* of the file, as its sites have it; the place's own */
	uint32_t first, last; /* lowest and highest line that is known of the function */
	bool starts;	      /* `first` is where it begins */
	struct thag_source_file file;
};

/** All zero is empty. */
struct thag_source_places {
	struct thag_source_place list[THAG_SOURCE_PLACES_MAX]; /* those it begins in first */
	uint32_t count;
};

/**
 * Lists the files that have a function, each once, whatever paths it goes by. 0; -ENOENT when none
 * is known, -ENOMEM.
 */
int thag_source_places_find(struct thag_source_places *places, struct thag_session *session,
			    uint64_t function);
void thag_source_places_fini(struct thag_source_places *places);

/** A function or section that begins in a file. */
struct thag_source_start {
	uint64_t function; /* hash of its name */
	uint32_t line;
	uint32_t kind; /* enum thag_site_kind */
	uint32_t name_id;
	bool shared; /* others of that name begin elsewhere: numbers are of all of them */
};

/** What is known of a file; all zero is empty. */
struct thag_source_sites {
	char *names[THAG_HEAP_LINES_OF_MAX]; /* by which sites know it; the first is the place's */
	uint32_t name_count;
	struct thag_source_start *starts;
	uint32_t start_count, start_capacity;
	uint32_t next; /* the first line after the place's last that another function has, or 0 */
};

/** Finds what there is in the file of `place`, which is of `function`. 0 or -ENOMEM. */
int thag_source_sites_find(struct thag_source_sites *sites, struct thag_session *session,
			   const struct thag_source_place *place, uint64_t function);
void thag_source_sites_fini(struct thag_source_sites *sites);

#endif
