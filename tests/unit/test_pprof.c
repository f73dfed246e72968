/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile_model.h"

#include <errno.h>

#include "thag_deep.h"
#include "thag_gzip.h"
#include "thag_pprof.h"
#include "thag_protobuf.h"
#include "thag_text.h"

#define ROOM ((size_t)1 << 30)

static struct thag_buffer unzip(const struct thag_buffer *file)
{
	struct thag_buffer out = { 0 };
	size_t at;

	cr_assert_eq(thag_gunzip_append(&out, file->data, file->bytes, ROOM, &at), 0);
	cr_assert_eq(at, file->bytes);
	return out;
}

static struct thag_buffer write_profile(const struct thag_profile *profile, const char *title)
{
	const struct thag_pprof_options options = { .program = "p\xff", .time_ns = UINT64_MAX };
	struct thag_buffer file = { 0 };
	struct thag_pprof pprof;

	cr_assert_eq(thag_pprof_begin(&pprof, &file, &options), 0);
	cr_assert_eq(thag_pprof_add(&pprof, profile, title, strlen(title)), 0);
	cr_assert_eq(thag_pprof_end(&pprof, 0), 0);
	struct thag_buffer message = unzip(&file);

	thag_buffer_fini(&file);
	return message;
}

/** What the samples' values of one type are together; and how many fields of `count` there are. */
static uint64_t sum_values(const struct thag_buffer *message, int index, uint32_t count_of,
			   uint32_t *count)
{
	struct thag_cursor from = { .at = message->data, .end = message->data + message->bytes };
	struct thag_protobuf_field field, part;
	uint64_t sum = 0;

	*count = 0;
	while (thag_protobuf_next(&from, &field)) {
		*count += field.number == count_of;
		while (field.number == 2 && thag_protobuf_next(&field.data, &part)) {
			for (int i = 0; part.number == 2 && part.data.at < part.data.end; i++) {
				uint64_t value = thag_varint_get(&part.data);

				sum += i == index ? value : 0;
			}
		}
	}
	cr_assert(!from.bad && from.at == from.end);
	return sum;
}

Test(pprof, has_what_the_stacks_have)
{
	struct model model;
	struct thag_profile *profile = model_profile(&model, 5, 1, 500, &MODEL_RAW);
	struct thag_buffer message = write_profile(profile, "1");
	uint64_t self = 0, calls = 0;
	uint32_t count;

	for (size_t i = 0; i < model.stack_count; i++) {
		self += model.stacks[i].self;
		calls += model.stacks[i].calls;
	}
	cr_expect_eq(sum_values(&message, 0, 5, &count), calls);
	cr_expect_eq(count, MODEL_NAMES, "%u functions", count);
	cr_expect_eq(sum_values(&message, 1, 1, &count), self);
	cr_expect_eq(count, 2, "%u types", count);
	thag_buffer_fini(&message);
	thag_profile_destroy(profile);
	model_fini(&model);
}

static struct thag_profile *chain(const char *name, uint32_t depth, uint64_t ticks)
{
	struct thag_names *names;
	struct thag_profile *profile;
	struct thag_tree tree;
	uint32_t node = THAG_TREE_ROOT;

	cr_assert_eq(thag_names_create(&names), 0);
	cr_assert_eq(thag_names_put(names, THAG_SITE_FIRST, THAG_SITE_FUNCTION, name, strlen(name),
				    "a.c\xfe", 4, 12),
		     0);
	cr_assert_eq(thag_tree_init(&tree, depth + 2), 0);
	for (uint32_t i = 0; i < depth; i++) {
		node = thag_tree_child(&tree, node, THAG_SITE_FIRST);
		thag_tree_add_call(&tree, node, ticks * (depth - i), ticks * (depth - i));
	}
	cr_assert_eq(thag_profile_create(&profile, "p"), 0);
	cr_assert_eq(thag_profile_add(profile, &tree, names, NULL, 0), 0);
	cr_assert_eq(thag_profile_finish(profile, &MODEL_RAW), 0);
	thag_tree_fini(&tree);
	thag_names_destroy(names);
	return profile;
}

