/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the tables of a recording have in common: records of one length, and texts that they point
 * to. thag_recording_tables.h has the records.
 *
 *   0  count 4, record_bytes 4 | 8 strings_bytes 4, 0 4
 *   16 count records, record_bytes each, a multiple of 8
 *      strings_bytes bytes of text, not terminated
 *
 * Records may grow at their end in later versions: readers ignore what they don't know.
 *
 * Thread: owner. Adding and finishing allocate; no I/O.
 */
#ifndef THAG_RECORDING_TABLE_H
#define THAG_RECORDING_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "thag_buffer.h"

#define THAG_RECORDING_RECORD_MAX 256

struct thag_recording_table_head {
	uint32_t count;
	uint32_t record_bytes;
	uint32_t strings_bytes;
	uint32_t reserved;
};

/** A text, borrowed, of any bytes. */
struct thag_recording_text {
	const char *text;
	uint32_t bytes; /* 0: `text` may be NULL */
};

/** Where a text lies among a table's. */
struct thag_recording_span {
	uint32_t offset;
	uint32_t bytes;
};

/** A table that is being made. Set `record_bytes`, zero the rest. */
struct thag_recording_table {
	uint32_t record_bytes; /* the same for all */
	uint32_t count;
	struct thag_buffer records;
	struct thag_buffer strings;
};

/** Adds a text. 0, -E2BIG when the table got too large for a part, or -ENOMEM. */
int thag_recording_table_text(struct thag_recording_table *table, struct thag_recording_text text,
			      struct thag_recording_span *out);

/** Adds a record of `record_bytes` bytes. 0, -E2BIG or -ENOMEM with nothing added. */
int thag_recording_table_record(struct thag_recording_table *table, const void *record);

/** Replaces what `out` holds by the table's bytes, a part. 0 or -ENOMEM. */
int thag_recording_table_write(const struct thag_recording_table *table, struct thag_buffer *out);

/** Empties it, to begin the next increment. */
void thag_recording_table_clear(struct thag_recording_table *table);
void thag_recording_table_fini(struct thag_recording_table *table);

/** A table that was read: its lengths are checked, its records aren't. Borrows the bytes. */
struct thag_recording_rows {
	uint32_t count;
	uint32_t record_bytes;
	uint32_t strings_bytes;
	const uint8_t *records;
	const char *strings;
};

/**
 * Takes `bytes` bytes at `data` as a table with records of at least `record_bytes` bytes. 0 or
 * -EBADMSG.
 */
int thag_recording_rows_open(struct thag_recording_rows *out, const uint8_t *data, size_t bytes,
			     uint32_t record_bytes);

/** Copies the first `bytes` bytes of record `i`, both within what was checked. */
void thag_recording_rows_get(const struct thag_recording_rows *rows, uint32_t i, void *record,
			     size_t bytes);

/** The text at `span`. 0, or -EBADMSG when it isn't among the table's. */
int thag_recording_rows_text(const struct thag_recording_rows *rows,
			     struct thag_recording_span span, struct thag_recording_text *out);

#endif
