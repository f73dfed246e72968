/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_tables.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_recording_format.h"

static struct thag_recording_text text(const char *string)
{
	return (struct thag_recording_text){ string, (uint32_t)strlen(string) };
}

static void expect_text(struct thag_recording_text got, struct thag_recording_text want)
{
	cr_assert_eq(got.bytes, want.bytes);
	if (want.bytes)
		cr_expect_arr_eq(got.text, want.text, want.bytes);
}

/* Writes the table to `bytes`, and opens that. */
static struct thag_recording_rows reopen(struct thag_recording_table *table,
					 struct thag_buffer *bytes)
{
	struct thag_recording_rows rows;

	cr_assert_eq(thag_recording_table_write(table, bytes), 0);
	cr_assert_eq(
		thag_recording_rows_open(&rows, bytes->data, bytes->bytes, table->record_bytes), 0);
	cr_assert_eq(rows.count, table->count);
	thag_recording_table_fini(table);
	return rows;
}

static const struct thag_recording_site site_sample = {
	.id = THAG_SITES_MAX - 1,
	.kind = THAG_SITE_SECTION,
	.modes = THAG_MODE_TIME | THAG_MODE_MEMORY,
	.flags = THAG_SITE_PRETTY,
	.line = 123456,
	.module = THAG_MODULES_MAX - 1,
	.address = UINT64_MAX,
	.name = { "a\0name", 6 },
	.file = { "file.c", 6 },
};

Test(recording_tables, sites_come_back)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_SITE_BYTES };
	struct thag_recording_site nameless = { .id = 1, .module = THAG_MODULE_NONE }, got;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_recording_site_add(&table, &site_sample), 0);
	cr_assert_eq(thag_recording_site_add(&table, &nameless), 0);
	struct thag_recording_rows rows = reopen(&table, &bytes);

	cr_assert_eq(thag_recording_site_get(&rows, 0, &got), 0);
	cr_expect_eq(got.id, site_sample.id);
	cr_expect_eq(got.kind, site_sample.kind);
	cr_expect_eq(got.modes, site_sample.modes);
	cr_expect_eq(got.flags, site_sample.flags);
	cr_expect_eq(got.line, site_sample.line);
	cr_expect_eq(got.module, site_sample.module);
	cr_expect_eq(got.address, site_sample.address);
	expect_text(got.name, site_sample.name);
	expect_text(got.file, site_sample.file);
	cr_assert_eq(thag_recording_site_get(&rows, 1, &got), 0);
	cr_expect_eq(got.module, THAG_MODULE_NONE);
	cr_expect_eq(got.name.bytes, 0);
	thag_buffer_fini(&bytes);
}

Test(recording_tables, modules_come_back)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_MODULE_BYTES };
	struct thag_recording_module module = { .id = 3,
						.build_id_bytes = THAG_BUILD_ID_MAX,
						.bias = 1,
						.start = 2,
						.end = 3,
						.path = text("/lib/libc.so.6") };
	struct thag_recording_module got;
	struct thag_buffer bytes = { 0 };

	memset(module.build_id, 0xab, sizeof(module.build_id));
	cr_assert_eq(thag_recording_module_add(&table, &module), 0);
	struct thag_recording_rows rows = reopen(&table, &bytes);

	cr_assert_eq(thag_recording_module_get(&rows, 0, &got), 0);
	cr_expect_eq(got.id, 3);
	cr_expect_eq(got.build_id_bytes, THAG_BUILD_ID_MAX);
	cr_expect_arr_eq(got.build_id, module.build_id, THAG_BUILD_ID_MAX);
	cr_expect_eq(got.bias, 1);
	cr_expect_eq(got.start, 2);
	cr_expect_eq(got.end, 3);
	expect_text(got.path, module.path);
	thag_buffer_fini(&bytes);
}

