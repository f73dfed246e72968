/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_pack.h"

#include <errno.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

#include "thag_recording_block.h"

/* A frame's own head takes some 10 bytes; less than this doesn't get smaller by much. */
#define WORTH_BYTES 64

int thag_recording_pack_begin(struct thag_recording_pack *pack, enum thag_recording_type type,
			      const void *info, size_t info_bytes)
{
	if (info_bytes > sizeof(pack->info))
		return -E2BIG;
	pack->body.bytes = 0;
	int ret = thag_buffer_reserve(&pack->body, THAG_RECORDING_FRONT_MAX);

	if (ret != 0)
		return ret;
	pack->body.bytes = THAG_RECORDING_FRONT_MAX;
	pack->head = (struct thag_recording_head){ .magic = THAG_RECORDING_BLOCK_MAGIC,
						   .type = (uint16_t)type };
	pack->head.info_bytes = (uint16_t)thag_recording_padded(info_bytes);
	memset(pack->info, 0, sizeof(pack->info));
	if (info_bytes)
		memcpy(pack->info, info, info_bytes);
	return 0;
}

/* Compresses to the end of the body, which has room. Returns how many bytes, 0: not worth it. */
static size_t compress(struct thag_recording_pack *pack, const void *data, size_t bytes)
{
	size_t got;

	if (pack->level == 0 || bytes < WORTH_BYTES)
		return 0;
	if (!pack->zstd)
		pack->zstd = ZSTD_createCCtx();
	if (!pack->zstd)
		return 0;
	got = ZSTD_compressCCtx(pack->zstd, pack->body.data + pack->body.bytes, bytes - 1, data,
				bytes, pack->level);
	return ZSTD_isError(got) ? 0 : got;
}

/* What was put behind the body's end becomes part of it, with zeros up to a multiple of 8. */
static void take_part(struct thag_recording_pack *pack, struct thag_recording_part *part)
{
	uint8_t *at = pack->body.data + pack->body.bytes;
	size_t padded = thag_recording_padded(part->bytes);

	memset(at + part->bytes, 0, padded - part->bytes);
	part->checksum = XXH3_64bits(at, padded);
	pack->body.bytes += padded;
	pack->parts[pack->head.part_count++] = *part;
}

int thag_recording_pack_part(struct thag_recording_pack *pack, enum thag_recording_kind kind,
			     const void *data, size_t bytes)
{
	struct thag_recording_part part = { .kind = (uint16_t)kind, .codec = THAG_RECORDING_ZSTD };
	int ret;

	if (pack->head.part_count >= THAG_RECORDING_PARTS_MAX || bytes > THAG_RECORDING_PART_MAX ||
	    pack->body.bytes + thag_recording_padded(bytes) > THAG_RECORDING_BLOCK_MAX)
		return -E2BIG;
	ret = thag_buffer_reserve(&pack->body, thag_recording_padded(bytes) + 8);
	if (ret != 0)
		return ret;
	part.raw_bytes = (uint32_t)bytes;
	part.bytes = (uint32_t)compress(pack, data, bytes);
	if (part.bytes == 0) {
		part.codec = THAG_RECORDING_RAW;
		part.bytes = part.raw_bytes;
		if (bytes)
			memcpy(pack->body.data + pack->body.bytes, data, bytes);
	}
	take_part(pack, &part);
	return 0;
}

const uint8_t *thag_recording_pack_end(struct thag_recording_pack *pack, uint64_t sequence,
				       uint64_t seed, uint32_t *bytes)
{
	struct thag_recording_head *head = &pack->head;
	size_t parts_bytes = head->part_count * sizeof(pack->parts[0]);
	uint32_t front_bytes = (uint32_t)(sizeof(*head) + head->info_bytes + parts_bytes);
	uint8_t *front = pack->body.data + THAG_RECORDING_FRONT_MAX - front_bytes;

	*bytes = (uint32_t)(pack->body.bytes - THAG_RECORDING_FRONT_MAX + front_bytes);
	head->sequence = sequence;
	head->bytes = *bytes;
	memcpy(front, head, sizeof(*head));
	memcpy(front + sizeof(*head), pack->info, head->info_bytes);
	memcpy(front + sizeof(*head) + head->info_bytes, pack->parts, parts_bytes);
	head->checksum = thag_recording_front_checksum(front, front_bytes, seed);
	memcpy(front + offsetof(struct thag_recording_head, checksum), &head->checksum,
	       sizeof(head->checksum));
	return front;
}

void thag_recording_pack_fini(struct thag_recording_pack *pack)
{
	ZSTD_freeCCtx(pack->zstd);
	thag_buffer_fini(&pack->body);
	*pack = (struct thag_recording_pack){ .level = pack->level };
}
