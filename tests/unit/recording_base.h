/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A recording in memory, for tests to change, and to make its checksums right again.
 */
#ifndef RECORDING_BASE_H
#define RECORDING_BASE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "recording_sample.h"

#define SMALL 5					/* chunks: no INDEX but the last */
#define LARGE (2 * THAG_RECORDING_INDEX_BLOCKS) /* chunks: two INDEX blocks, or three */
#define FIRST sizeof(struct thag_recording_header)

/* A recording, and the blocks that it has. */
struct base {
	uint8_t *data;
	size_t bytes;
	struct thag_recording_reader reader;
	int fd;
};

static inline void make_base(struct base *base, uint32_t chunks, bool ended)
{
	base->fd = sample_recording(chunks, 4, 1, ended);
	base->data = sample_bytes(base->fd, &base->bytes);
	cr_assert_not_null(base->data);
	cr_assert_eq(thag_recording_reader_open(&base->reader, base->fd), 0);
	cr_assert_eq(base->reader.damage_count, 0);
}

static inline void drop_base(struct base *base)
{
	thag_recording_reader_fini(&base->reader);
	free(base->data);
	close(base->fd);
}

/* The head of entry `i`, and after a change its checksum. */
static inline struct thag_recording_head *head_of(const struct base *base, uint32_t i)
{
	return (struct thag_recording_head *)(base->data + base->reader.entries[i].offset);
}

static inline void sign(const struct base *base, struct thag_recording_head *head)
{
	uint32_t bytes = (uint32_t)(sizeof(*head) + head->info_bytes +
				    head->part_count * sizeof(struct thag_recording_part));

	head->checksum =
		thag_recording_front_checksum((uint8_t *)head, bytes, base->reader.file.seed);
}

static inline struct thag_recording_part *part_of(struct thag_recording_head *head, uint32_t i)
{
	return (struct thag_recording_part *)((uint8_t *)(head + 1) + head->info_bytes) + i;
}

#endif