Test(recording_tables, traces_come_back)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_TRACE_BYTES };
	const struct thag_recording_trace trace = { THAG_TRACES_MAX - 1, THAG_TRACES_MAX - 2, 9 };
	struct thag_recording_trace got;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_recording_trace_add(&table, &trace), 0);
	struct thag_recording_rows rows = reopen(&table, &bytes);

	cr_assert_eq(thag_recording_trace_get(&rows, 0, &got), 0);
	cr_expect_eq(got.id, trace.id);
	cr_expect_eq(got.parent, trace.parent);
	cr_expect_eq(got.site, trace.site);
	thag_buffer_fini(&bytes);
}

static struct thag_recording_name name_sample(void)
{
	return (struct thag_recording_name){
		.site = 5,
		.frame_count = 2,
		.frames = { { text("inlined"), text("a.h"), 7 }, { text("outer"), text(""), 0 } },
	};
}

Test(recording_tables, names_come_back_with_their_frames)
{
	struct thag_recording_table names = { .record_bytes = THAG_RECORDING_NAME_BYTES };
	struct thag_recording_table frames = { .record_bytes = THAG_RECORDING_FRAME_BYTES };
	struct thag_recording_name name = name_sample(), got;
	struct thag_buffer bytes = { 0 }, frame_bytes = { 0 };

	cr_assert_eq(thag_recording_name_add(&names, &frames, &name), 0);
	name.site = 6;
	name.status = 3;
	name.frame_count = 0;
	cr_assert_eq(thag_recording_name_add(&names, &frames, &name), 0);
	name = name_sample();
	cr_assert_eq(thag_recording_name_add(&names, &frames, &name), 0);
	struct thag_recording_rows rows = reopen(&names, &bytes);
	struct thag_recording_rows frame_rows = reopen(&frames, &frame_bytes);

	cr_expect_eq(frame_rows.count, 4);
	cr_assert_eq(thag_recording_name_get(&rows, &frame_rows, 1, &got), 0);
	cr_expect_eq(got.site, 6);
	cr_expect_eq(got.status, 3);
	cr_expect_eq(got.frame_count, 0);
	cr_assert_eq(thag_recording_name_get(&rows, &frame_rows, 2, &got), 0);
	cr_expect_eq(got.site, 5);
	cr_assert_eq(got.frame_count, 2);
	expect_text(got.frames[0].name, name.frames[0].name);
	expect_text(got.frames[0].file, name.frames[0].file);
	cr_expect_eq(got.frames[0].line, 7);
	expect_text(got.frames[1].name, name.frames[1].name);
	cr_expect_eq(got.frames[1].file.bytes, 0);
	thag_buffer_fini(&bytes);
	thag_buffer_fini(&frame_bytes);
}

Test(recording_tables, take_nothing_that_would_not_come_back)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_SITE_BYTES };
	struct thag_recording_table frames = { .record_bytes = THAG_RECORDING_FRAME_BYTES };
	struct thag_recording_site site = site_sample;
	struct thag_recording_module module = { .id = THAG_MODULES_MAX };
	struct thag_recording_trace trace = { 5, 5, 1 };
	struct thag_recording_name name = name_sample();

	site.id = THAG_SITES_MAX;
	cr_expect_eq(thag_recording_site_add(&table, &site), -EINVAL);
	site.id = 0;
	cr_expect_eq(thag_recording_site_add(&table, &site), -EINVAL);
	site.id = 1;
	site.module = THAG_MODULES_MAX;
	cr_expect_eq(thag_recording_site_add(&table, &site), -EINVAL);
	cr_expect_eq(thag_recording_module_add(&table, &module), -EINVAL);
	module.id = 0;
	module.build_id_bytes = THAG_BUILD_ID_MAX + 1;
	cr_expect_eq(thag_recording_module_add(&table, &module), -EINVAL);
	cr_expect_eq(thag_recording_trace_add(&table, &trace), -EINVAL);
	trace = (struct thag_recording_trace){ THAG_TRACES_MAX, 0, 1 };
	cr_expect_eq(thag_recording_trace_add(&table, &trace), -EINVAL);
	name.frame_count = THAG_RECORDING_NAME_FRAMES_MAX + 1;
	cr_expect_eq(thag_recording_name_add(&table, &frames, &name), -EINVAL);
	name.frame_count = 0;
	cr_expect_eq(thag_recording_name_add(&table, &frames, &name), -EINVAL);
	name.frame_count = 1;
	name.status = 1;
	cr_expect_eq(thag_recording_name_add(&table, &frames, &name), -EINVAL);
	cr_expect_eq(table.count, 0);
	thag_recording_table_fini(&table);
	thag_recording_table_fini(&frames);
}

