/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "opened_names.h"

#include <errno.h>
#include <stdlib.h>

#include "naming.h"
#include "thag_recording_tables.h"

/* What is found out in a first pass over the names, and used in the second. */
struct names {
	struct thag_session *session;
	const struct thag_recording_reader *reader;
	struct thag_recording_unpacker unpacker;
	struct thag_buffer rows, frames;
	uint32_t *best;	 /* for each site the number of its name, from 1; 0: none */
	uint8_t *found;	 /* and whether that one was found */
	uint32_t *waits; /* and its place among those that wait for one, from 1 */
	uint32_t number; /* of names so far */
	struct thag_recording_name name;
};

typedef void name_fn(struct names *names);

static void choose(struct names *names)
{
	const struct thag_recording_name *name = &names->name;
	bool found = name->status == THAG_SYMBOL_FOUND;

	if (names->found[name->site] && !found)
		return;
	names->best[name->site] = names->number;
	names->found[name->site] = found;
}

static struct thag_symbol_frame frame_of(const struct thag_recording_frame *frame)
{
	return (struct thag_symbol_frame){ .name = frame->name.text,
					   .name_bytes = frame->name.bytes,
					   .file = frame->file.text,
					   .file_bytes = frame->file.bytes,
					   .line = frame->line };
}

/* As it was given to thag_naming_put, as far as that used it. */
static void put(struct names *names)
{
	const struct thag_recording_name *name = &names->name;
	uint32_t waits = names->waits[name->site];
	struct thag_symbol symbol = { .status = name->status, .frame_count = name->frame_count };

	if (names->best[name->site] != names->number || waits == 0)
		return;
	for (uint32_t i = 0; i < name->frame_count; i++)
		symbol.frames[i] = frame_of(&name->frames[i]);
	if (name->frame_count)
		symbol.function = symbol.frames[name->frame_count - 1];
	thag_naming_put(names->session, &names->session->naming->pending[waits - 1], &symbol);
}

static int read_table(struct names *names, const struct thag_recording_front *front,
		      enum thag_recording_kind kind, uint32_t record_bytes,
		      struct thag_buffer *bytes, struct thag_recording_rows *rows)
{
	int ret = thag_recording_kind_read(&names->reader->file, front, kind,
					   THAG_RECORDING_PART_MAX, &names->unpacker, bytes);

	return ret == 0 ? thag_recording_rows_open(rows, bytes->data, bytes->bytes, record_bytes)
			: ret;
}

static bool is_sane(const struct thag_recording_name *name)
{
	return name->site < THAG_SITES_MAX && name->status < THAG_SYMBOL_STATUS_COUNT &&
	       (name->status == THAG_SYMBOL_FOUND) == (name->frame_count > 0);
}

static int read_block(struct names *names, uint32_t entry, name_fn *use)
{
	struct thag_recording_front front;
	struct thag_recording_rows rows, frames;
	int ret = thag_recording_reader_front(names->reader, entry, &front);

	if (ret == 0)
		ret = read_table(names, &front, THAG_RECORDING_TABLE, THAG_RECORDING_NAME_BYTES,
				 &names->rows, &rows);
	if (ret == 0)
		ret = read_table(names, &front, THAG_RECORDING_FRAMES, THAG_RECORDING_FRAME_BYTES,
				 &names->frames, &frames);
	for (uint32_t i = 0; ret == 0 && i < rows.count; i++) {
		ret = thag_recording_name_get(&rows, &frames, i, &names->name);
		if (ret == 0 && !is_sane(&names->name))
			ret = -EBADMSG;
		names->number++;
		if (ret == 0)
			use(names);
	}
	return ret;
}

static uint32_t read_all(struct names *names, name_fn *use)
{
	uint32_t unreadable = 0;

	names->number = 0;
	for (uint32_t i = 0; i < names->reader->entry_count; i++)
		if (names->reader->entries[i].type == THAG_RECORDING_NAMES)
			unreadable += read_block(names, i, use) != 0;
	return unreadable;
}

static void find_waiting(struct names *names)
{
	const struct thag_naming *naming = names->session->naming;

	for (uint32_t i = 0; i < naming->pending_count; i++)
		names->waits[naming->pending[i].site] = i + 1;
}

int thag_opened_names_put(struct thag_session *session, const struct thag_recording_reader *reader,
			  uint32_t *unreadable)
{
	struct names *names;
	int ret = -ENOMEM;

	*unreadable = 0;
	if (!thag_naming_is_pending(session))
		return 0;
	names = calloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	names->session = session;
	names->reader = reader;
	names->best = calloc(THAG_SITES_MAX, sizeof(*names->best));
	names->found = calloc(THAG_SITES_MAX, sizeof(*names->found));
	names->waits = calloc(THAG_SITES_MAX, sizeof(*names->waits));
	if (names->best && names->found && names->waits) {
		find_waiting(names);
		*unreadable = read_all(names, choose);
		read_all(names, put);
		session->naming->pending_count = 0;
		ret = 0;
	}
	free(names->best);
	free(names->found);
	free(names->waits);
	thag_recording_unpacker_fini(&names->unpacker);
	thag_buffer_fini(&names->rows);
	thag_buffer_fini(&names->frames);
	free(names);
	return ret;
}
