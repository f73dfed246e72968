/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Prints proto.ts: what TypeScript must know of the layouts in thag/, as the compiler sees them,
 * so that no number is written down twice.
 *
 * Sizes and offsets become the members of an enum for each struct, in bytes; constants above
 * 2^31 become bigints.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "thag/control.h"
#include "thag/frames.h"
#include "thag/shm.h"
#include "thag/words.h"

static void begin(const char *name)
{
	printf("\nexport enum %s {\n", name);
}

static void member(const char *name, size_t value)
{
	printf("  %s = %zu,\n", name, value);
}

static void end(void)
{
	puts("}");
}

static void number(const char *name, uint32_t value)
{
	printf("export const %s = %" PRIu32 ";\n", name, value);
}

static void big(const char *name, uint64_t value)
{
	printf("export const %s = 0x%" PRIx64 "n;\n", name, value);
}

#define FIELD(type, field) member(#field, offsetof(struct type, field))
#define SIZE(type) member("SIZE", sizeof(struct type))
#define VALUE(prefix, name) member(#name, prefix##name)
#define NUMBER(name) number(#name, THAG_##name)
#define BIG(name) big(#name, THAG_##name)

static void print_frame_constants(void)
{
	puts("/** The frames of the WebSocket; see thag/frames.h. */");
	NUMBER(FRAME_MAGIC);
	NUMBER(FRAME_VERSION);
	NUMBER(FRAMES_PER_SECOND);
	NUMBER(FRAME_ROWS_MAX);
	NUMBER(FRAME_NAME_MAX);
	NUMBER(DEFAULT_PORT);

	begin("FrameType");
	VALUE(THAG_FRAME_, FLAME);
	VALUE(THAG_FRAME_, TABLE);
	VALUE(THAG_FRAME_, MEMORY);
	VALUE(THAG_FRAME_, CALLERS);
	VALUE(THAG_FRAME_, CALLEES);
	VALUE(THAG_FRAME_, DURATIONS);
	VALUE(THAG_FRAME_, CHART);
	VALUE(THAG_FRAME_, DIFF);
	end();

	begin("FrameFlag");
	VALUE(THAG_FRAME_, LIVE);
	VALUE(THAG_FRAME_, CORRECTED);
	VALUE(THAG_FRAME_, CAPPED);
	VALUE(THAG_FRAME_, TRACES);
	VALUE(THAG_FRAME_, SEARCH_CUT);
	VALUE(THAG_FRAME_, RANGE);
	VALUE(THAG_FRAME_, ESTIMATED);
	end();

	begin("NodeFlag");
	VALUE(THAG_FRAME_NODE_, MATCHED);
	VALUE(THAG_FRAME_NODE_, SECTION);
	VALUE(THAG_FRAME_NODE_, TASK);
	VALUE(THAG_FRAME_NODE_, OPEN);
	end();
}

static void print_memory_constants(void)
{
	begin("Metric");
	VALUE(THAG_METRIC_, TIME);
	VALUE(THAG_METRIC_, ALLOCATED);
	VALUE(THAG_METRIC_, ALLOCATIONS);
	VALUE(THAG_METRIC_, LIVE);
	VALUE(THAG_METRIC_, PEAK);
	VALUE(THAG_METRIC_, LEAKED);
	VALUE(THAG_METRIC_, TEMPORARY);
	VALUE(THAG_METRIC_, FREED);
	end();

	puts("\n/** What a watch calls each Metric. */");
	fputs("export const METRIC_WORDS: readonly string[] = [", stdout);
	for (uint32_t metric = 0; metric < THAG_METRIC_COUNT; metric++)
		printf("%s\"%s\"", metric ? ", " : "", thag_metric_word(metric));
	puts("];");
	NUMBER(SIZE_CLASSES);

	begin("MemoryFlag");
	VALUE(THAG_SHM_, FUNCTIONS);
	VALUE(THAG_SHM_, DETAIL);
	VALUE(THAG_SHM_, FREE_TRACES);
	VALUE(THAG_SHM_, MAPS);
	VALUE(THAG_SHM_, PRELOADED);
	VALUE(THAG_SHM_, OWN_MALLOC);
	end();
}

