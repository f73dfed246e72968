/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "thag_recording_block.h"
#include "thag_recording_index.h"

static const struct thag_recording_calls system_calls = { pwrite, ftruncate };

int thag_recording_writer_lock(int fd)
{
	if (TEMP_FAILURE_RETRY(flock(fd, LOCK_EX | LOCK_NB)) == 0)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

struct thag_recording_writer *thag_recording_writer_alloc(int fd,
							  const struct thag_recording_calls *calls)
{
	struct thag_recording_writer *writer = calloc(1, sizeof(*writer));

	if (writer) {
		writer->fd = fd;
		writer->calls = calls ? *calls : system_calls;
		writer->own.level = THAG_RECORDING_PACK_LEVEL;
	}
	return writer;
}

/* All of it, or nothing: a half block is cut off again. */
static int append(struct thag_recording_writer *writer, const void *data, size_t bytes)
{
	const uint8_t *from = data;
	size_t done = 0;

	while (done < bytes) {
		ssize_t wrote = writer->calls.pwrite(writer->fd, from + done, bytes - done,
						     (off_t)(writer->offset + done));

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0) {
			int ret = wrote < 0 ? -errno : -EIO;

			/* when that fails, too, readers know a half block when they see one */
			(void)!writer->calls.ftruncate(writer->fd, (off_t)writer->offset);
			return ret;
		}
		done += (size_t)wrote;
	}
	writer->offset += bytes;
	return 0;
}

static int write_header(struct thag_recording_writer *writer,
			const struct thag_recording_identity *identity)
{
	struct thag_recording_header header = {
		.magic = THAG_RECORDING_MAGIC,
		.version = THAG_RECORDING_VERSION,
		.byte_order = THAG_RECORDING_BYTE_ORDER,
		.session = identity->session,
		.start_real_ns = identity->start_real_ns,
		.header_bytes = sizeof(header),
	};

	memcpy(header.nonce, identity->nonce, sizeof(header.nonce));
	header.checksum = XXH3_64bits(&header, offsetof(struct thag_recording_header, checksum));
	writer->seed = thag_recording_seed(identity->nonce);
	return append(writer, &header, sizeof(header));
}

static int check_empty(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) && st.st_size == 0 ? 0 : -EINVAL;
}

int thag_recording_writer_create(struct thag_recording_writer **out, int fd,
				 const struct thag_recording_identity *identity,
				 const struct thag_recording_calls *calls)
{
	struct thag_recording_writer *writer = thag_recording_writer_alloc(fd, calls);
	int ret = writer ? thag_recording_writer_lock(fd) : -ENOMEM;

	if (ret == 0)
		ret = check_empty(fd);
	if (ret == 0)
		ret = write_header(writer, identity);
	if (ret != 0) {
		thag_recording_writer_destroy(writer);
		return ret;
	}
	*out = writer;
	return 0;
}

/* The fields of the block, as a reader will see them. */
static bool make_entry(const struct thag_recording_writer *writer,
		       const struct thag_recording_pack *pack, struct thag_recording_entry *entry)
{
	struct thag_recording_front front = { .offset = writer->offset,
					      .bytes = pack->head.bytes,
					      .type = pack->head.type,
					      .info_bytes = pack->head.info_bytes };

	memcpy(front.info, pack->info, sizeof(front.info));
	return front.type != THAG_RECORDING_INDEX && front.type != THAG_RECORDING_END &&
	       thag_recording_entry_make(&front, entry) == THAG_RECORDING_WHOLE;
}

/* Whether the words are those that follow, or the chunk says that some are missing. */
static bool is_in_order(const struct thag_recording_writer *writer,
			const struct thag_recording_entry *entry)
{
	uint64_t next = writer->next_pos[entry->chunk.ring];

	if (entry->type != THAG_RECORDING_CHUNK || next == 0)
		return true;
	return entry->chunk.first_pos == next ||
	       (entry->chunk.first_pos > next && entry->chunk.flags & THAG_RECORDING_GAP);
}

