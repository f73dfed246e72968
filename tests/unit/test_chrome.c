/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Single calls of random programs against what they did, and the file they are written to. */
#include "thag_chrome.h"

#include <errno.h>

#include <jansson.h>

#include "timeline_program.h"
#include "thag_text.h"

static struct thag_calls calls;

static void ask(uint64_t from, uint64_t to, uint32_t tid, uint32_t most)
{
	const struct thag_calls_query query = { .from = from, .to = to, .tid = tid, .most = most };

	thag_calls_fini(&calls);
	cr_assert_eq(thag_timeline_calls(timeline, &query, &calls), 0);
}

static uint32_t row_of(const struct thag_call *call)
{
	return call->depth;
}

/* Takes the call that a span is away; each may stand for one span only. */
static bool take_call(const struct program_span *span, uint64_t from)
{
	uint64_t start = span->start < from ? from : span->start;
	uint64_t end = span->end > calls.to ? calls.to : span->end;

	for (size_t i = 0; i < calls.count; i++) {
		struct thag_call *call = &calls.calls[i];
		uint32_t lane = call->flags & THAG_CALL_IN_TASK ? THAG_LANE_TASKS : THAG_LANE_OWN;

		if (call->site == span->site && call->kind < THAG_CALL_MARK && lane == span->lane &&
		    row_of(call) == span->row && call->start == start &&
		    (span->open || call->end == end)) {
			*call = calls.calls[--calls.count];
			return true;
		}
	}
	return false;
}

static void check_calls(uint64_t from, unsigned round)
{
	for (uint32_t i = 0; i < program.span_count; i++) {
		const struct program_span *span = &program.spans[i];
		bool inside = span->start < calls.to && span->end > from;
		bool edge = !inside && span->start < calls.to && span->end >= from;

		/* without time at the edge, or open where its ring's events end: either is right */
		if (take_call(span, from) || edge || (span->open && span->start < calls.to))
			continue;
		cr_assert(!inside, "round %u: %u at row %u, %llu to %llu is missing", round,
			  span->site, span->row, (unsigned long long)span->start,
			  (unsigned long long)span->end);
	}
	for (size_t i = 0; i < calls.count; i++)
		cr_assert(calls.calls[i].kind >= THAG_CALL_MARK ||
				  calls.calls[i].flags & THAG_CALL_AFTER,
			  "round %u: a call that nobody made, site %u, depth %u", round,
			  calls.calls[i].site, calls.calls[i].depth);
}

static uint32_t count_notes(void)
{
	uint32_t count = 0;

	for (size_t i = 0; i < calls.count; i++)
		count += calls.calls[i].kind >= THAG_CALL_MARK;
	return count;
}

Test(chrome, calls_are_what_the_program_did)
{
	for (unsigned round = 1; round <= 20; round++) {
		make_program(round, 3000);
		create(0, false);
		add_chunks(0, false);
		ask(0, UINT64_MAX, 0, THAG_CALLS_MAX);
		cr_expect(!calls.cut && calls.missing_to == 0);
		cr_expect_eq(count_notes(), program.note_count);
		check_calls(0, round);
		for (int i = 0; i < 5; i++) {
			uint64_t from, to;

			random_window(&from, &to);
			ask(from, to, 0, THAG_CALLS_MAX);
			check_calls(from, round);
		}
		destroy();
		program_end();
	}
	thag_calls_fini(&calls);
}

/* With too many the range ends earlier, and what is in it is whole. */
Test(chrome, too_many_calls_end_the_range_earlier)
{
	for (unsigned round = 1; round <= 10; round++) {
		make_program(round, 3000);
		create(0, false);
		add_chunks(0, false);
		ask(0, UINT64_MAX, 0, 200);
		cr_expect(calls.cut && calls.to < UINT64_MAX);
		cr_expect(calls.count <= 200);
		check_calls(0, round);
		destroy();
		program_end();
	}
	thag_calls_fini(&calls);
}

Test(chrome, says_of_what_only_summaries_are_left)
{
	make_program(3, 6000);
	create(20000, false);
	add_chunks(0, false);
	ask(0, UINT64_MAX, 0, THAG_CALLS_MAX);
	cr_expect_gt(calls.missing_to, calls.missing_from);
	cr_expect_gt(calls.missing_events, 0);
	destroy();
	program_end();
	thag_calls_fini(&calls);
}

Test(chrome, senseless_ranges_are_refused)
{
	static const struct thag_calls_query wrong[] = { { 5, 5, 0, 10, { 0 } },
							 { 5, 9, 0, 1, { 0 } },
							 { 5, 9, 0, THAG_CALLS_MAX + 1, { 0 } } };

	create(0, false);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(thag_timeline_calls(timeline, &wrong[i], &calls), -EINVAL);
	destroy();
}

/*
 * The file.
 */
