/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* From words of a ring to events of memory. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "thag_stream.h"
#include "thag/words.h"

static struct thag_thread thread;
static struct thag_heap *heap;
static struct thag_heap_queue queue;
static struct thag_stream stream;

static struct thag_thread *start_thread(void *context, uint32_t tid)
{
	(void)context;
	(void)tid;
	return NULL;
}

static void end_thread(void *context, struct thag_thread *ended)
{
	(void)context;
	(void)ended;
}

static void begin(void)
{
	const struct thag_heap_options options = { 0 };

	cr_assert_eq(thag_heap_create(&heap, &options), 0);
	cr_assert_eq(thag_thread_init(&thread, 1, 1 << 20), 0);
	queue = (struct thag_heap_queue){ .heap = heap, .ring = 3 };
	stream = (struct thag_stream){ .thread_start = start_thread,
				       .thread_end = end_thread,
				       .memory = &queue,
				       .thread = &thread };
}

static void end(void)
{
	thag_heap_queue_fini(&queue);
	thag_thread_fini(&thread);
	thag_heap_destroy(heap);
}

static void feed(enum thag_kind kind, uint32_t arg, uint64_t ticks)
{
	uint64_t word = THAG_WORD(kind, arg) | ticks << THAG_WORD_TIME_SHIFT;

	cr_assert_eq(thag_stream_feed(&stream, &word, 1), 1);
}

static void feed_payload(uint64_t payload)
{
	uint64_t word = thag_payload_pack(payload);

	cr_assert_eq(thag_stream_feed(&stream, &word, 1), 1);
}

static void feed_ext(enum thag_ext ext, uint32_t low, uint64_t ticks)
{
	feed(THAG_KIND_EXT, (uint32_t)ext << THAG_EXT_SHIFT | low, ticks);
}

static const struct thag_heap_event *event_at(uint32_t index)
{
	cr_assert_lt(index, queue.end - queue.first);
	return &queue.events[queue.first + index];
}

static void expect(uint32_t index, struct thag_heap_event wanted)
{
	const struct thag_heap_event *event = event_at(index);

	cr_expect_eq(event->ticks, wanted.ticks);
	cr_expect_eq(event->address, wanted.address);
	cr_expect_eq(event->old, wanted.old);
	cr_expect_eq(event->size, wanted.size);
	cr_expect_eq(event->trace, wanted.trace);
	cr_expect_eq(event->op, wanted.op);
	cr_expect_eq(event->ring, 3);
}

Test(heap_stream, decodes_short_and_long_allocations, .init = begin, .fini = end)
{
	uint64_t address = UINT64_C(0x3fffffffffffffff), size = (UINT64_C(1) << 59) - 2;

	feed(THAG_KIND_ALLOC, THAG_ALLOC_LONG - 1, 10);
	feed_payload(address);
	feed(THAG_KIND_ALLOC, THAG_ALLOC_LONG | (uint32_t)(size >> 40), 20);
	feed_payload(0x1000);
	feed_payload(THAG_TRACE_SIZE(THAG_TRACES_MAX - 1, size));
	expect(0, (struct thag_heap_event){ .ticks = 10,
					    .address = address,
					    .size = THAG_ALLOC_LONG - 1,
					    .op = THAG_HEAP_ALLOC });
	expect(1, (struct thag_heap_event){ .ticks = 20,
					    .address = 0x1000,
					    .size = size,
					    .trace = THAG_TRACES_MAX - 1,
					    .op = THAG_HEAP_ALLOC });
	cr_expect_eq(stream.events, 2);
	cr_expect_eq(stream.invalid, 0);
	cr_expect_eq(thread.last_ticks, 20);
}

Test(heap_stream, decodes_frees_and_reallocations, .init = begin, .fini = end)
{
	uint64_t size = (UINT64_C(1) << 52) - 1;

	feed(THAG_KIND_FREE, 0, 10);
	feed_payload(0x1000);
	feed(THAG_KIND_FREE, THAG_FREE_TRACE | THAG_FREE_MOVES, 20);
	feed_payload(0x2000);
	feed_payload(77);
	feed_ext(THAG_EXT_REALLOC, (uint32_t)(size >> 40), 30);
	feed_payload(0x2000);
	feed_payload(0x3000);
	feed_payload(THAG_TRACE_SIZE(78, size));
	expect(0, (struct thag_heap_event){ .ticks = 10, .address = 0x1000, .op = THAG_HEAP_FREE });
	expect(1, (struct thag_heap_event){
			  .ticks = 20, .address = 0x2000, .trace = 77, .op = THAG_HEAP_MOVE });
	expect(2, (struct thag_heap_event){ .ticks = 30,
					    .address = 0x3000,
					    .old = 0x2000,
					    .size = size,
					    .trace = 78,
					    .op = THAG_HEAP_MOVED });
	cr_expect_eq(stream.events, 3);
}

Test(heap_stream, decodes_pages, .init = begin, .fini = end)
{
	feed_ext(THAG_EXT_MAP, THAG_MAP_MAPPED, 10);
	feed_payload(0x10000);
	feed_payload(8192);
	feed_payload(5);
	feed_ext(THAG_EXT_MAP, THAG_MAP_UNMAPPED, 20);
	feed_payload(0x10000);
	feed_payload(4096);
	feed_payload(0);
	feed_ext(THAG_EXT_MAP, 2, 30); /* no such op */
	for (int i = 0; i < 3; i++)
		feed_payload(0);
	expect(0, (struct thag_heap_event){ .ticks = 10,
					    .address = 0x10000,
					    .size = 8192,
					    .trace = 5,
					    .op = THAG_HEAP_MAP });
	expect(1, (struct thag_heap_event){
			  .ticks = 20, .address = 0x10000, .size = 4096, .op = THAG_HEAP_UNMAP });
	cr_expect_eq(queue.end - queue.first, 2);
	cr_expect_eq(stream.invalid, 1);
}

