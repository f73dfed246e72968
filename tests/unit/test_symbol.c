/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag_demangle.h"
#include "thag_symbol_request.h"
#include "thag_symbol_store.h"

static const uint8_t build_id[20] = "twenty bytes of one";

static struct thag_symbol_frame frame(const char *name, const char *file, uint32_t line)
{
	return (struct thag_symbol_frame){ name, file, (uint32_t)strlen(name),
					   (uint32_t)strlen(file), line };
}

static struct thag_symbol sample(uint64_t address, uint32_t line)
{
	return (struct thag_symbol){ .address = address,
				     .status = THAG_SYMBOL_FOUND,
				     .frame_count = 2,
				     .function = frame("outer", "a.c", line),
				     .frames = { frame("inlined", "a.h", 7),
						 frame("outer", "a.c", 12) } };
}

static void expect_frame(const struct thag_symbol_frame *got, const struct thag_symbol_frame *want)
{
	cr_expect_eq(got->line, want->line);
	cr_assert_eq(got->name_bytes, want->name_bytes);
	cr_assert_eq(got->file_bytes, want->file_bytes);
	cr_expect_arr_eq(got->name, want->name, want->name_bytes);
	cr_expect_arr_eq(got->file, want->file, want->file_bytes);
}

static void expect_symbol(const struct thag_symbol *got, const struct thag_symbol *want)
{
	cr_expect_eq(got->address, want->address);
	cr_expect_eq(got->status, want->status);
	cr_assert_eq(got->frame_count, want->frame_count);
	expect_frame(&got->function, &want->function);
	for (uint32_t i = 0; i < want->frame_count; i++)
		expect_frame(&got->frames[i], &want->frames[i]);
}

Test(symbol, comes_back_as_it_was)
{
	struct thag_symbol symbol = sample(0x1234, 3), got;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	cr_assert_eq(thag_symbol_read(bytes.data, bytes.bytes, &got), (long)bytes.bytes);
	expect_symbol(&got, &symbol);
	thag_buffer_fini(&bytes);
}

Test(symbol, without_a_name_is_its_status)
{
	struct thag_symbol symbol = sample(5, 0), got = { 0 };
	struct thag_buffer bytes = { 0 };

	symbol.status = THAG_SYMBOL_STRIPPED;
	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	cr_assert_eq(thag_symbol_read(bytes.data, bytes.bytes, &got), 16);
	cr_expect_eq(got.status, THAG_SYMBOL_STRIPPED);
	cr_expect_eq(got.frame_count, 0);
	thag_buffer_fini(&bytes);
}

Test(symbol, needs_more_until_it_is_whole)
{
	struct thag_symbol symbol = sample(0x1234, 3), got;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	for (size_t have = 0; have < bytes.bytes; have++) {
		uint8_t *cut = malloc(have + 1); /* of the very size, for ASan to see */

		memcpy(cut, bytes.data, have);
		cr_expect_eq(thag_symbol_read(cut, have, &got), 0, "%zu bytes", have);
		free(cut);
	}
	thag_buffer_fini(&bytes);
}

Test(symbol, long_texts_are_cut)
{
	static char text[2 * THAG_SYMBOL_TEXT_MAX];
	struct thag_symbol symbol = sample(1, 1), got;
	struct thag_buffer bytes = { 0 };

	memset(text, 'x', sizeof(text));
	symbol.function.name = text;
	symbol.function.name_bytes = sizeof(text);
	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	cr_assert_gt(thag_symbol_read(bytes.data, bytes.bytes, &got), 0);
	cr_expect_eq(got.function.name_bytes, THAG_SYMBOL_TEXT_MAX);
	expect_frame(&got.frames[1], &symbol.frames[1]);
	thag_buffer_fini(&bytes);
}

/* Each field of the head, spoiled. */
Test(symbol, what_makes_no_sense_is_refused)
{
	static const struct {
		size_t at;
		uint8_t value;
	} spoiled[] = { { 0, 8 },    { 3, 0x7f }, { 4, THAG_SYMBOL_STATUS_COUNT },
			{ 6, 0 },    { 6, 1 },	  { 6, 3 },
			{ 7, 0xff }, { 20, 0 },	  { 21, 0x7f } };
	struct thag_symbol symbol = sample(0x1234, 3), got;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	for (size_t i = 0; i < sizeof(spoiled) / sizeof(spoiled[0]); i++) {
		uint8_t before = bytes.data[spoiled[i].at];

		bytes.data[spoiled[i].at] = spoiled[i].value;
		cr_expect_eq(thag_symbol_read(bytes.data, bytes.bytes, &got), -EPROTO, "case %zu",
			     i);
		bytes.data[spoiled[i].at] = before;
	}
	thag_buffer_fini(&bytes);
}