static struct thag_call some[] = {
	{ .start = 1000, .end = 9000, .site = THAG_SITE_FIRST, .tid = 7 },
	{ .start = 1001, .end = 2003, .site = THAG_SITE_FIRST, .tid = 7, .depth = 1 },
	{ .start = 3000,
	  .end = 4000,
	  .site = THAG_SITE_FIRST,
	  .tid = 7,
	  .kind = THAG_CALL_SECTION,
	  .flags = THAG_CALL_CROSSES },
	{ .start = 5000,
	  .end = 6000,
	  .site = THAG_SITE_FIRST,
	  .tid = 7,
	  .kind = THAG_CALL_TASK,
	  .flags = THAG_CALL_IN_TASK,
	  .task = UINT64_MAX },
	{ .start = 7000, .end = 7000, .site = THAG_SITE_FIRST, .tid = 7, .kind = THAG_CALL_MARK },
	{ .start = 8000,
	  .end = 8000,
	  .site = THAG_SITE_FIRST,
	  .tid = 7,
	  .kind = THAG_CALL_VALUE,
	  .value = INT64_MIN },
};

static struct thag_buffer write_some(const char *name, uint64_t bytes_max)
{
	const struct thag_chrome_options options = { .program = name,
						     .pid = 42,
						     .start_ticks = 0,
						     .ns_per_tick = 1,
						     .bytes_max = bytes_max };
	const struct thag_calls all = { .calls = some,
					.count = sizeof(some) / sizeof(some[0]),
					.to = UINT64_MAX,
					.last_ticks = 9000 };
	const struct thag_chrome_facts facts = { 0 };
	struct thag_buffer out = { 0 };
	struct thag_chrome chrome;
	struct thag_names *names;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_names_put(names, THAG_SITE_FIRST, THAG_SITE_FUNCTION, name, strlen(name),
				    name, strlen(name), 12),
		     0);
	cr_assert_eq(thag_chrome_begin(&chrome, &out, &options), 0);
	cr_assert_eq(thag_chrome_name(&chrome, 7, name, strlen(name)), 0);
	cr_assert_eq(thag_chrome_add(&chrome, &all, names), 0);
	cr_assert_eq(thag_chrome_end(&chrome, &all, &facts, 0), 0);
	thag_names_destroy(names);
	return out;
}

static json_t *load_json(struct thag_buffer *out)
{
	json_error_t error;
	json_t *json = json_loadb((const char *)out->data, out->bytes, 0, &error);

	cr_assert_not_null(json, "%s at %d", error.text, error.position);
	thag_buffer_fini(out);
	return json;
}

static const char *text_of(json_t *object, const char *field)
{
	return json_string_value(json_object_get(object, field));
}

Test(chrome, each_kind_has_its_event_whatever_its_name)
{
	static const char *const hostile[] = {
		"plain",    "\"}],\"x\":[{",	     "\\", "\\\"", "a\nb\x01\x7f",
		"\xff\xfe", "\xe2\x80\xa8</script>",
	};
	static const char *const phases[] = { "M", "M", "X", "X", "b", "e", "X", "i", "C" };

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct thag_buffer out = write_some(hostile[i], 0), want = { 0 };
		json_t *json = load_json(&out), *events = json_object_get(json, "traceEvents");

		cr_assert_eq(thag_text_append_utf8(&want, hostile[i], strlen(hostile[i]) + 1, 100),
			     0);
		cr_assert_eq(json_array_size(events), sizeof(phases) / sizeof(phases[0]));
		for (size_t j = 0; j < json_array_size(events); j++) {
			json_t *event = json_array_get(events, j);

			cr_expect_str_eq(text_of(event, "ph"), phases[j]);
			cr_expect_str_eq(j < 2 ? text_of(json_object_get(event, "args"), "name")
					       : text_of(event, "name"),
					 (const char *)want.data);
		}
		json_t *call = json_array_get(events, 3);

		cr_expect_eq(json_real_value(json_object_get(call, "ts")), 1.001);
		cr_expect_eq(json_real_value(json_object_get(call, "dur")), 1.002);
		cr_expect_eq(json_integer_value(json_object_get(call, "tid")), 7);
		cr_expect_eq(
			json_integer_value(json_object_get(json_object_get(call, "args"), "line")),
			12);
		cr_expect(json_is_true(
			json_object_get(json_object_get(json, "otherData"), "complete")));
		thag_buffer_fini(&want);
		json_decref(json);
	}
}

Test(chrome, a_file_that_is_full_says_where_it_ends)
{
	struct thag_buffer out = write_some("name", 1800);

	cr_expect(out.bytes <= 1800);
	json_t *json = load_json(&out), *other = json_object_get(json, "otherData");

	cr_expect(json_is_false(json_object_get(other, "complete")));
	json_int_t cut = json_integer_value(json_object_get(other, "cut_ns"));

	cr_expect(cut > 1000 && cut < 8000, "%lld", (long long)cut);
	json_decref(json);
}

Test(chrome, takes_back_what_it_wrote_when_it_fails)
{
	const struct thag_chrome_options options = { .program = "p" };
	const struct thag_calls none = { 0 };
	const struct thag_chrome_facts facts = { 0 };
	struct thag_buffer out = { 0 };
	struct thag_chrome chrome;

	cr_assert_eq(thag_buffer_append(&out, "before", 6), 0);
	cr_assert_eq(thag_chrome_begin(&chrome, &out, &options), 0);
	cr_expect_eq(thag_chrome_end(&chrome, &none, &facts, -ENOMEM), -ENOMEM);
	cr_expect_eq(out.bytes, 6);
	thag_buffer_fini(&out);
}
