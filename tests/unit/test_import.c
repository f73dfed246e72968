/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <errno.h>

#include "thag_gzip.h"
#include "thag_import.h"
#include "thag_perf_line.h"
#include "thag_pprof.h"
#include "thag_protobuf.h"

typedef int read_fn(const void *data, size_t bytes, const struct thag_import_options *options,
		    struct thag_import_report *report, struct thag_profile **out);

static struct thag_import_report report;

static int try_read(read_fn *read, const void *data, size_t bytes, const char *value,
		    struct thag_profile **out)
{
	const struct thag_import_options options = { .root_name = "all", .value = value };
	/* in memory of its own size, so that a byte beyond it is noticed */
	char *copy = malloc(bytes ? bytes : 1);

	if (bytes)
		memcpy(copy, data, bytes);
	report = (struct thag_import_report){ 0 };
	int ret = read(copy, bytes, &options, &report, out);

	free(copy);
	return ret;
}

static char *folded_of(struct thag_profile *profile)
{
	struct thag_buffer out = { 0 };

	cr_assert_eq(thag_folded_write(profile, &out), 0);
	cr_assert_eq(thag_buffer_append(&out, "", 1), 0);
	return (char *)out.data;
}

/** Reads a text and expects folded stacks of it. */
static void expect_folded(read_fn *read, const char *text, const char *value, const char *want)
{
	struct thag_profile *profile;

	cr_assert_eq(try_read(read, text, strlen(text), value, &profile), 0, "%s: %s", report.what,
		     text);
	char *got = folded_of(profile);

	cr_expect_str_eq(got, want, "%s: got %s", text, got);
	free(got);
	thag_profile_destroy(profile);
}

/** Expects it to fail, and to say what. */
static void expect_wrong(read_fn *read, const void *data, size_t bytes, const char *value, int ret,
			 const char *what)
{
	struct thag_profile *profile;
	int got = try_read(read, data, bytes, value, &profile);

	cr_expect_eq(got, ret, "%d, %s", got, report.what);
	cr_expect_not_null(strstr(report.what, what), "'%s' lacks '%s'", report.what, what);
}

static void expect_bad_text(read_fn *read, const char *text, const char *what)
{
	expect_wrong(read, text, strlen(text), NULL, -EBADMSG, what);
}

Test(import_pprof, reads_what_is_written_for_pprof)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		const struct thag_pprof_options options = { .program = "p" };
		struct model model;
		struct thag_profile *profile = model_profile(&model, seed, 1, 300, &MODEL_RAW);
		struct thag_profile *again;
		struct thag_buffer file = { 0 };
		struct thag_pprof pprof;

		cr_assert_eq(thag_pprof_begin(&pprof, &file, &options), 0);
		cr_assert_eq(thag_pprof_add(&pprof, profile, "", 0), 0);
		cr_assert_eq(thag_pprof_end(&pprof, 0), 0);
		cr_assert_eq(try_read(thag_pprof_read, file.data, file.bytes, NULL, &again), 0,
			     "%s", report.what);
		char *want = folded_of(profile), *got = folded_of(again);

		cr_expect_str_eq(got, want);
		cr_expect_str_eq(report.unit, "nanoseconds");
		cr_expect_eq(report.left_out, 0);
		thag_profile_destroy(again);
		/* another of its values */
		cr_assert_eq(try_read(thag_pprof_read, file.data, file.bytes, "calls", &again), 0);
		cr_expect_str_eq(report.unit, "count");
		uint64_t calls = 0;

		for (size_t i = 0; i < model.stack_count; i++)
			calls += model.stacks[i].calls;
		cr_expect_eq(thag_profile_nodes(again, &(uint32_t){ 0 })->total_ns, calls);
		thag_profile_destroy(again);
		expect_wrong(thag_pprof_read, file.data, file.bytes, "cpu", -EINVAL, "calls, time");
		/* wherever it is cut off */
		for (size_t bytes = 2; bytes < file.bytes; bytes += 7)
			expect_wrong(thag_pprof_read, file.data, bytes, NULL, -EBADMSG,
				     "cut short");
		free(want);
		free(got);
		thag_profile_destroy(profile);
		thag_buffer_fini(&file);
		model_fini(&model);
	}
}