static void print_header_layout(void)
{
	begin("Header");
	SIZE(thag_frame_header);
	FIELD(thag_frame_header, magic);
	FIELD(thag_frame_header, version);
	FIELD(thag_frame_header, type);
	FIELD(thag_frame_header, total_bytes);
	FIELD(thag_frame_header, count);
	FIELD(thag_frame_header, strings_offset);
	FIELD(thag_frame_header, strings_bytes);
	FIELD(thag_frame_header, sequence);
	FIELD(thag_frame_header, flags);
	FIELD(thag_frame_header, session);
	FIELD(thag_frame_header, thread);
	FIELD(thag_frame_header, metric);
	FIELD(thag_frame_header, time_ns);
	FIELD(thag_frame_header, events);
	FIELD(thag_frame_header, lost);
	FIELD(thag_frame_header, truncated);
	FIELD(thag_frame_header, duration_ns);
	FIELD(thag_frame_header, cost_ns_x256);
	FIELD(thag_frame_header, tree_nodes);
	end();
}

static void print_flame_layout(void)
{
	begin("Flame");
	SIZE(thag_frame_flame);
	FIELD(thag_frame_flame, root_total_ns);
	FIELD(thag_frame_flame, focus);
	FIELD(thag_frame_flame, matched_ns);
	FIELD(thag_frame_flame, matched_calls);
	FIELD(thag_frame_flame, hidden_nodes);
	FIELD(thag_frame_flame, depth);
	end();

	begin("Node");
	SIZE(thag_frame_node);
	FIELD(thag_frame_node, id);
	FIELD(thag_frame_node, start_ns);
	FIELD(thag_frame_node, total_ns);
	FIELD(thag_frame_node, self_ns);
	FIELD(thag_frame_node, calls);
	FIELD(thag_frame_node, min_ns);
	FIELD(thag_frame_node, max_ns);
	FIELD(thag_frame_node, wait_ns);
	FIELD(thag_frame_node, open_ns);
	FIELD(thag_frame_node, parent);
	FIELD(thag_frame_node, depth);
	FIELD(thag_frame_node, name_offset);
	FIELD(thag_frame_node, name_bytes);
	FIELD(thag_frame_node, flags);
	FIELD(thag_frame_node, function);
	end();
}

static void print_diff_layout(void)
{
	begin("Sides");
	SIZE(thag_frame_sides);
	FIELD(thag_frame_sides, before_self_ns);
	FIELD(thag_frame_sides, before_total_ns);
	FIELD(thag_frame_sides, before_calls);
	FIELD(thag_frame_sides, after_self_ns);
	FIELD(thag_frame_sides, after_total_ns);
	FIELD(thag_frame_sides, after_calls);
	end();

	begin("Diff");
	SIZE(thag_frame_diff);
	FIELD(thag_frame_diff, base);
	FIELD(thag_frame_diff, base_duration_ns);
	FIELD(thag_frame_diff, matched_ns);
	FIELD(thag_frame_diff, base_from_ns);
	FIELD(thag_frame_diff, base_to_ns);
	FIELD(thag_frame_diff, flags);
	FIELD(thag_frame_diff, normalised);
	end();
}

static void print_table_layout(void)
{
	begin("Table");
	SIZE(thag_frame_table);
	FIELD(thag_frame_table, functions);
	FIELD(thag_frame_table, matched);
	FIELD(thag_frame_table, root_total_ns);
	end();

	begin("Row");
	SIZE(thag_frame_row);
	FIELD(thag_frame_row, calls);
	FIELD(thag_frame_row, self_ns);
	FIELD(thag_frame_row, total_ns);
	FIELD(thag_frame_row, min_ns);
	FIELD(thag_frame_row, max_ns);
	FIELD(thag_frame_row, p50_ns);
	FIELD(thag_frame_row, p99_ns);
	FIELD(thag_frame_row, wait_ns);
	FIELD(thag_frame_row, open_ns);
	FIELD(thag_frame_row, name_offset);
	FIELD(thag_frame_row, name_bytes);
	FIELD(thag_frame_row, file_offset);
	FIELD(thag_frame_row, file_bytes);
	FIELD(thag_frame_row, line);
	FIELD(thag_frame_row, flags);
	FIELD(thag_frame_row, function);
	end();
}

static void print_durations_layout(void)
{
	begin("Durations");
	SIZE(thag_frame_durations);
	FIELD(thag_frame_durations, function);
	FIELD(thag_frame_durations, calls);
	FIELD(thag_frame_durations, total_ns);
	FIELD(thag_frame_durations, open_ns);
	FIELD(thag_frame_durations, min_ns);
	FIELD(thag_frame_durations, max_ns);
	FIELD(thag_frame_durations, p50_ns);
	FIELD(thag_frame_durations, p90_ns);
	FIELD(thag_frame_durations, p99_ns);
	FIELD(thag_frame_durations, name_offset);
	FIELD(thag_frame_durations, name_bytes);
	end();

	begin("Bucket");
	SIZE(thag_frame_bucket);
	FIELD(thag_frame_bucket, low_ns);
	FIELD(thag_frame_bucket, high_ns);
	FIELD(thag_frame_bucket, calls);
	end();
}

