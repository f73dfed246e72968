/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a recording says of its session, of the time before it above all: none of it is trusted. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include "opened_memory.h"
#include "thag_recording_writer.h"

#define COUNTED \
	"\"lost\":10,\"waits\":11,\"skewed\":12,\"lost_memory\":13,\"skipped\":14," \
	"\"skipped_bytes\":15,\"refused_threads\":16,\"refused_tasks\":17,\"lost_traces\":18," \
	"\"memory_pauses\":19,\"misuses\":[20,21,22]"
#define BEFORE \
	"\"lost\":1,\"waits\":11,\"skewed\":999,\"lost_memory\":0,\"skipped\":0," \
	"\"skipped_bytes\":0,\"refused_threads\":6,\"refused_tasks\":99,\"lost_traces\":0," \
	"\"memory_pauses\":0,\"misuses\":[1,30,\"x\"]"

/* Reads the facts of a recording that says `before` of the time before it, "" for nothing. */
static int read_facts(const char *before, struct thag_opened_facts *out)
{
	static struct thag_recording_reader reader;
	const struct thag_recording_identity identity = { .session = 1, .start_real_ns = 2 };
	struct thag_recording_pack pack = { .level = THAG_RECORDING_PACK_LEVEL };
	struct thag_recording_writer *writer;
	char text[4096];
	json_t *known;
	int fd = memfd_create("facts", MFD_CLOEXEC), ret;

	snprintf(text, sizeof(text),
		 "{\"exe\":\"/bin/x\",\"cwd\":\"/\",\"argv\":[],\"pid\":1,\"rings\":4,\"clock\":1,"
		 "\"modes\":1,\"flags\":0,\"start_ticks\":1000,\"start_unix_ns\":5000,"
		 "\"cost_inside\":0,\"cost_outside\":0,\"size_threshold\":0,\"sample_bytes\":0,"
		 "\"duration_ns\":10000,\"ns_per_tick\":2.0,\"signal\":0,\"exit_code\":0,"
		 "\"ended\":true,\"counted\":{" COUNTED "}%s%s}",
		 before[0] ? ",\"before\":" : "", before);
	cr_assert(fd >= 0);
	cr_assert_eq(thag_recording_writer_create(&writer, fd, &identity, NULL), 0);
	cr_assert_eq(thag_recording_pack_begin(&pack, THAG_RECORDING_SESSION, NULL, 0), 0);
	cr_assert_eq(thag_recording_pack_part(&pack, THAG_RECORDING_JSON, text, strlen(text)), 0);
	cr_assert_eq(thag_recording_writer_put(writer, &pack, NULL), 0);
	cr_assert_eq(thag_recording_reader_open(&reader, fd), 0);
	ret = thag_opened_facts_read(out, &reader);
	cr_assert_eq(thag_opened_before_read(&known, &reader), 0);
	json_decref(known);
	thag_recording_reader_fini(&reader);
	thag_recording_writer_destroy(writer);
	thag_recording_pack_fini(&pack);
	close(fd);
	return ret;
}

Test(opened_facts, begin_with_the_program)
{
	struct thag_opened_facts facts;

	cr_assert_eq(read_facts("", &facts), 0);
	cr_expect_eq(facts.before_ns, 0);
	cr_expect_eq(facts.header.start_ticks, 1000);
	cr_expect_eq(facts.start_real_ns, 5000);
	cr_expect_eq(facts.duration_ns, 10000);
	cr_expect_eq(facts.sums.lost, 10);
}

Test(opened_facts, begin_with_the_recording)
{
	struct thag_opened_facts facts;

	cr_assert_eq(read_facts("{\"ticks\":3000," BEFORE "}", &facts), 0);
	cr_expect_eq(facts.before_ns, 4000);
	cr_expect_eq(facts.header.start_ticks, 3000);
	cr_expect_eq(facts.start_real_ns, 9000);
	cr_expect_eq(facts.duration_ns, 6000);
	cr_expect_eq(facts.sums.lost, 9);
	cr_expect_eq(facts.sums.waits, 0);
	cr_expect_eq(facts.sums.skewed, 0, "fewer than before is none");
	cr_expect_eq(facts.header.refused_threads, 10);
	cr_expect_eq(facts.header.refused_tasks, 0);
	cr_expect_eq(facts.header.misuses[0], 19);
	cr_expect_eq(facts.header.misuses[1], 0);
	cr_expect_eq(facts.header.misuses[2], 22);
}

Test(opened_facts, clamp_what_makes_no_sense)
{
	struct thag_opened_facts facts;

	/* before its program, and after its end */
	cr_assert_eq(read_facts("{\"ticks\":1," BEFORE "}", &facts), 0);
	cr_expect_eq(facts.before_ns, 0);
	cr_expect_eq(facts.header.start_ticks, 1000);
	cr_assert_eq(read_facts("{\"ticks\":9223372036854775807," BEFORE "}", &facts), 0);
	cr_expect_eq(facts.before_ns, 10000);
	cr_expect_eq(facts.duration_ns, 0);
}

Test(opened_facts, refuse_what_is_no_fact)
{
	static const char *const senseless[] = {
		"7",
		"[]",
		"{}",
		"null",
		"\"x\"",
		"{\"ticks\":3000}",
		"{\"ticks\":-1," BEFORE "}",
		"{\"ticks\":\"3000\"," BEFORE "}",
		"{\"ticks\":3000.5," BEFORE "}",
		"{\"ticks\":3000,\"lost\":-5}",
	};
	struct thag_opened_facts facts;

	for (size_t i = 0; i < sizeof(senseless) / sizeof(senseless[0]); i++)
		cr_expect_eq(read_facts(senseless[i], &facts), -EBADMSG, "%s", senseless[i]);
}
