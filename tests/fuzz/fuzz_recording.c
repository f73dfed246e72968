/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings, journals and tables of any bytes. The first byte says what the rest is:
 *
 *   0  a recording, as it is
 *   1  a recording, whose checksums are made right first: so what lies behind them is met, too
 *   2  the same, which is gone on with: what comes out of that must be whole
 *   3  a journal: its head, then the heads of slots, without their words
 *   4  a table of sites, modules or traces; or two, of names and frames
 *
 * Nothing that is read may be larger than what was asked for, and texts lie within their tables.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <xxhash.h>

#include "fuzz.h"
#include "thag_recording_reader.h"
#include "thag_recording_resume.h"
#include "thag_recording_tables.h"

#define PART_MAX (UINT32_C(1) << 20)
#define ENTRIES_MAX 256 /* of which parts are read */
#define SLOTS_MAX 8

static int make_file(void)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	check(fd >= 0);
	return fd;
}

static void write_at(int fd, const void *data, size_t bytes, size_t offset)
{
	check(pwrite(fd, data, bytes, (off_t)offset) == (ssize_t)bytes);
}

/* Makes the block at `at` pass, if its lengths are such that one can say what it covers. */
static void sign_block(uint8_t *data, size_t bytes, size_t at, uint64_t seed)
{
	struct thag_recording_head head;
	struct thag_recording_part part;
	size_t parts, front;

	memcpy(&head, data + at, sizeof(head));
	parts = at + sizeof(head) + head.info_bytes;
	front = sizeof(head) + head.info_bytes + head.part_count * sizeof(part);
	if (head.magic != THAG_RECORDING_BLOCK_MAGIC || head.bytes > bytes - at ||
	    front > head.bytes || front > THAG_RECORDING_FRONT_MAX)
		return;
	size_t place = at + front;

	for (uint32_t i = 0; i < head.part_count; i++, parts += sizeof(part)) {
		memcpy(&part, data + parts, sizeof(part));
		uint64_t padded = thag_recording_padded(part.bytes);

		if (padded > at + head.bytes - place)
			break;
		part.checksum = XXH3_64bits(data + place, padded);
		memcpy(data + parts, &part, sizeof(part));
		place += padded;
	}
	head.checksum = thag_recording_front_checksum(data + at, (uint32_t)front, seed);
	memcpy(data + at, &head, sizeof(head));
}

/* From the end on, since blocks may lie within parts of others. */
static void sign(uint8_t *data, size_t bytes)
{
	struct thag_recording_header header;

	if (bytes < sizeof(header))
		return;
	memcpy(&header, data, sizeof(header));
	header.checksum = XXH3_64bits(&header, offsetof(struct thag_recording_header, checksum));
	memcpy(data, &header, sizeof(header));
	for (size_t at = bytes & ~(size_t)7; at > sizeof(header);) {
		at -= 8;
		if (bytes - at >= sizeof(struct thag_recording_head))
			sign_block(data, bytes, at, thag_recording_seed(header.nonce));
	}
}

static void check_text(struct thag_recording_text text, const struct thag_recording_rows *rows)
{
	check(text.text >= rows->strings &&
	      text.text + text.bytes <= rows->strings + rows->strings_bytes);
}

static void read_sites(const uint8_t *data, size_t bytes)
{
	struct thag_recording_rows rows;
	struct thag_recording_site site;

	if (thag_recording_rows_open(&rows, data, bytes, THAG_RECORDING_SITE_BYTES) != 0)
		return;
	for (uint32_t i = 0; i < rows.count; i++) {
		if (thag_recording_site_get(&rows, i, &site) != 0)
			continue;
		check(site.id != 0 && site.id < THAG_SITES_MAX);
		check_text(site.name, &rows);
		check_text(site.file, &rows);
	}
}

static void read_modules(const uint8_t *data, size_t bytes)
{
	struct thag_recording_rows rows;
	struct thag_recording_module module;

	if (thag_recording_rows_open(&rows, data, bytes, THAG_RECORDING_MODULE_BYTES) != 0)
		return;
	for (uint32_t i = 0; i < rows.count; i++) {
		if (thag_recording_module_get(&rows, i, &module) != 0)
			continue;
		check(module.id < THAG_MODULES_MAX && module.build_id_bytes <= THAG_BUILD_ID_MAX);
		check_text(module.path, &rows);
	}
}