static void print_heap_layout(void)
{
	begin("Heap");
	SIZE(thag_frame_heap);
	FIELD(thag_frame_heap, allocated_bytes);
	FIELD(thag_frame_heap, allocations);
	FIELD(thag_frame_heap, live_bytes);
	FIELD(thag_frame_heap, live);
	FIELD(thag_frame_heap, peak_bytes);
	FIELD(thag_frame_heap, leaked_bytes);
	FIELD(thag_frame_heap, leaked);
	FIELD(thag_frame_heap, temporary_bytes);
	FIELD(thag_frame_heap, temporary);
	FIELD(thag_frame_heap, reallocations);
	FIELD(thag_frame_heap, released_bytes);
	FIELD(thag_frame_heap, released);
	FIELD(thag_frame_heap, high_bytes);
	FIELD(thag_frame_heap, lifetime_p50_ns);
	FIELD(thag_frame_heap, lifetime_p99_ns);
	FIELD(thag_frame_heap, lifetime_max_ns);
	end();
}

static void print_memory_layout(void)
{
	begin("Memory");
	SIZE(thag_frame_memory);
	FIELD(thag_frame_memory, all);
	FIELD(thag_frame_memory, peak_at_ns);
	FIELD(thag_frame_memory, unmatched_frees);
	FIELD(thag_frame_memory, skipped);
	FIELD(thag_frame_memory, skipped_bytes);
	FIELD(thag_frame_memory, lost);
	FIELD(thag_frame_memory, untracked);
	FIELD(thag_frame_memory, size_threshold);
	FIELD(thag_frame_memory, sample_bytes);
	FIELD(thag_frame_memory, mapped_bytes);
	FIELD(thag_frame_memory, mapped_peak_bytes);
	FIELD(thag_frame_memory, from_ns);
	FIELD(thag_frame_memory, to_ns);
	FIELD(thag_frame_memory, displaced);
	FIELD(thag_frame_memory, points);
	FIELD(thag_frame_memory, sizes);
	FIELD(thag_frame_memory, flags);
	end();
}

static void print_memory_parts(void)
{
	begin("Point");
	SIZE(thag_frame_point);
	FIELD(thag_frame_point, start_ns);
	FIELD(thag_frame_point, live_bytes);
	FIELD(thag_frame_point, high_bytes);
	FIELD(thag_frame_point, allocated_bytes);
	FIELD(thag_frame_point, allocations);
	FIELD(thag_frame_point, freed_bytes);
	FIELD(thag_frame_point, frees);
	end();

	begin("Size");
	SIZE(thag_frame_size);
	FIELD(thag_frame_size, low);
	FIELD(thag_frame_size, high);
	FIELD(thag_frame_size, count);
	FIELD(thag_frame_size, bytes);
	end();

	begin("Place");
	SIZE(thag_frame_place);
	FIELD(thag_frame_place, heap);
	FIELD(thag_frame_place, node);
	FIELD(thag_frame_place, name_offset);
	FIELD(thag_frame_place, name_bytes);
	FIELD(thag_frame_place, file_offset);
	FIELD(thag_frame_place, file_bytes);
	FIELD(thag_frame_place, line);
	FIELD(thag_frame_place, flags);
	end();
}

static void print_chart_layout(void)
{
	begin("Chart");
	SIZE(thag_frame_chart);
	FIELD(thag_frame_chart, from_ns);
	FIELD(thag_frame_chart, to_ns);
	FIELD(thag_frame_chart, first_ns);
	FIELD(thag_frame_chart, last_ns);
	FIELD(thag_frame_chart, whole_ns);
	FIELD(thag_frame_chart, start_ticks);
	FIELD(thag_frame_chart, ns_per_tick);
	FIELD(thag_frame_chart, dropped_events);
	FIELD(thag_frame_chart, lanes);
	FIELD(thag_frame_chart, sites);
	FIELD(thag_frame_chart, notes);
	FIELD(thag_frame_chart, activity_columns);
	FIELD(thag_frame_chart, view_offset);
	FIELD(thag_frame_chart, view_bytes);
	FIELD(thag_frame_chart, flags);
	FIELD(thag_frame_chart, asked);
	FIELD(thag_frame_chart, moments);
	end();

	begin("Moment");
	SIZE(thag_frame_moment);
	FIELD(thag_frame_moment, start_ns);
	FIELD(thag_frame_moment, live_bytes);
	FIELD(thag_frame_moment, high_bytes);
	end();

	begin("Lane");
	SIZE(thag_frame_lane);
	FIELD(thag_frame_lane, ring);
	FIELD(thag_frame_lane, kind);
	FIELD(thag_frame_lane, tid);
	FIELD(thag_frame_lane, rows);
	FIELD(thag_frame_lane, first_ns);
	FIELD(thag_frame_lane, last_ns);
	FIELD(thag_frame_lane, events);
	FIELD(thag_frame_lane, name_offset);
	FIELD(thag_frame_lane, name_bytes);
	end();

	begin("Asked");
	SIZE(thag_frame_asked);
	FIELD(thag_frame_asked, ring);
	FIELD(thag_frame_asked, kind);
	FIELD(thag_frame_asked, first_row);
	FIELD(thag_frame_asked, rows);
	end();
}

