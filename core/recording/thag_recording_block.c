/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_block.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>
#include <zstd.h>

/* Parts are checked in pieces of so many bytes. */
#define PIECE_BYTES (UINT32_C(256) << 10)

const char *thag_recording_fault_text(enum thag_recording_fault fault)
{
	static const char *const texts[THAG_RECORDING_FAULTS] = {
		[THAG_RECORDING_WHOLE] = "",
		[THAG_RECORDING_CUT] = "the file ends within a block",
		[THAG_RECORDING_NO_BLOCK] = "no block begins there",
		[THAG_RECORDING_LENGTHS] = "a block's lengths make no sense",
		[THAG_RECORDING_CHECKSUM] = "a block's checksum is wrong",
		[THAG_RECORDING_SEQUENCE] = "a block is out of order",
		[THAG_RECORDING_FIELDS] = "a block's fields make no sense",
		[THAG_RECORDING_CONTENT] = "the checksum of a block's part is wrong",
		[THAG_RECORDING_TRAILING] = "something follows the end of the recording",
		[THAG_RECORDING_TOO_MANY] = "there are too many blocks",
		[THAG_RECORDING_IO] = "it can't be read",
		[THAG_RECORDING_NO_MEMORY] = "there is not enough memory",
	};

	return fault < THAG_RECORDING_FAULTS ? texts[fault] : "";
}

uint64_t thag_recording_seed(const uint8_t nonce[static THAG_RECORDING_NONCE_BYTES])
{
	uint64_t halves[2];

	memcpy(halves, nonce, sizeof(halves));
	return halves[0] ^ halves[1];
}

uint64_t thag_recording_front_checksum(const uint8_t *front, uint32_t bytes, uint64_t seed)
{
	const size_t at = offsetof(struct thag_recording_head, checksum);
	uint8_t copy[THAG_RECORDING_FRONT_MAX];

	memcpy(copy, front, bytes);
	memset(copy + at, 0, sizeof(uint64_t));
	return XXH3_64bits_withSeed(copy, bytes, seed);
}