/* Readers in Go and Java refuse a string that is no UTF-8. */
Test(pprof, has_strings_that_are_utf8)
{
	struct thag_profile *profile = chain("\xff\xc3(\xed\xa0\x80", 1, 1);
	struct thag_buffer message = write_profile(profile, "\xf0\x9f");
	struct thag_cursor from = { .at = message.data, .end = message.data + message.bytes };
	struct thag_protobuf_field field;
	uint32_t replaced = 0;

	while (thag_protobuf_next(&from, &field)) {
		if (field.number != 6)
			continue;
		size_t bytes = (size_t)(field.data.end - field.data.at);
		struct thag_buffer clean = { 0 };

		cr_assert_eq(thag_text_append_utf8(&clean, (const char *)field.data.at, bytes,
						   bytes + 3),
			     0);
		cr_expect(clean.bytes == bytes &&
			  (!bytes || memcmp(clean.data, field.data.at, bytes) == 0));
		replaced += bytes && memmem(field.data.at, bytes, "\xef\xbf\xbd", 3) != NULL;
		thag_buffer_fini(&clean);
	}
	cr_expect_eq(replaced, 4, "%u of name, file, thread and program", replaced);
	thag_buffer_fini(&message);
	thag_profile_destroy(profile);
}

/* They are signed in the schema. */
Test(pprof, has_no_values_that_come_out_negative)
{
	struct thag_profile *profile = chain("a", 1, UINT64_MAX);
	struct thag_buffer message = write_profile(profile, "");
	uint32_t count;

	cr_expect_eq(sum_values(&message, 1, 9, &count), INT64_MAX);
	cr_expect_eq(count, 1);
	thag_buffer_fini(&message);
	thag_profile_destroy(profile);
}

Test(pprof, has_a_bound_for_what_is_deep)
{
	struct thag_profile *profile = chain("deep", 100000, 1);
	struct thag_buffer message = write_profile(profile, "");
	uint32_t count;

	cr_expect(message.bytes <= THAG_PPROF_BYTES_MAX + 1024);
	cr_expect_eq(sum_values(&message, 1, 5, &count), 100000);
	cr_expect_eq(count, 2, "%u functions", count);
	cr_expect_not_null(memmem(message.data, message.bytes, THAG_FOLDED_DEEPER,
				  strlen(THAG_FOLDED_DEEPER)));
	thag_buffer_fini(&message);
	thag_profile_destroy(profile);
}

Test(pprof, takes_back_what_it_wrote_when_it_fails)
{
	const struct thag_pprof_options options = { .program = "p" };
	struct thag_buffer out = { 0 };
	struct thag_pprof pprof;

	cr_assert_eq(thag_buffer_append(&out, "before", 6), 0);
	cr_assert_eq(thag_pprof_begin(&pprof, &out, &options), 0);
	cr_expect_eq(thag_pprof_end(&pprof, -ENOMEM), -ENOMEM);
	cr_expect_eq(out.bytes, 6);
	thag_buffer_fini(&out);
}

/* Lengths around those where they take another byte, which moves what is inside. */
Test(protobuf, nests_messages_of_any_length)
{
	for (size_t bytes = 0; bytes < 40000; bytes = bytes * 2 + 61) {
		struct thag_buffer out = { 0 };
		struct thag_protobuf_writer writer = { .out = &out };
		char *text = calloc(1, bytes + 1);
		size_t outer = thag_protobuf_begin(&writer, 3);
		size_t inner = thag_protobuf_begin(&writer, 536870911);

		thag_protobuf_put_bytes(&writer, 1, text, bytes);
		thag_protobuf_end(&writer, inner);
		thag_protobuf_put_varint(&writer, 2, UINT64_MAX);
		thag_protobuf_end(&writer, outer);
		cr_assert_eq(writer.error, 0);

		struct thag_cursor from = { .at = out.data, .end = out.data + out.bytes };
		struct thag_protobuf_field field, middle, leaf;

		cr_assert(thag_protobuf_next(&from, &field) && field.number == 3);
		cr_assert(thag_protobuf_next(&field.data, &middle) && middle.number == 536870911);
		cr_assert(thag_protobuf_next(&middle.data, &leaf));
		cr_expect_eq(leaf.data.end - leaf.data.at, (ptrdiff_t)bytes);
		cr_assert(thag_protobuf_next(&field.data, &middle) && middle.value == UINT64_MAX);
		cr_expect(!thag_protobuf_next(&field.data, &middle) && !field.data.bad);
		cr_expect(!thag_protobuf_next(&from, &field) && !from.bad);
		free(text);
		thag_buffer_fini(&out);
	}
}