/* Longer than any that is written. */
Test(symbol, texts_without_end_are_refused)
{
	static char text[THAG_SYMBOL_TEXT_MAX];
	struct thag_symbol symbol = sample(1, 1), got;

	for (size_t at = 20; at <= 22; at += 2) { /* the function's name, and its file */
		struct thag_buffer bytes = { 0 };
		uint16_t longer = THAG_SYMBOL_TEXT_MAX + 1;
		uint32_t whole;

		symbol.function.name = symbol.function.file = text;
		symbol.function.name_bytes = symbol.function.file_bytes = sizeof(text);
		cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
		cr_assert_gt(thag_symbol_read(bytes.data, bytes.bytes, &got), 0);
		cr_assert_eq(thag_buffer_append(&bytes, text, 1), 0);
		memmove(bytes.data + 25, bytes.data + 24, bytes.bytes - 25);
		memcpy(bytes.data + at, &longer, sizeof(longer));
		whole = (uint32_t)bytes.bytes;
		memcpy(bytes.data, &whole, sizeof(whole));
		cr_expect_eq(thag_symbol_read(bytes.data, bytes.bytes, &got), -EPROTO);
		thag_buffer_fini(&bytes);
	}
}

Test(symbol, what_was_not_found_has_no_frames)
{
	struct thag_symbol symbol = { .address = 5, .status = THAG_SYMBOL_MISSING }, got;
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	memcpy(bytes.data + 6, &(uint16_t){ 1 }, sizeof(uint16_t));
	cr_expect_eq(thag_symbol_read(bytes.data, bytes.bytes, &got), -EPROTO);
	thag_buffer_fini(&bytes);
}

Test(symbol, each_status_has_a_name_of_its_own)
{
	for (uint32_t i = 0; i < THAG_SYMBOL_STATUS_COUNT; i++) {
		cr_expect_str_neq(thag_symbol_status_name(i), "");
		for (uint32_t j = 0; j < i; j++)
			cr_expect_str_neq(thag_symbol_status_name(i), thag_symbol_status_name(j));
	}
	cr_expect_str_eq(thag_symbol_status_name(THAG_SYMBOL_STATUS_COUNT), "");
}

/* A head that says it was found, and nothing behind it: found by fuzzing. */
Test(symbol, found_has_a_function)
{
	struct thag_symbol symbol = sample(5, 1), got = { 0 };
	struct thag_buffer bytes = { 0 };

	cr_assert_eq(thag_symbol_append(&bytes, &symbol), 0);
	memcpy(bytes.data, &(uint32_t){ 16 }, sizeof(uint32_t));
	cr_expect_eq(thag_symbol_read(bytes.data, bytes.bytes, &got), -EPROTO);
	thag_buffer_fini(&bytes);
}

static struct thag_symbol_store begin(void)
{
	struct thag_symbol_store store;

	cr_assert_eq(thag_symbol_store_begin(&store, build_id, sizeof(build_id)), 0);
	return store;
}

static void put(struct thag_symbol_store *store, uint64_t address, uint32_t line)
{
	struct thag_symbol symbol = sample(address, line);

	cr_assert_eq(thag_symbol_store_put(store, &symbol), 0);
}

Test(symbol_store, finds_what_was_put_and_nothing_else)
{
	struct thag_symbol_store store = begin();
	struct thag_symbol got, want;

	cr_expect_not(thag_symbol_store_find(&store, 0, &got));
	for (uint32_t i = 0; i < 5000; i++)
		put(&store, (uint64_t)i * 16, i);
	for (uint32_t i = 0; i < 5000; i++) {
		want = sample((uint64_t)i * 16, i);
		cr_assert(thag_symbol_store_find(&store, want.address, &got));
		expect_symbol(&got, &want);
		cr_expect_not(thag_symbol_store_find(&store, want.address + 1, &got));
	}
	thag_symbol_store_fini(&store);
}

