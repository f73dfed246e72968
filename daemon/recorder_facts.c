/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a recording says of its session beside words and tables: a JSON text, and its clock. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "format.h"
#include "recorder_private.h"
#include "snapshot.h"

#define FIRST_WAIT_NS UINT64_C(1000000000)

static json_t *integer(uint64_t value)
{
	return json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX);
}

static json_t *text(const struct thag_session *session, enum thag_text which)
{
	return thag_format_json((const char *)session->header.text[which],
				session->header.text_bytes[which]);
}

static json_t *argv(const struct thag_session *session)
{
	return thag_format_list((const char *)session->header.text[THAG_TEXT_ARGV],
				session->header.text_bytes[THAG_TEXT_ARGV]);
}

/* What never changes. */
static json_t *fixed_facts(const struct thag_session *session)
{
	const struct thag_shm_header *header = &session->header;

	return json_pack(
		"{s:s, s:i, s:o, s:o, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o}",
		"program", session->program, "pid", (int)session->pid, "exe",
		text(session, THAG_TEXT_EXE), "cwd", text(session, THAG_TEXT_CWD), "argv",
		argv(session), "rings", (int)header->slots, "clock", (int)header->clock, "modes",
		(int)header->modes, "flags", (int)header->flags, "start_ticks",
		integer(header->start_ticks), "start_unix_ns", integer(session->start_real_ns),
		"cost_inside", integer(header->cost_inside), "cost_outside",
		integer(header->cost_outside), "size_threshold", integer(header->size_threshold),
		"sample_bytes", integer(header->sample_bytes));
}

json_t *thag_recorder_counts(const struct thag_session *session)
{
	const struct thag_session_slot_sums *sums = &session->slot_sums;

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:[o, o, o]}", "lost",
		integer(sums->lost), "waits", integer(sums->waits), "skewed", integer(sums->skewed),
		"lost_memory", integer(sums->lost_memory), "skipped", integer(sums->skipped),
		"skipped_bytes", integer(sums->skipped_bytes), "refused_threads",
		integer(session->refused_threads), "refused_tasks", integer(session->refused_tasks),
		"lost_traces", integer(session->lost_traces), "memory_pauses",
		integer(session->memory_pauses), "misuses", integer(session->misuses[0]),
		integer(session->misuses[1]), integer(session->misuses[2]));
}

/* A number of what the program counts: another when that has changed. */
static uint64_t hash_counts(const struct thag_session *session)
{
	const struct thag_session_slot_sums *sums = &session->slot_sums;

	return sums->lost + sums->waits * 3 + sums->skewed * 5 + sums->lost_memory * 7 +
	       sums->skipped * 11 + session->refused_threads + session->refused_tasks +
	       session->lost_traces + session->memory_pauses + session->misuses[0] +
	       session->misuses[1] + session->misuses[2];
}

/* How it stands, or how it ended. The end's part is set by who ends the recording. */
static json_t *state_facts(struct thag_recorder *recorder, bool ended)
{
	struct thag_session *session = recorder->session;
	uint64_t now = thag_clock_mono_ns();
	uint64_t until = ended && session->end_mono_ns ? session->end_mono_ns : now;
	double rate = thag_snapshot_rate(session, recorder->clock);

	return json_pack("{s:o, s:f, s:i, s:i, s:b}", "duration_ns",
			 integer(until - session->start_mono_ns), "ns_per_tick", rate, "signal",
			 ended ? session->signal : 0, "exit_code", ended ? session->exit_code : -1,
			 "ended", (int)ended);
}

static int write_json(struct thag_recorder *recorder, json_t *facts)
{
	char *dump = thag_format_dump(facts, JSON_COMPACT | JSON_REAL_PRECISION(17));
	int ret = dump ? thag_recording_pack_begin(&recorder->pack, THAG_RECORDING_SESSION, NULL, 0)
		       : -ENOMEM;

	if (ret == 0)
		ret = thag_recording_pack_part(&recorder->pack, THAG_RECORDING_JSON, dump,
					       strlen(dump));
	free(dump);
	return thag_recorder_write(recorder, ret);
}

static int write_clock(struct thag_recorder *recorder)
{
	struct thag_recording_clock clock = {
		.ticks = thag_clock_ticks(recorder->session->header.clock),
		.mono_ns = thag_clock_mono_ns(),
		.real_ns = thag_clock_real_ns(),
	};
	int ret = thag_recording_pack_begin(&recorder->pack, THAG_RECORDING_CLOCK, &clock,
					    sizeof(clock));

	return thag_recorder_write(recorder, ret);
}

/* Those of a program that runs are counted afresh. */
static void refresh(struct thag_session *session)
{
	struct thag_session_counts counts;

	if (session->memory.shm)
		thag_session_count(session, &counts);
}

/* Whether it is to be told: when that has changed, and as its rate gets more exact. */
static bool is_due(struct thag_recorder *recorder, uint64_t hash, uint64_t mono_ns)
{
	uint64_t passed = mono_ns - recorder->facts_ns;

	return passed >= FIRST_WAIT_NS &&
	       (hash != recorder->facts_hash || passed >= recorder->facts_wait_ns);
}

static void note_told(struct thag_recorder *recorder, uint64_t hash, uint64_t mono_ns)
{
	recorder->facts_hash = hash;
	recorder->facts_ns = mono_ns;
	recorder->facts_wait_ns =
		recorder->facts_wait_ns ? 2 * recorder->facts_wait_ns : FIRST_WAIT_NS;
	if (recorder->facts_wait_ns > THAG_RECORDER_FACTS_NS)
		recorder->facts_wait_ns = THAG_RECORDER_FACTS_NS;
}

int thag_recorder_write_facts(struct thag_recorder *recorder, bool now)
{
	struct thag_session *session = recorder->session;
	uint64_t mono_ns = thag_clock_mono_ns(), hash;
	json_t *facts, *counted;
	int ret;

	if (!now && mono_ns - recorder->facts_ns < FIRST_WAIT_NS)
		return 0;
	if (!recorder->drained)
		refresh(session);
	pthread_rwlock_rdlock(&session->lock);
	hash = hash_counts(session);
	counted = thag_recorder_counts(session);
	pthread_rwlock_unlock(&session->lock);
	if (!now && !is_due(recorder, hash, mono_ns)) {
		json_decref(counted);
		return 0;
	}
	note_told(recorder, hash, mono_ns);
	facts = fixed_facts(session);
	json_object_update_new(facts, state_facts(recorder, recorder->drained));
	json_object_set_new(facts, "counted", counted);
	if (recorder->file.before)
		json_object_set(facts, "before", recorder->file.before);
	ret = write_json(recorder, facts);
	json_decref(facts);
	return ret == 0 ? write_clock(recorder) : ret;
}
