/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_resume.h"

#include <errno.h>
#include <string.h>

#include "thag_recording_reader.h"

/* Bytes behind the last whole block that are no half block are somebody's: not ours to cut off. */
static bool ends_as_killed(const struct thag_recording_reader *reader)
{
	const struct thag_recording_damage *last;

	if (reader->damage_count == 0)
		return true;
	last = &reader->damages[reader->damage_count - 1];
	return last->until < reader->file.bytes || last->fault == THAG_RECORDING_CUT;
}

static int check(const struct thag_recording_reader *reader, const uint8_t *nonce)
{
	if (memcmp(reader->header.nonce, nonce, THAG_RECORDING_NONCE_BYTES) != 0)
		return -ESTALE;
	if (reader->ended)
		return -EALREADY;
	if (!ends_as_killed(reader) || reader->repeated ||
	    reader->pending > THAG_RECORDING_INDEX_MAX - THAG_RECORDING_INDEX_BLOCKS)
		return -EBADMSG;
	return 0;
}

/* The state of the writer that was killed. */
static void take_over(struct thag_recording_writer *writer,
		      const struct thag_recording_reader *reader)
{
	const struct thag_recording_entry *pending =
		reader->entries + reader->entry_count - reader->pending;

	writer->seed = reader->file.seed;
	writer->offset = reader->next_offset;
	writer->sequence = reader->next_sequence;
	writer->last_index = reader->last_index;
	writer->blocks = reader->entry_count;
	writer->chunks = reader->chunks;
	writer->words = reader->words;
	writer->events = reader->events;
	writer->pending_count = reader->pending;
	if (reader->pending) {
		memcpy(writer->pending, pending, reader->pending * sizeof(*pending));
		writer->unindexed_bytes = reader->next_offset - pending->offset;
	}
	memcpy(writer->next_pos, reader->next_pos, sizeof(writer->next_pos));
}

static int cut_off(struct thag_recording_writer *writer, uint64_t file_bytes)
{
	if (file_bytes == writer->offset)
		return 0;
	return writer->calls.ftruncate(writer->fd, (off_t)writer->offset) == 0 ? 0 : -errno;
}

static int resume(struct thag_recording_writer *writer, const uint8_t *nonce,
		  struct thag_recording_resumed *resumed)
{
	struct thag_recording_reader reader;
	int ret = thag_recording_reader_open(&reader, writer->fd);

	if (ret != 0)
		return ret;
	ret = check(&reader, nonce);
	if (ret == 0) {
		take_over(writer, &reader);
		ret = cut_off(writer, reader.file.bytes);
	}
	*resumed = (struct thag_recording_resumed){
		.session = reader.header.session,
		.kept_bytes = reader.next_offset,
		.dropped_bytes = reader.file.bytes - reader.next_offset,
		.missing = reader.missing,
	};
	thag_recording_reader_fini(&reader);
	return ret;
}

int thag_recording_resume(struct thag_recording_writer **out, int fd,
			  const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES],
			  const struct thag_recording_calls *calls,
			  struct thag_recording_resumed *resumed)
{
	struct thag_recording_writer *writer = thag_recording_writer_alloc(fd, calls);
	struct thag_recording_resumed found = { 0 };
	int ret = writer ? thag_recording_writer_lock(fd) : -ENOMEM;

	if (ret == 0)
		ret = resume(writer, nonce, &found);
	if (ret != 0) {
		thag_recording_writer_destroy(writer);
		return ret;
	}
	*out = writer;
	*resumed = found;
	return 0;
}