Test(symbol_store, the_latest_is_believed)
{
	struct thag_symbol_store store = begin();
	struct thag_symbol got;

	put(&store, 8, 0);
	put(&store, 8, 42);
	cr_assert(thag_symbol_store_find(&store, 8, &got));
	cr_expect_eq(got.function.line, 42);
	cr_expect_eq(store.count, 1);
	thag_symbol_store_fini(&store);
}

Test(symbol_store, comes_back_from_its_bytes)
{
	struct thag_symbol_store store = begin(), again;
	struct thag_symbol got;

	put(&store, 8, 1);
	put(&store, 16, 2);
	cr_assert_eq(thag_symbol_store_read(&again, store.bytes.data, store.bytes.bytes, build_id,
					    sizeof(build_id)),
		     0);
	cr_expect_not(again.changed);
	cr_assert(thag_symbol_store_find(&again, 16, &got));
	cr_expect_eq(got.function.line, 2);
	thag_symbol_store_fini(&again);
	thag_symbol_store_fini(&store);
}

Test(symbol_store, what_is_whole_of_a_cut_file_is_kept)
{
	struct thag_symbol_store store = begin(), again;
	struct thag_symbol got;

	put(&store, 8, 1);
	put(&store, 16, 2);
	cr_assert_eq(thag_symbol_store_read(&again, store.bytes.data, store.bytes.bytes - 1,
					    build_id, sizeof(build_id)),
		     0);
	cr_expect(thag_symbol_store_find(&again, 8, &got));
	cr_expect_not(thag_symbol_store_find(&again, 16, &got));
	put(&again, 24, 3);
	cr_expect(thag_symbol_store_find(&again, 24, &got));
	thag_symbol_store_fini(&again);
	thag_symbol_store_fini(&store);
}

Test(symbol_store, another_builds_file_is_refused)
{
	struct thag_symbol_store store = begin(), again;

	put(&store, 8, 1);
	cr_expect_eq(thag_symbol_store_read(&again, store.bytes.data, store.bytes.bytes, build_id,
					    sizeof(build_id) - 1),
		     -EPROTO);
	store.bytes.data[0] ^= 1;
	cr_expect_eq(thag_symbol_store_read(&again, store.bytes.data, store.bytes.bytes, build_id,
					    sizeof(build_id)),
		     -EPROTO);
	thag_symbol_store_fini(&store);
}

Test(symbol_store, a_build_id_longer_than_any_is_refused)
{
	static const uint8_t longer[THAG_SYMBOL_BUILD_ID_MAX + 1];
	struct thag_symbol_store store;

	cr_expect_eq(thag_symbol_store_begin(&store, longer, sizeof(longer)), -EPROTO);
	cr_expect_null(store.bytes.data);
	cr_assert_eq(thag_symbol_store_begin(&store, longer, sizeof(longer) - 1), 0);
	thag_symbol_store_fini(&store);
}

/* Nor is what comes behind it: only what was found is ever kept. */
Test(symbol_store, what_was_not_found_is_not_taken_over)
{
	struct thag_symbol_store store = begin(), again;
	struct thag_symbol got, lost = { .address = 16, .status = THAG_SYMBOL_STRIPPED };
	size_t whole;

	put(&store, 8, 1);
	whole = store.bytes.bytes;
	cr_assert_eq(thag_symbol_append(&store.bytes, &lost), 0);
	put(&store, 24, 3);
	cr_assert_eq(thag_symbol_store_read(&again, store.bytes.data, store.bytes.bytes, build_id,
					    sizeof(build_id)),
		     0);
	cr_expect_eq(again.bytes.bytes, whole);
	cr_expect(thag_symbol_store_find(&again, 8, &got));
	cr_expect_not(thag_symbol_store_find(&again, 16, &got));
	cr_expect_not(thag_symbol_store_find(&again, 24, &got));
	thag_symbol_store_fini(&again);
	thag_symbol_store_fini(&store);
}

Test(symbol_store, a_symbol_that_makes_no_sense_is_not_found)
{
	struct thag_symbol_store store = begin();
	struct thag_symbol got, nameless = sample(8, 1);

	nameless.function.name_bytes = 0;
	cr_assert_eq(thag_symbol_store_put(&store, &nameless), 0);
	cr_expect_not(thag_symbol_store_find(&store, 8, &got));
	put(&store, 8, 2);
	cr_expect(thag_symbol_store_find(&store, 8, &got));
	thag_symbol_store_fini(&store);
}

