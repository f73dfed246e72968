/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "recording_sample.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "thag_recording_tables.h"

#define CHUNK_HEAD_BYTES 80

const struct thag_recording_identity sample_identity = {
	.nonce = "a nonce of 16 b",
	.session = SAMPLE_SESSION,
	.start_real_ns = SAMPLE_START,
};

int sample_file(void)
{
	return memfd_create("recording", MFD_CLOEXEC);
}

int sample_file_of(const void *data, size_t bytes)
{
	int fd = sample_file();

	if (fd >= 0 && bytes && pwrite(fd, data, bytes, 0) != (ssize_t)bytes) {
		close(fd);
		return -1;
	}
	return fd;
}

int sample_open_again(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

uint8_t *sample_bytes(int fd, size_t *bytes)
{
	struct stat st;
	uint8_t *data;

	if (fstat(fd, &st) != 0)
		return NULL;
	*bytes = (size_t)st.st_size;
	data = malloc(*bytes + 1);
	if (data && thag_recording_read(fd, data, *bytes, 0) != 0) {
		free(data);
		return NULL;
	}
	return data;
}

/* Bits as of a good hash (SplitMix64), with few different high bytes: like events, they compress.
 */
uint64_t sample_word(uint32_t ring, uint64_t pos)
{
	uint64_t mixed = pos * UINT64_C(0x9e3779b97f4a7c15) + ring;

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return (mixed >> 40) | pos << 24 | (uint64_t)ring << 54;
}

int sample_pack_words(struct thag_recording_pack *pack, uint32_t ring, uint64_t first_pos,
		      const uint64_t *words, uint32_t count)
{
	struct thag_recording_chunk chunk = { .first_pos = first_pos,
					      .first_ticks = first_pos * 10,
					      .last_ticks = (first_pos + count) * 10,
					      .words = count,
					      .events = count - count / 4,
					      .ring = ring,
					      .tid = 1000 + ring };
	uint8_t head[CHUNK_HEAD_BYTES] = { 1, 2, 3 };
	int ret = thag_recording_pack_begin(pack, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk));

	if (ret == 0)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_CHUNK_HEAD, head, sizeof(head));
	if (ret == 0)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_TREE, "a tree", 6);
	if (ret == 0)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_WORDS, words,
					       count * sizeof(*words));
	return ret;
}

int sample_pack_chunk(struct thag_recording_pack *pack, uint32_t ring, uint64_t first_pos,
		      uint32_t words, uint32_t flags)
{
	uint64_t *data = malloc((words + 1) * sizeof(*data));
	struct thag_recording_chunk *chunk = (struct thag_recording_chunk *)pack->info;
	int ret = -ENOMEM;

	for (uint32_t i = 0; data && i < words; i++)
		data[i] = sample_word(ring, first_pos + i);
	if (data)
		ret = sample_pack_words(pack, ring, first_pos, data, words);
	if (ret == 0)
		chunk->flags = flags;
	free(data);
	return ret;
}

static struct thag_recording_text text(const char *string)
{
	return (struct thag_recording_text){ string, (uint32_t)strlen(string) };
}

static int add_entries(struct thag_recording_table *sites, struct thag_recording_table *modules,
		       struct thag_recording_table *traces)
{
	const struct thag_recording_site site = { .id = 2,
						  .kind = THAG_SITE_FUNCTION,
						  .modes = THAG_MODE_TIME,
						  .line = 42,
						  .module = THAG_MODULE_NONE,
						  .name = text("parse"),
						  .file = text("parse.c") };
	const struct thag_recording_site native = { .id = 3,
						    .kind = THAG_SITE_FUNCTION,
						    .modes = THAG_MODE_MEMORY,
						    .flags = THAG_SITE_ADDRESS | THAG_SITE_CALL,
						    .address = 0x1234 };
	const struct thag_recording_module module = { .build_id_bytes = 3,
						      .build_id = "abc",
						      .bias = 0x1000,
						      .start = 0x2000,
						      .end = 0x3000,
						      .path = text("/usr/bin/program") };
	const struct thag_recording_trace trace = { 1, 0, 3 };
	int ret = thag_recording_site_add(sites, &site);

	if (ret == 0)
		ret = thag_recording_site_add(sites, &native);
	if (ret == 0)
		ret = thag_recording_module_add(modules, &module);
	return ret ? ret : thag_recording_trace_add(traces, &trace);
}

static int add_name(struct thag_recording_table *names, struct thag_recording_table *frames)
{
	struct thag_recording_name *name = calloc(1, sizeof(*name));
	int ret = -ENOMEM;

	if (name) {
		name->site = 3;
		name->frame_count = 2;
		name->frames[0] = (struct thag_recording_frame){ text("inlined"), text("a.h"), 7 };
		name->frames[1] = (struct thag_recording_frame){ text("outer"), text("a.c"), 9 };
		ret = thag_recording_name_add(names, frames, name);
	}
	free(name);
	return ret;
}

