/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The vectors of proto/vectors, read as C reads them: through the structs of thag/frames.h and
 * the functions of thag/words.h. THAG_VECTORS_DIR is their directory. Links with jansson.
 */
#include <ctype.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag/words.h"

#define BYTES_MAX 65536

/** A vector: its bytes, and what they mean. */
struct vector {
	uint8_t bytes[BYTES_MAX];
	size_t size;
	json_t *expected;
};

/** Reads hex digits up to a comment or the end of the line. */
static void read_hex_line(struct vector *vector, const char *line)
{
	while (*line && *line != '#' && *line != '\n') {
		char digits[3] = { line[0], line[1], 0 };

		if (isspace((unsigned char)*line)) {
			line++;
			continue;
		}
		cr_assert(isxdigit((unsigned char)digits[0]) && isxdigit((unsigned char)digits[1]));
		cr_assert_lt(vector->size, sizeof(vector->bytes));
		vector->bytes[vector->size++] = (uint8_t)strtoul(digits, NULL, 16);
		line += 2;
	}
}

static void vector_init(struct vector *vector, const char *name)
{
	char path[4096], line[4096];
	json_error_t error;
	FILE *file;

	memset(vector, 0, sizeof(*vector));
	snprintf(path, sizeof(path), "%s/%s.hex", THAG_VECTORS_DIR, name);
	file = fopen(path, "r");
	cr_assert(file, "%s can't be read", path);
	while (fgets(line, sizeof(line), file))
		read_hex_line(vector, line);
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s.json", THAG_VECTORS_DIR, name);
	vector->expected = json_load_file(path, 0, &error);
	cr_assert(vector->expected, "%s: %s", path, error.text);
}

static void vector_fini(struct vector *vector)
{
	json_decref(vector->expected);
}

/** An expected number: decimal text for 64 bits, a JSON number otherwise. */
static uint64_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	cr_assert(value, "the vector has no %s", key);
	return json_is_string(value) ? strtoull(json_string_value(value), NULL, 10)
				     : (uint64_t)json_integer_value(value);
}

