/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Recordings whose INDEX and END are not what a writer writes, or hard to find.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "recording_base.h"
#include "thag_recording_index.h"

/* The INDEX at the end of an ended recording, before its END. */
static struct thag_recording_head *last_index(const struct base *base)
{
	return (struct thag_recording_head *)(base->data + base->reader.last_index);
}

/* Whatever an INDEX says, the blocks are those that are there. */
static void expect_same_in(const struct base *base, int fd)
{
	struct thag_recording_reader reader;

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_eq(reader.entry_count, base->reader.entry_count);
	cr_expect_arr_eq(reader.entries, base->reader.entries,
			 reader.entry_count * sizeof(*reader.entries));
	thag_recording_reader_fini(&reader);
	close(fd);
}

static void expect_same_blocks(const struct base *base)
{
	expect_same_in(base, sample_file_of(base->data, base->bytes));
}

Test(recording_index, an_index_that_lies_is_not_followed)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *head = last_index(&base);
	struct thag_recording_index *index = (struct thag_recording_index *)(head + 1);
	const struct thag_recording_index before = *index;

	index->previous = index->offset;
	sign(&base, head);
	expect_same_blocks(&base);
	*index = before;
	index->previous = 0;
	sign(&base, head);
	expect_same_blocks(&base);
	*index = before;
	index->previous += 8;
	sign(&base, head);
	expect_same_blocks(&base);
	*index = before;
	index->count++;
	sign(&base, head);
	expect_same_blocks(&base);
	*index = before;
	index->entry_bytes = 8;
	sign(&base, head);
	expect_same_blocks(&base);
	*index = before;
	index->offset -= 8;
	sign(&base, head);
	expect_same_blocks(&base);
	drop_base(&base);
}

static struct thag_recording_head *head_at(const struct base *base, uint64_t offset)
{
	return (struct thag_recording_head *)(base->data + offset);
}

static struct thag_recording_index *fields_of(struct thag_recording_head *head)
{
	return (struct thag_recording_index *)(head + 1);
}

/* Opens what `base` became, with one damage of that kind. Returns whether it has an end. */
static bool expect_damage(const struct base *base, enum thag_recording_fault fault, uint64_t offset,
			  uint32_t entries)
{
	struct thag_recording_reader reader;
	int fd = sample_file_of(base->data, base->bytes);

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(reader.damage_count, 1);
	cr_expect_eq(reader.damages[0].fault, fault, "%s",
		     thag_recording_fault_text(reader.damages[0].fault));
	cr_expect_eq(reader.damages[0].offset, offset);
	cr_expect_eq(reader.entry_count, entries);
	bool has_end = reader.ended;

	thag_recording_reader_fini(&reader);
	close(fd);
	return has_end;
}

/* The first of them would be the one before the first of all. */
Test(recording_index, an_index_that_tells_of_more_blocks_than_came_before_is_not_followed)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *head = last_index(&base);
	struct thag_recording_index *index = fields_of(head);

	index->first_sequence = UINT64_MAX;
	head->sequence = index->count - 1;
	sign(&base, head);
	cr_expect_not(expect_damage(&base, THAG_RECORDING_SEQUENCE, index->offset,
				    base.reader.entry_count));
	drop_base(&base);
}

Test(recording_index, an_index_that_skips_another_is_followed_no_further)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *head = last_index(&base);

	fields_of(head)->previous = fields_of(head_at(&base, fields_of(head)->previous))->previous;
	cr_assert_neq(fields_of(head)->previous, 0);
	sign(&base, head);
	expect_same_blocks(&base);
	drop_base(&base);
}

/* Not even if its number is right: the blocks in between would be lost without a word. */
Test(recording_index, an_index_that_is_not_just_before_is_not_followed)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *last = last_index(&base), *head;
	const uint64_t before = fields_of(last)->previous;

	fields_of(last)->previous = fields_of(head_at(&base, before))->previous;
	sign(&base, last);
	head = head_at(&base, fields_of(last)->previous);
	head->sequence = fields_of(last)->first_sequence - 1;
	fields_of(head)->first_sequence = head->sequence - fields_of(head)->count;
	sign(&base, head);
	cr_expect(expect_damage(&base, THAG_RECORDING_SEQUENCE, fields_of(head)->offset,
				fields_of(head)->count + fields_of(last)->count));
	drop_base(&base);
}

Test(recording_index, an_index_of_another_number_is_not_the_one_before)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *head = head_at(&base, fields_of(last_index(&base))->previous);

	head->sequence++;
	fields_of(head)->first_sequence++;
	sign(&base, head);
	cr_expect(expect_damage(&base, THAG_RECORDING_SEQUENCE, fields_of(head)->offset,
				base.reader.entry_count));
	drop_base(&base);
}

