/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings cut anywhere, with any bit flipped, and such as no writer writes.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "recording_base.h"

static bool is_boundary(const uint8_t *data, size_t bytes)
{
	struct thag_recording_head head;
	size_t at = FIRST;

	while (at < bytes) {
		memcpy(&head, data + at, sizeof(head));
		at += head.bytes;
	}
	return at == bytes;
}

/* What is there is the beginning of what was written, and all of it that is whole. */
static void expect_prefix(const struct base *base, const struct thag_recording_reader *reader,
			  size_t bytes)
{
	uint32_t whole = 0;

	while (whole < base->reader.entry_count &&
	       base->reader.entries[whole].offset + base->reader.entries[whole].bytes <= bytes)
		whole++;
	cr_assert_eq(reader->entry_count, whole);
	if (whole)
		cr_assert_arr_eq(reader->entries, base->reader.entries,
				 whole * sizeof(*reader->entries));
	for (uint32_t i = 0; i < whole; i++)
		cr_assert_eq(sample_check_entry(reader, i), 0);
}

static void expect_truncated(const struct base *base, size_t bytes)
{
	struct thag_recording_reader reader;
	char text[160];
	int ret;

	cr_assert_eq(ftruncate(base->fd, (off_t)bytes), 0);
	ret = thag_recording_reader_open(&reader, base->fd);
	if (bytes < FIRST) {
		cr_assert_eq(ret, -ENODATA);
		return;
	}
	cr_assert_eq(ret, 0);
	expect_prefix(base, &reader, bytes);
	cr_assert_eq(reader.ended, bytes == base->bytes);
	cr_assert_eq(reader.damage_count, is_boundary(base->data, bytes) ? 0u : 1u);
	if (reader.damage_count) {
		cr_assert_eq(reader.damages[0].fault, THAG_RECORDING_CUT);
		cr_assert(is_boundary(base->data, reader.damages[0].offset));
		cr_assert_eq(reader.damages[0].until, bytes);
		cr_assert(thag_recording_reader_explain(&reader, text, sizeof(text)));
	}
	thag_recording_reader_fini(&reader);
}

static void truncate_everywhere(uint32_t chunks, size_t step)
{
	struct base base;

	make_base(&base, chunks, true);
	for (size_t less = 0; less <= base.bytes; less += step)
		expect_truncated(&base, base.bytes - less);
	drop_base(&base);
}

Test(recording_damage, cut_anywhere_it_has_all_that_is_whole)
{
	truncate_everywhere(SMALL, 1);
}

Test(recording_damage, cut_anywhere_between_indices_it_has_all_that_is_whole)
{
	truncate_everywhere(LARGE, 31);
}

/* Where the first byte lies that zeros from `at` on change. */
static size_t first_changed(const struct base *base, size_t at)
{
	while (at < base->bytes && base->data[at] == 0)
		at++;
	return at;
}

Test(recording_damage, cut_and_filled_with_zeros_it_has_all_that_is_whole)
{
	struct base base;

	make_base(&base, SMALL, true);
	for (size_t bytes = FIRST; bytes < base.bytes; bytes++) {
		struct thag_recording_reader reader;

		cr_assert_eq(ftruncate(base.fd, (off_t)bytes), 0);
		cr_assert_eq(ftruncate(base.fd, (off_t)base.bytes + 4096), 0);
		cr_assert_eq(thag_recording_reader_open(&reader, base.fd), 0);
		cr_assert_eq(reader.damage_count, 1);
		cr_assert_leq(reader.damages[0].offset, first_changed(&base, bytes));
		for (uint32_t i = 0; i < reader.entry_count; i++)
			cr_assert_eq(sample_check_entry(&reader, i), 0);
		thag_recording_reader_fini(&reader);
		cr_assert_eq(pwrite(base.fd, base.data, base.bytes, 0), (ssize_t)base.bytes);
	}
	drop_base(&base);
}

