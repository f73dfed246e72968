/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "recording_sample.h"
#include "thag_recording_index.h"

#define TABLES 6 /* blocks of sample_put_tables */

static void expect_all(const struct thag_recording_reader *reader, uint32_t chunks, uint32_t words)
{
	cr_expect_eq(reader->chunks, chunks);
	cr_expect_eq(reader->words, (uint64_t)chunks * words);
	cr_expect_eq(reader->missing, 0);
	cr_expect_eq(reader->repeated, 0);
	cr_assert_eq(reader->entry_count, TABLES + chunks);
	for (uint32_t i = 0; i < reader->entry_count; i++)
		cr_assert_eq(sample_check_entry(reader, i), 0, "entry %u", i);
}

static void expect_recording(uint32_t chunks, uint32_t words, int level, bool ended)
{
	struct thag_recording_reader reader;
	int fd = sample_recording(chunks, words, level, ended);
	char text[160];

	cr_assert_geq(fd, 0);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.damage_count, 0);
	cr_expect_eq(reader.ended, ended);
	cr_expect_eq(thag_recording_reader_explain(&reader, text, sizeof(text)), !ended);
	expect_all(&reader, chunks, words);
	thag_recording_reader_fini(&reader);
	close(fd);
}

Test(recording, comes_back_as_it_was)
{
	expect_recording(5, 1000, 1, true);
}

Test(recording, without_an_end_comes_back_from_its_blocks)
{
	expect_recording(5, 1000, 1, false);
}

Test(recording, of_no_chunks_is_one)
{
	expect_recording(0, 0, 1, true);
	expect_recording(0, 0, 1, false);
}

Test(recording, need_not_be_compressed)
{
	expect_recording(3, 1000, 0, true);
}

Test(recording, of_many_chunks_has_several_indices)
{
	expect_recording(5 * THAG_RECORDING_INDEX_BLOCKS, 16, 1, true);
	expect_recording(5 * THAG_RECORDING_INDEX_BLOCKS, 16, 1, false);
	expect_recording(5 * THAG_RECORDING_INDEX_BLOCKS - TABLES, 16, 1, false);
}

Test(recording, of_whole_chunks_is_indexed_by_its_bytes)
{
	expect_recording(70, THAG_RECORDING_CHUNK_WORDS, 0, false);
}

Test(recording, says_who_was_recorded_and_how_it_ended)
{
	const struct thag_recording_end end = { .ending = THAG_RECORDING_PROGRAM_ENDED,
						.exit_status = 139,
						.lost = 5,
						.end_real_ns = SAMPLE_START + 1 };
	struct thag_recording_writer *writer;
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_reader reader;
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(sample_put_chunks(writer, &pack, 2, 4, 100), 0);
	cr_assert_eq(thag_recording_writer_finish(writer, &end), 0);
	cr_expect_eq(thag_recording_writer_finish(writer, &end), -EALREADY);
	cr_expect_eq(thag_recording_writer_put(writer, &pack, NULL), -EALREADY);
	thag_recording_writer_destroy(writer);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.header.session, SAMPLE_SESSION);
	cr_expect_eq(reader.header.start_real_ns, SAMPLE_START);
	cr_expect_arr_eq(reader.header.nonce, sample_identity.nonce, 16);
	cr_assert(reader.ended);
	cr_expect_eq(reader.end.ending, THAG_RECORDING_PROGRAM_ENDED);
	cr_expect_eq(reader.end.exit_status, 139);
	cr_expect_eq(reader.end.lost, 5);
	cr_expect_eq(reader.end.chunks, 4);
	cr_expect_eq(reader.end.words, 400);
	cr_expect_eq(reader.end.events, 300);
	cr_expect_eq(reader.end.error, 0);
	thag_recording_reader_fini(&reader);
	thag_recording_pack_fini(&pack);
	close(fd);
}

Test(recording, tells_of_a_chunk_what_its_writer_told)
{
	struct thag_recording_reader reader;
	int fd = sample_recording(3, 1000, 1, true);

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	const struct thag_recording_chunk *chunk = &reader.entries[TABLES + 2].chunk;

	cr_expect_eq(chunk->ring, 0);
	cr_expect_eq(chunk->tid, 1000);
	cr_expect_eq(chunk->first_pos, SAMPLE_FIRST_POS + 1000);
	cr_expect_eq(chunk->words, 1000);
	cr_expect_eq(chunk->events, 750);
	cr_expect_eq(chunk->first_ticks, (SAMPLE_FIRST_POS + 1000) * 10);
	cr_expect_eq(chunk->last_ticks, (SAMPLE_FIRST_POS + 2000) * 10);
	cr_expect_eq(reader.next_pos[0], SAMPLE_FIRST_POS + 2000);
	cr_expect_eq(reader.next_pos[1], SAMPLE_FIRST_POS + 1000);
	cr_expect_eq(reader.next_pos[2], 0);
	thag_recording_reader_fini(&reader);
	close(fd);
}