static int append_block(struct thag_recording_writer *writer, struct thag_recording_pack *pack)
{
	uint32_t bytes;
	const uint8_t *data = thag_recording_pack_end(pack, writer->sequence, writer->seed, &bytes);
	int ret = append(writer, data, bytes);

	if (ret == 0)
		writer->sequence++;
	return ret;
}

/* The entries stay until they are told of: a failed INDEX can be tried again. */
static int append_index(struct thag_recording_writer *writer)
{
	struct thag_recording_index index = {
		.offset = writer->offset,
		.previous = writer->last_index,
		.first_sequence = writer->sequence - writer->pending_count,
		.count = writer->pending_count,
		.entry_bytes = sizeof(struct thag_recording_entry),
	};
	int ret = thag_recording_pack_begin(&writer->own, THAG_RECORDING_INDEX, &index,
					    sizeof(index));

	if (ret == 0)
		ret = thag_recording_pack_part(&writer->own, THAG_RECORDING_ENTRIES,
					       writer->pending,
					       index.count * sizeof(struct thag_recording_entry));
	if (ret == 0)
		ret = append_block(writer, &writer->own);
	if (ret != 0)
		return ret;
	writer->last_index = index.offset;
	writer->pending_count = 0;
	writer->unindexed_bytes = 0;
	return 0;
}

static void count_block(struct thag_recording_writer *writer,
			const struct thag_recording_entry *entry)
{
	const struct thag_recording_chunk *chunk = &entry->chunk;

	writer->pending[writer->pending_count++] = *entry;
	writer->unindexed_bytes += entry->bytes;
	writer->blocks++;
	if (entry->type != THAG_RECORDING_CHUNK)
		return;
	writer->chunks++;
	writer->words += chunk->words;
	writer->events += chunk->events;
	writer->next_pos[chunk->ring] = chunk->first_pos + chunk->words;
}

int thag_recording_writer_put(struct thag_recording_writer *writer,
			      struct thag_recording_pack *pack, uint64_t *offset)
{
	struct thag_recording_entry entry;

	if (writer->error || writer->finished)
		return writer->error ? writer->error : -EALREADY;
	if (!make_entry(writer, pack, &entry) || !is_in_order(writer, &entry))
		return -EINVAL;
	if (writer->blocks >= THAG_RECORDING_BLOCKS_MAX)
		return -EFBIG;
	writer->error = append_block(writer, pack);
	if (writer->error)
		return writer->error;
	entry.bytes = pack->head.bytes;
	count_block(writer, &entry);
	if (offset)
		*offset = entry.offset;
	if (writer->pending_count >= THAG_RECORDING_INDEX_BLOCKS ||
	    writer->unindexed_bytes >= THAG_RECORDING_INDEX_BYTES)
		writer->error = append_index(writer);
	return 0;
}

/* Without its INDEX, readers look at the last blocks one by one. */
static int append_end(struct thag_recording_writer *writer, const struct thag_recording_end *end)
{
	struct thag_recording_end full = *end;
	int ret;

	full.index_offset = writer->last_index;
	full.chunks = writer->chunks;
	full.words = writer->words;
	full.events = writer->events;
	if (writer->error) {
		full.ending = THAG_RECORDING_FAILED;
		full.error = (uint32_t)-writer->error;
	}
	ret = thag_recording_pack_begin(&writer->own, THAG_RECORDING_END, &full, sizeof(full));
	return ret == 0 ? append_block(writer, &writer->own) : ret;
}

static void keep_first(struct thag_recording_writer *writer, int error)
{
	if (writer->error == 0)
		writer->error = error;
}

int thag_recording_writer_finish(struct thag_recording_writer *writer,
				 const struct thag_recording_end *end)
{
	if (writer->finished)
		return -EALREADY;
	writer->finished = true;
	if (writer->pending_count)
		keep_first(writer, append_index(writer));
	keep_first(writer, append_end(writer, end));
	return writer->error;
}

void thag_recording_writer_destroy(struct thag_recording_writer *writer)
{
	if (!writer)
		return;
	thag_recording_pack_fini(&writer->own);
	free(writer);
}