Test(recording_tables, end_where_a_part_does)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_SITE_BYTES };
	struct thag_recording_site site = site_sample;
	char *name = malloc(THAG_SITE_NAME_MAX);
	struct thag_buffer bytes = { 0 };
	int ret = 0;

	memset(name, 'x', THAG_SITE_NAME_MAX);
	site.name = (struct thag_recording_text){ name, THAG_SITE_NAME_MAX };
	while (ret == 0)
		ret = thag_recording_site_add(&table, &site);
	cr_expect_eq(ret, -E2BIG);
	cr_expect_eq(table.count, THAG_RECORDING_PART_MAX / THAG_SITE_NAME_MAX - 1);
	cr_assert_eq(thag_recording_table_write(&table, &bytes), 0);
	cr_expect_leq(bytes.bytes, THAG_RECORDING_PART_MAX);
	thag_recording_table_clear(&table);
	cr_expect_eq(thag_recording_site_add(&table, &site), 0);
	thag_recording_table_fini(&table);
	thag_buffer_fini(&bytes);
	free(name);
}

/* What is left behind a long text is room for one record. */
Test(recording_tables, take_records_up_to_where_a_part_ends)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_TRACE_BYTES };
	const struct thag_recording_trace trace = { 7, 6, 5 };
	const uint32_t bytes = THAG_RECORDING_PART_MAX - THAG_RECORDING_TRACE_BYTES -
			       (uint32_t)sizeof(struct thag_recording_table_head);
	char *text = calloc(1, bytes);
	struct thag_recording_span span;

	cr_assert_eq(thag_recording_table_text(&table, (struct thag_recording_text){ text, bytes },
					       &span),
		     0);
	cr_expect_eq(thag_recording_trace_add(&table, &trace), 0);
	cr_expect_eq(thag_recording_trace_add(&table, &trace), -E2BIG);
	cr_expect_eq(table.count, 1);
	thag_recording_table_fini(&table);
	free(text);
}

Test(recording_tables, of_a_later_version_have_longer_records)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_TRACE_BYTES + 8 };
	const uint32_t record[6] = { 7, 6, 5, 0, 99, 99 };
	struct thag_recording_trace got;
	struct thag_recording_rows rows;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_recording_table_record(&table, record), 0);
	cr_assert_eq(thag_recording_table_record(&table, record), 0);
	cr_assert_eq(thag_recording_table_write(&table, &bytes), 0);
	cr_assert_eq(thag_recording_rows_open(&rows, bytes.data, bytes.bytes,
					      THAG_RECORDING_TRACE_BYTES),
		     0);
	cr_assert_eq(thag_recording_trace_get(&rows, 1, &got), 0);
	cr_expect_eq(got.parent, 6);
	cr_expect_eq(
		thag_recording_rows_open(&rows, bytes.data, bytes.bytes, THAG_RECORDING_SITE_BYTES),
		-EBADMSG);
	thag_recording_table_fini(&table);
	thag_buffer_fini(&bytes);
}

static bool is_within(struct thag_recording_text part, const uint8_t *data, size_t bytes)
{
	const char *start = (const char *)data;

	return part.text >= start && part.text + part.bytes <= start + bytes;
}

