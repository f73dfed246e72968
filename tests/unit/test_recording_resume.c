/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Going on with recordings that were cut off anywhere.
 */
#include "thag_recording_resume.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording_sample.h"
#include "thag_recording_index.h"

#define FIRST sizeof(struct thag_recording_header)
#define WORDS 4
#define MORE 3 /* chunks put after a resume */

static const struct thag_recording_end ended = { .ending = THAG_RECORDING_STOPPED };

static int resume(int fd, struct thag_recording_writer **writer,
		  struct thag_recording_resumed *resumed)
{
	return thag_recording_resume(writer, fd, sample_identity.nonce, NULL, resumed);
}

/* The indices tell of all blocks: none need be looked for. */
static void expect_indexed(const struct thag_recording_reader *reader)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_loaded loaded;
	struct thag_buffer entries = { 0 };
	uint64_t offset = reader->last_index, sequence = reader->next_sequence - 2;
	uint64_t begins = reader->next_offset - THAG_RECORDING_END_BYTES;

	while (offset) {
		cr_assert_eq(thag_recording_index_load(&reader->file, offset, &unpacker, &entries,
						       &loaded),
			     0);
		cr_assert_eq(loaded.end, begins);
		cr_assert_eq(loaded.sequence, sequence);
		begins = thag_recording_index_get(&loaded, 0).offset;
		sequence = loaded.index.first_sequence - 1;
		offset = loaded.index.previous;
	}
	cr_assert_eq(begins, FIRST);
	thag_recording_unpacker_fini(&unpacker);
	thag_buffer_fini(&entries);
}

/* All chunks there are, and those that were put after it. */
static void expect_joined(int fd, uint64_t chunks)
{
	struct thag_recording_reader reader;

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(reader.damage_count, 0);
	cr_assert(reader.ended);
	cr_assert_eq(reader.missing, 0);
	cr_assert_eq(reader.repeated, 0);
	cr_assert_eq(reader.chunks, chunks);
	for (uint32_t i = 0; i < reader.entry_count; i++)
		cr_assert_eq(sample_check_entry(&reader, i), 0);
	expect_indexed(&reader);
	thag_recording_reader_fini(&reader);
}

/* Cuts the recording to `bytes`, goes on with it and ends it. */
static void join_at(const uint8_t *data, size_t bytes)
{
	int fd = sample_file_of(data, bytes);
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_resumed resumed;
	struct thag_recording_writer *writer;

	cr_assert_eq(resume(fd, &writer, &resumed), 0);
	cr_assert_eq(resumed.session, SAMPLE_SESSION);
	cr_assert_eq(resumed.kept_bytes + resumed.dropped_bytes, bytes);
	cr_assert_eq(lseek(fd, 0, SEEK_END), (off_t)resumed.kept_bytes);
	uint64_t before = writer->chunks;

	cr_assert_eq(sample_put_chunks(writer, &pack, 2, MORE, WORDS), 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), 0);
	expect_joined(fd, before + MORE);
	thag_recording_writer_destroy(writer);
	thag_recording_pack_fini(&pack);
	close(fd);
}

static void join_everywhere(uint32_t chunks, size_t step)
{
	int fd = sample_recording(chunks, WORDS, 1, false);
	size_t bytes;
	uint8_t *data = sample_bytes(fd, &bytes);

	cr_assert_not_null(data);
	for (size_t at = bytes; at >= FIRST; at -= step)
		join_at(data, at);
	free(data);
	close(fd);
}

Test(recording_resume, joins_wherever_it_was_cut)
{
	join_everywhere(6, 1);
}

Test(recording_resume, joins_wherever_it_was_cut_between_indices)
{
	join_everywhere(2 * THAG_RECORDING_INDEX_BLOCKS, 97);
}

/* Returns what resume says of `bytes` bytes of `data`, and sees that it leaves them alone. */
static int refused(const uint8_t *data, size_t bytes, const uint8_t *nonce)
{
	struct thag_recording_resumed resumed;
	struct thag_recording_writer *writer;
	int fd = sample_file_of(data, bytes);
	size_t after;
	int ret = thag_recording_resume(&writer, fd, nonce, NULL, &resumed);

	if (ret == 0) {
		thag_recording_writer_destroy(writer);
		close(fd);
		return 0;
	}
	uint8_t *now = sample_bytes(fd, &after);

	cr_expect_eq(after, bytes);
	cr_expect(bytes == 0 || memcmp(now, data, bytes) == 0);
	free(now);
	close(fd);
	return ret;
}