static void print_chart_parts(void)
{
	begin("Site");
	SIZE(thag_frame_site);
	FIELD(thag_frame_site, site);
	FIELD(thag_frame_site, flags);
	FIELD(thag_frame_site, name_offset);
	FIELD(thag_frame_site, name_bytes);
	FIELD(thag_frame_site, file_offset);
	FIELD(thag_frame_site, file_bytes);
	FIELD(thag_frame_site, line);
	FIELD(thag_frame_site, function);
	end();

	begin("Note");
	SIZE(thag_frame_note);
	FIELD(thag_frame_note, first_ns);
	FIELD(thag_frame_note, last_ns);
	FIELD(thag_frame_note, first);
	FIELD(thag_frame_note, last);
	FIELD(thag_frame_note, min);
	FIELD(thag_frame_note, max);
	FIELD(thag_frame_note, site);
	FIELD(thag_frame_note, kind);
	FIELD(thag_frame_note, count);
	FIELD(thag_frame_note, ring);
	end();
}

static void print_word_constants(void)
{
	puts("\n/** Event words; see thag/words.h. */");
	NUMBER(RING_LOG2);
	NUMBER(RING_WORDS);
	BIG(WORD_PHASE);
	BIG(WORD_ARG_MASK);
	NUMBER(WORD_KIND_SHIFT);
	NUMBER(WORD_TIME_SHIFT);
	NUMBER(WORD_TIME_BITS);
	NUMBER(EXT_SHIFT);
	NUMBER(EXT_PAYLOAD_MAX);
	NUMBER(ALLOC_LONG);
	NUMBER(FREE_TRACE);

	begin("Kind");
	VALUE(THAG_KIND_, EXT);
	VALUE(THAG_KIND_, ENTER);
	VALUE(THAG_KIND_, EXIT);
	VALUE(THAG_KIND_, SECTION_BEGIN);
	VALUE(THAG_KIND_, SECTION_END);
	VALUE(THAG_KIND_, TIME);
	VALUE(THAG_KIND_, ALLOC);
	VALUE(THAG_KIND_, FREE);
	end();

	begin("Ext");
	VALUE(THAG_EXT_, NOP);
	VALUE(THAG_EXT_, THREAD_START);
	VALUE(THAG_EXT_, THREAD_END);
	VALUE(THAG_EXT_, LOST);
	VALUE(THAG_EXT_, TASK);
	VALUE(THAG_EXT_, REALLOC);
	VALUE(THAG_EXT_, MAP);
	VALUE(THAG_EXT_, MARK);
	VALUE(THAG_EXT_, VALUE);
	VALUE(THAG_EXT_, THREAD_NAME);
	VALUE(THAG_EXT_, SUSPENDED);
	end();

	puts("\n/** Payload words that follow an EXT word, by its kind. */");
	fputs("export const EXT_PAYLOAD_WORDS: readonly number[] = [", stdout);
	for (uint32_t ext = 0; ext < THAG_EXT_COUNT; ext++)
		printf("%s%d", ext ? ", " : "", thag_ext_payload_words(ext));
	puts("];");
}

int main(void)
{
	puts("// Printed by proto/generate_ts.c from the C headers. Not to be edited.\n");
	print_frame_constants();
	print_header_layout();
	print_flame_layout();
	print_diff_layout();
	print_table_layout();
	print_memory_constants();
	print_durations_layout();
	print_heap_layout();
	print_memory_layout();
	print_memory_parts();
	print_chart_layout();
	print_chart_parts();
	print_word_constants();
	return fflush(stdout) || ferror(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
