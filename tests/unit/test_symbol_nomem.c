/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Names without memory: whichever allocation fails, what was there before stays as it was. Linked
 * with --wrap for malloc and its like. Files are read without memory by fuzz/replay.c.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "failing_memory.h"
#include "thag_symbol_request.h"
#include "thag_symbol_server.h"
#include "thag_symbol_store.h"

static const uint8_t build_id[20] = "twenty bytes of one";

/* That call alone; 0: none. */
static void fail_at(uint64_t call)
{
	allocation_count = 0;
	fails_at = call;
	fails_every = call ? UINT64_MAX : 0;
}

/*
 * What it needs memory for is the function's name, the frame's head, as what was there before and
 * the function are 1,024 bytes, its name and its file.
 */
static const struct thag_symbol *sample(uint64_t address)
{
	static const char text[8192];
	static struct thag_symbol symbol;

	symbol = (struct thag_symbol){
		.address = address,
		.frame_count = 1,
		.function = { .name = text, .name_bytes = 500, .file = text, .file_bytes = 494 },
		.frames = { { .name = text, .name_bytes = 3000, .file = text, .file_bytes = 8000 } }
	};
	return &symbol;
}

Test(symbol_nomem, a_symbol_is_appended_whole_or_not_at_all)
{
	uint64_t call = 0;
	int ret = -ENOMEM;

	while (ret != 0) {
		struct thag_buffer out = { 0 };

		cr_assert_eq(thag_buffer_append(&out, "before", 6), 0);
		fail_at(++call);
		ret = thag_symbol_append(&out, sample(8));
		fail_at(0);
		cr_expect(ret == 0 || (ret == -ENOMEM && out.bytes == 6));
		cr_expect_arr_eq(out.data, "before", 6);
		thag_buffer_fini(&out);
	}
	cr_expect_eq(call, 5, "four times it needed memory");
}

Test(symbol_nomem, a_store_is_as_it_was_when_nothing_can_be_put)
{
	struct thag_symbol got;
	int ret = -ENOMEM;

	for (uint64_t call = 1; ret != 0; call++) {
		struct thag_symbol_store store;
		size_t before;

		cr_assert_eq(thag_symbol_store_begin(&store, build_id, sizeof(build_id)), 0);
		before = store.bytes.bytes;
		fail_at(call);
		ret = thag_symbol_store_put(&store, sample(8));
		fail_at(0);
		cr_expect(ret == 0 || ret == -ENOMEM);
		cr_expect_eq(store.bytes.bytes > before, ret == 0);
		cr_expect_eq(store.changed, ret == 0);
		cr_expect_eq(thag_symbol_store_find(&store, 8, &got), ret == 0);
		cr_assert_eq(thag_symbol_store_put(&store, sample(8)), 0);
		cr_expect(thag_symbol_store_find(&store, 8, &got));
		thag_symbol_store_fini(&store);
	}
}

Test(symbol_nomem, a_store_is_read_whole_or_not_at_all)
{
	struct thag_symbol_store store, again;
	struct thag_symbol got;
	int ret = -ENOMEM;

	cr_assert_eq(thag_symbol_store_begin(&store, build_id, sizeof(build_id)), 0);
	for (uint64_t i = 0; i < 200; i++)
		cr_assert_eq(thag_symbol_store_put(&store, sample(i)), 0);
	for (uint64_t call = 1; ret != 0; call++) {
		fail_at(call);
		ret = thag_symbol_store_read(&again, store.bytes.data, store.bytes.bytes, build_id,
					     sizeof(build_id));
		fail_at(0);
		cr_expect(ret == 0 || (ret == -ENOMEM && !again.bytes.data && !again.slots));
	}
	cr_expect(thag_symbol_store_find(&again, 199, &got));
	thag_symbol_store_fini(&again);
	thag_symbol_store_fini(&store);
}

Test(symbol_nomem, a_request_is_appended_whole_or_not_at_all)
{
	const struct thag_symbol_request_head head = { .magic = THAG_SYMBOL_REQUEST_MAGIC,
						       .path_bytes = 1,
						       .address_count = 1 };
	const uint64_t address = 8;
	struct thag_buffer out = { 0 };

	fail_at(1);
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), -ENOMEM);
	cr_expect_eq(out.bytes, 0);
	cr_expect_eq(thag_symbol_request_append(&out, &head, "p", "", &address), 0);
	fail_at(0);
	thag_buffer_fini(&out);
}

Test(symbol_nomem, without_memory_no_process_reads_symbols)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		fail_at(1);
		_exit(thag_symbol_server_run());
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
}