Test(recording, blocks_can_be_read_where_the_writer_put_them)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_writer *writer;
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	uint64_t offset = 0;
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(sample_put_chunks(writer, &pack, 1, 3, 50), 0);
	cr_assert_eq(sample_pack_chunk(&pack, 5, 12345, 60, 0), 0);
	cr_assert_eq(thag_recording_writer_put(writer, &pack, &offset), 0);
	struct thag_recording_file file = { fd, writer->offset, writer->seed };

	cr_assert_eq(thag_recording_front_read(&file, offset, &front), THAG_RECORDING_WHOLE);
	const struct thag_recording_place *place =
		thag_recording_part_find(&front, THAG_RECORDING_WORDS);

	cr_assert_not_null(place);
	cr_expect_null(thag_recording_part_find(&front, THAG_RECORDING_SLICES));
	cr_assert_eq(thag_recording_part_read(&file, place, 480, &unpacker, &part), 0);
	cr_expect_eq(part.bytes, 480);
	cr_expect_eq(thag_recording_part_read(&file, place, 479, &unpacker, &part), -E2BIG);
	cr_expect_eq(part.bytes, 0);
	thag_buffer_fini(&part);
	thag_recording_unpacker_fini(&unpacker);
	thag_recording_writer_destroy(writer);
	thag_recording_pack_fini(&pack);
	close(fd);
}

/* What follows must follow. */
static int put_chunk(struct thag_recording_writer *writer, struct thag_recording_pack *pack,
		     uint64_t pos, uint32_t words, uint32_t flags)
{
	int ret = sample_pack_chunk(pack, 1, pos, words, flags);

	return ret ? ret : thag_recording_writer_put(writer, pack, NULL);
}

Test(recording, takes_no_word_twice_and_leaves_none_out_unsaid)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_expect_eq(put_chunk(writer, &pack, 5000, 100, 0), 0);
	cr_expect_eq(put_chunk(writer, &pack, 5000, 100, 0), -EINVAL);
	cr_expect_eq(put_chunk(writer, &pack, 5099, 100, 0), -EINVAL);
	cr_expect_eq(put_chunk(writer, &pack, 5099, 100, THAG_RECORDING_GAP), -EINVAL);
	cr_expect_eq(put_chunk(writer, &pack, 5101, 100, 0), -EINVAL);
	cr_expect_eq(put_chunk(writer, &pack, 5103, 100, THAG_RECORDING_GAP), 0);
	cr_expect_eq(put_chunk(writer, &pack, 5203, 100, 0), 0);
	thag_recording_writer_destroy(writer);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.chunks, 3);
	cr_expect_eq(reader.missing, 3);
	thag_recording_reader_fini(&reader);
	thag_recording_pack_fini(&pack);
	close(fd);
}

static int put_info(struct thag_recording_writer *writer, enum thag_recording_type type,
		    const void *info, size_t bytes)
{
	struct thag_recording_pack pack = { 0 };
	int ret = thag_recording_pack_begin(&pack, type, info, bytes);

	if (ret == 0)
		ret = thag_recording_writer_put(writer, &pack, NULL);
	thag_recording_pack_fini(&pack);
	return ret;
}

Test(recording, takes_no_block_that_a_reader_would_refuse)
{
	static const struct thag_recording_chunk good = { .first_pos = 1, .words = 2, .events = 1 };
	const struct thag_recording_end end = { .ending = THAG_RECORDING_STOPPED };
	struct thag_recording_chunk chunk = good;
	struct thag_recording_writer *writer;
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk) - 8), -EINVAL);
	chunk.ring = THAG_RECORDING_RINGS_MAX;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	chunk = good;
	chunk.words = THAG_RECORDING_CHUNK_WORDS + 1;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	chunk.words = 0;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	chunk = good;
	chunk.events = 3;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	chunk = good;
	chunk.first_ticks = 1;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	chunk = good;
	chunk.first_pos = UINT64_MAX;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	cr_expect_eq(put_info(writer, THAG_RECORDING_SUMMARY, &good, sizeof(good)), -EINVAL);
	chunk = good;
	chunk.level = 1;
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &chunk, sizeof(chunk)), -EINVAL);
	cr_expect_eq(put_info(writer, THAG_RECORDING_SUMMARY, &chunk, sizeof(chunk)), 0);
	cr_expect_eq(put_info(writer, THAG_RECORDING_CLOCK, &chunk, 8), -EINVAL);
	cr_expect_eq(put_info(writer, THAG_RECORDING_INDEX, &chunk, sizeof(chunk)), -EINVAL);
	cr_expect_eq(put_info(writer, THAG_RECORDING_END, &end, sizeof(end)), -EINVAL);
	cr_expect_eq(put_info(writer, THAG_RECORDING_CHUNK, &good, sizeof(good)), 0);
	thag_recording_writer_destroy(writer);
	close(fd);
}