#define CHECK(object, from, field) \
	cr_assert(number(object, #field) == (uint64_t)(from)->field, "%s is %" PRIu64, #field, \
		  (uint64_t)(from)->field)

static void check_text(const struct vector *vector, const struct thag_frame_header *header,
		       uint32_t offset, uint32_t bytes, const json_t *expected)
{
	const uint8_t *strings = vector->bytes + header->strings_offset;

	cr_assert_leq((uint64_t)offset + bytes, header->strings_bytes);
	cr_assert_eq(bytes, json_string_length(expected));
	cr_assert_eq(memcmp(strings + offset, json_string_value(expected), bytes), 0);
}

static struct thag_frame_header check_header(const struct vector *vector)
{
	const json_t *expected = json_object_get(vector->expected, "header");
	struct thag_frame_header header;

	cr_assert_geq(vector->size, sizeof(header));
	memcpy(&header, vector->bytes, sizeof(header));
	cr_assert_eq(header.magic, THAG_FRAME_MAGIC);
	cr_assert_eq(header.version, THAG_FRAME_VERSION);
	cr_assert_eq(header.total_bytes, vector->size);
	CHECK(expected, &header, type);
	CHECK(expected, &header, count);
	CHECK(expected, &header, strings_offset);
	CHECK(expected, &header, strings_bytes);
	CHECK(expected, &header, sequence);
	CHECK(expected, &header, flags);
	CHECK(expected, &header, session);
	CHECK(expected, &header, thread);
	CHECK(expected, &header, metric);
	CHECK(expected, &header, time_ns);
	CHECK(expected, &header, events);
	CHECK(expected, &header, lost);
	CHECK(expected, &header, truncated);
	CHECK(expected, &header, duration_ns);
	CHECK(expected, &header, cost_ns_x256);
	CHECK(expected, &header, tree_nodes);
	return header;
}

static void check_heap(const void *bytes, const json_t *expected)
{
	struct thag_frame_heap heap;

	memcpy(&heap, bytes, sizeof(heap));
	CHECK(expected, &heap, allocated_bytes);
	CHECK(expected, &heap, allocations);
	CHECK(expected, &heap, live_bytes);
	CHECK(expected, &heap, live);
	CHECK(expected, &heap, peak_bytes);
	CHECK(expected, &heap, leaked_bytes);
	CHECK(expected, &heap, leaked);
	CHECK(expected, &heap, temporary_bytes);
	CHECK(expected, &heap, temporary);
	CHECK(expected, &heap, reallocations);
	CHECK(expected, &heap, released_bytes);
	CHECK(expected, &heap, released);
	CHECK(expected, &heap, high_bytes);
	CHECK(expected, &heap, lifetime_p50_ns);
	CHECK(expected, &heap, lifetime_p99_ns);
	CHECK(expected, &heap, lifetime_max_ns);
}

/** The heaps that follow the nodes or rows, which end at `at`; none without a metric of memory. */
static void check_heaps(const struct vector *vector, const struct thag_frame_header *header,
			size_t at)
{
	const json_t *heaps = json_object_get(vector->expected, "heaps");
	size_t count = json_array_size(heaps);

	cr_assert_eq(count, header->metric == THAG_METRIC_TIME ? 0 : header->count);
	cr_assert_eq(at + count * sizeof(struct thag_frame_heap), header->strings_offset);
	for (size_t i = 0; i < count; i++)
		check_heap(vector->bytes + at + i * sizeof(struct thag_frame_heap),
			   json_array_get(heaps, i));
}

static void check_node(const struct vector *vector, const struct thag_frame_header *header,
		       size_t index)
{
	const json_t *expected = json_array_get(json_object_get(vector->expected, "nodes"), index);
	struct thag_frame_node node;

	memcpy(&node,
	       vector->bytes + sizeof(*header) + sizeof(struct thag_frame_flame) +
		       index * sizeof(node),
	       sizeof(node));
	CHECK(expected, &node, id);
	CHECK(expected, &node, start_ns);
	CHECK(expected, &node, total_ns);
	CHECK(expected, &node, self_ns);
	CHECK(expected, &node, calls);
	CHECK(expected, &node, min_ns);
	CHECK(expected, &node, max_ns);
	CHECK(expected, &node, wait_ns);
	CHECK(expected, &node, open_ns);
	CHECK(expected, &node, parent);
	CHECK(expected, &node, depth);
	CHECK(expected, &node, flags);
	CHECK(expected, &node, function);
	check_text(vector, header, node.name_offset, node.name_bytes,
		   json_object_get(expected, "name"));
}

/** Both sides of the nodes of a difference, and its base, from `at` up to the strings. */
static void check_diff(const struct vector *vector, const struct thag_frame_header *header,
		       size_t at)
{
	const json_t *expected;
	struct thag_frame_sides sides;
	struct thag_frame_diff diff;

	for (size_t i = 0; i < header->count; i++, at += sizeof(sides)) {
		expected = json_object_get(
			json_array_get(json_object_get(vector->expected, "nodes"), i), "sides");
		memcpy(&sides, vector->bytes + at, sizeof(sides));
		CHECK(expected, &sides, before_self_ns);
		CHECK(expected, &sides, before_total_ns);
		CHECK(expected, &sides, before_calls);
		CHECK(expected, &sides, after_self_ns);
		CHECK(expected, &sides, after_total_ns);
		CHECK(expected, &sides, after_calls);
	}
	expected = json_object_get(vector->expected, "diff");
	memcpy(&diff, vector->bytes + at, sizeof(diff));
	CHECK(expected, &diff, base);
	CHECK(expected, &diff, base_duration_ns);
	CHECK(expected, &diff, matched_ns);
	CHECK(expected, &diff, base_from_ns);
	CHECK(expected, &diff, base_to_ns);
	CHECK(expected, &diff, flags);
	CHECK(expected, &diff, normalised);
	cr_assert_eq(at + sizeof(diff), header->strings_offset);
}

static void check_flame(const char *name, enum thag_frame_type type)
{
	struct vector vector;
	struct thag_frame_header header;
	struct thag_frame_flame flame;
	const json_t *expected;

	vector_init(&vector, name);
	header = check_header(&vector);
	cr_assert_eq(header.type, type);
	memcpy(&flame, vector.bytes + sizeof(header), sizeof(flame));
	expected = json_object_get(vector.expected, "flame");
	CHECK(expected, &flame, root_total_ns);
	CHECK(expected, &flame, focus);
	CHECK(expected, &flame, matched_ns);
	CHECK(expected, &flame, matched_calls);
	CHECK(expected, &flame, hidden_nodes);
	CHECK(expected, &flame, depth);
	cr_assert_eq(json_array_size(json_object_get(vector.expected, "nodes")), header.count);
	for (size_t index = 0; index < header.count; index++)
		check_node(&vector, &header, index);
	size_t end = sizeof(header) + sizeof(flame) + header.count * sizeof(struct thag_frame_node);

	if (type == THAG_FRAME_DIFF)
		check_diff(&vector, &header, end);
	else
		check_heaps(&vector, &header, end);
	vector_fini(&vector);
}

Test(vectors, callers_read_as_expected)
{
	check_flame("callers", THAG_FRAME_CALLERS);
}

Test(vectors, differences_have_both_sides_of_each_node)
{
	check_flame("diff", THAG_FRAME_DIFF);
}

Test(vectors, durations_read_as_expected)
{
	struct vector vector;
	struct thag_frame_durations durations;
	struct thag_frame_bucket bucket;

	vector_init(&vector, "durations");
	const struct thag_frame_header header = check_header(&vector);
	const json_t *expected = json_object_get(vector.expected, "durations");

	cr_assert_eq(header.type, THAG_FRAME_DURATIONS);
	memcpy(&durations, vector.bytes + sizeof(header), sizeof(durations));
	CHECK(expected, &durations, function);
	CHECK(expected, &durations, calls);
	CHECK(expected, &durations, total_ns);
	CHECK(expected, &durations, open_ns);
	CHECK(expected, &durations, min_ns);
	CHECK(expected, &durations, max_ns);
	CHECK(expected, &durations, p50_ns);
	CHECK(expected, &durations, p90_ns);
	CHECK(expected, &durations, p99_ns);
	check_text(&vector, &header, durations.name_offset, durations.name_bytes,
		   json_object_get(expected, "name"));
	for (size_t i = 0; i < header.count; i++) {
		expected = json_array_get(json_object_get(vector.expected, "buckets"), i);
		memcpy(&bucket,
		       vector.bytes + sizeof(header) + sizeof(durations) + i * sizeof(bucket),
		       sizeof(bucket));
		CHECK(expected, &bucket, low_ns);
		CHECK(expected, &bucket, high_ns);
		CHECK(expected, &bucket, calls);
	}
	vector_fini(&vector);
}

Test(vectors, flame_reads_as_expected)
{
	check_flame("flame", THAG_FRAME_FLAME);
}

Test(vectors, flames_of_memory_have_a_heap_for_each_node)
{
	check_flame("flame-memory", THAG_FRAME_FLAME);
}

Test(vectors, empty_flame_reads_as_expected)
{
	check_flame("flame-empty", THAG_FRAME_FLAME);
}

static void check_row(const struct vector *vector, const struct thag_frame_header *header,
		      size_t index)
{
	const json_t *expected = json_array_get(json_object_get(vector->expected, "rows"), index);
	struct thag_frame_row row;

	memcpy(&row,
	       vector->bytes + sizeof(*header) + sizeof(struct thag_frame_table) +
		       index * sizeof(row),
	       sizeof(row));
	CHECK(expected, &row, calls);
	CHECK(expected, &row, self_ns);
	CHECK(expected, &row, total_ns);
	CHECK(expected, &row, min_ns);
	CHECK(expected, &row, max_ns);
	CHECK(expected, &row, p50_ns);
	CHECK(expected, &row, p99_ns);
	CHECK(expected, &row, wait_ns);
	CHECK(expected, &row, open_ns);
	CHECK(expected, &row, line);
	CHECK(expected, &row, flags);
	CHECK(expected, &row, function);
	check_text(vector, header, row.name_offset, row.name_bytes,
		   json_object_get(expected, "name"));
	check_text(vector, header, row.file_offset, row.file_bytes,
		   json_object_get(expected, "file"));
}

static void check_table(const char *name)
{
	struct vector vector;
	struct thag_frame_header header;
	struct thag_frame_table table;
	const json_t *expected;

	vector_init(&vector, name);
	header = check_header(&vector);
	cr_assert_eq(header.type, THAG_FRAME_TABLE);
	memcpy(&table, vector.bytes + sizeof(header), sizeof(table));
	expected = json_object_get(vector.expected, "table");
	CHECK(expected, &table, functions);
	CHECK(expected, &table, matched);
	CHECK(expected, &table, root_total_ns);
	cr_assert_eq(json_array_size(json_object_get(vector.expected, "rows")), header.count);
	for (size_t index = 0; index < header.count; index++)
		check_row(&vector, &header, index);
	check_heaps(&vector, &header,
		    sizeof(header) + sizeof(table) + header.count * sizeof(struct thag_frame_row));
	vector_fini(&vector);
}

Test(vectors, table_reads_as_expected)
{
	check_table("table");
}

Test(vectors, tables_of_memory_have_a_heap_for_each_row)
{
	check_table("table-memory");
}

static size_t check_points(const struct vector *vector, size_t at, uint32_t count)
{
	const json_t *points = json_object_get(vector->expected, "points");

	cr_assert_eq(json_array_size(points), count);
	for (size_t i = 0; i < count; i++, at += sizeof(struct thag_frame_point)) {
		const json_t *expected = json_array_get(points, i);
		struct thag_frame_point point;

		memcpy(&point, vector->bytes + at, sizeof(point));
		CHECK(expected, &point, start_ns);
		CHECK(expected, &point, live_bytes);
		CHECK(expected, &point, high_bytes);
		CHECK(expected, &point, allocated_bytes);
		CHECK(expected, &point, allocations);
		CHECK(expected, &point, freed_bytes);
		CHECK(expected, &point, frees);
	}
	return at;
}

static size_t check_sizes(const struct vector *vector, size_t at, uint32_t count)
{
	const json_t *sizes = json_object_get(vector->expected, "sizes");

	cr_assert_eq(json_array_size(sizes), count);
	for (size_t i = 0; i < count; i++, at += sizeof(struct thag_frame_size)) {
		const json_t *expected = json_array_get(sizes, i);
		struct thag_frame_size size;

		memcpy(&size, vector->bytes + at, sizeof(size));
		CHECK(expected, &size, low);
		CHECK(expected, &size, high);
		CHECK(expected, &size, count);
		CHECK(expected, &size, bytes);
	}
	return at;
}

static size_t check_places(const struct vector *vector, const struct thag_frame_header *header,
			   size_t at)
{
	const json_t *places = json_object_get(vector->expected, "places");

	cr_assert_eq(json_array_size(places), header->count);
	for (size_t i = 0; i < header->count; i++, at += sizeof(struct thag_frame_place)) {
		const json_t *expected = json_array_get(places, i);
		struct thag_frame_place place;

		memcpy(&place, vector->bytes + at, sizeof(place));
		check_heap(&place.heap, json_object_get(expected, "heap"));
		CHECK(expected, &place, node);
		CHECK(expected, &place, line);
		CHECK(expected, &place, flags);
		check_text(vector, header, place.name_offset, place.name_bytes,
			   json_object_get(expected, "name"));
		check_text(vector, header, place.file_offset, place.file_bytes,
			   json_object_get(expected, "file"));
	}
	return at;
}

static void check_memory_facts(const struct thag_frame_memory *memory, const json_t *expected)
{
	CHECK(expected, memory, peak_at_ns);
	CHECK(expected, memory, unmatched_frees);
	CHECK(expected, memory, skipped);
	CHECK(expected, memory, skipped_bytes);
	CHECK(expected, memory, lost);
	CHECK(expected, memory, untracked);
	CHECK(expected, memory, size_threshold);
	CHECK(expected, memory, sample_bytes);
	CHECK(expected, memory, mapped_bytes);
	CHECK(expected, memory, mapped_peak_bytes);
	CHECK(expected, memory, from_ns);
	CHECK(expected, memory, to_ns);
	CHECK(expected, memory, displaced);
	CHECK(expected, memory, flags);
}

Test(vectors, memory_reads_as_expected)
{
	struct vector vector;
	struct thag_frame_header header;
	struct thag_frame_memory memory;
	size_t at = sizeof(header) + sizeof(memory);

	vector_init(&vector, "memory");
	header = check_header(&vector);
	cr_assert_eq(header.type, THAG_FRAME_MEMORY);
	memcpy(&memory, vector.bytes + sizeof(header), sizeof(memory));
	check_heap(&memory.all, json_object_get(vector.expected, "all"));
	check_memory_facts(&memory, json_object_get(vector.expected, "memory"));
	at = check_points(&vector, at, memory.points);
	at = check_sizes(&vector, at, memory.sizes);
	at = check_places(&vector, &header, at);
	cr_assert_eq(at, header.strings_offset);
	vector_fini(&vector);
}

Test(vectors, each_metric_has_a_word_of_its_own)
{
	for (uint32_t metric = 0; metric < THAG_METRIC_COUNT; metric++)
		for (uint32_t other = 0; other < metric; other++)
			cr_assert_str_neq(thag_metric_word(metric), thag_metric_word(other));
	cr_assert_null(thag_metric_word(THAG_METRIC_COUNT));
}

static const char *const kind_names[] = {
	[THAG_KIND_EXT] = "EXT",
	[THAG_KIND_ENTER] = "ENTER",
	[THAG_KIND_EXIT] = "EXIT",
	[THAG_KIND_SECTION_BEGIN] = "SECTION_BEGIN",
	[THAG_KIND_SECTION_END] = "SECTION_END",
	[THAG_KIND_TIME] = "TIME",
	[THAG_KIND_ALLOC] = "ALLOC",
	[THAG_KIND_FREE] = "FREE",
};

static const char *const ext_names[THAG_EXT_COUNT] = {
	[THAG_EXT_NOP] = "NOP",
	[THAG_EXT_THREAD_START] = "THREAD_START",
	[THAG_EXT_THREAD_END] = "THREAD_END",
	[THAG_EXT_LOST] = "LOST",
	[THAG_EXT_TASK] = "TASK",
	[THAG_EXT_REALLOC] = "REALLOC",
	[THAG_EXT_MAP] = "MAP",
	[THAG_EXT_MARK] = "MARK",
	[THAG_EXT_VALUE] = "VALUE",
	[THAG_EXT_THREAD_NAME] = "THREAD_NAME",
	[THAG_EXT_SUSPENDED] = "SUSPENDED",
};

/** The word of a vector at index `index` of its sequence. */
static uint64_t word_at(const struct vector *vector, size_t index)
{
	uint64_t word;

	cr_assert_lt(index, vector->size / sizeof(word));
	memcpy(&word, vector->bytes + index * sizeof(word), sizeof(word));
	return word;
}

/** Checks the `words` words of payload of the event at `index`. */
static void check_payload(const struct vector *vector, size_t index, const json_t *event, int words)
{
	const json_t *payload = json_object_get(event, "payload");

	cr_assert_geq(words, 0);
	cr_assert_eq(json_array_size(payload), (size_t)words);
	for (size_t at = 0; at < (size_t)words; at++) {
		uint64_t value = thag_payload_unpack(word_at(vector, index + 1 + at));

		cr_assert_eq(value,
			     strtoull(json_string_value(json_array_get(payload, at)), NULL, 10));
	}
}

/** Checks an EXT event at `index`; gives the number of its payload words. */
static size_t check_ext(const struct vector *vector, size_t index, const json_t *event)
{
	uint32_t arg = thag_word_arg(word_at(vector, index));
	uint32_t ext = arg >> THAG_EXT_SHIFT;
	int words = thag_ext_payload_words(ext);

	cr_assert_str_eq(ext_names[ext], json_string_value(json_object_get(event, "ext")));
	cr_assert_eq(arg & ((1U << THAG_EXT_SHIFT) - 1), number(event, "low"));
	check_payload(vector, index, event, words);
	return (size_t)words;
}

/** Checks the event that starts at `index`; gives the number of its words. */
static size_t check_event(const struct vector *vector, size_t index, const json_t *event)
{
	uint64_t word = word_at(vector, index);
	int words;

	cr_assert_str_eq(kind_names[thag_word_kind(word)],
			 json_string_value(json_object_get(event, "kind")));
	cr_assert_eq(thag_word_time(word), number(event, "time"));
	if (thag_word_kind(word) == THAG_KIND_EXT)
		return 1 + check_ext(vector, index, event);
	cr_assert_eq(thag_word_arg(word), number(event, "arg"));
	if (thag_word_kind(word) != THAG_KIND_ALLOC && thag_word_kind(word) != THAG_KIND_FREE)
		return 1;
	words = thag_memory_payload_words(thag_word_arg(word));
	check_payload(vector, index, event, words);
	return 1 + (size_t)words;
}

Test(vectors, words_read_as_expected)
{
	struct vector vector;
	size_t index = 0, present = 0, count, at;
	uint64_t position;
	json_t *event;

	vector_init(&vector, "words");
	position = number(vector.expected, "position");
	count = vector.size / sizeof(uint64_t);
	while (present < count && thag_word_is_at(word_at(&vector, present), position + present))
		present++;
	cr_assert_eq(present, number(vector.expected, "present"));
	json_array_foreach(json_object_get(vector.expected, "events"), at, event) index +=
		check_event(&vector, index, event);
	cr_assert_eq(index, present);
	vector_fini(&vector);
}

Test(vectors, payload_packing_is_undone)
{
	static const uint64_t values[] = { 0, 1, 0xfffff, 0x100000, UINT64_C(0x3fffffffffffffff) };

	for (size_t at = 0; at < sizeof(values) / sizeof(values[0]); at++) {
		uint64_t packed = thag_payload_pack(values[at]);

		cr_assert_eq(packed & THAG_WORD_PHASE, 0);
		cr_assert_eq(thag_payload_unpack(packed | THAG_WORD_PHASE), values[at]);
	}
}