static void read_traces(const uint8_t *data, size_t bytes)
{
	struct thag_recording_rows rows;
	struct thag_recording_trace trace;

	if (thag_recording_rows_open(&rows, data, bytes, THAG_RECORDING_TRACE_BYTES) != 0)
		return;
	for (uint32_t i = 0; i < rows.count; i++)
		if (thag_recording_trace_get(&rows, i, &trace) == 0)
			check(trace.parent < trace.id && trace.id < THAG_TRACES_MAX);
}

static void read_names(const struct thag_buffer *first, const struct thag_buffer *second)
{
	static struct thag_recording_name name;
	struct thag_recording_rows names, frames;

	if (thag_recording_rows_open(&names, first->data, first->bytes,
				     THAG_RECORDING_NAME_BYTES) != 0 ||
	    thag_recording_rows_open(&frames, second->data, second->bytes,
				     THAG_RECORDING_FRAME_BYTES) != 0)
		return;
	for (uint32_t i = 0; i < names.count; i++) {
		if (thag_recording_name_get(&names, &frames, i, &name) != 0)
			continue;
		for (uint32_t j = 0; j < name.frame_count; j++) {
			check_text(name.frames[j].name, &frames);
			check_text(name.frames[j].file, &frames);
		}
	}
}

static void read_table(uint32_t type, const struct thag_buffer *first,
		       const struct thag_buffer *second)
{
	switch (type) {
	case THAG_RECORDING_SITES:
		read_sites(first->data, first->bytes);
		break;
	case THAG_RECORDING_MODULES:
		read_modules(first->data, first->bytes);
		break;
	case THAG_RECORDING_TRACES:
		read_traces(first->data, first->bytes);
		break;
	case THAG_RECORDING_NAMES:
		read_names(first, second);
		break;
	default:
		break;
	}
}

/* Reads the parts of entry `i`, and what they are. */
static void read_entry(const struct thag_recording_reader *reader, uint32_t i,
		       struct thag_recording_unpacker *unpacker)
{
	struct thag_recording_front front;
	struct thag_buffer parts[2] = { 0 };

	if (thag_recording_reader_front(reader, i, &front) != 0)
		return;
	for (uint32_t j = 0; j < front.part_count; j++) {
		struct thag_buffer *part = &parts[j != 0];
		int ret = thag_recording_part_read(&reader->file, &front.parts[j], PART_MAX,
						   unpacker, part);

		check(ret == 0 ? part->bytes == front.parts[j].part.raw_bytes : part->bytes == 0);
		check(part->bytes <= PART_MAX);
	}
	if (parts[0].data && (front.type != THAG_RECORDING_NAMES || parts[1].data))
		read_table(front.type, &parts[0], &parts[1]);
	thag_buffer_fini(&parts[0]);
	thag_buffer_fini(&parts[1]);
}

static void check_reader(const struct thag_recording_reader *reader)
{
	uint64_t at = reader->header.header_bytes;

	check(reader->entry_count <= reader->file.bytes / sizeof(struct thag_recording_head));
	for (uint32_t i = 0; i < reader->entry_count; i++) {
		const struct thag_recording_entry *entry = &reader->entries[i];

		check(entry->offset >= at && entry->offset + entry->bytes <= reader->file.bytes);
		at = entry->offset + entry->bytes;
	}
	check(reader->damage_count <= THAG_RECORDING_DAMAGES_MAX);
	for (uint32_t i = 0; i < reader->damage_count; i++) {
		const struct thag_recording_damage *damage = &reader->damages[i];

		check(damage->offset < damage->until && damage->until <= reader->file.bytes);
		check(thag_recording_fault_text(damage->fault)[0]);
	}
}

static void read_recording(int fd)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_reader reader;
	char text[160];

	if (thag_recording_reader_open(&reader, fd) != 0)
		return;
	check_reader(&reader);
	check(thag_recording_reader_explain(&reader, text, sizeof(text)) || reader.ended);
	for (uint32_t i = 0; i < reader.entry_count && i < ENTRIES_MAX; i++)
		read_entry(&reader, i, &unpacker);
	thag_recording_unpacker_fini(&unpacker);
	thag_recording_reader_fini(&reader);
}

static int put_chunk(struct thag_recording_writer *writer)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_chunk chunk = { .first_pos = writer->next_pos[3], .words = 1 };
	int ret;

	chunk.ring = 3;
	ret = thag_recording_pack_begin(&pack, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk));
	if (ret == 0)
		ret = thag_recording_pack_part(&pack, THAG_RECORDING_WORDS, "a word..", 8);
	if (ret == 0)
		ret = thag_recording_writer_put(writer, &pack, NULL);
	thag_recording_pack_fini(&pack);
	return ret;
}

