/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The tables of a recording: sites, modules, native stacks, and names that were found for sites
 * with addresses. Blocks of them are increments: they add entries, and what comes later about an id
 * replaces what was there. The fields are those of proto/thag/shm.h, in a form of their own, so
 * that the one may change without the other.
 *
 * Each `add` appends one record to a table of its kind (thag_recording_table.h) and returns 0;
 * -EINVAL for what `get` would refuse; -E2BIG when the table is too large for a part, -ENOMEM: then
 * texts may have been added that nobody points to. Each `get` reads and checks record `i` of a
 * table that was opened with its size, borrows texts from it, and returns 0 or -EBADMSG.
 *
 * Thread: owner of the table. Adding allocates; no I/O.
 */
#ifndef THAG_RECORDING_TABLES_H
#define THAG_RECORDING_TABLES_H

#include "thag_recording_table.h"
#include "thag/shm.h"

#define THAG_RECORDING_NAME_FRAMES_MAX 64 /* functions inlined at one address */

/* Sizes of records, for `record_bytes` and thag_recording_rows_open. */
#define THAG_RECORDING_SITE_BYTES 40
#define THAG_RECORDING_MODULE_BYTES 80
#define THAG_RECORDING_TRACE_BYTES 16
#define THAG_RECORDING_NAME_BYTES 16
#define THAG_RECORDING_FRAME_BYTES 24

/**
 * A function, section, mark, value, thread or task, as it was registered.
 *
 *   0 id 4, kind 2, modes 1, flags 1 | 8 name | 16 file | 24 line 4, module 4 | 32 address
 */
struct thag_recording_site {
	uint32_t id;
	uint16_t kind; /* enum thag_site_kind */
	uint8_t modes; /* enum thag_mode_bits */
	uint8_t flags; /* enum thag_site_flags */
	uint32_t line;
	uint32_t module;  /* its id; THAG_MODULE_NONE: the address is absolute */
	uint64_t address; /* with THAG_SITE_ADDRESS */
	struct thag_recording_text name;
	struct thag_recording_text file;
};

/**
 * A file of code.
 *
 *   0 id 4, build_id_bytes 4 | 8 path | 16 bias | 24 start | 32 end | 40 build_id 32 | 72 0 8
 */
struct thag_recording_module {
	uint32_t id;
	uint32_t build_id_bytes;
	uint64_t bias;
	uint64_t start;
	uint64_t end;
	uint8_t build_id[THAG_BUILD_ID_MAX];
	struct thag_recording_text path;
};

/**
 * A frame of a native stack; its callers are its parent, and that one's. 0: none.
 *
 *   0 id 4, parent 4 | 8 site 4, 0 4
 */
struct thag_recording_trace {
	uint32_t id;
	uint32_t parent; /* less than id */
	uint32_t site;
};

/** A function at a place in its source. FRAMES: 0 name | 8 file | 16 line 4, 0 4 */
struct thag_recording_frame {
	struct thag_recording_text name;
	struct thag_recording_text file;
	uint32_t line; /* 0: not known */
};

/**
 * What was found for a site with an address: the functions inlined there, the innermost first, and
 * last the one whose code it is. `status`: enum thag_symbol_status; all but 0 have no frames.
 *
 *   0 site 4, status 2, frame_count 2 | 8 first_frame 4, 0 4
 */
struct thag_recording_name {
	uint32_t site;
	uint16_t status;
	uint16_t frame_count;
	struct thag_recording_frame frames[THAG_RECORDING_NAME_FRAMES_MAX];
};

int thag_recording_site_add(struct thag_recording_table *table,
			    const struct thag_recording_site *site);
int thag_recording_site_get(const struct thag_recording_rows *rows, uint32_t i,
			    struct thag_recording_site *out);

int thag_recording_module_add(struct thag_recording_table *table,
			      const struct thag_recording_module *module);
int thag_recording_module_get(const struct thag_recording_rows *rows, uint32_t i,
			      struct thag_recording_module *out);

int thag_recording_trace_add(struct thag_recording_table *table,
			     const struct thag_recording_trace *trace);
int thag_recording_trace_get(const struct thag_recording_rows *rows, uint32_t i,
			     struct thag_recording_trace *out);

/** Two tables: names (TABLE) and their frames (FRAMES). */
int thag_recording_name_add(struct thag_recording_table *names, struct thag_recording_table *frames,
			    const struct thag_recording_name *name);
int thag_recording_name_get(const struct thag_recording_rows *names,
			    const struct thag_recording_rows *frames, uint32_t i,
			    struct thag_recording_name *out);

#endif