/** A profile of one sample: a location whose two lines are inlined, and one without any. */
struct sample {
	uint64_t location, function, name, value;
	bool no_types, extra_value, packed_badly;
};

static void put_text_table(struct thag_protobuf_writer *writer)
{
	static const char *const texts[] = { "", "cpu", "ns", "outer", "inner", "a.c" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		thag_protobuf_put_text(writer, 6, texts[i]);
}

static void put_line(struct thag_protobuf_writer *writer, uint64_t function)
{
	size_t line = thag_protobuf_begin(writer, 4);

	thag_protobuf_put_varint(writer, 1, function);
	thag_protobuf_put_varint(writer, 2, 7);
	thag_protobuf_end(writer, line);
}

static struct thag_buffer make_pprof(const struct sample *sample)
{
	struct thag_buffer out = { 0 };
	struct thag_protobuf_writer writer = { .out = &out };
	size_t begin = thag_protobuf_begin(&writer, 2);

	/* not packed: both ways are right */
	thag_protobuf_put_varint(&writer, 1, UINT64_MAX);
	thag_protobuf_put_varint(&writer, 1, sample->location);
	thag_protobuf_put_varint(&writer, 2, sample->value);
	if (sample->extra_value)
		thag_protobuf_put_varint(&writer, 2, 1);
	if (sample->packed_badly)
		thag_protobuf_put_bytes(&writer, 2, "\xff", 1);
	thag_protobuf_end(&writer, begin);
	if (!sample->no_types) {
		begin = thag_protobuf_begin(&writer, 1);
		thag_protobuf_put_varint(&writer, 1, 1);
		thag_protobuf_put_varint(&writer, 2, 2);
		thag_protobuf_end(&writer, begin);
	}
	begin = thag_protobuf_begin(&writer, 4);
	thag_protobuf_put_varint(&writer, 1, 5);
	put_line(&writer, 9);
	put_line(&writer, 8);
	thag_protobuf_end(&writer, begin);
	begin = thag_protobuf_begin(&writer, 4);
	thag_protobuf_put_varint(&writer, 1, UINT64_MAX);
	thag_protobuf_put_varint(&writer, 3, 0xabc);
	thag_protobuf_end(&writer, begin);
	for (uint64_t id = 8; id <= 9; id++) {
		begin = thag_protobuf_begin(&writer, 5);
		thag_protobuf_put_varint(&writer, 1, id == 9 ? sample->function : id);
		thag_protobuf_put_varint(&writer, 2, id == 9 ? sample->name : 3);
		thag_protobuf_put_varint(&writer, 4, 5);
		thag_protobuf_end(&writer, begin);
	}
	put_text_table(&writer);
	cr_assert_eq(writer.error, 0);
	return out;
}

#define GOOD_SAMPLE \
	{ \
		.location = 5, .function = 9, .name = 4, .value = 1 \
	}

Test(import_pprof, reads_inlined_lines_and_locations_without_functions)
{
	struct sample sample = GOOD_SAMPLE;
	struct thag_profile *profile;

	sample.value = INT64_MAX;
	struct thag_buffer file = make_pprof(&sample);

	cr_assert_eq(try_read(thag_pprof_read, file.data, file.bytes, NULL, &profile), 0, "%s",
		     report.what);
	char *got = folded_of(profile);

	cr_expect_str_eq(got, "outer;inner;0xabc 9223372036854775807\n");
	free(got);
	thag_profile_destroy(profile);
	thag_buffer_fini(&file);
}

Test(import_pprof, says_what_points_nowhere)
{
	struct sample samples[] = { GOOD_SAMPLE, GOOD_SAMPLE, GOOD_SAMPLE,
				    GOOD_SAMPLE, GOOD_SAMPLE, GOOD_SAMPLE };
	static const char *const whats[] = {
		"no location 6,", "no function 9,", "function 9 names a string",
		"no types",	  "as many values", "cut short",
	};

	samples[0].location = 6;
	samples[1].function = 10;
	samples[2].name = 6;
	samples[3].no_types = true;
	samples[4].extra_value = true;
	samples[5].packed_badly = true;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		struct thag_buffer file = make_pprof(&samples[i]);

		expect_wrong(thag_pprof_read, file.data, file.bytes, NULL, -EBADMSG, whats[i]);
		thag_buffer_fini(&file);
	}
	/* a number where a message should be; a field that ends too late */
	expect_wrong(thag_pprof_read, "\x10\x01", 2, NULL, -EBADMSG, "byte 2: a number");
	expect_wrong(thag_pprof_read, "\x12\x7f", 2, NULL, -EBADMSG, "byte ");
}