static void go_on(int fd, const uint8_t *data)
{
	const struct thag_recording_end end = { .ending = THAG_RECORDING_STOPPED };
	const uint8_t *nonce = data + offsetof(struct thag_recording_header, nonce);
	struct thag_recording_resumed resumed;
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;

	if (thag_recording_resume(&writer, fd, nonce, NULL, &resumed) != 0)
		return;
	uint64_t chunks = writer->chunks;

	if (writer->next_pos[3] != UINT64_MAX) {
		check(put_chunk(writer) == 0);
		check(thag_recording_writer_finish(writer, &end) == 0);
		check(thag_recording_reader_open(&reader, fd) == 0);
		check_reader(&reader);
		check(reader.ended && reader.chunks == chunks + 1);
		check(reader.damage_count == 0 || reader.damages[0].until < resumed.kept_bytes);
		thag_recording_reader_fini(&reader);
	}
	thag_recording_writer_destroy(writer);
}

static void read_journal(int fd, const uint8_t *nonce)
{
	static const uint64_t next_pos[THAG_RECORDING_RINGS_MAX] = { 1000, 2000 };
	static uint64_t words[THAG_RECORDING_CHUNK_WORDS];
	static uint8_t side[THAG_RECORDING_SIDE_BYTES];
	struct thag_recording_remainder remainder;
	uint64_t ends[THAG_RECORDING_RINGS_MAX];

	if (thag_recording_remains_open(&remainder, fd, nonce, next_pos) != 0)
		return;
	memcpy(ends, next_pos, sizeof(ends));
	for (uint32_t i = 0; i < remainder.count; i++) {
		const struct thag_recording_remains *remains = &remainder.remains[i];

		check(remains->first_pos >= ends[remains->ring]);
		ends[remains->ring] = remains->first_pos + remains->words;
		thag_recording_remains_read(&remainder, i, words, side);
	}
	thag_recording_remains_fini(&remainder);
}

/* A head as a writer makes it, changed by what was given, which is combined with it. */
static void try_journal(const uint8_t *data, size_t bytes)
{
	struct thag_recording_journal_head head;
	struct thag_recording_journal *journal;
	uint8_t *raw = (uint8_t *)&head;
	int fd = make_file();

	if (bytes >= sizeof(head)) {
		check(thag_recording_journal_create(&journal, fd, data) == 0);
		thag_recording_journal_destroy(journal);
		check(thag_recording_read(fd, &head, sizeof(head), 0) == 0);
		for (size_t i = THAG_RECORDING_NONCE_BYTES; i < sizeof(head); i++)
			raw[i] ^= data[i];
		head.checksum =
			XXH3_64bits(&head, offsetof(struct thag_recording_journal_head, checksum));
		write_at(fd, &head, sizeof(head), 0);
		data += sizeof(head);
		bytes -= sizeof(head);
		for (size_t i = 0; i < SLOTS_MAX && (i + 1) * 64 <= bytes; i++) {
			size_t at =
				THAG_RECORDING_JOURNAL_SLOTS_OFFSET + i * THAG_RECORDING_SLOT_BYTES;

			write_at(fd, data + i * 64, 64, at);
			check(ftruncate(fd, (off_t)(at + THAG_RECORDING_SLOT_BYTES)) == 0);
		}
		read_journal(fd, head.nonce);
	}
	close(fd);
}

static void try_table(const uint8_t *data, size_t bytes)
{
	struct thag_buffer parts[2];
	size_t half;

	if (bytes < 2)
		return;
	half = (bytes - 2) * data[1] / 255;
	parts[0] = (struct thag_buffer){ .data = (uint8_t *)data + 2, .bytes = half };
	parts[1] = (struct thag_buffer){ .data = (uint8_t *)data + 2 + half,
					 .bytes = bytes - 2 - half };
	read_table(data[0], &parts[0], &parts[1]);
}

static void try_recording(const uint8_t *data, size_t bytes, uint8_t mode)
{
	uint8_t *copy = take(bytes + 1);
	int fd = make_file();

	if (bytes)
		memcpy(copy, data, bytes);
	if (mode != 0)
		sign(copy, bytes);
	if (bytes)
		write_at(fd, copy, bytes, 0);
	if (mode == 2 && bytes >= sizeof(struct thag_recording_header))
		go_on(fd, copy);
	else
		read_recording(fd);
	free(copy);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	if (bytes == 0)
		return 0;
	if (data[0] <= 2)
		try_recording(data + 1, bytes - 1, data[0]);
	else if (data[0] == 3)
		try_journal(data + 1, bytes - 1);
	else
		try_table(data + 1, bytes - 1);
	return 0;
}
