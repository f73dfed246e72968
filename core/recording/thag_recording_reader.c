/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_reader.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include <xxhash.h>

#include "thag_recording_index.h"

/* The last INDEX of a file that was not ended lies at most so far from its end. */
#define SEARCH_BYTES (THAG_RECORDING_INDEX_BYTES + 2 * (uint64_t)THAG_RECORDING_BLOCK_MAX)
#define SEARCH_TRIES 1024 /* of what looks like one at first sight */
#define WINDOW_BYTES (UINT32_C(256) << 10)
#define FIRST_ENTRIES 64

/* The INDEX blocks that can be followed back from the last one, which comes first. */
struct chain {
	uint64_t *offsets;
	uint32_t count;
	uint32_t capacity;
	uint64_t covered; /* where the first block lies that they tell of */
};

static int check_header(const struct thag_recording_header *header)
{
	const size_t checked = offsetof(struct thag_recording_header, checksum);

	if (header->magic != THAG_RECORDING_MAGIC)
		return -EPROTO;
	if (header->byte_order != THAG_RECORDING_BYTE_ORDER ||
	    header->version != THAG_RECORDING_VERSION)
		return -ENOTSUP;
	if (header->checksum != XXH3_64bits(header, checked) ||
	    header->header_bytes != sizeof(*header))
		return -EBADMSG;
	return 0;
}

static int read_header(struct thag_recording_reader *reader, int fd)
{
	struct stat st;
	int ret;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	ret = thag_recording_read(fd, &reader->header, sizeof(reader->header), 0);
	if (ret == 0)
		ret = check_header(&reader->header);
	reader->file = (struct thag_recording_file){
		.fd = fd,
		.bytes = (uint64_t)st.st_size,
		.seed = thag_recording_seed(reader->header.nonce),
	};
	reader->next_offset = sizeof(reader->header);
	return ret;
}

static void note_damage(struct thag_recording_reader *reader, uint64_t offset, uint64_t until,
			enum thag_recording_fault fault)
{
	reader->damages[reader->damage_count++] =
		(struct thag_recording_damage){ .offset = offset, .until = until, .fault = fault };
}

static enum thag_recording_fault add_entry(struct thag_recording_reader *reader,
					   const struct thag_recording_entry *entry)
{
	if (reader->entry_count >= THAG_RECORDING_BLOCKS_MAX)
		return THAG_RECORDING_TOO_MANY;
	if (reader->entry_count >= reader->entry_capacity) {
		uint32_t capacity =
			reader->entry_capacity ? reader->entry_capacity * 2 : FIRST_ENTRIES;
		struct thag_recording_entry *grown =
			reallocarray(reader->entries, capacity, sizeof(*grown));

		if (!grown)
			return THAG_RECORDING_NO_MEMORY;
		reader->entries = grown;
		reader->entry_capacity = capacity;
	}
	reader->entries[reader->entry_count++] = *entry;
	reader->pending++;
	return THAG_RECORDING_WHOLE;
}

/* What a block that was met on the way means. */
static enum thag_recording_fault take_block(struct thag_recording_reader *reader,
					    const struct thag_recording_front *front)
{
	struct thag_recording_entry entry;
	enum thag_recording_fault fault = thag_recording_entry_make(front, &entry);

	if (fault)
		return fault;
	switch (front->type) {
	case THAG_RECORDING_INDEX:
		reader->last_index = front->offset;
		reader->pending = 0;
		return THAG_RECORDING_WHOLE;
	case THAG_RECORDING_END:
		memcpy(&reader->end, front->info, sizeof(reader->end));
		reader->ended = true;
		return THAG_RECORDING_WHOLE;
	default:
		return add_entry(reader, &entry);
	}
}

static enum thag_recording_fault scan_block(struct thag_recording_reader *reader,
					    const struct thag_recording_file *file,
					    struct thag_recording_front *front)
{
	enum thag_recording_fault fault =
		thag_recording_front_read(file, reader->next_offset, front);

	if (!fault && front->sequence != reader->next_sequence)
		fault = THAG_RECORDING_SEQUENCE;
	if (!fault)
		fault = thag_recording_parts_check(file, front, &reader->unpacker);
	return fault ? fault : take_block(reader, front);
}

/* Looks at each block from where it stands up to `until`. */
static void scan(struct thag_recording_reader *reader, uint64_t until)
{
	struct thag_recording_file file = reader->file;
	struct thag_recording_front front;

	file.bytes = until;
	while (reader->next_offset < until && !reader->ended) {
		enum thag_recording_fault fault = scan_block(reader, &file, &front);

		if (fault) {
			note_damage(reader, reader->next_offset, until, fault);
			return;
		}
		reader->next_offset += front.bytes;
		reader->next_sequence++;
	}
	if (reader->next_offset < until)
		note_damage(reader, reader->next_offset, until, THAG_RECORDING_TRAILING);
}

