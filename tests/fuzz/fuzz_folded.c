/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Folded stacks from bytes that nobody vouches for. The first byte says in what pieces the rest is
 * read; cut otherwise it comes to the same. What is read and written is read again without a
 * malformed line, and comes to the same text.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "thag_folded_pair.h"
#include "thag_folded_read.h"

static void count_fault(void *context, uint64_t line, const char *what)
{
	uint64_t *faults = context;

	check(line > 0 && what[0]);
	++*faults;
}

/** Reads it, and folds it again into the two buffers. */
static int read_and_fold(const uint8_t *data, size_t bytes, size_t step,
			 struct thag_buffer out[static THAG_FOLDED_SIDES],
			 struct thag_folded_counts *counts)
{
	uint64_t faults = 0;
	const struct thag_folded_options options = { .root_name = "all",
						     .malformed = count_fault,
						     .context = &faults };
	struct thag_profile *profiles[THAG_FOLDED_SIDES] = { NULL };
	struct thag_folded_reader *reader;
	int ret = 0;

	if (!is_done(thag_folded_reader_create(&reader, &options)))
		return -ENOMEM;
	for (size_t at = 0; at < bytes && !ret; at += step)
		ret = thag_folded_reader_feed(reader, data + at,
					      bytes - at < step ? bytes - at : step);
	if (!ret)
		ret = thag_folded_reader_finish(reader, profiles);
	if (ret != -EOVERFLOW)
		is_done(ret);
	thag_folded_reader_count(reader, counts);
	check(faults == counts->malformed);
	for (int side = 0; side < THAG_FOLDED_SIDES; side++) {
		if (profiles[side] && !is_done(thag_folded_write(profiles[side], &out[side])))
			ret = -ENOMEM;
		thag_profile_destroy(profiles[side]);
	}
	thag_folded_reader_destroy(reader);
	return ret;
}

static void expect_equal(const struct thag_buffer *a, const struct thag_buffer *b)
{
	check(a->bytes == b->bytes);
	check(a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

/** Writing changes names that couldn't be read again, so it is the second text that stays. */
static void expect_stable(const struct thag_buffer *text)
{
	struct thag_buffer again[THAG_FOLDED_SIDES] = { 0 };
	struct thag_folded_counts counts;

	if (is_done(read_and_fold(text->data, text->bytes, text->bytes + 1, again, &counts))) {
		check(counts.malformed == 0 && counts.fractions == 0 && counts.sides < 2);
		if (text->bytes && text->data[0] != '#')
			expect_equal(text, &again[0]);
	}
	for (int side = 0; side < THAG_FOLDED_SIDES; side++)
		thag_buffer_fini(&again[side]);
}

static bool are_equal(const struct thag_folded_counts *a, const struct thag_folded_counts *b)
{
	return a->lines == b->lines && a->stacks == b->stacks && a->malformed == b->malformed &&
	       a->fractions == b->fractions && a->sides == b->sides;
}

/** As both sides of a difference, in pieces: each line has the same number twice. */
static void pair_up(const uint8_t *data, size_t bytes, size_t step)
{
	static const struct thag_folded_pair_options options = { .strip_hex = true };
	struct thag_folded_pair *pair;
	struct thag_buffer out = { 0 };
	int ret = 0;

	if (!is_done(thag_folded_pair_create(&pair, &options)))
		return;
	for (int side = THAG_FOLDED_BEFORE; side <= THAG_FOLDED_AFTER && !ret; side++) {
		for (size_t at = 0; at < bytes && !ret; at += step)
			ret = thag_folded_pair_feed(pair, (enum thag_folded_side)side, data + at,
						    bytes - at < step ? bytes - at : step);
		if (!ret)
			ret = thag_folded_pair_finish(pair, (enum thag_folded_side)side);
	}
	if (ret != -EOVERFLOW && is_done(ret) && !is_done(thag_folded_pair_write(pair, true, &out)))
		ret = -ENOMEM;
	for (size_t at = 0; !ret && at < out.bytes;) {
		const char *line = (const char *)out.data + at;
		const char *end = memchr(line, '\n', out.bytes - at);
		const char *after = memrchr(line, ' ', (size_t)(end - line));
		const char *before = memrchr(line, ' ', (size_t)(after - line));

		check(before && end - after == after - before);
		check(memcmp(before, after, (size_t)(end - after)) == 0);
		at += (size_t)(end - line) + 1;
	}
	thag_buffer_fini(&out);
	thag_folded_pair_destroy(pair);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct thag_buffer whole[THAG_FOLDED_SIDES] = { 0 }, cut[THAG_FOLDED_SIDES] = { 0 };
	struct thag_folded_counts counts, cut_counts;

	if (bytes == 0)
		return 0;
	size_t step = (size_t)data[0] + 1;
	int ret = read_and_fold(data + 1, bytes - 1, bytes, whole, &counts);

	int cut_ret = read_and_fold(data + 1, bytes - 1, step, cut, &cut_counts);

	pair_up(data + 1, bytes - 1, step);
	if (ret == -ENOMEM || cut_ret == -ENOMEM)
		ret = -ENOMEM;
	else
		check(ret == cut_ret && (ret || are_equal(&counts, &cut_counts)));
	for (int side = 0; side < THAG_FOLDED_SIDES; side++) {
		if (ret != -ENOMEM)
			expect_equal(&whole[side], &cut[side]);
		if (!ret)
			expect_stable(&whole[side]);
		thag_buffer_fini(&whole[side]);
		thag_buffer_fini(&cut[side]);
	}
	return 0;
}
