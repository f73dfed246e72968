/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The summaries of a chunk, all made in one look at its words; and those of several as one. */
#include <errno.h>
#include <stdlib.h>

#include "thag_chunk_private.h"
#include "thag_chunk_tree_visit.h"
#include "thag_notes.h"
#include "thag_slices_visit.h"

struct summary {
	struct thag_chunk_tree tree;
	struct thag_slices slices;
	struct thag_notes notes;
	uint32_t ring;
};

static void opened(void *context, struct thag_span *span, uint64_t now)
{
	struct summary *summary = context;

	thag_chunk_tree_opened(&summary->tree, span, now);
}

static void closed(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint32_t index, enum thag_span_end how, uint64_t now)
{
	struct summary *summary = context;

	thag_chunk_tree_closed(&summary->tree, span, stack, index, now);
	if (!stack->task || !stack->is_paused)
		thag_slices_closed(&summary->slices, stack, index, now, thag_slices_end_flags(how));
}

static void moved(void *context, struct thag_span *span, struct thag_span_stack *stack,
		  uint32_t index, uint64_t now)
{
	struct summary *summary = context;

	thag_chunk_tree_moved(&summary->tree, span, stack, index, now);
}

static void left(void *context, struct thag_span *span, uint64_t now)
{
	struct summary *summary = context;

	thag_chunk_tree_book(&summary->tree, now);
	thag_slices_left(&summary->slices, span, now);
}

static void entered(void *context, struct thag_span *span, uint64_t now)
{
	struct summary *summary = context;

	thag_chunk_tree_entered(&summary->tree, span, now);
}

static void ending(void *context, struct thag_span *span, struct thag_span_stack *stack,
		   uint64_t now)
{
	struct summary *summary = context;

	(void)span;
	(void)now;
	thag_chunk_tree_ending(&summary->tree, stack);
}

static void ended(void *context, struct thag_span *span, struct thag_span_stack *stack,
		  uint64_t now)
{
	struct summary *summary = context;

	(void)span;
	thag_chunk_tree_ended(&summary->tree, stack, now);
}

static void noted(void *context, struct thag_span *span, const struct thag_note *note)
{
	struct summary *summary = context;

	(void)span;
	thag_notes_add(&summary->notes, summary->ring, note);
}

static int init_summary(struct summary *summary)
{
	*summary = (struct summary){ 0 };
	if (thag_chunk_tree_init(&summary->tree) != 0)
		return -ENOMEM;
	if (thag_slices_init(&summary->slices, 0, 0) == 0)
		return 0;
	thag_chunk_tree_fini(&summary->tree);
	return -ENOMEM;
}

static void fini_summary(struct summary *summary)
{
	thag_chunk_tree_fini(&summary->tree);
	thag_slices_fini(&summary->slices);
	thag_notes_fini(&summary->notes);
}

static void begin_summary(struct summary *summary, const struct thag_chunk_head *head)
{
	thag_chunk_tree_clear(&summary->tree);
	thag_slices_clear(&summary->slices, head->base_ticks, head->last_ticks);
	summary->notes.points.bytes = 0;
	summary->notes.error = 0;
	summary->ring = head->ring;
}

static int look_at(struct summary *summary, const struct thag_chunk_raw *raw)
{
	static const struct thag_span_visitor visitor = { opened,  closed, moved, left,
							  entered, ending, ended, noted };
	struct thag_span span;

	thag_chunk_tree_begin(&summary->tree, raw, 0, UINT64_MAX);
	if (thag_span_begin(&span, raw, &visitor, summary) == 0)
		thag_span_run(&span, &visitor, UINT64_MAX);
	thag_chunk_tree_end(&summary->tree, &span);
	thag_slices_finish(&summary->slices, &span);
	thag_span_fini(&span);
	return summary->tree.error     ? summary->tree.error
	       : summary->slices.error ? summary->slices.error
				       : summary->notes.error;
}