static int add_to_chain(struct chain *chain, const struct thag_recording_index *index,
			uint64_t covered)
{
	if (chain->count >= chain->capacity) {
		uint32_t capacity = chain->capacity ? chain->capacity * 2 : FIRST_ENTRIES;
		uint64_t *grown = reallocarray(chain->offsets, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		chain->offsets = grown;
		chain->capacity = capacity;
	}
	chain->offsets[chain->count++] = index->offset;
	chain->covered = covered;
	return 0;
}

/* Whether `loaded` is what the earliest INDEX of the chain calls the one before. */
static bool is_next(const struct chain *chain, const struct thag_recording_loaded *loaded,
		    uint64_t sequence)
{
	return chain->count == 0 ||
	       (loaded->end == chain->covered && loaded->sequence + 1 == sequence);
}

/* Follows the chain from the INDEX at `offset` as far as it goes. 0 or -ENOMEM. */
static int follow(struct thag_recording_reader *reader, uint64_t offset, struct chain *chain)
{
	struct thag_buffer bytes = { 0 };
	struct thag_recording_loaded loaded;
	uint64_t sequence = 0;
	int ret = 0;

	chain->count = 0;
	while (ret == 0 && offset != 0 && chain->count < THAG_RECORDING_BLOCKS_MAX) {
		ret = thag_recording_index_load(&reader->file, offset, &reader->unpacker, &bytes,
						&loaded);
		if (ret != 0 || !is_next(chain, &loaded, sequence))
			break;
		ret = add_to_chain(chain, &loaded.index,
				   thag_recording_index_get(&loaded, 0).offset);
		sequence = loaded.index.first_sequence;
		offset = loaded.index.previous;
	}
	thag_buffer_fini(&bytes);
	return ret == -ENOMEM ? ret : 0;
}

/* Takes what the INDEX at `offset` tells; it was whole a moment ago. */
static int take_index(struct thag_recording_reader *reader, uint64_t offset,
		      struct thag_buffer *bytes)
{
	struct thag_recording_loaded loaded;
	int ret =
		thag_recording_index_load(&reader->file, offset, &reader->unpacker, bytes, &loaded);

	for (uint32_t i = 0; ret == 0 && i < loaded.index.count; i++) {
		struct thag_recording_entry entry = thag_recording_index_get(&loaded, i);

		switch (add_entry(reader, &entry)) {
		case THAG_RECORDING_WHOLE:
			break;
		case THAG_RECORDING_NO_MEMORY:
			ret = -ENOMEM;
			break;
		default:
			ret = -EFBIG;
		}
	}
	if (ret != 0)
		return ret;
	reader->last_index = offset;
	reader->next_offset = loaded.end;
	reader->next_sequence = loaded.sequence + 1;
	reader->pending = 0;
	return 0;
}

static int take_chain(struct thag_recording_reader *reader, const struct chain *chain)
{
	struct thag_buffer bytes = { 0 };
	int ret = 0;

	for (uint32_t i = chain->count; ret == 0 && i > 0; i--)
		ret = take_index(reader, chain->offsets[i - 1], &bytes);
	thag_buffer_fini(&bytes);
	return ret;
}

/* The offset of the last INDEX as the END tells, 0: no END, or no INDEX. */
static uint64_t ask_end(const struct thag_recording_reader *reader)
{
	struct thag_recording_front front;
	struct thag_recording_end end;

	if (reader->file.bytes < sizeof(reader->header) + THAG_RECORDING_END_BYTES ||
	    thag_recording_front_read(&reader->file, reader->file.bytes - THAG_RECORDING_END_BYTES,
				      &front) != THAG_RECORDING_WHOLE ||
	    front.type != THAG_RECORDING_END || front.info_bytes != sizeof(end))
		return 0;
	memcpy(&end, front.info, sizeof(end));
	return end.index_offset;
}

static bool looks_like_index(const uint8_t *at)
{
	uint32_t magic;
	uint16_t type;

	memcpy(&magic, at, sizeof(magic));
	memcpy(&type, at + sizeof(magic), sizeof(type));
	return magic == THAG_RECORDING_BLOCK_MAGIC && type == THAG_RECORDING_INDEX;
}

/* The last INDEX of `bytes` bytes at `offset`, from where a chain can be followed. */
static int search_window(struct thag_recording_reader *reader, uint64_t offset, const uint8_t *data,
			 size_t bytes, uint32_t *tries, struct chain *chain)
{
	int ret = 0;

	for (size_t at = bytes; ret == 0 && chain->count == 0 && at >= 8 && *tries; at -= 8) {
		if (!looks_like_index(data + at - 8))
			continue;
		(*tries)--;
		ret = follow(reader, offset + at - 8, chain);
	}
	return ret;
}

/* Looks for an INDEX from the end of the file backwards. */
static int search(struct thag_recording_reader *reader, struct chain *chain)
{
	uint64_t end = reader->file.bytes & ~UINT64_C(7), lowest = sizeof(reader->header);
	uint32_t tries = SEARCH_TRIES;
	uint8_t *window = malloc(WINDOW_BYTES);
	int ret = window ? 0 : -ENOMEM;

	if (end > SEARCH_BYTES + lowest)
		lowest = end - SEARCH_BYTES;
	while (ret == 0 && chain->count == 0 && end > lowest && tries) {
		size_t bytes = end - lowest < WINDOW_BYTES ? end - lowest : WINDOW_BYTES;

		end -= bytes;
		ret = thag_recording_read(reader->file.fd, window, bytes, end);
		if (ret == 0)
			ret = search_window(reader, end, window, bytes, &tries, chain);
	}
	free(window);
	return ret;
}

static int find_chain(struct thag_recording_reader *reader, struct chain *chain)
{
	uint64_t last = ask_end(reader);
	int ret = last ? follow(reader, last, chain) : 0;

	if (ret == 0 && chain->count == 0)
		ret = search(reader, chain);
	return ret;
}

/* Counts the chunks; words that were there before don't come twice. */
static void count_chunks(struct thag_recording_reader *reader)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < reader->entry_count; i++) {
		const struct thag_recording_entry *entry = &reader->entries[i];
		const struct thag_recording_chunk *chunk = &entry->chunk;

		if (entry->type == THAG_RECORDING_CHUNK) {
			uint64_t *next = &reader->next_pos[chunk->ring];

			if (chunk->first_pos < *next) {
				reader->repeated++;
				continue;
			}
			reader->missing += *next ? chunk->first_pos - *next : 0;
			*next = chunk->first_pos + chunk->words;
			reader->chunks++;
			reader->words += chunk->words;
			reader->events += chunk->events;
		}
		reader->entries[kept++] = *entry;
	}
	reader->entry_count = kept;
}

