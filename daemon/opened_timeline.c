/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "opened_timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "history.h"
#include "recording_file.h"

/* As long as who asks of a timeline that is being completed may have to wait. Each of their answers
 * is dear until it is. */
#define TURN_NS 50000000

/* The head of the chunk that an entry tells of. */
static int read_head(const struct thag_recording_reader *reader, uint32_t entry,
		     struct thag_recording_unpacker *unpacker, struct thag_chunk_head *head)
{
	struct thag_recording_front front;
	struct thag_buffer bytes = { 0 };
	int ret = thag_recording_reader_front(reader, entry, &front);

	if (ret != 0)
		return ret;
	ret = thag_recording_kind_read(&reader->file, &front, THAG_RECORDING_CHUNK_HEAD,
				       THAG_RECORDING_PART_MAX, unpacker, &bytes);
	if (ret == 0 && bytes.bytes < sizeof(*head))
		ret = -EBADMSG;
	if (ret == 0)
		memcpy(head, bytes.data, sizeof(*head));
	thag_buffer_fini(&bytes);
	return ret;
}

static void add_chunks(struct thag_timeline *timeline, const struct thag_session *session,
		       const struct thag_recording_reader *reader)
{
	struct thag_recording_unpacker unpacker = { 0 };

	for (uint32_t i = 0; i < reader->entry_count; i++) {
		const struct thag_recording_entry *entry = &reader->entries[i];
		struct thag_chunk_head head;

		if (entry->type != THAG_RECORDING_CHUNK ||
		    entry->chunk.ring >= session->header.slots ||
		    read_head(reader, i, &unpacker, &head) != 0 || head.ring != entry->chunk.ring ||
		    head.first_pos != entry->chunk.first_pos)
			continue;
		thag_timeline_add_stored(timeline, &head, entry->offset);
	}
	thag_recording_unpacker_fini(&unpacker);
}

static void add_remains(struct thag_timeline *timeline, const struct thag_session *session,
			const struct thag_recording_remainder *remainder)
{
	struct thag_chunk_maker *maker = NULL;
	uint64_t *words = malloc(THAG_CHUNK_WORDS * sizeof(*words));
	int ret = words ? thag_chunk_maker_create(&maker) : -ENOMEM;

	for (uint32_t i = 0; ret == 0 && i < remainder->count; i++) {
		struct thag_chunk_raw raw = { .words = words };
		struct thag_chunk chunk = { 0 };

		if (remainder->remains[i].ring < session->header.slots &&
		    thag_recording_file_read_remains(remainder, i, &raw) == 0 &&
		    thag_chunk_make(maker, &chunk, &raw) == 0)
			thag_timeline_add(timeline, &chunk, 0);
		thag_openings_fini(&raw.openings);
	}
	thag_chunk_maker_destroy(maker);
	free(words);
}

void thag_opened_timeline_make(struct thag_session *session,
			       const struct thag_recording_reader *reader, const char *path,
			       const struct thag_recording_remainder *remainder)
{
	struct thag_timeline *timeline;

	if (!session->history ||
	    thag_history_read_from(session->history, reader->file.fd, path, reader->file.seed) != 0)
		return;
	timeline = thag_history_lock(session->history);
	add_chunks(timeline, session, reader);
	if (remainder)
		add_remains(timeline, session, remainder);
	thag_history_unlock(session->history);
}

/* As many steps as go into a turn. Whether there are more. */
static bool complete_some(struct thag_history *history)
{
	struct thag_timeline *timeline = thag_history_lock(history);
	uint64_t end = thag_clock_mono_ns() + TURN_NS;
	bool more;

	do
		more = thag_timeline_complete(timeline) > 0;
	while (more && thag_clock_mono_ns() < end);
	thag_history_unlock(history);
	return more;
}

void thag_opened_timeline_complete(struct thag_session *session)
{
	bool more = session->history != NULL;

	/* relaxed: a hint to stop */
	while (more && !atomic_load_explicit(&session->quarantined, memory_order_relaxed))
		more = complete_some(session->history);
}
