/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory.h"

#include <errno.h>
#include <stdlib.h>

#include "budget.h"
#include "handshake.h"

/* Called while events are applied, by whoever may read the program's memory. */
static bool read_trace(void *context, uint32_t trace, struct thag_shm_trace *out)
{
	const struct thag_session *session = context;

	return session->memory.shm &&
	       thag_handshake_read_trace(session->memory.shm, trace, out) == 1;
}

int thag_memory_init(struct thag_session *session)
{
	const struct thag_shm_header *header = &session->header;
	struct thag_heap_options options = { .start_ticks = header->start_ticks,
					     .sample_bytes = header->sample_bytes,
					     .live_limit = session->budget->heap_blocks,
					     .record_limit =
						     (uint32_t)session->budget->heap_records,
					     .trace = read_trace,
					     .trace_context = session };
	int ret;

	for (int kind = 0; kind < THAG_HEAP_KINDS; kind++)
		options.node_limit[kind] = (uint32_t)session->budget->heap_nodes;
	ret = thag_heap_create(&session->heap, &options);
	for (uint32_t i = 0; ret == 0 && i < header->slots; i++) {
		struct thag_session_ring *ring = &session->rings[i];

		ring->queue =
			(struct thag_heap_queue){ .heap = session->heap, .ring = (uint16_t)i };
		ring->stream.memory = &ring->queue;
	}
	atomic_init(&session->remembers, (header->modes & THAG_MODE_MEMORY) != 0);
	return ret;
}

void thag_memory_drop_queues(struct thag_session *session)
{
	uint32_t slots = session->rings ? session->header.slots : 0;

	for (uint32_t i = 0; i < slots; i++)
		thag_heap_queue_fini(&session->rings[i].queue);
}

void thag_memory_fini(struct thag_session *session)
{
	thag_memory_drop_queues(session);
	if (session->heap)
		thag_heap_destroy(session->heap);
	session->heap = NULL;
}

bool thag_memory_is_full(const struct thag_session_ring *ring, uint32_t used)
{
	uint32_t share = THAG_MEMORY_QUEUED_MAX / (used ? used : 1);

	if (share > THAG_MEMORY_ROUND_MAX)
		share = THAG_MEMORY_ROUND_MAX;
	return ring->queue.end - ring->queue.first >= share;
}

/* Whether all that its thread wrote until a moment ago was decoded. */
static bool is_read_out(const struct thag_session_ring *ring)
{
	return ring->empty && !ring->stream.blocked && !thag_ring_has_hole(&ring->reader);
}

/*
 * With a single ring there is no order but its own. If a second one was claimed before any of
 * the words that were just read, we see that now. Of a ring that isn't read out, all that was read
 * can be applied where no other ring is behind it: so some ring always gets on.
 */
static uint64_t find_watermark(const struct thag_session *session, uint32_t used, uint64_t begun)
{
	uint64_t watermark = begun;

	if (used <= 1 && thag_session_rings_used(session) <= 1)
		return UINT64_MAX;
	for (uint32_t i = 0; i < used; i++) {
		const struct thag_session_ring *ring = &session->rings[i];

		if (ring->stream.last_ticks + 1 < watermark && !is_read_out(ring))
			watermark = ring->stream.last_ticks + 1;
	}
	return watermark;
}

/* The queues that hold anything; how many. */
static uint32_t collect(struct thag_session *session, uint32_t used,
			struct thag_heap_queue *queues[static THAG_SLOTS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < used; i++)
		if (!thag_heap_queue_is_empty(&session->rings[i].queue))
			queues[count++] = &session->rings[i].queue;
	return count;
}

uint64_t thag_memory_apply(struct thag_session *session, uint32_t used, uint64_t begun, bool *wait)
{
	struct thag_heap_queue *queues[THAG_SLOTS_MAX];
	uint32_t count = collect(session, used, queues);
	uint64_t applied = 0;

	if (count)
		applied = thag_heap_queues_apply(session->heap, queues, count,
						 find_watermark(session, used, begun));
	*wait = count && collect(session, used, queues) != 0;
	return applied;
}