/* Returns how many entries can be read, all of which must be what was written; 0: no recording. */
static uint32_t count_readable(const struct base *base, bool *noticed)
{
	struct thag_recording_reader reader;
	uint32_t readable = 0;

	*noticed = true;
	if (thag_recording_reader_open(&reader, base->fd) != 0)
		return 0;
	*noticed = reader.damage_count != 0;
	for (uint32_t i = 0, j = 0; i < reader.entry_count; i++, j++) {
		while (j < base->reader.entry_count &&
		       base->reader.entries[j].offset < reader.entries[i].offset)
			j++;
		cr_assert_lt(j, base->reader.entry_count);
		cr_assert_arr_eq(&reader.entries[i], &base->reader.entries[j],
				 sizeof(reader.entries[i]));
		if (sample_check_entry(&reader, i) == 0)
			readable++;
		else
			*noticed = true;
	}
	thag_recording_reader_fini(&reader);
	return readable;
}

/* Each flipped bit is noticed, and nothing is read that wasn't written. */
static void flip_everywhere(uint32_t chunks, bool ended, bool costs_one, uint32_t step)
{
	struct base base;
	bool noticed;

	make_base(&base, chunks, ended);
	for (size_t bit = 0; bit < base.bytes * 8; bit += step) {
		uint8_t flipped = base.data[bit / 8] ^ (uint8_t)(1 << bit % 8);
		off_t at = (off_t)(bit / 8);

		cr_assert_eq(pwrite(base.fd, &flipped, 1, at), 1);
		uint32_t readable = count_readable(&base, &noticed);

		cr_assert(noticed, "bit %zu of byte %zu", bit % 8, bit / 8);
		if (costs_one && bit / 8 >= FIRST)
			cr_assert_geq(readable, base.reader.entry_count - 1, "byte %zu", bit / 8);
		cr_assert_eq(pwrite(base.fd, &base.data[bit / 8], 1, at), 1);
	}
	drop_base(&base);
}

Test(recording_damage, each_flipped_bit_is_noticed)
{
	flip_everywhere(SMALL, false, false, 1);
}

Test(recording_damage, a_flipped_bit_costs_one_block)
{
	flip_everywhere(SMALL, true, true, 1);
}

Test(recording_damage, a_flipped_bit_between_indices_costs_one_block)
{
	flip_everywhere(LARGE, true, true, 331);
}

/* Opens `base` as it was changed; it must be one damage of that kind. */
static void expect_fault(const struct base *base, uint64_t offset, enum thag_recording_fault fault)
{
	struct thag_recording_reader reader;
	int fd = sample_file_of(base->data, base->bytes);

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(reader.damage_count, 1);
	cr_expect_eq(reader.damages[0].fault, fault, "%s",
		     thag_recording_fault_text(reader.damages[0].fault));
	cr_expect_eq(reader.damages[0].offset, offset);
	thag_recording_reader_fini(&reader);
	close(fd);
}

/* Of an unended recording of a few chunks: entry 6 is the first of them. */
#define CHUNK 6

static struct thag_recording_head *begin_hostile(struct base *base)
{
	make_base(base, SMALL, false);
	return head_of(base, CHUNK);
}

static void end_hostile(struct base *base, struct thag_recording_head *head,
			enum thag_recording_fault fault)
{
	sign(base, head);
	expect_fault(base, (uint64_t)((uint8_t *)head - base->data), fault);
	drop_base(base);
}

Test(recording_damage, lengths_that_do_not_fit_are_refused)
{
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	head->bytes += 8;
	end_hostile(&base, head, THAG_RECORDING_LENGTHS);
	head = begin_hostile(&base);
	head->bytes -= 4;
	end_hostile(&base, head, THAG_RECORDING_LENGTHS);
	head = begin_hostile(&base);
	head->bytes = 32;
	end_hostile(&base, head, THAG_RECORDING_LENGTHS);
	head = begin_hostile(&base);
	part_of(head, 1)->bytes = UINT32_MAX;
	end_hostile(&base, head, THAG_RECORDING_LENGTHS);
	head = begin_hostile(&base);
	part_of(head, 1)->raw_bytes = THAG_RECORDING_PART_MAX + 1;
	end_hostile(&base, head, THAG_RECORDING_LENGTHS);
	head = begin_hostile(&base);
	part_of(head, 1)->raw_bytes--;
	end_hostile(&base, head, THAG_RECORDING_LENGTHS);
}