/* Reads all of what may be tables of sites; returns how many records make sense. */
static uint32_t read_sites(const uint8_t *data, size_t bytes)
{
	struct thag_recording_site got;
	struct thag_recording_rows rows;
	uint32_t good = 0;

	if (thag_recording_rows_open(&rows, data, bytes, THAG_RECORDING_SITE_BYTES) != 0)
		return 0;
	for (uint32_t i = 0; i < rows.count; i++) {
		if (thag_recording_site_get(&rows, i, &got) != 0)
			continue;
		cr_assert(is_within(got.name, data, bytes) && is_within(got.file, data, bytes));
		cr_assert_lt(got.id, THAG_SITES_MAX);
		good++;
	}
	return good;
}

Test(recording_tables, of_any_bytes_stay_within_them)
{
	struct thag_recording_table table = { .record_bytes = THAG_RECORDING_SITE_BYTES };
	struct thag_buffer bytes = { 0 };

	for (int i = 0; i < 3; i++)
		cr_assert_eq(thag_recording_site_add(&table, &site_sample), 0);
	cr_assert_eq(thag_recording_table_write(&table, &bytes), 0);
	cr_expect_eq(read_sites(bytes.data, bytes.bytes), 3);
	for (size_t less = 1; less <= bytes.bytes; less++) {
		uint8_t *copy = malloc(bytes.bytes - less + 1);

		memcpy(copy, bytes.data, bytes.bytes - less);
		cr_assert_eq(read_sites(copy, bytes.bytes - less), 0);
		free(copy);
	}
	for (size_t bit = 0; bit < bytes.bytes * 8; bit++) {
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		read_sites(bytes.data, bytes.bytes);
		bytes.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	thag_recording_table_fini(&table);
	thag_buffer_fini(&bytes);
}

/* Record `i` of a name table with the given fields, and one frame; whether it is taken. */
static int get_name(uint32_t site, uint16_t status, uint16_t count, uint32_t first)
{
	const uint32_t record[4] = { site, (uint32_t)count << 16 | status, first, 0 };
	struct thag_recording_table names = { .record_bytes = THAG_RECORDING_NAME_BYTES };
	struct thag_recording_table frames = { .record_bytes = THAG_RECORDING_FRAME_BYTES };
	struct thag_buffer bytes = { 0 }, frame_bytes = { 0 };
	struct thag_recording_name name = name_sample(), got;
	int ret;

	cr_assert_eq(thag_recording_table_record(&names, record), 0);
	name.frame_count = 1;
	cr_assert_eq(thag_recording_name_add(&names, &frames, &name), 0);
	struct thag_recording_rows rows = reopen(&names, &bytes);
	struct thag_recording_rows frame_rows = reopen(&frames, &frame_bytes);

	ret = thag_recording_name_get(&rows, &frame_rows, 0, &got);
	thag_buffer_fini(&bytes);
	thag_buffer_fini(&frame_bytes);
	return ret;
}

Test(recording_tables, names_that_make_no_sense_are_refused)
{
	cr_expect_eq(get_name(5, 0, 1, 0), 0);
	cr_expect_eq(get_name(5, 0, 2, 0), -EBADMSG);
	cr_expect_eq(get_name(5, 0, 1, 1), -EBADMSG);
	cr_expect_eq(get_name(5, 0, 1, UINT32_MAX), -EBADMSG);
	cr_expect_eq(get_name(5, 0, 0, 0), -EBADMSG);
	cr_expect_eq(get_name(5, 1, 1, 0), -EBADMSG);
	cr_expect_eq(get_name(5, 1, 0, 0), 0);
	cr_expect_eq(get_name(0, 0, 1, 0), -EBADMSG);
	cr_expect_eq(get_name(THAG_SITES_MAX, 0, 1, 0), -EBADMSG);
	cr_expect_eq(get_name(5, 0, THAG_RECORDING_NAME_FRAMES_MAX + 1, 0), -EBADMSG);
}