Test(import_pprof, leaves_out_what_is_less_than_nothing)
{
	struct sample sample = GOOD_SAMPLE;
	struct thag_profile *profile;

	sample.value = UINT64_MAX; /* -1 */
	struct thag_buffer file = make_pprof(&sample);

	cr_assert_eq(try_read(thag_pprof_read, file.data, file.bytes, NULL, &profile), 0);
	cr_expect(report.left_out == 1 && report.stacks == 0);
	thag_profile_destroy(profile);
	thag_buffer_fini(&file);
}

Test(import_chrome, nests_by_time)
{
	/* in any order, threads apart, microseconds however they are written */
	expect_folded(thag_chrome_read,
		      "[{\"ph\":\"X\",\"name\":\"b\",\"ts\":2,\"dur\":3.5,\"pid\":1,\"tid\":1},"
		      "{\"name\":\"a\",\"ph\":\"X\",\"ts\":1.0e0,\"dur\":10,\"pid\":1,\"tid\":1},"
		      "{\"name\":\"c\",\"ph\":\"X\",\"ts\":2,\"dur\":1.0019,\"pid\":1,\"tid\":1},"
		      "{\"name\":\"b\",\"ph\":\"X\",\"ts\":2,\"dur\":1,\"pid\":1,\"tid\":2},"
		      "{\"name\":\"meta\",\"ph\":\"M\",\"args\":{\"x\":[{}]}}]",
		      NULL, "a 6500\na;b 2499\na;b;c 1001\nb 1000\n");
}

Test(import_chrome, pairs_begins_and_ends)
{
	/* and ends what was never ended with the last that is known of its thread */
	expect_folded(thag_chrome_read,
		      " {\"otherData\":{}, \"traceEvents\": ["
		      "{\"name\":\"a\",\"ph\":\"B\",\"ts\":1,\"pid\":1,\"tid\":1},"
		      "{\"name\":\"b\",\"ph\":\"B\",\"ts\":2,\"pid\":1,\"tid\":1},"
		      "{\"ph\":\"E\",\"ts\":4,\"pid\":1,\"tid\":1},"
		      "{\"name\":\"z\",\"ph\":\"B\",\"ts\":4,\"pid\":1,\"tid\":1},"
		      "{\"ph\":\"E\",\"ts\":4,\"pid\":1,\"tid\":1},"
		      "{\"name\":\"c\",\"ph\":\"X\",\"ts\":5,\"dur\":2,\"pid\":1,\"tid\":1}"
		      "],\"more\":1}",
		      NULL, "a 2000\na;b 2000\na;c 2000\n");
	cr_expect_eq(report.left_out, 0);
	expect_folded(thag_chrome_read, "[{\"ph\":\"E\",\"ts\":4,\"pid\":1,\"tid\":1}]", NULL, "");
	cr_expect_eq(report.left_out, 1);
}

