/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_chunk.h"

#include <errno.h>
#include <string.h>

#include "thag_chunk_private.h"

#define ALL_FLAGS \
	((uint32_t)(THAG_CHUNK_RESUMED | THAG_CHUNK_GAP | THAG_CHUNK_THREAD | THAG_CHUNK_PRELUDE))
#define POS_MAX (UINT64_C(1) << 62)

_Static_assert(sizeof(struct thag_chunk_head) == 80, "stored as it is");
_Static_assert(offsetof(struct thag_chunk_head, ring) == 48, "stored as it is");
_Static_assert(offsetof(struct thag_chunk_head, rows) == 64, "stored as it is");

void thag_chunk_fini(struct thag_chunk *chunk)
{
	for (uint32_t i = 0; i < THAG_PART_COUNT; i++)
		thag_buffer_fini(&chunk->parts[i]);
	*chunk = (struct thag_chunk){ 0 };
}

uint64_t thag_chunk_bytes(const struct thag_chunk *chunk)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < THAG_PART_COUNT; i++)
		bytes += chunk->parts[i].capacity;
	return bytes;
}

bool thag_chunk_head_check(const struct thag_chunk_head *head)
{
	uint64_t words_max;

	if (head->level >= THAG_CHUNK_LEVELS_MAX)
		return false;
	words_max = (uint64_t)THAG_CHUNK_WORDS << 2 * head->level;
	return head->words <= words_max && head->events <= head->words &&
	       head->first_pos <= POS_MAX && head->base_ticks <= head->first_ticks &&
	       head->first_ticks <= head->last_ticks && head->last_ticks <= THAG_CHUNK_TICKS_MAX &&
	       head->ring < THAG_CHUNK_RINGS_MAX && (head->flags & ~ALL_FLAGS) == 0 &&
	       head->rows[THAG_LANE_OWN] <= THAG_CHUNK_ROWS_MAX &&
	       head->rows[THAG_LANE_TASKS] <= THAG_CHUNK_ROWS_MAX && head->reserved == 0;
}

int thag_chunk_encode_with(struct thag_buffer *memory, struct thag_chunk *chunk,
			   const struct thag_chunk_raw *raw)
{
	int error;

	chunk->head = raw->head;
	error = thag_openings_encode(&raw->openings, &chunk->parts[THAG_PART_OPENINGS]);
	if (error == 0)
		error = thag_chunk_encode_words(memory, raw, &chunk->head,
						&chunk->parts[THAG_PART_WORDS]);
	thag_buffer_fit(&chunk->parts[THAG_PART_OPENINGS]);
	thag_buffer_fit(&chunk->parts[THAG_PART_WORDS]);
	if (error != 0)
		thag_chunk_fini(chunk);
	return error;
}

int thag_chunk_encode(struct thag_chunk *chunk, const struct thag_chunk_raw *raw)
{
	struct thag_buffer memory = { 0 };
	int error = thag_chunk_encode_with(&memory, chunk, raw);

	thag_buffer_fini(&memory);
	return error;
}

int thag_chunk_decode(struct thag_chunk_raw *raw, const struct thag_chunk *chunk, uint64_t *words)
{
	const struct thag_buffer *openings = &chunk->parts[THAG_PART_OPENINGS];
	const struct thag_buffer *stored = &chunk->parts[THAG_PART_WORDS];
	int error;

	if (chunk->head.level != 0)
		return -EBADMSG;
	error = thag_chunk_decode_words(words, &chunk->head, stored->data, stored->bytes);
	if (error != 0)
		return error;
	*raw = (struct thag_chunk_raw){ .head = chunk->head, .words = words };
	return thag_openings_decode(&raw->openings, openings->data, openings->bytes);
}

/* The head and the lengths of the parts, as they are stored. */
struct packed {
	struct thag_chunk_head head;
	uint32_t bytes[THAG_PART_COUNT];
	uint32_t padding;
};

int thag_chunk_pack(const struct thag_chunk *chunk, struct thag_buffer *out)
{
	struct packed packed = { .head = chunk->head };
	uint64_t sum = sizeof(packed);

	for (uint32_t i = 0; i < THAG_PART_COUNT; i++) {
		packed.bytes[i] = (uint32_t)chunk->parts[i].bytes;
		sum += chunk->parts[i].bytes;
	}
	if (thag_buffer_reserve(out, sum) != 0)
		return -ENOMEM;
	thag_buffer_append(out, &packed, sizeof(packed));
	for (uint32_t i = 0; i < THAG_PART_COUNT; i++)
		thag_buffer_append(out, chunk->parts[i].data, chunk->parts[i].bytes);
	return 0;
}

static bool check_packed(const struct packed *packed, size_t bytes)
{
	uint64_t sum = sizeof(*packed);

	for (uint32_t i = 0; i < THAG_PART_COUNT; i++) {
		if (packed->bytes[i] > THAG_CHUNK_PART_BYTES_MAX)
			return false;
		sum += packed->bytes[i];
	}
	return sum == bytes && packed->padding == 0 && thag_chunk_head_check(&packed->head);
}

int thag_chunk_parse(struct thag_chunk *chunk, const uint8_t *data, size_t bytes)
{
	struct packed packed;

	if (bytes < sizeof(packed))
		return -EBADMSG;
	memcpy(&packed, data, sizeof(packed));
	if (!check_packed(&packed, bytes))
		return -EBADMSG;
	chunk->head = packed.head;
	data += sizeof(packed);
	for (uint32_t i = 0; i < THAG_PART_COUNT; i++) {
		if (thag_buffer_append(&chunk->parts[i], data, packed.bytes[i]) != 0) {
			thag_chunk_fini(chunk);
			return -ENOMEM;
		}
		data += packed.bytes[i];
	}
	return 0;
}