Test(recording_resume, refuses_what_is_not_its_own_and_leaves_it_alone)
{
	const uint8_t other[THAG_RECORDING_NONCE_BYTES] = "another program";
	size_t bytes, ended_bytes;
	int fd = sample_recording(6, WORDS, 1, false),
	    ended_fd = sample_recording(6, WORDS, 1, true);
	uint8_t *data = sample_bytes(fd, &bytes), *whole = sample_bytes(ended_fd, &ended_bytes);

	cr_expect_eq(refused(data, bytes, sample_identity.nonce), 0);
	cr_expect_eq(refused(data, bytes, other), -ESTALE);
	cr_expect_eq(refused(whole, ended_bytes, sample_identity.nonce), -EALREADY);
	cr_expect_eq(refused(data, 0, sample_identity.nonce), -ENODATA);
	cr_expect_eq(refused(data, FIRST - 1, sample_identity.nonce), -ENODATA);
	cr_expect_eq(refused((const uint8_t *)"#!/bin/sh\n#                             "
					      "                                     ",
			     70, sample_identity.nonce),
		     -EPROTO);
	free(data);
	free(whole);
	close(fd);
	close(ended_fd);
}

/* What a kill can't have done is looked at by a human, not cut off. */
Test(recording_resume, refuses_what_is_damaged_and_leaves_it_alone)
{
	size_t bytes;
	int fd = sample_recording(6, WORDS, 1, false);
	uint8_t *data = sample_bytes(fd, &bytes);

	for (size_t at = FIRST; at < bytes; at++) {
		data[at] ^= 0x10;
		cr_assert_neq(refused(data, bytes, sample_identity.nonce), 0, "byte %zu", at);
		data[at] ^= 0x10;
	}
	free(data);
	close(fd);
}

Test(recording_resume, goes_on_behind_damage_that_indices_step_over)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_resumed resumed;
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	int fd = sample_recording(3 * THAG_RECORDING_INDEX_BLOCKS, WORDS, 1, false);
	uint8_t byte = 0xff;

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	uint64_t index = reader.entries[63].offset + reader.entries[63].bytes;
	uint32_t entries = reader.entry_count;

	thag_recording_reader_fini(&reader);
	/* the first INDEX: the blocks before it are found all the same */
	cr_assert_eq(pwrite(fd, &byte, 1, (off_t)index + 40), 1);
	cr_assert_eq(resume(fd, &writer, &resumed), 0);
	cr_expect_eq(resumed.dropped_bytes, 0);
	cr_expect_eq(resumed.missing, 0);
	cr_assert_eq(sample_put_chunks(writer, &pack, 2, MORE, WORDS), 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &ended), 0);
	thag_recording_writer_destroy(writer);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.entry_count, entries + MORE);
	cr_assert_eq(reader.damage_count, 1);
	cr_expect_eq(reader.damages[0].offset, index);
	thag_recording_reader_fini(&reader);
	thag_recording_pack_fini(&pack);
	close(fd);
}

static int no_truncate(int fd, off_t bytes)
{
	(void)fd;
	(void)bytes;
	errno = EIO;
	return -1;
}

Test(recording_resume, says_when_a_half_block_cannot_be_cut_off)
{
	const struct thag_recording_calls calls = { pwrite, no_truncate };
	struct thag_recording_resumed resumed;
	struct thag_recording_writer *writer;
	int fd = sample_recording(6, WORDS, 1, false);
	off_t bytes = lseek(fd, 0, SEEK_END);

	cr_assert_eq(ftruncate(fd, bytes - 1), 0);
	cr_expect_eq(thag_recording_resume(&writer, fd, sample_identity.nonce, &calls, &resumed),
		     -EIO);
	cr_expect_eq(lseek(fd, 0, SEEK_END), bytes - 1);
	cr_assert_eq(resume(fd, &writer, &resumed), 0);
	thag_recording_writer_destroy(writer);
	close(fd);
}

/* A recording with so many blocks, of which no INDEX tells. */
static int unindexed(uint32_t blocks)
{
	struct thag_recording_pack pack = { 0 };
	struct thag_recording_writer *writer;
	int fd = sample_file();
	off_t at = FIRST;

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	for (uint32_t i = 0; i < blocks; i++) {
		uint32_t bytes;

		cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, NULL, 0), 0);
		const uint8_t *block = thag_recording_pack_end(&pack, i, writer->seed, &bytes);

		cr_assert_eq(pwrite(fd, block, bytes, at), (ssize_t)bytes);
		at += bytes;
	}
	thag_recording_pack_fini(&pack);
	thag_recording_writer_destroy(writer);
	int again = sample_open_again(fd);

	close(fd); /* and with it the writer's lock is gone */
	return again;
}

/* One INDEX must be able to tell of them, and of those that come before it is due. */
Test(recording_resume, refuses_more_blocks_without_an_index_than_fit_one)
{
	const uint32_t most = THAG_RECORDING_INDEX_MAX - THAG_RECORDING_INDEX_BLOCKS;
	struct thag_recording_resumed resumed;
	struct thag_recording_writer *writer;
	int fd = unindexed(most), more = unindexed(most + 1);

	cr_assert_eq(resume(fd, &writer, &resumed), 0);
	cr_expect_eq(writer->pending_count, most);
	cr_expect_eq(thag_recording_writer_finish(writer, &ended), 0);
	thag_recording_writer_destroy(writer);
	expect_joined(fd, 0);
	cr_expect_eq(resume(more, &writer, &resumed), -EBADMSG);
	close(fd);
	close(more);
}