Test(recording, leaves_alone_what_later_versions_may_add)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_chunk chunk[2] = { { .first_pos = 1, .words = 2 } };
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	struct thag_recording_front front;
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(put_info(writer, (enum thag_recording_type)999, "whatever", 8), 0);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_CHUNK, chunk, sizeof(chunk)),
		     0);
	cr_assert_eq(thag_recording_pack_part(&pack, (enum thag_recording_kind)999, "new", 3), 0);
	cr_assert_eq(thag_recording_writer_put(writer, &pack, NULL), 0);
	thag_recording_writer_destroy(writer);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.damage_count, 0);
	cr_assert_eq(reader.entry_count, 2);
	cr_expect_eq(reader.entries[0].type, 999);
	cr_expect_eq(reader.chunks, 1);
	cr_assert_eq(thag_recording_reader_front(&reader, 1, &front), 0);
	cr_expect_eq(front.info_bytes, sizeof(chunk));
	thag_recording_reader_fini(&reader);
	thag_recording_pack_fini(&pack);
	close(fd);
}

Test(recording, parts_and_blocks_have_limits)
{
	struct thag_recording_pack pack = { .level = 1 };
	uint8_t *zeros = calloc(1, THAG_RECORDING_PART_MAX + 1);

	cr_assert_not_null(zeros);
	cr_expect_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, zeros,
					       THAG_RECORDING_INFO_MAX + 1),
		     -E2BIG);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, NULL, 0), 0);
	cr_expect_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, zeros,
					      THAG_RECORDING_PART_MAX + 1),
		     -E2BIG);
	for (uint32_t i = 0; i < THAG_RECORDING_PARTS_MAX; i++)
		cr_expect_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, zeros, 9), 0);
	cr_expect_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, zeros, 9), -E2BIG);
	pack.level = 0;
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, NULL, 0), 0);
	cr_expect_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, zeros,
					      THAG_RECORDING_PART_MAX),
		     0);
	cr_expect_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, zeros,
					      THAG_RECORDING_PART_MAX),
		     -E2BIG);
	thag_recording_pack_fini(&pack);
	free(zeros);
}

Test(recording, parts_may_be_empty)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, NULL, 0), 0);
	cr_assert_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, NULL, 0), 0);
	cr_assert_eq(thag_recording_pack_part(&pack, THAG_RECORDING_TABLE, "behind it", 9), 0);
	cr_assert_eq(thag_recording_writer_put(writer, &pack, NULL), 0);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(reader.damage_count, 0);
	cr_assert_eq(thag_recording_reader_front(&reader, 0, &front), 0);
	cr_expect_eq(thag_recording_kind_read(&reader.file, &front, THAG_RECORDING_JSON, 9,
					      &unpacker, &part),
		     0);
	cr_expect_eq(part.bytes, 0);
	cr_expect_eq(thag_recording_kind_read(&reader.file, &front, THAG_RECORDING_TABLE, 9,
					      &unpacker, &part),
		     0);
	cr_expect_arr_eq(part.data, "behind it", 9);
	thag_recording_reader_fini(&reader);
	thag_recording_writer_destroy(writer);
	thag_recording_unpacker_fini(&unpacker);
	thag_recording_pack_fini(&pack);
	thag_buffer_fini(&part);
	close(fd);
}

Test(recording, of_most_compressed_parts_is_read_whole)
{
	struct thag_recording_pack pack = { .level = 1 };
	struct thag_recording_unpacker unpacker = { 0 };
	uint8_t *zeros = calloc(1, THAG_RECORDING_PART_MAX);
	struct thag_recording_writer *writer;
	struct thag_recording_reader reader;
	struct thag_recording_front front;
	struct thag_buffer part = { 0 };
	int fd = sample_file();

	cr_assert_eq(thag_recording_writer_create(&writer, fd, &sample_identity, NULL), 0);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, NULL, 0), 0);
	cr_assert_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, zeros,
					      THAG_RECORDING_PART_MAX),
		     0);
	cr_assert_eq(thag_recording_writer_put(writer, &pack, NULL), 0);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(thag_recording_reader_front(&reader, 0, &front), 0);
	cr_expect_lt(front.bytes, 8192);
	cr_assert_eq(thag_recording_part_read(&reader.file, &front.parts[0],
					      THAG_RECORDING_PART_MAX, &unpacker, &part),
		     0);
	cr_assert_eq(part.bytes, THAG_RECORDING_PART_MAX);
	cr_expect_eq(memcmp(part.data, zeros, part.bytes), 0);
	thag_recording_reader_fini(&reader);
	thag_recording_writer_destroy(writer);
	thag_recording_unpacker_fini(&unpacker);
	thag_recording_pack_fini(&pack);
	thag_buffer_fini(&part);
	free(zeros);
	close(fd);
}
