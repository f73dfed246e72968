/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What was found about builds of programs and libraries, for when their files are gone:
 * $XDG_CACHE_HOME/thag/symbols/BUILD-ID, a file for each build (symbols/thag_symbol_store.h).
 *
 * Files are replaced whole. There is a limit for their number and size; the oldest go first. What
 * is in them is as little trusted as any file.
 *
 * Thread: owner. Blocks on the disk.
 */
#ifndef THAG_SYMBOL_CACHE_H
#define THAG_SYMBOL_CACHE_H

#include <stdint.h>

#include "thag_symbol_store.h"
#include "thagd_limits.h"

struct thag_symbol_cache_entry {
	uint8_t build_id[THAG_SYMBOL_BUILD_ID_MAX];
	uint32_t build_id_bytes; /* 0: free */
	uint64_t used;
	struct thag_symbol_store store;
};

struct thag_symbol_cache {
	int dir_fd; /* -1: nothing is kept */
	uint64_t uses;
	struct thag_symbol_cache_entry entries[THAG_SYMBOL_CACHE_OPEN_MAX];
};

/** Makes the directory when it isn't there. Without one, the cache works and keeps nothing. */
void thag_symbol_cache_open(struct thag_symbol_cache *cache);

/** The store of a build, read from its file when there is one. Borrowed; NULL without memory. */
struct thag_symbol_store *thag_symbol_cache_get(struct thag_symbol_cache *cache,
						const uint8_t *build_id, uint32_t build_id_bytes);

/** Writes what changed. */
void thag_symbol_cache_flush(struct thag_symbol_cache *cache);

/** Lets go of everything; what was not flushed is lost. */
void thag_symbol_cache_close(struct thag_symbol_cache *cache);

#endif