Test(symbol_store, a_file_larger_than_any_is_refused)
{
	struct thag_symbol_store store = begin(), again;
	size_t bytes = THAG_SYMBOL_STORE_BYTES_MAX;
	uint8_t *file = calloc(1, bytes + 1);

	put(&store, 8, 1);
	memcpy(file, store.bytes.data, store.bytes.bytes);
	cr_expect_eq(thag_symbol_store_read(&again, file, bytes + 1, build_id, sizeof(build_id)),
		     -EPROTO);
	cr_expect_eq(thag_symbol_store_read(&again, file, bytes, build_id, sizeof(build_id)), 0);
	thag_symbol_store_fini(&again);
	thag_symbol_store_fini(&store);
	free(file);
}

Test(symbol_store, is_bounded)
{
	static char text[THAG_SYMBOL_TEXT_MAX];
	struct thag_symbol_store store = begin();
	struct thag_symbol symbol = sample(0, 1);
	int ret = 0;

	memset(text, 'x', sizeof(text));
	symbol.function.name = text;
	symbol.function.name_bytes = sizeof(text);
	while (ret == 0 && symbol.address < 10000) {
		symbol.address++;
		ret = thag_symbol_store_put(&store, &symbol);
	}
	cr_expect_eq(ret, -E2BIG);
	cr_expect_leq(store.bytes.bytes, THAG_SYMBOL_STORE_BYTES_MAX);
	cr_expect(thag_symbol_store_find(&store, 1, &symbol));
	thag_symbol_store_fini(&store);
}

Test(symbol_request, lengths_are_limited)
{
	struct thag_symbol_request_head head = { .magic = THAG_SYMBOL_REQUEST_MAGIC,
						 .path_bytes = 1 };
	struct thag_buffer out = { 0 };
	uint64_t address = 7;

	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), 0);
	cr_expect_eq(out.bytes, sizeof(head) + thag_symbol_request_rest(&head));
	head.path_bytes = 0;
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), -EINVAL);
	head.path_bytes = THAG_SYMBOL_PATH_MAX + 1;
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), -EINVAL);
	head.path_bytes = 1;
	head.address_count = THAG_SYMBOL_ADDRESSES_MAX + 1;
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), -EINVAL);
	head.address_count = 1;
	head.dirs_bytes = THAG_SYMBOL_DIRS_MAX + 1;
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), -EINVAL);
	head.dirs_bytes = 0;
	head.build_id_bytes = THAG_SYMBOL_BUILD_ID_MAX + 1;
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), -EINVAL);
	head.build_id_bytes = THAG_SYMBOL_BUILD_ID_MAX;
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), 0);
	thag_buffer_fini(&out);
}

static void expect_readable(const char *symbol, const char *readable)
{
	char *got = thag_demangle(symbol);

	cr_assert_not_null(got, "%s", symbol);
	cr_expect_str_eq(got, readable);
	free(got);
}

Test(demangle, knows_cplusplus_and_rust)
{
	expect_readable("_ZN2ns3FooIiE3barEPKc", "ns::Foo<int>::bar(char const*)");
	expect_readable("_Z3maxIiET_S0_S0_", "max<int>(int, int)");
	expect_readable("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write");
	expect_readable("_RNvC6_123foo3bar", "123foo::bar");
	expect_readable("_GLOBAL__I__Z3runi", "global constructors keyed to run(int)");
}

/* A name of Rust's with that many bytes; of C++ libiberty leaves shorter ones, too. */
static char *mangled(size_t bytes)
{
	char *symbol = calloc(1, bytes + 16);

	cr_assert_not_null(symbol);
	sprintf(symbol, "_RNvC%zu", bytes);
	memset(symbol + strlen(symbol), 'x', bytes);
	strcat(symbol, "1f");
	return symbol;
}

Test(demangle, names_without_end_are_left_alone)
{
	char *longest = mangled(65000), *longer = mangled(65536), *got = thag_demangle(longest);

	cr_assert_not_null(got);
	cr_expect_eq(strlen(got), 65000 + strlen("::f"));
	cr_expect_null(thag_demangle(longer));
	free(got);
	free(longest);
	free(longer);
}

Test(demangle, leaves_other_names_alone)
{
	cr_expect_null(thag_demangle("main"));
	cr_expect_null(thag_demangle("_Zebra"));
	cr_expect_null(thag_demangle("_GLOBAL_OFFSET_TABLE_"));
	cr_expect_null(thag_demangle("_"));
	cr_expect_null(thag_demangle(""));
}