/* Here the checksum doesn't matter: what it covers isn't known. */
Test(recording_damage, lengths_beyond_the_limits_are_refused)
{
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	head->part_count = THAG_RECORDING_PARTS_MAX + 1;
	expect_fault(&base, base.reader.entries[CHUNK].offset, THAG_RECORDING_LENGTHS);
	head->part_count = 0;
	head->info_bytes = THAG_RECORDING_INFO_MAX + 8;
	expect_fault(&base, base.reader.entries[CHUNK].offset, THAG_RECORDING_LENGTHS);
	head->info_bytes = 0;
	head->bytes = THAG_RECORDING_BLOCK_MAX + 8;
	expect_fault(&base, base.reader.entries[CHUNK].offset, THAG_RECORDING_LENGTHS);
	drop_base(&base);
}

Test(recording_damage, blocks_out_of_order_are_refused)
{
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	head->sequence++;
	end_hostile(&base, head, THAG_RECORDING_SEQUENCE);
}

Test(recording_damage, fields_that_make_no_sense_are_refused)
{
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);
	struct thag_recording_chunk *chunk = (struct thag_recording_chunk *)(head + 1);

	chunk->ring = UINT32_MAX;
	end_hostile(&base, head, THAG_RECORDING_FIELDS);
	head = begin_hostile(&base);
	head->type = THAG_RECORDING_END;
	end_hostile(&base, head, THAG_RECORDING_FIELDS);
}

Test(recording_damage, parts_that_changed_are_refused)
{
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	part_of(head, 2)->checksum++;
	end_hostile(&base, head, THAG_RECORDING_CONTENT);
}

Test(recording_damage, a_block_of_another_recording_is_none)
{
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	base.reader.file.seed++;
	end_hostile(&base, head, THAG_RECORDING_CHECKSUM);
}

Test(recording_damage, what_follows_the_end_is_left_alone)
{
	struct thag_recording_reader reader;
	struct base base;

	make_base(&base, LARGE, true);
	cr_assert_eq(pwrite(base.fd, base.data, base.bytes, (off_t)base.bytes),
		     (ssize_t)base.bytes);
	cr_assert_eq(thag_recording_reader_open(&reader, base.fd), 0);
	cr_expect(reader.ended);
	cr_expect_eq(reader.entry_count, base.reader.entry_count);
	cr_assert_eq(reader.damage_count, 1);
	cr_expect_eq(reader.damages[0].fault, THAG_RECORDING_TRAILING);
	cr_expect_eq(reader.damages[0].offset, base.bytes);
	thag_recording_reader_fini(&reader);
	drop_base(&base);
}

Test(recording_damage, chunks_that_repeat_words_are_left_out)
{
	struct thag_recording_reader reader;
	struct base base;

	make_base(&base, SMALL, false);
	/* the second of ring 0 begins a word early */
	struct thag_recording_head *head = head_of(&base, CHUNK + 2);

	((struct thag_recording_chunk *)(head + 1))->first_pos--;
	sign(&base, head);
	int fd = sample_file_of(base.data, base.bytes);

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.damage_count, 0);
	cr_expect_eq(reader.repeated, 1);
	cr_expect_eq(reader.chunks, SMALL - 1);
	cr_expect_eq(reader.missing, 4);
	thag_recording_reader_fini(&reader);
	close(fd);
	drop_base(&base);
}

/* Reads part `i` of the first chunk of what `base` became. */
static int read_part(const struct base *base, uint32_t i, size_t max, struct thag_buffer *part)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_front front;
	struct thag_recording_file file = base->reader.file;
	int ret;

	file.fd = sample_file_of(base->data, base->bytes);
	cr_assert_eq(thag_recording_front_read(&file, base->reader.entries[CHUNK].offset, &front),
		     THAG_RECORDING_WHOLE);
	ret = thag_recording_part_read(&file, &front.parts[i], max, &unpacker, part);
	thag_recording_unpacker_fini(&unpacker);
	close(file.fd);
	return ret;
}