Test(heap_stream, attributes_to_the_open_call, .init = begin, .fini = end)
{
	const struct thag_heap_event *first;

	feed(THAG_KIND_ENTER, 10, 10);
	feed(THAG_KIND_ENTER, 11, 11);
	feed(THAG_KIND_ALLOC, 16, 12);
	feed_payload(0x1000);
	feed(THAG_KIND_EXIT, 1, 13);
	feed(THAG_KIND_FREE, 0, 14);
	feed_payload(0x1000);
	feed(THAG_KIND_EXIT, 0, 15);
	feed(THAG_KIND_ALLOC, 16, 16);
	feed_payload(0x1000);
	first = event_at(0);
	cr_expect_neq(first->path, event_at(1)->path);
	cr_expect_eq(event_at(2)->path, THAG_TREE_ROOT);
	cr_expect_eq(thag_heap_path(heap, &thread, thag_tree_child(&thread.tree, 0, 10)),
		     event_at(1)->path);
	cr_expect_eq(thread.calls, 2);
}

Test(heap_stream, tells_when_a_thread_ends, .init = begin, .fini = end)
{
	feed_ext(THAG_EXT_THREAD_END, 0, 50);
	expect(0, (struct thag_heap_event){ .ticks = 50, .op = THAG_HEAP_FINISH });
}

/* A handler left in the middle of an event: what it had not written yet is stepped over. */
Test(heap_stream, loses_only_the_event_with_a_gap, .init = begin, .fini = end)
{
	feed(THAG_KIND_ALLOC, THAG_ALLOC_LONG, 10);
	feed_payload(0x1000);
	thag_stream_gap(&stream);
	feed(THAG_KIND_FREE, 0, 20);
	feed_payload(0x2000);
	feed_ext(THAG_EXT_REALLOC, 0, 30);
	thag_stream_gap(&stream);
	feed_payload(0x3000);
	feed_payload(0);
	thag_stream_gap(&stream); /* of an event's own word: none is under way */
	feed(THAG_KIND_ENTER, 10, 40);
	feed(THAG_KIND_EXIT, 0, 50);
	cr_expect_eq(stream.broken, 2);
	cr_expect_eq(stream.invalid, 0);
	cr_expect_eq(queue.end - queue.first, 1);
	expect(0, (struct thag_heap_event){ .ticks = 20, .address = 0x2000, .op = THAG_HEAP_FREE });
	cr_expect_eq(thread.calls, 1);
}

/* No event is lost for want of room: the words stay where they are until there is some. */
Test(heap_stream, waits_while_its_queue_is_full, .init = begin, .fini = end)
{
	const struct thag_heap_queue *const queues[] = { &queue };
	uint64_t words[64];
	uint64_t pushed = 0, taken;

	for (int i = 0; i < 64; i += 2) {
		words[i] = THAG_WORD(THAG_KIND_ALLOC, 8) | UINT64_C(5) << THAG_WORD_TIME_SHIFT;
		words[i + 1] = thag_payload_pack(0x1000);
	}
	while ((taken = thag_stream_feed(&stream, words, 64)) == 64)
		pushed += 32;
	cr_expect_eq(pushed + taken / 2, THAG_HEAP_QUEUE_MAX);
	cr_expect_eq(thag_stream_feed(&stream, words, 64), 0);
	cr_expect_eq(queue.dropped, 0);
	/* all of them at one tick, which is the watermark: they must not stay for ever */
	cr_expect_eq(thag_heap_queues_apply(heap, (struct thag_heap_queue *const *)queues, 1, 5),
		     THAG_HEAP_QUEUE_MAX);
	cr_expect_eq(thag_stream_feed(&stream, words, 64), 64);
	cr_expect_eq(thag_heap_totals(heap)->allocations, THAG_HEAP_QUEUE_MAX);
}

/* A reader of a ring of its own: calls of 20 sites, 3 deep. */
static void *find_paths(void *context)
{
	struct thag_thread *reader = context;

	for (uint32_t i = 0; i < 8000; i++) {
		uint32_t node = thag_tree_child(&reader->tree, THAG_TREE_ROOT, 20 + i % 20);

		node = thag_tree_child(&reader->tree, node, 20 + i / 20 % 20);
		node = thag_tree_child(&reader->tree, node, 20 + i / 400);
		thag_heap_path(heap, reader, node);
	}
	return NULL;
}

Test(heap_stream, finds_paths_for_several_readers_at_once, .init = begin, .fini = end)
{
	struct thag_thread readers[3];
	struct thag_heap_copy copy;
	pthread_t ids[3];

	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(thag_thread_init(&readers[i], i + 2, 1 << 20), 0);
		cr_assert_eq(pthread_create(&ids[i], NULL, find_paths, &readers[i]), 0);
	}
	for (uint32_t i = 0; i < 3; i++)
		pthread_join(ids[i], NULL);
	cr_assert_eq(thag_heap_copy(&copy, heap, 0, 0), 0);
	/* the root, and each of these once */
	cr_expect_eq(copy.paths[THAG_HEAP_CALLS].tree.count, 1 + 20 + 400 + 8000);
	for (uint32_t i = 0; i < readers[0].tree.count; i++) {
		uint32_t path = thag_heap_path(heap, &readers[0], i);

		cr_assert_eq(copy.paths[THAG_HEAP_CALLS].tree.nodes[path].site,
			     readers[0].tree.nodes[i].site);
	}
	thag_heap_copy_fini(&copy);
	for (uint32_t i = 0; i < 3; i++)
		thag_thread_fini(&readers[i]);
}