Test(import_chrome, cuts_off_what_overlaps)
{
	expect_folded(thag_chrome_read,
		      "[{\"name\":\"a\",\"ph\":\"X\",\"ts\":0,\"dur\":10},"
		      "{\"name\":\"b\",\"ph\":\"X\",\"ts\":5,\"dur\":10}]",
		      NULL, "a 5000\na;b 5000\n");
}

Test(import_chrome, reads_a_trace_that_has_no_end)
{
	const char *want = "a 1000\n";

	expect_folded(thag_chrome_read, "[\n{\"name\":\"a\",\"ph\":\"X\",\"ts\":0,\"dur\":1},\n",
		      NULL, want);
	expect_folded(thag_chrome_read, "[{\"name\":\"a\",\"ph\":\"X\",\"ts\":0,\"dur\":1}", NULL,
		      want);
	expect_folded(thag_chrome_read,
		      "\xef\xbb\xbf[{\"name\":\"a\",\"ph\":\"X\",\"ts\":0,"
		      "\"dur\":1},]",
		      NULL, want);
	expect_folded(thag_chrome_read, "[]", NULL, "");
}

Test(import_chrome, reads_names_as_they_are_meant)
{
	expect_folded(thag_chrome_read,
		      "[{\"name\":\"\\u00e9\\ud83d\\ude00\\\"\\\\\\/\\t\\ud800x\",\"ph\":\"X\","
		      "\"ts\":0,\"dur\":1}]",
		      NULL, "\xc3\xa9\xf0\x9f\x98\x80\"\\/ \xef\xbf\xbdx 1000\n");
}

Test(import_chrome, says_what_is_wrong)
{
	expect_bad_text(thag_chrome_read, "", "byte 0: the file ends");
	expect_bad_text(thag_chrome_read, "{\"a\":1}", "no \"traceEvents\"");
	expect_bad_text(thag_chrome_read, "{\"traceEvents\":3}", "byte 15: another character");
	expect_bad_text(thag_chrome_read, "[1]", "another character");
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\"", "the file ends in the middle");
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\\", "the file ends in a string");
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\"}]", "event 1 (byte 11): its ts");
	expect_bad_text(thag_chrome_read, "[{} {}]", "byte 4: a comma");
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\",\"ts\":-1}]", "its ts");
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\",\"ts\":1,\"dur\":\"2\"}]", "its dur");
	/* 2^64 ns and more */
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\",\"ts\":18446744073709552}]", "its ts");
	expect_bad_text(thag_chrome_read, "[{\"ph\":\"X\",\"ts\":18446744073709551,\"dur\":1}]",
			"it ends after");
	expect_bad_text(thag_chrome_read, "[{\"args\":[}]", "another bracket");
	expect_wrong(thag_chrome_read, "[]", 2, "time", -EINVAL, "no values");
}

Test(import_chrome, says_that_it_is_nested_too_deep)
{
	struct thag_buffer text = { 0 };

	cr_assert_eq(thag_buffer_append(&text, "{\"a\":", 5), 0);
	for (int i = 0; i < 1000000; i++)
		cr_assert_eq(thag_buffer_append(&text, i % 2 ? "[" : "{\"a\":", i % 2 ? 1 : 5), 0);
	expect_wrong(thag_chrome_read, text.data, text.bytes, NULL, -EBADMSG, "nested too deep");
	thag_buffer_fini(&text);
}

Test(import_chrome, sums_no_more_than_64_bits)
{
	struct thag_profile *profile;
	static const char text[] = "[{\"ph\":\"X\",\"ts\":0,\"dur\":10000000000000000,\"tid\":1},"
				   "{\"ph\":\"X\",\"ts\":0,\"dur\":10000000000000000,\"tid\":2}]";

	cr_expect_eq(try_read(thag_chrome_read, text, strlen(text), NULL, &profile), -EOVERFLOW);
}