Test(protobuf, refuses_what_is_no_field)
{
	static const struct {
		const char *bytes;
		size_t count;
	} bad[] = {
		{ "\x08", 1 },	       /* a number that isn't there */
		{ "\x0a\x05xxxx", 6 }, /* more bytes than there are */
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
		{ "\x09\1\2\3\4\5\6\7", 8 }, /* a fixed one, cut short */
		{ "\x0d\1\2\3", 4 },
		{ "\x0b\x0c", 2 }, /* a group */
		{ "\x0e\1", 2 },
		{ "\x00\1", 2 }, /* field 0 */
		{ "\x88\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\1", 12 },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct thag_cursor from = { .at = (const uint8_t *)bad[i].bytes,
					    .end = (const uint8_t *)bad[i].bytes + bad[i].count };
		struct thag_protobuf_field field;

		cr_expect(!thag_protobuf_next(&from, &field) && from.bad, "%zu", i);
	}
}

Test(gzip, gives_back_what_it_was_given)
{
	for (size_t bytes = 0; bytes < (size_t)5 << 20; bytes = bytes * 3 + 1) {
		struct thag_buffer zipped = { 0 }, out = { 0 };
		uint8_t *data = malloc(bytes + 1);
		size_t at;

		for (size_t i = 0; i < bytes; i++)
			data[i] = (uint8_t)(i * 2654435761u >> 13);
		cr_assert_eq(thag_gzip_append(&zipped, data, bytes), 0);
		cr_expect(thag_gzip_is(zipped.data, zipped.bytes));
		cr_assert_eq(thag_gunzip_append(&out, zipped.data, zipped.bytes, bytes, &at), 0);
		cr_assert_eq(out.bytes, bytes);
		cr_expect(bytes == 0 || memcmp(out.data, data, bytes) == 0);
		if (bytes)
			cr_expect_eq(
				thag_gunzip_append(&out, zipped.data, zipped.bytes, bytes - 1, &at),
				-EFBIG);
		free(data);
		thag_buffer_fini(&out);
		thag_buffer_fini(&zipped);
	}
}

Test(gzip, notices_damage_anywhere)
{
	static const char text[] = "damage anywhere is noticed: somewhere, anywhere, nowhere";
	struct thag_buffer zipped = { 0 };
	size_t at;

	cr_assert_eq(thag_gzip_append(&zipped, text, sizeof(text)), 0);
	for (size_t bytes = 0; bytes < zipped.bytes; bytes++) {
		struct thag_buffer out = { 0 };

		cr_expect_eq(thag_gunzip_append(&out, zipped.data, bytes, ROOM, &at), -EBADMSG);
		cr_expect(at <= bytes);
		thag_buffer_fini(&out);
	}
	cr_assert_eq(thag_buffer_append(&zipped, "x", 1), 0);
	struct thag_buffer out = { 0 };

	cr_expect_eq(thag_gunzip_append(&out, zipped.data, zipped.bytes, ROOM, &at), -EBADMSG);
	thag_buffer_fini(&out);
	zipped.bytes--;
	zipped.data[zipped.bytes - 6] ^= 1; /* of the checksum */
	cr_expect_eq(thag_gunzip_append(&out, zipped.data, zipped.bytes, ROOM, &at), -EBADMSG);
	thag_buffer_fini(&out);
	thag_buffer_fini(&zipped);
}