static int find_blocks(struct thag_recording_reader *reader)
{
	struct chain chain = { 0 };
	int ret = find_chain(reader, &chain);

	if (ret == 0 && chain.count && chain.covered != reader->next_offset)
		scan(reader, chain.covered);
	if (ret == 0)
		ret = take_chain(reader, &chain);
	if (ret == 0 && !reader->ended)
		scan(reader, reader->file.bytes);
	free(chain.offsets);
	return ret;
}

int thag_recording_reader_open(struct thag_recording_reader *reader, int fd)
{
	int ret;

	memset(reader, 0, sizeof(*reader));
	ret = read_header(reader, fd);
	if (ret == 0)
		ret = find_blocks(reader);
	if (ret != 0) {
		thag_recording_reader_fini(reader);
		return ret;
	}
	count_chunks(reader);
	return 0;
}

int thag_recording_reader_front(const struct thag_recording_reader *reader, uint32_t i,
				struct thag_recording_front *out)
{
	const struct thag_recording_entry *entry = &reader->entries[i];
	struct thag_recording_entry found;
	enum thag_recording_fault fault =
		thag_recording_front_read(&reader->file, entry->offset, out);

	if (fault == THAG_RECORDING_IO)
		return -EIO;
	if (fault != THAG_RECORDING_WHOLE ||
	    thag_recording_entry_make(out, &found) != THAG_RECORDING_WHOLE ||
	    found.bytes != entry->bytes || found.type != entry->type ||
	    memcmp(&found.chunk, &entry->chunk, sizeof(found.chunk)) != 0)
		return -EBADMSG;
	return 0;
}

bool thag_recording_reader_explain(const struct thag_recording_reader *reader, char *out,
				   size_t size)
{
	const struct thag_recording_damage *damage = &reader->damages[0];

	if (reader->damage_count)
		snprintf(out, size,
			 "damaged at byte %" PRIu64 ": %s; %" PRIu64 " chunks with %" PRIu64
			 " events can be read",
			 damage->offset, thag_recording_fault_text(damage->fault), reader->chunks,
			 reader->events);
	else if (!reader->ended)
		snprintf(out, size, "not finished: %" PRIu64 " chunks with %" PRIu64 " events",
			 reader->chunks, reader->events);
	else
		return false;
	return true;
}

void thag_recording_reader_fini(struct thag_recording_reader *reader)
{
	free(reader->entries);
	thag_recording_unpacker_fini(&reader->unpacker);
	reader->entries = NULL;
	reader->entry_count = 0;
}