static void append(struct thag_buffer *to, struct thag_recording_pack *pack, uint64_t sequence,
		   uint64_t seed)
{
	uint32_t bytes;
	const uint8_t *block = thag_recording_pack_end(pack, sequence, seed, &bytes);

	cr_assert_eq(thag_buffer_append(to, block, bytes), 0);
}

/* A file with what `base` has, whose last INDEX tells of other blocks. */
static int file_with_entries(const struct base *base, const struct thag_recording_entry *entries)
{
	const struct thag_recording_head *head = last_index(base);
	struct thag_recording_index index = *fields_of(last_index(base));
	struct thag_recording_pack pack = { 0 };
	struct thag_buffer file = { 0 };
	int fd;

	cr_assert_eq(thag_buffer_append(&file, base->data, index.offset), 0);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_INDEX, &index, sizeof(index)),
		     0);
	cr_assert_eq(thag_recording_pack_part(&pack, THAG_RECORDING_ENTRIES, entries,
					      index.count * sizeof(*entries)),
		     0);
	append(&file, &pack, head->sequence, base->reader.file.seed);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_END, &base->reader.end,
					       sizeof(base->reader.end)),
		     0);
	append(&file, &pack, head->sequence + 1, base->reader.file.seed);
	fd = sample_file_of(file.data, file.bytes);
	thag_recording_pack_fini(&pack);
	thag_buffer_fini(&file);
	return fd;
}

/* Copies what the last INDEX tells of; returns which entry of the recording is the first. */
static uint32_t copy_entries(const struct base *base, struct thag_recording_entry *entries)
{
	uint32_t count = fields_of(last_index(base))->count;
	uint32_t first = base->reader.entry_count - count;

	memcpy(entries, base->reader.entries + first, count * sizeof(*entries));
	return first;
}

Test(recording_index, an_entry_that_makes_no_sense_is_not_believed)
{
	struct thag_recording_entry entries[THAG_RECORDING_INDEX_BLOCKS];
	struct base base;

	make_base(&base, LARGE, true);
	copy_entries(&base, entries);
	const struct thag_recording_entry good = entries[0], next = entries[1];
	struct thag_recording_entry bad[] = { good, good, good, good, good, good };

	bad[0].bytes = sizeof(struct thag_recording_head) - 8;
	bad[1].bytes += 4; /* which the next makes up for */
	bad[2].bytes = THAG_RECORDING_BLOCK_MAX + 8;
	bad[3].type = THAG_RECORDING_INDEX;
	bad[4].type = THAG_RECORDING_END;
	bad[5].chunk.ring = THAG_RECORDING_RINGS_MAX;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t more = i == 1 ? 4 : 0;

		entries[0] = bad[i];
		entries[1] = next;
		entries[1].offset += more;
		entries[1].bytes -= more;
		expect_same_in(&base, file_with_entries(&base, entries));
	}
	drop_base(&base);
}

/* They fill the same bytes, but are not the blocks that are there. */
Test(recording_index, entries_of_other_lengths_are_found_out_where_they_are_read)
{
	struct thag_recording_entry entries[THAG_RECORDING_INDEX_BLOCKS];
	struct thag_recording_reader reader;
	struct thag_recording_front front;
	struct base base;

	make_base(&base, LARGE, true);
	uint32_t first = copy_entries(&base, entries);

	entries[0].bytes += 8;
	entries[1].offset += 8;
	entries[1].bytes -= 8;
	int fd = file_with_entries(&base, entries);

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_assert_eq(reader.entry_count, base.reader.entry_count);
	cr_expect_eq(thag_recording_reader_front(&reader, first - 1, &front), 0);
	cr_expect_eq(thag_recording_reader_front(&reader, first, &front), -EBADMSG);
	cr_expect_eq(thag_recording_reader_front(&reader, first + 1, &front), -EBADMSG);
	cr_expect_eq(thag_recording_reader_front(&reader, first + 2, &front), 0);
	thag_recording_reader_fini(&reader);
	close(fd);
	drop_base(&base);
}

Test(recording_index, a_summary_has_a_level)
{
	const struct thag_recording_chunk chunk = { .words = 4, .events = 4 };
	struct thag_recording_front front = { .type = THAG_RECORDING_SUMMARY,
					      .info_bytes = sizeof(chunk) };
	struct thag_recording_entry entry;

	for (uint16_t level = 0; level <= THAG_RECORDING_LEVELS_MAX + 1; level++) {
		bool good = level > 0 && level <= THAG_RECORDING_LEVELS_MAX;

		memcpy(front.info, &chunk, sizeof(chunk));
		memcpy(front.info + offsetof(struct thag_recording_chunk, level), &level,
		       sizeof(level));
		cr_expect_eq(thag_recording_entry_make(&front, &entry),
			     good ? THAG_RECORDING_WHOLE : THAG_RECORDING_FIELDS);
	}
}