/* Reads up to `*bytes` bytes, less at the end of the file, and says how many. */
static int read_some(int fd, uint8_t *to, size_t *bytes, uint64_t offset)
{
	size_t done = 0;

	while (done < *bytes) {
		ssize_t got = pread(fd, to + done, *bytes - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	*bytes = done;
	return 0;
}

int thag_recording_read(int fd, void *to, size_t bytes, uint64_t offset)
{
	size_t got = bytes;
	int ret = read_some(fd, to, &got, offset);

	return ret == 0 && got < bytes ? -ENODATA : ret;
}

static enum thag_recording_fault read_fault(int ret)
{
	if (ret == 0)
		return THAG_RECORDING_WHOLE;
	return ret == -ENODATA ? THAG_RECORDING_CUT : THAG_RECORDING_IO;
}

/* Where the parts lie; they must fill the block. */
static enum thag_recording_fault place_parts(struct thag_recording_front *front, uint64_t at)
{
	for (uint32_t i = 0; i < front->part_count; i++) {
		struct thag_recording_place *place = &front->parts[i];
		const struct thag_recording_part *part = &place->part;

		if (part->raw_bytes > THAG_RECORDING_PART_MAX || part->bytes > part->raw_bytes ||
		    (part->codec == THAG_RECORDING_RAW && part->bytes != part->raw_bytes))
			return THAG_RECORDING_LENGTHS;
		place->offset = front->offset + at;
		at += thag_recording_padded(part->bytes);
	}
	return at == front->bytes ? THAG_RECORDING_WHOLE : THAG_RECORDING_LENGTHS;
}

static enum thag_recording_fault check_head(const struct thag_recording_head *head)
{
	if (head->magic != THAG_RECORDING_BLOCK_MAGIC)
		return THAG_RECORDING_NO_BLOCK;
	if (head->info_bytes > THAG_RECORDING_INFO_MAX || head->info_bytes % 8 ||
	    head->part_count > THAG_RECORDING_PARTS_MAX || head->bytes % 8 ||
	    head->bytes > THAG_RECORDING_BLOCK_MAX)
		return THAG_RECORDING_LENGTHS;
	return THAG_RECORDING_WHOLE;
}

/* `have` bytes of the file from front->offset on are at `data`. */
static enum thag_recording_fault parse_front(const uint8_t *data, uint64_t have, uint64_t seed,
					     struct thag_recording_front *front)
{
	struct thag_recording_head head;
	enum thag_recording_fault fault;

	if (have < sizeof(head))
		return THAG_RECORDING_CUT;
	memcpy(&head, data, sizeof(head));
	fault = check_head(&head);
	if (fault)
		return fault;
	uint32_t bytes = (uint32_t)sizeof(head) + head.info_bytes +
			 head.part_count * (uint32_t)sizeof(struct thag_recording_part);

	if (bytes > head.bytes)
		return THAG_RECORDING_LENGTHS;
	if (bytes > have)
		return THAG_RECORDING_CUT;
	if (thag_recording_front_checksum(data, bytes, seed) != head.checksum)
		return THAG_RECORDING_CHECKSUM;
	front->sequence = head.sequence;
	front->bytes = head.bytes;
	front->type = head.type;
	front->info_bytes = head.info_bytes;
	front->part_count = head.part_count;
	data += sizeof(head);
	memcpy(front->info, data, head.info_bytes);
	data += head.info_bytes;
	for (uint32_t i = 0; i < head.part_count; i++, data += sizeof(struct thag_recording_part))
		memcpy(&front->parts[i].part, data, sizeof(struct thag_recording_part));
	return place_parts(front, bytes);
}

enum thag_recording_fault thag_recording_front_read(const struct thag_recording_file *file,
						    uint64_t offset,
						    struct thag_recording_front *out)
{
	uint8_t data[THAG_RECORDING_FRONT_MAX];
	uint64_t have = file->bytes > offset ? file->bytes - offset : 0;
	enum thag_recording_fault fault;

	memset(out, 0, sizeof(*out));
	out->offset = offset;
	if (have == 0)
		return THAG_RECORDING_CUT;
	if (offset % 8)
		return THAG_RECORDING_NO_BLOCK;
	size_t bytes = have < sizeof(data) ? have : sizeof(data);

	fault = read_fault(read_some(file->fd, data, &bytes, offset));
	if (!fault)
		fault = parse_front(data, bytes, file->seed, out);
	if (!fault && out->bytes > have)
		fault = THAG_RECORDING_CUT;
	return fault;
}

static enum thag_recording_fault check_part(const struct thag_recording_file *file,
					    const struct thag_recording_place *place,
					    struct thag_recording_unpacker *unpacker)
{
	uint64_t left = thag_recording_padded(place->part.bytes), at = place->offset;
	uint8_t *piece = unpacker->stored.data;

	XXH3_64bits_reset(unpacker->hash);
	while (left) {
		size_t bytes = left < PIECE_BYTES ? left : PIECE_BYTES;
		int ret = thag_recording_read(file->fd, piece, bytes, at);

		if (ret != 0)
			return read_fault(ret);
		XXH3_64bits_update(unpacker->hash, piece, bytes);
		left -= bytes;
		at += bytes;
	}
	return XXH3_64bits_digest(unpacker->hash) == place->part.checksum ? THAG_RECORDING_WHOLE
									  : THAG_RECORDING_CONTENT;
}

enum thag_recording_fault thag_recording_parts_check(const struct thag_recording_file *file,
						     const struct thag_recording_front *front,
						     struct thag_recording_unpacker *unpacker)
{
	unpacker->stored.bytes = 0;
	if (!unpacker->hash)
		unpacker->hash = XXH3_createState();
	if (!unpacker->hash || thag_buffer_reserve(&unpacker->stored, PIECE_BYTES) != 0)
		return THAG_RECORDING_NO_MEMORY;
	for (uint32_t i = 0; i < front->part_count; i++) {
		enum thag_recording_fault fault = check_part(file, &front->parts[i], unpacker);

		if (fault)
			return fault;
	}
	return THAG_RECORDING_WHOLE;
}

const struct thag_recording_place *
thag_recording_part_find(const struct thag_recording_front *front, enum thag_recording_kind kind)
{
	for (uint32_t i = 0; i < front->part_count; i++)
		if (front->parts[i].part.kind == kind)
			return &front->parts[i];
	return NULL;
}

/* What the part holds as stored, zeros included, checked. */
static int read_stored(const struct thag_recording_file *file,
		       const struct thag_recording_place *place, struct thag_buffer *out)
{
	size_t padded = thag_recording_padded(place->part.bytes);
	int ret;

	out->bytes = 0;
	ret = thag_buffer_reserve(out, padded ? padded : 1); /* never NULL */
	if (ret == 0)
		ret = thag_recording_read(file->fd, out->data, padded, place->offset);
	if (ret == -ENODATA || (ret == 0 && XXH3_64bits(out->data, padded) != place->part.checksum))
		ret = -EBADMSG;
	if (ret == 0)
		out->bytes = place->part.bytes;
	return ret;
}

/* The frame says how long it gets before anything is allocated for it. */
static int decompress(struct thag_recording_unpacker *unpacker, uint32_t raw_bytes,
		      struct thag_buffer *out)
{
	const struct thag_buffer *from = &unpacker->stored;
	int ret;

	if (ZSTD_getFrameContentSize(from->data, from->bytes) != raw_bytes)
		return -EBADMSG;
	if (!unpacker->zstd)
		unpacker->zstd = ZSTD_createDCtx();
	if (!unpacker->zstd)
		return -ENOMEM;
	ret = thag_buffer_reserve(out, raw_bytes ? raw_bytes : 1);
	if (ret != 0)
		return ret;
	if (ZSTD_decompressDCtx(unpacker->zstd, out->data, raw_bytes, from->data, from->bytes) !=
	    raw_bytes)
		return -EBADMSG;
	out->bytes = raw_bytes;
	return 0;
}

int thag_recording_part_read(const struct thag_recording_file *file,
			     const struct thag_recording_place *place, size_t max,
			     struct thag_recording_unpacker *unpacker, struct thag_buffer *out)
{
	const struct thag_recording_part *part = &place->part;
	int ret;

	out->bytes = 0;
	if (part->raw_bytes > max)
		return -E2BIG;
	if (part->codec == THAG_RECORDING_RAW)
		return read_stored(file, place, out);
	if (part->codec != THAG_RECORDING_ZSTD)
		return -ENOTSUP;
	ret = read_stored(file, place, &unpacker->stored);
	return ret != 0 ? ret : decompress(unpacker, part->raw_bytes, out);
}

int thag_recording_kind_read(const struct thag_recording_file *file,
			     const struct thag_recording_front *front,
			     enum thag_recording_kind kind, size_t max,
			     struct thag_recording_unpacker *unpacker, struct thag_buffer *out)
{
	const struct thag_recording_place *place = thag_recording_part_find(front, kind);

	out->bytes = 0;
	return place ? thag_recording_part_read(file, place, max, unpacker, out) : -ENOENT;
}

void thag_recording_unpacker_fini(struct thag_recording_unpacker *unpacker)
{
	ZSTD_freeDCtx(unpacker->zstd);
	XXH3_freeState(unpacker->hash);
	thag_buffer_fini(&unpacker->stored);
	*unpacker = (struct thag_recording_unpacker){ 0 };
}
