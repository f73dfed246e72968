/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The sites of a session that have an address instead of a name, until symbols.h names them.
 *
 * Thread: any; under the session's names_lock, except for the counts.
 */
#ifndef THAG_NAMING_H
#define THAG_NAMING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/shm.h"
#include "thag_symbol.h"

struct thag_session;

/** A site without a name. */
struct thag_naming_site {
	uint64_t address;
	uint32_t site;
	uint32_t kind;
	uint32_t module; /* THAG_MODULE_NONE: its address is absolute */
	uint32_t flags;	 /* enum thag_site_flags */
};

/** A checked copy of a program's entry: it stays when the program's memory is gone. */
struct thag_naming_module {
	uint32_t build_id_bytes; /* 0: none that tells builds apart */
	uint8_t build_id[THAG_BUILD_ID_MAX];
	uint32_t path_bytes;
	char path[]; /* terminated */
};

/** What can be said about names at any time. Relaxed: each number stands for itself. */
struct thag_naming_counts {
	atomic_uint sites;				 /* with addresses */
	atomic_uint lines;				 /* of them, those whose source is known */
	atomic_uint by_status[THAG_SYMBOL_STATUS_COUNT]; /* of those that were looked for */
	atomic_uint version;				 /* grows when names came */
	atomic_uint helper_deaths; /* reading its files ended the process that reads */
};

struct thag_naming {
	struct thag_naming_module *modules[THAG_MODULES_MAX]; /* NULL: not copied yet */
	struct thag_naming_site *pending;
	uint32_t pending_count;
	uint32_t pending_capacity;
	uint64_t calls[THAG_SITES_MAX / 64]; /* a bit for each site that stands for a call */
	uint8_t found[THAG_SITES_MAX]; /* what became of each: one more than its status; 0: not yet
					*/
};

/**
 * Gives the site `index`, whose entry was checked, a name for the time being, "module+0x12", and
 * puts it on the list. 0 or -ENOMEM.
 */
int thag_naming_add(struct thag_session *session, uint32_t index, const struct thag_shm_site *site);

/** Whether a site stands for a call in machine code: its lines are where calls are. */
bool thag_naming_is_call(const struct thag_session *session, uint32_t site);

/** Whether some sites are on the list. */
bool thag_naming_is_pending(const struct thag_session *session);

/**
 * Names a site, or notes why it has none. One that stands for a call gets the names of all
 * functions inlined there, and the call's line; else it is the function, at its declaration. 0 or
 * -ENOMEM.
 */
int thag_naming_put(struct thag_session *session, const struct thag_naming_site *site,
		    const struct thag_symbol *symbol);

/** Sites that were neither named nor given up yet. Any thread, without a lock. */
uint32_t thag_naming_late(const struct thag_naming_counts *counts);

/** Says how many functions have no name, and why most of them; false when all have one. */
bool thag_naming_explain(const struct thag_naming_counts *counts, char *out, size_t size);

void thag_naming_destroy(struct thag_naming *naming);

#endif
