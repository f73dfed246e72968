/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_index.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_of_chunks(uint32_t type)
{
	return type == THAG_RECORDING_CHUNK || type == THAG_RECORDING_SUMMARY;
}

static bool check_chunk(uint32_t type, const struct thag_recording_chunk *chunk)
{
	if (type == THAG_RECORDING_CHUNK &&
	    (chunk->level != 0 || chunk->words > THAG_RECORDING_CHUNK_WORDS))
		return false;
	if (type == THAG_RECORDING_SUMMARY &&
	    (chunk->level == 0 || chunk->level > THAG_RECORDING_LEVELS_MAX))
		return false;
	return chunk->ring < THAG_RECORDING_RINGS_MAX && chunk->words != 0 &&
	       chunk->words <= UINT64_MAX - chunk->first_pos && chunk->events <= chunk->words &&
	       chunk->first_ticks <= chunk->last_ticks;
}

/* The shortest info of a type. */
static size_t least_info(uint32_t type)
{
	switch (type) {
	case THAG_RECORDING_CLOCK:
		return sizeof(struct thag_recording_clock);
	case THAG_RECORDING_CHUNK:
	case THAG_RECORDING_SUMMARY:
		return sizeof(struct thag_recording_chunk);
	case THAG_RECORDING_INDEX:
		return sizeof(struct thag_recording_index);
	case THAG_RECORDING_END:
		return sizeof(struct thag_recording_end);
	default:
		return 0;
	}
}

enum thag_recording_fault thag_recording_entry_make(const struct thag_recording_front *front,
						    struct thag_recording_entry *out)
{
	*out = (struct thag_recording_entry){ .offset = front->offset,
					      .bytes = front->bytes,
					      .type = front->type };
	if (front->info_bytes < least_info(front->type))
		return THAG_RECORDING_FIELDS;
	if (!is_of_chunks(front->type))
		return THAG_RECORDING_WHOLE;
	memcpy(&out->chunk, front->info, sizeof(out->chunk));
	return check_chunk(front->type, &out->chunk) ? THAG_RECORDING_WHOLE : THAG_RECORDING_FIELDS;
}

struct thag_recording_entry thag_recording_index_get(const struct thag_recording_loaded *loaded,
						     uint32_t i)
{
	struct thag_recording_entry entry;

	memcpy(&entry, loaded->entries + (size_t)i * loaded->index.entry_bytes, sizeof(entry));
	return entry;
}

static bool check_entry(const struct thag_recording_entry *entry, uint64_t offset)
{
	return entry->offset == offset && entry->bytes >= sizeof(struct thag_recording_head) &&
	       entry->bytes % 8 == 0 && entry->bytes <= THAG_RECORDING_BLOCK_MAX &&
	       entry->type != THAG_RECORDING_INDEX && entry->type != THAG_RECORDING_END &&
	       (!is_of_chunks(entry->type) || check_chunk(entry->type, &entry->chunk));
}

/* Each block begins where the one before ends, and the INDEX behind the last. */
static bool check_entries(const struct thag_recording_loaded *loaded)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < loaded->index.count; i++) {
		struct thag_recording_entry entry = thag_recording_index_get(loaded, i);

		if (i == 0)
			at = entry.offset;
		if (!check_entry(&entry, at))
			return false;
		at += entry.bytes;
	}
	return at == loaded->index.offset;
}

static bool check_index(const struct thag_recording_front *front,
			const struct thag_recording_index *index)
{
	return index->offset == front->offset && index->previous < index->offset &&
	       index->count >= 1 && index->count <= THAG_RECORDING_INDEX_MAX &&
	       index->entry_bytes >= sizeof(struct thag_recording_entry) &&
	       index->entry_bytes <= THAG_RECORDING_ENTRY_MAX && front->sequence >= index->count &&
	       front->sequence - index->count == index->first_sequence;
}

int thag_recording_index_load(const struct thag_recording_file *file, uint64_t offset,
			      struct thag_recording_unpacker *unpacker, struct thag_buffer *entries,
			      struct thag_recording_loaded *out)
{
	struct thag_recording_front front;
	const struct thag_recording_place *place;
	enum thag_recording_fault fault = thag_recording_front_read(file, offset, &front);

	if (fault == THAG_RECORDING_IO)
		return -EIO;
	if (fault != THAG_RECORDING_WHOLE || front.type != THAG_RECORDING_INDEX ||
	    front.info_bytes < sizeof(out->index))
		return -EBADMSG;
	memcpy(&out->index, front.info, sizeof(out->index));
	place = thag_recording_part_find(&front, THAG_RECORDING_ENTRIES);
	if (!place || !check_index(&front, &out->index) ||
	    place->part.raw_bytes != out->index.count * out->index.entry_bytes)
		return -EBADMSG;
	int ret = thag_recording_part_read(file, place, place->part.raw_bytes, unpacker, entries);

	if (ret != 0)
		return ret;
	out->entries = entries->data;
	out->end = offset + front.bytes;
	out->sequence = front.sequence;
	return check_entries(out) ? 0 : -EBADMSG;
}