Test(recording_damage, a_part_that_claims_to_be_large_costs_nothing)
{
	struct thag_buffer part = { 0 };
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	cr_assert_eq(part_of(head, 0)->codec, THAG_RECORDING_ZSTD);
	part_of(head, 0)->raw_bytes = THAG_RECORDING_PART_MAX;
	sign(&base, head);
	cr_expect_eq(read_part(&base, 0, 1 << 20, &part), -E2BIG);
	cr_expect_eq(read_part(&base, 0, THAG_RECORDING_PART_MAX, &part), -EBADMSG);
	cr_expect_eq(part.capacity, 0);
	drop_base(&base);
}

Test(recording_damage, a_part_that_is_no_frame_is_refused)
{
	struct thag_buffer part = { 0 };
	struct base base;
	struct thag_recording_head *head = begin_hostile(&base);

	cr_assert_eq(part_of(head, 1)->codec, THAG_RECORDING_RAW);
	part_of(head, 1)->codec = THAG_RECORDING_ZSTD;
	sign(&base, head);
	cr_expect_eq(read_part(&base, 1, 1 << 20, &part), -EBADMSG);
	part_of(head, 1)->codec = 77;
	sign(&base, head);
	cr_expect_eq(read_part(&base, 1, 1 << 20, &part), -ENOTSUP);
	thag_buffer_fini(&part);
	drop_base(&base);
}

static int open_changed(const struct base *base, struct thag_recording_header header)
{
	struct thag_recording_reader reader;
	int fd = sample_file_of(base->data, base->bytes), ret;

	cr_assert_eq(pwrite(fd, &header, sizeof(header), 0), (ssize_t)sizeof(header));
	ret = thag_recording_reader_open(&reader, fd);
	if (ret == 0)
		thag_recording_reader_fini(&reader);
	close(fd);
	return ret;
}

Test(recording_damage, other_files_and_versions_are_told_apart)
{
	struct thag_recording_header header;
	struct thag_recording_reader reader;
	struct base base;
	int pipes[2], dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	make_base(&base, SMALL, true);
	header = base.reader.header;
	cr_expect_eq(open_changed(&base, header), 0);
	header.version = 2;
	cr_expect_eq(open_changed(&base, header), -ENOTSUP);
	header = base.reader.header;
	header.byte_order = __builtin_bswap32(THAG_RECORDING_BYTE_ORDER);
	cr_expect_eq(open_changed(&base, header), -ENOTSUP);
	header = base.reader.header;
	header.session++;
	cr_expect_eq(open_changed(&base, header), -EBADMSG);
	header.header_bytes = 72;
	header.checksum = XXH3_64bits(&header, 56);
	cr_expect_eq(open_changed(&base, header), -EBADMSG);
	memcpy(&header, "#!/bin/sh\n", 10);
	cr_expect_eq(open_changed(&base, header), -EPROTO);
	cr_expect_eq(thag_recording_reader_open(&reader, dir), -EINVAL);
	cr_assert_eq(pipe(pipes), 0);
	cr_expect_eq(thag_recording_reader_open(&reader, pipes[0]), -EINVAL);
	close(pipes[0]);
	close(pipes[1]);
	close(dir);
	drop_base(&base);
}

Test(recording_damage, a_file_that_shrinks_while_it_is_read_is_an_error)
{
	struct base base;

	make_base(&base, SMALL, true);
	cr_assert_eq(ftruncate(base.fd, (off_t)base.reader.entries[CHUNK].offset + 40), 0);
	cr_expect_eq(sample_check_entry(&base.reader, CHUNK), -EBADMSG);
	cr_expect_eq(sample_check_entry(&base.reader, CHUNK - 1), 0);
	drop_base(&base);
}

Test(recording_damage, each_fault_has_words_of_its_own)
{
	cr_expect_str_eq(thag_recording_fault_text(THAG_RECORDING_WHOLE), "");
	cr_expect_str_eq(thag_recording_fault_text(THAG_RECORDING_FAULTS), "");
	for (uint32_t i = THAG_RECORDING_CUT; i < THAG_RECORDING_FAULTS; i++)
		for (uint32_t j = 0; j < i; j++)
			cr_expect_str_neq(thag_recording_fault_text((enum thag_recording_fault)i),
					  thag_recording_fault_text((enum thag_recording_fault)j));
}
