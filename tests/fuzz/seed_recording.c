/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * seed_recording DIRECTORY: writes the inputs that fuzz_recording begins with, corpus/recording/.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording_sample.h"
#include "thag_recording_journal.h"

#define JOURNAL_HEAD_BYTES sizeof(struct thag_recording_journal_head)

static bool write_seed(const char *directory, const char *name, uint8_t mode, const void *data,
		       size_t bytes)
{
	char path[4096];
	FILE *file;
	bool done;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file)
		return false;
	done = fputc(mode, file) == mode && fwrite(data, 1, bytes, file) == bytes;
	return fclose(file) == 0 && done;
}

/* A recording of `chunks` chunks of `words` words, as three seeds. */
static bool seed_recording(const char *directory, const char *name, uint32_t chunks, uint32_t words,
			   int level, bool ended)
{
	int fd = sample_recording(chunks, words, level, ended);
	char file[64];
	size_t bytes;
	uint8_t *data;
	bool done;

	if (fd < 0)
		return false;
	data = sample_bytes(fd, &bytes);
	done = data != NULL;
	for (uint8_t mode = 0; done && mode < 3; mode++) {
		snprintf(file, sizeof(file), "%s-%d", name, mode);
		done = write_seed(directory, file, mode, data, bytes);
	}
	free(data);
	close(fd);
	return done;
}

/* A journal's head as it is, and two slots. */
static bool seed_journal(const char *directory)
{
	const struct thag_recording_slot_head slots[2] = {
		{ .published = 10, .generation = 1, .first_pos = 1000 },
		{ .published = UINT64_C(7) << 32 | 20, .generation = 2, .first_pos = 1010 },
	};
	uint8_t data[JOURNAL_HEAD_BYTES + sizeof(slots)] = "a nonce of 16 b";

	memcpy(data + JOURNAL_HEAD_BYTES, slots, sizeof(slots));
	return write_seed(directory, "journal", 3, data, sizeof(data));
}

/* The parts of a block behind each other, and the share of them that is the first, of 255. */
static bool join_parts(const struct thag_recording_file *file,
		       const struct thag_recording_front *front, struct thag_buffer *seed)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_buffer part = { 0 };
	uint8_t head[2] = { (uint8_t)front->type, 255 };
	size_t first = 0;
	bool done = thag_buffer_append(seed, head, sizeof(head)) == 0;

	for (uint32_t i = 0; done && i < front->part_count; i++) {
		done = thag_recording_part_read(file, &front->parts[i], 4096, &unpacker, &part) ==
			       0 &&
		       thag_buffer_append(seed, part.data, part.bytes) == 0;
		if (i == 0)
			first = part.bytes;
	}
	if (done && first)
		seed->data[1] = (uint8_t)((first * 255 + seed->bytes - 3) / (seed->bytes - 2));
	thag_recording_unpacker_fini(&unpacker);
	thag_buffer_fini(&part);
	return done;
}

/* The tables of a recording, each by itself. */
static bool seed_tables(const char *directory)
{
	struct thag_recording_reader reader;
	struct thag_recording_front front;
	struct thag_buffer seed = { 0 };
	int fd = sample_recording(0, 0, 1, true);
	bool done = fd >= 0 && thag_recording_reader_open(&reader, fd) == 0;
	char name[64];

	for (uint32_t i = 0; done && i < reader.entry_count; i++) {
		seed.bytes = 0;
		done = thag_recording_reader_front(&reader, i, &front) == 0;
		if (!done || front.type < THAG_RECORDING_SITES || front.type > THAG_RECORDING_NAMES)
			continue;
		snprintf(name, sizeof(name), "table-%u", front.type);
		done = join_parts(&reader.file, &front, &seed) &&
		       write_seed(directory, name, 4, seed.data, seed.bytes);
	}
	if (fd >= 0)
		thag_recording_reader_fini(&reader);
	thag_buffer_fini(&seed);
	close(fd);
	return done;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}
	if (seed_recording(argv[1], "ended", 4, 8, 1, true) &&
	    seed_recording(argv[1], "unended", 4, 8, 1, false) &&
	    seed_recording(argv[1], "raw", 3, 2, 0, true) &&
	    seed_recording(argv[1], "indexed", 70, 1, 1, false) &&
	    seed_recording(argv[1], "raw-indexed", 70, 1, 0, true) && seed_journal(argv[1]) &&
	    seed_tables(argv[1]))
		return 0;
	perror(argv[1]);
	return 1;
}
