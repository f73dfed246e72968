/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the sites of a session are called. Names are bytes from the program: any bytes; writers
 * escape them for their format. Sites with equal name share a name id.
 *
 * Thread: any number of readers, or one writer. Allocates.
 */
#ifndef THAG_NAMES_H
#define THAG_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define THAG_NAMES_BYTES_MAX (UINT32_C(64) << 20) /* of all different names and files together */
#define THAG_NAMES_COST 64			  /* bytes of a name's place in tables */
#define THAG_NAMES_FILE_MAX 4096		  /* of one file's path; longer ones are cut */
#define THAG_NAMES_FRAMES_MAX (UINT32_C(4) << 20) /* of all sites that have several, together */

struct thag_names;

/** A site, borrowed: valid until the next thag_names_put. */
struct thag_name {
	const char *name; /* never NULL, terminated, and may hold anything but NUL */
	size_t name_bytes;
	const char *file; /* "" when unknown */
	size_t file_bytes;
	uint32_t line;
	uint32_t kind;	  /* enum thag_site_kind */
	uint32_t name_id; /* equal for equal names; counts from 0; UINT32_MAX when never named */
};

int thag_names_create(struct thag_names **out);
void thag_names_destroy(struct thag_names *names);

/**
 * Less than THAG_NAMES_BYTES_MAX for names and files, THAG_NAMES_COST for each beside its text.
 */
void thag_names_limit(struct thag_names *names, uint64_t bytes);

/**
 * Names `site`. Bytes after a NUL are dropped; an empty name becomes "<unnamed>". The first
 * naming of a site wins. Returns 0, -ENOMEM, -EINVAL when `site` is not below THAG_SITES_MAX, or
 * -E2BIG when the names' memory limit is reached (the site is then called "<overflow>").
 */
int thag_names_put(struct thag_names *names, uint32_t site, uint32_t kind, const char *name,
		   size_t name_bytes, const char *file, size_t file_bytes, uint32_t line);

/** A function at a place in its source, as thag_names_put takes them. */
struct thag_names_frame {
	const char *name;
	size_t name_bytes;
	const char *file;
	size_t file_bytes;
	uint32_t line;
};

/**
 * Names a site that stands for a call in machine code, by the functions that are there: `count`
 * frames, at least 1, the innermost of those inlined there first, the last the one whose code it
 * is. Lines are those of the call. The site's name is that of the innermost. Returns what
 * thag_names_put does; with -E2BIG for want of room for frames, the innermost is its only one.
 */
int thag_names_put_frames(struct thag_names *names, uint32_t site, uint32_t kind,
			  const struct thag_names_frame *frames, uint32_t count);

/**
 * Says where `site` is, for as long as it has no name: it is then called "module+0x12", or "0x12"
 * without a module. Returns what thag_names_put does.
 */
int thag_names_put_address(struct thag_names *names, uint32_t site, uint32_t kind,
			   const char *module, size_t module_bytes, uint64_t address);

/**
 * The site's name; "<overflow>" for THAG_SITE_OVERFLOW. One never named is called by its address,
 * or "site N", in memory that lasts until the calling thread asks for another such name.
 */
struct thag_name thag_names_get(const struct thag_names *names, uint32_t site);

/** How many functions a site stands for: 1, but for calls that others are inlined into. */
uint32_t thag_names_frames(const struct thag_names *names, uint32_t site);

/** One of them, 0 the innermost, as thag_names_get gives it; that is the only one's, too. */
struct thag_name thag_names_get_frame(const struct thag_names *names, uint32_t site,
				      uint32_t frame);

/** Name ids given out so far. */
uint32_t thag_names_count(const struct thag_names *names);

/** A deep copy, for a reader on another thread. 0 or -ENOMEM. */
int thag_names_copy(struct thag_names **out, const struct thag_names *names);

#endif