#define PERF \
	"# captured on: Thu\n" \
	"my prog 42/43 [001] 4794564.109216:    250000 cpu-clock:u: \n" \
	"\tffffffff81 do_it(int, char const*)+0x1f (/usr/lib/lib x.so)\n" \
	"\t    7f00 [unknown] (/usr/lib/libc.so.6)\n" \
	"\t    55d0 main+0x10 (/bin/a (deleted))\n" \
	"\n" \
	"my prog 42/43 [001] 4794564.109217:    750000 cpu-clock:u: \n" \
	"\t    55d0 main+0x20 (/bin/a (deleted))\n" \
	"\n" \
	"my prog 42 4794564.2: 9 other: \n" \
	"\t    55d0 main+0x20 (/bin/a)\n"

Test(import_perf, reads_samples_as_stackcollapse_does)
{
	expect_folded(thag_perf_read, PERF, NULL,
		      "my_prog;main 750000\n"
		      "my_prog;main;[libc.so.6];do_it(int, char const*) 250000\n");
	cr_expect_eq(report.left_out, 1);
	expect_folded(thag_perf_read, PERF, "samples",
		      "my_prog;main 1\n"
		      "my_prog;main;[libc.so.6];do_it(int, char const*) 1\n");
}

Test(import_perf, reads_other_layouts)
{
	/* without a processor, a period, an event; without an end of line */
	expect_folded(thag_perf_read, "swapper     0 [000] 1.5: cycles: \n\tff idle ([kernel])",
		      NULL, "swapper;idle 1\n");
	expect_folded(thag_perf_read, "a 1/1 1.5:\n\tff [unknown] ([unknown])\n", NULL,
		      "a;[unknown] 1\n");
	expect_folded(thag_perf_read, "a:b 3 1.5: 7 cycles:u: \r\n\tff f+0x1 ([vdso])\r\n\r\n",
		      NULL, "a:b;f 7\n");
}

Test(import_perf, says_what_is_wrong)
{
	expect_bad_text(thag_perf_read, "\tff f (x)\n", "line 1: a frame before");
	expect_bad_text(thag_perf_read, "a 1 1.5: 1 e: \n\n\tff f (x)\n", "line 3: a frame before");
	expect_bad_text(thag_perf_read, "a;b 1\n", "line 1: neither");
	expect_bad_text(thag_perf_read, "a 1 1.5: 18446744073709551616 e: \n",
			"line 1: the period");
	expect_wrong(thag_perf_read, PERF, strlen(PERF), "cycles", -EINVAL, "'samples'");
}

Test(import, knows_files_by_their_content)
{
	static const struct {
		const char *text;
		enum thag_import_format format;
	} files[] = {
		{ "", THAG_IMPORT_FOLDED },
		{ "main;a 1\n", THAG_IMPORT_FOLDED },
		{ "[vdso];x 1\n", THAG_IMPORT_FOLDED },
		{ "{closure} 1\n", THAG_IMPORT_FOLDED },
		{ "# a title\nmain 1\n", THAG_IMPORT_FOLDED },
		{ "[{\"ph\":1}]", THAG_IMPORT_CHROME },
		{ "\n{ \"traceEvents\"", THAG_IMPORT_CHROME },
		{ PERF, THAG_IMPORT_PERF },
		{ "\x1f\x8b", THAG_IMPORT_PPROF },
	};
	struct sample sample = GOOD_SAMPLE;
	struct thag_buffer pprof = make_pprof(&sample);

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		cr_expect_eq(thag_import_guess(files[i].text, strlen(files[i].text)),
			     files[i].format, "%s", files[i].text);
	cr_expect_eq(thag_import_guess(pprof.data, pprof.bytes), THAG_IMPORT_PPROF);
	thag_buffer_fini(&pprof);
}