static int put_table(struct thag_recording_writer *writer, struct thag_recording_pack *pack,
		     enum thag_recording_type type, const struct thag_recording_table *table,
		     const struct thag_recording_table *frames)
{
	struct thag_buffer bytes = { 0 };
	int ret = thag_recording_pack_begin(pack, type, NULL, 0);

	if (ret == 0)
		ret = thag_recording_table_write(table, &bytes);
	if (ret == 0)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_TABLE, bytes.data, bytes.bytes);
	if (ret == 0 && frames)
		ret = thag_recording_table_write(frames, &bytes);
	if (ret == 0 && frames)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_FRAMES, bytes.data,
					       bytes.bytes);
	thag_buffer_fini(&bytes);
	return ret ? ret : thag_recording_writer_put(writer, pack, NULL);
}

static int put_session(struct thag_recording_writer *writer, struct thag_recording_pack *pack)
{
	static const char json[] = "{\"program\": \"sample\", \"pid\": 42, \"threads\": []}";
	const struct thag_recording_clock clock = { 1000, 2000, SAMPLE_START, 25 };
	int ret = thag_recording_pack_begin(pack, THAG_RECORDING_SESSION, NULL, 0);

	if (ret == 0)
		ret = thag_recording_pack_part(pack, THAG_RECORDING_JSON, json, strlen(json));
	if (ret == 0)
		ret = thag_recording_writer_put(writer, pack, NULL);
	if (ret == 0)
		ret = thag_recording_pack_begin(pack, THAG_RECORDING_CLOCK, &clock, sizeof(clock));
	return ret ? ret : thag_recording_writer_put(writer, pack, NULL);
}

int sample_put_tables(struct thag_recording_writer *writer, struct thag_recording_pack *pack)
{
	struct thag_recording_table sites = { .record_bytes = THAG_RECORDING_SITE_BYTES };
	struct thag_recording_table modules = { .record_bytes = THAG_RECORDING_MODULE_BYTES };
	struct thag_recording_table traces = { .record_bytes = THAG_RECORDING_TRACE_BYTES };
	struct thag_recording_table names = { .record_bytes = THAG_RECORDING_NAME_BYTES };
	struct thag_recording_table frames = { .record_bytes = THAG_RECORDING_FRAME_BYTES };
	int ret = put_session(writer, pack);

	if (ret == 0)
		ret = add_entries(&sites, &modules, &traces);
	if (ret == 0)
		ret = add_name(&names, &frames);
	if (ret == 0)
		ret = put_table(writer, pack, THAG_RECORDING_SITES, &sites, NULL);
	if (ret == 0)
		ret = put_table(writer, pack, THAG_RECORDING_MODULES, &modules, NULL);
	if (ret == 0)
		ret = put_table(writer, pack, THAG_RECORDING_TRACES, &traces, NULL);
	if (ret == 0)
		ret = put_table(writer, pack, THAG_RECORDING_NAMES, &names, &frames);
	thag_recording_table_fini(&sites);
	thag_recording_table_fini(&modules);
	thag_recording_table_fini(&traces);
	thag_recording_table_fini(&names);
	thag_recording_table_fini(&frames);
	return ret;
}

int sample_put_chunks(struct thag_recording_writer *writer, struct thag_recording_pack *pack,
		      uint32_t rings, uint32_t chunks, uint32_t words)
{
	int ret = 0;

	for (uint32_t i = 0; ret == 0 && i < chunks; i++) {
		uint32_t ring = i % rings;
		uint64_t next = writer->next_pos[ring];

		ret = sample_pack_chunk(pack, ring, next ? next : SAMPLE_FIRST_POS, words, 0);
		if (ret == 0)
			ret = thag_recording_writer_put(writer, pack, NULL);
	}
	return ret;
}

int sample_recording(uint32_t chunks, uint32_t words, int level, bool ended)
{
	const struct thag_recording_end end = { .ending = THAG_RECORDING_PROGRAM_ENDED };
	struct thag_recording_pack pack = { .level = level };
	struct thag_recording_writer *writer;
	int fd = sample_file();
	int ret = thag_recording_writer_create(&writer, fd, &sample_identity, NULL);

	if (ret == 0) {
		ret = sample_put_tables(writer, &pack);
		if (ret == 0)
			ret = sample_put_chunks(writer, &pack, 2, chunks, words);
		if (ret == 0 && ended)
			ret = thag_recording_writer_finish(writer, &end);
		thag_recording_writer_destroy(writer);
	}
	thag_recording_pack_fini(&pack);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
}

static int check_words(const struct thag_recording_chunk *chunk, const struct thag_buffer *part)
{
	if (part->bytes != chunk->words * sizeof(uint64_t))
		return -EBADMSG;
	for (uint64_t i = 0; i < chunk->words; i++) {
		uint64_t word;

		memcpy(&word, part->data + i * sizeof(word), sizeof(word));
		if (word != sample_word(chunk->ring, chunk->first_pos + i))
			return -EBADMSG;
	}
	return 0;
}

int sample_check_entry(const struct thag_recording_reader *reader, uint32_t i)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	int ret = thag_recording_reader_front(reader, i, &front);

	for (uint32_t j = 0; ret == 0 && j < front.part_count; j++) {
		ret = thag_recording_part_read(&reader->file, &front.parts[j],
					       THAG_RECORDING_PART_MAX, &unpacker, &part);
		if (ret == 0 && front.parts[j].part.kind == THAG_RECORDING_WORDS)
			ret = check_words(&reader->entries[i].chunk, &part);
	}
	thag_buffer_fini(&part);
	thag_recording_unpacker_fini(&unpacker);
	return ret;
}