static int store(struct thag_chunk *chunk, struct summary *summary)
{
	struct thag_buffer *parts = chunk->parts;
	int error = thag_chunk_tree_encode(&summary->tree, &parts[THAG_PART_TREE]);

	if (error == 0)
		error = thag_slices_encode(&summary->slices, &parts[THAG_PART_SLICES]);
	if (error == 0)
		error = thag_notes_encode(&summary->notes, summary->slices.grid.shift,
					  &parts[THAG_PART_NOTES]);
	for (uint32_t i = THAG_PART_TREE; i < THAG_PART_COUNT; i++)
		thag_buffer_fit(&parts[i]);
	for (uint32_t i = 0; i < THAG_LANE_KINDS; i++)
		chunk->head.rows[i] = summary->slices.row_count[i];
	return error;
}

static int summarise(struct summary *summary, struct thag_chunk *chunk,
		     const struct thag_chunk_raw *raw)
{
	int error;

	begin_summary(summary, &chunk->head);
	error = look_at(summary, raw);
	return error ? error : store(chunk, summary);
}

int thag_chunk_summarise(struct thag_chunk *chunk, const struct thag_chunk_raw *raw)
{
	struct summary summary;
	int error = init_summary(&summary);

	if (error != 0)
		return error;
	error = summarise(&summary, chunk, raw);
	fini_summary(&summary);
	return error;
}

struct thag_chunk_maker {
	struct summary summary;
	struct thag_buffer memory; /* of who encodes words */
};

int thag_chunk_maker_create(struct thag_chunk_maker **out)
{
	struct thag_chunk_maker *maker = calloc(1, sizeof(*maker));

	if (!maker || init_summary(&maker->summary) != 0) {
		free(maker);
		return -ENOMEM;
	}
	*out = maker;
	return 0;
}

void thag_chunk_maker_destroy(struct thag_chunk_maker *maker)
{
	if (!maker)
		return;
	fini_summary(&maker->summary);
	thag_buffer_fini(&maker->memory);
	free(maker);
}

int thag_chunk_make(struct thag_chunk_maker *maker, struct thag_chunk *chunk,
		    const struct thag_chunk_raw *raw)
{
	int error = thag_chunk_encode_with(&maker->memory, chunk, raw);

	if (error == 0)
		error = summarise(&maker->summary, chunk, raw);
	if (error != 0)
		thag_chunk_fini(chunk);
	return error;
}

static struct thag_chunk_head merged_head(const struct thag_chunk *const *from)
{
	struct thag_chunk_head head = from[0]->head;

	head.level++;
	head.words = head.events = 0;
	head.last_ticks = from[THAG_CHUNK_FANOUT - 1]->head.last_ticks;
	for (uint32_t i = 0; i < THAG_CHUNK_FANOUT; i++) {
		head.words += from[i]->head.words;
		head.events += from[i]->head.events;
		head.flags |= from[i]->head.flags & THAG_CHUNK_GAP;
	}
	return head;
}

static int merge_parts(struct summary *summary, const struct thag_chunk *from)
{
	const struct thag_buffer *parts = from->parts;
	int error = thag_chunk_tree_merge(&summary->tree, from->head.level,
					  parts[THAG_PART_TREE].data, parts[THAG_PART_TREE].bytes);

	if (error == 0)
		error = thag_slices_merge(&summary->slices, from->head.base_ticks,
					  parts[THAG_PART_SLICES].data,
					  parts[THAG_PART_SLICES].bytes);
	if (error == 0)
		error = thag_notes_merge(&summary->notes, parts[THAG_PART_NOTES].data,
					 parts[THAG_PART_NOTES].bytes);
	return error;
}

int thag_chunk_merge(struct thag_chunk_maker *maker, struct thag_chunk *chunk,
		     const struct thag_chunk *const from[static THAG_CHUNK_FANOUT])
{
	struct summary *summary = &maker->summary;
	int error = 0;

	chunk->head = merged_head(from);
	begin_summary(summary, &chunk->head);
	for (uint32_t i = 0; i < THAG_CHUNK_FANOUT && error == 0; i++)
		error = merge_parts(summary, from[i]);
	if (error == 0)
		error = thag_slices_end(&summary->slices, chunk->head.last_ticks);
	if (error == 0)
		error = store(chunk, summary);
	if (error != 0)
		thag_chunk_fini(chunk);
	return error;
}