void thag_memory_finish(struct thag_session *session)
{
	struct thag_heap_queue *queues[THAG_SLOTS_MAX];
	uint32_t count = collect(session, session->header.slots, queues);

	thag_heap_queues_apply(session->heap, queues, count, UINT64_MAX);
	thag_heap_end(session->heap, session->budget->heap_ended_bytes);
}

void thag_memory_count(const struct thag_session *session, struct thag_memory_counts *out)
{
	const struct thag_heap_totals *totals;
	uint64_t lost = out->lost;

	if (!session->heap)
		return;
	totals = thag_heap_totals(session->heap);
	*out = (struct thag_memory_counts){
		.allocated_bytes = totals->allocated_bytes,
		.allocations = totals->allocations,
		.freed_bytes = totals->freed_bytes,
		.frees = totals->frees,
		.live_bytes = totals->live_bytes,
		.live = totals->live,
		.peak_bytes = totals->peak_bytes,
		.peak_blocks = totals->peak_blocks,
		.temporary_bytes = totals->temporary_bytes,
		.temporary = totals->temporary,
		.reallocations = totals->reallocations,
		.unmatched = totals->unmatched,
		.displaced = totals->displaced,
		.untracked = totals->untracked,
		.mapped_bytes = totals->mapped_bytes,
		.mapped_peak_bytes = totals->mapped_peak_bytes,
		.lost = lost,
		.skipped = session->slot_sums.skipped,
		.skipped_bytes = session->slot_sums.skipped_bytes,
		.heap_bytes = thag_heap_bytes(session->heap),
		.lost_traces = session->lost_traces + totals->unknown_traces,
		.pauses = session->memory_pauses,
		/* relaxed: it tells no more than itself */
		.recorded = atomic_load_explicit(&session->remembers, memory_order_relaxed),
		.capped = thag_heap_is_capped(session->heap),
		.forgotten = thag_heap_has_forgotten(session->heap),
	};
}

void thag_memory_facts(const struct thag_session *session, const struct thag_memory_counts *counts,
		       struct thag_memory_facts *out)
{
	*out = (struct thag_memory_facts){ .skipped = counts->skipped,
					   .skipped_bytes = counts->skipped_bytes,
					   .lost = counts->lost,
					   .size_threshold = session->header.size_threshold,
					   .sample_bytes = session->header.sample_bytes,
					   .flags = session->header.flags };
}

void thag_memory_tighten(struct thag_session *session)
{
	if (!session->heap)
		return;
	pthread_rwlock_wrlock(&session->lock);
	thag_heap_tighten(session->heap);
	pthread_rwlock_unlock(&session->lock);
}

static void enter(void *context)
{
	pthread_rwlock_wrlock(&((struct thag_session *)context)->lock);
}

static void leave(void *context)
{
	pthread_rwlock_unlock(&((struct thag_session *)context)->lock);
}

int thag_memory_curve(struct thag_session *session, uint64_t from, uint64_t to,
		      struct thag_buffer *out)
{
	int ret = 0;

	if (!session->heap)
		return 0;
	pthread_rwlock_wrlock(&session->lock);
	if (thag_heap_totals(session->heap)->allocations > 0)
		ret = thag_heap_curve(session->heap, from, to, out);
	pthread_rwlock_unlock(&session->lock);
	return ret;
}

int thag_memory_lend(struct thag_heap_copy *copy, const struct thag_session *session)
{
	return session->heap ? thag_heap_lend(copy, session->heap) : -ENOENT;
}

int thag_memory_copy(struct thag_heap_copy *copy, struct thag_session *session, uint64_t from,
		     uint64_t to)
{
	const struct thag_heap_gate gate = { .enter = enter, .leave = leave, .context = session };

	if (!session->heap)
		return -ENOENT;
	return thag_heap_copy_by_pieces(copy, session->heap, from, to, &gate);
}