Test(recording_index, an_end_that_lies_is_not_followed)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *head =
		(struct thag_recording_head *)(base.data + base.bytes - THAG_RECORDING_END_BYTES);
	struct thag_recording_end *end = (struct thag_recording_end *)(head + 1);

	end->index_offset = UINT64_MAX - 7;
	sign(&base, head);
	expect_same_blocks(&base);
	end->index_offset = FIRST;
	sign(&base, head);
	expect_same_blocks(&base);
	drop_base(&base);
}

/* Gives the block so much info and one part, which is all that follows. */
static void make_end(const struct base *base, struct thag_recording_head *head, uint16_t info_bytes)
{
	struct thag_recording_part part = { .kind = 99,
					    .bytes = (uint32_t)(head->bytes - sizeof(*head) -
								info_bytes - sizeof(part)) };

	head->type = THAG_RECORDING_END;
	head->info_bytes = info_bytes;
	head->part_count = 1;
	part.raw_bytes = part.bytes;
	part.checksum = XXH3_64bits(part_of(head, 1), part.bytes);
	*part_of(head, 0) = part;
	sign(base, head);
}

Test(recording_index, an_end_that_is_too_short_tells_nothing)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *head = head_at(&base, base.bytes - THAG_RECORDING_END_BYTES);
	struct thag_recording_reader reader;

	make_end(&base, head,
		 sizeof(struct thag_recording_end) - sizeof(struct thag_recording_part));
	int fd = sample_file_of(base.data, base.bytes);

	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	cr_expect_not(reader.ended);
	cr_expect_eq(reader.entry_count, base.reader.entry_count);
	cr_assert_eq(reader.damage_count, 1);
	cr_expect_eq(reader.damages[0].fault, THAG_RECORDING_FIELDS);
	thag_recording_reader_fini(&reader);
	close(fd);
	drop_base(&base);
}

/* What lies between it and the blocks of the last INDEX is behind the end of the recording. */
Test(recording_index, an_end_may_come_before_blocks_that_an_index_tells_of)
{
	struct base base;

	make_base(&base, LARGE, true);
	struct thag_recording_head *last = last_index(&base), *head = head_of(&base, 10);

	fields_of(last)->previous = 0;
	sign(&base, last);
	make_end(&base, head, sizeof(struct thag_recording_end));
	cr_expect(expect_damage(&base, THAG_RECORDING_TRAILING, base.reader.entries[11].offset,
				10 + fields_of(last)->count));
	drop_base(&base);
}

/*
 * Of a recording that was not ended, with a block that is damaged long before its last INDEX: how
 * many blocks are found when `more` bytes follow it, of `data` or of zeros. All that were there, if
 * the INDEX is found.
 */
static uint32_t count_found(const struct base *base, const void *data, size_t more)
{
	struct thag_recording_reader reader;
	uint32_t found;
	int fd = sample_file_of(base->data, base->bytes);

	cr_assert_eq(ftruncate(fd, (off_t)(base->bytes + more)), 0);
	if (data)
		cr_assert_eq(pwrite(fd, data, more, (off_t)base->bytes), (ssize_t)more);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	found = reader.entry_count;
	thag_recording_reader_fini(&reader);
	close(fd);
	return found;
}

Test(recording_index, what_only_looks_like_an_index_is_tried_so_often)
{
	static struct {
		uint32_t magic;
		uint16_t type, flags;
	} alike[40000]; /* the INDEX is in another window than what looks like one */
	const size_t count = sizeof(alike) / sizeof(alike[0]);
	struct base base;

	make_base(&base, LARGE, false);
	for (size_t i = count - 1024; i < count; i++) {
		alike[i].magic = THAG_RECORDING_BLOCK_MAGIC;
		alike[i].type = THAG_RECORDING_INDEX;
	}
	head_of(&base, 10)->checksum++;
	cr_expect_eq(count_found(&base, alike, sizeof(alike) - sizeof(alike[0])),
		     base.reader.entry_count);
	cr_expect_eq(count_found(&base, alike, sizeof(alike)), 10);
	drop_base(&base);
}

Test(recording_index, the_last_index_is_looked_for_no_farther_than_it_can_be)
{
	struct base base;

	make_base(&base, LARGE, false);
	head_of(&base, 10)->checksum++;
	cr_expect_eq(count_found(&base, NULL, 1 << 20), base.reader.entry_count);
	cr_expect_eq(
		count_found(&base, NULL, THAG_RECORDING_INDEX_BYTES + 2 * THAG_RECORDING_BLOCK_MAX),
		10);
	drop_base(&base);
}
