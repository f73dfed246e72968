/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory.h"

#include <stdarg.h>
#include <stdio.h>

#define NOTE_BYTES 160

typedef unsigned long long count_t;

/* What is said in words. */
struct notes {
	char text[THAG_MEMORY_NOTES_MAX][NOTE_BYTES];
	uint32_t count;
};

static __attribute__((format(printf, 2, 3))) void note(struct notes *notes, const char *format, ...)
{
	va_list args;

	if (notes->count == THAG_MEMORY_NOTES_MAX)
		return;
	va_start(args, format);
	vsnprintf(notes->text[notes->count++], NOTE_BYTES, format, args);
	va_end(args);
}

/* What makes the numbers wrong: the gravest first. */
static void note_faults(struct notes *notes, const struct thag_session *session,
			const struct thag_memory_counts *counts)
{
	if (session->header.flags & THAG_SHM_OWN_MALLOC)
		note(notes, "the program has a malloc of its own: what it allocates is not seen");
	if (counts->lost)
		note(notes,
		     "%llu allocations and frees were lost: what is live, and leaks, may be off",
		     (count_t)counts->lost);
	if (counts->untracked)
		note(notes, "too many blocks were live: %llu allocations count as freed at once",
		     (count_t)counts->untracked);
	if (counts->capped && !counts->untracked)
		note(notes, "a limit was reached: some allocations count at their callers");
	if (counts->pauses)
		note(notes, "memory was switched off %u times: what was freed then counts as live",
		     counts->pauses);
	if (session->adopted)
		note(notes, "thagd was restarted: %llu frees were of blocks it doesn't know",
		     (count_t)counts->unmatched);
	if (counts->displaced)
		note(notes, "%llu blocks were given out again, though no free of them was seen",
		     (count_t)counts->displaced);
	if (counts->lost_traces)
		note(notes, "%llu stacks found no room, could not be walked, or made no sense",
		     (count_t)counts->lost_traces);
}

/* What is as it should be, and good to know. */
static void note_facts(struct notes *notes, const struct thag_session *session,
		       const struct thag_memory_counts *counts)
{
	/* with a threshold, frees of small blocks that may have been above it are said, too */
	if (counts->unmatched && !session->adopted && !session->header.size_threshold)
		note(notes, "%llu frees were of blocks from before memory was recorded, or of none",
		     (count_t)counts->unmatched);
	if (counts->forgotten)
		note(notes, "too many blocks leaked to tell which of them in a part of the run");
	if (counts->skipped)
		note(notes,
		     "%llu allocations of at most %llu bytes were left out, %llu bytes in all",
		     (count_t)counts->skipped, (count_t)session->header.size_threshold,
		     (count_t)counts->skipped_bytes);
	if (session->header.sample_bytes)
		note(notes, "numbers are estimates: one in %llu bytes was looked at",
		     (count_t)session->header.sample_bytes);
}

static json_t *list_notes(const struct thag_session *session,
			  const struct thag_memory_counts *counts)
{
	json_t *list = json_array();
	struct notes notes;

	notes.count = 0;
	note_faults(&notes, session, counts);
	note_facts(&notes, session, counts);
	for (uint32_t i = 0; i < notes.count; i++)
		json_array_append_new(list, json_string(notes.text[i]));
	return list;
}

static void set(json_t *object, const char *name, uint64_t value)
{
	json_object_set_new(object, name,
			    json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

static void set_totals(json_t *object, const struct thag_memory_counts *counts)
{
	set(object, "live_bytes", counts->live_bytes);
	set(object, "live", counts->live);
	set(object, "peak_bytes", counts->peak_bytes);
	set(object, "peak_blocks", counts->peak_blocks);
	set(object, "allocated_bytes", counts->allocated_bytes);
	set(object, "allocations", counts->allocations);
	set(object, "freed_bytes", counts->freed_bytes);
	set(object, "frees", counts->frees);
	set(object, "temporary_bytes", counts->temporary_bytes);
	set(object, "temporary", counts->temporary);
	set(object, "reallocations", counts->reallocations);
	set(object, "mapped_bytes", counts->mapped_bytes);
	set(object, "mapped_peak_bytes", counts->mapped_peak_bytes);
}

static void set_faults(json_t *object, const struct thag_session *session,
		       const struct thag_memory_counts *counts)
{
	uint32_t flags = session->header.flags;

	set(object, "unmatched_frees", counts->unmatched);
	set(object, "displaced", counts->displaced);
	set(object, "untracked", counts->untracked);
	set(object, "lost", counts->lost);
	set(object, "lost_traces", counts->lost_traces);
	set(object, "skipped", counts->skipped);
	set(object, "skipped_bytes", counts->skipped_bytes);
	set(object, "size_threshold", session->header.size_threshold);
	set(object, "sample_bytes", session->header.sample_bytes);
	json_object_set_new(object, "detail", json_boolean(flags & THAG_SHM_DETAIL));
	json_object_set_new(object, "free_traces", json_boolean(flags & THAG_SHM_FREE_TRACES));
	json_object_set_new(object, "maps", json_boolean(flags & THAG_SHM_MAPS));
	json_object_set_new(object, "capped", json_boolean(counts->capped));
	set(object, "pauses", counts->pauses);
	json_object_set_new(object, "adopted", json_boolean(session->adopted));
	json_object_set_new(object, "late", json_boolean(session->before_ns != 0));
	json_object_set_new(object, "notes", list_notes(session, counts));
}

json_t *thag_memory_object(const struct thag_session *session,
			   const struct thag_memory_counts *counts)
{
	json_t *object = counts->recorded ? json_object() : json_null();

	if (object && counts->recorded) {
		set_totals(object, counts);
		set_faults(object, session, counts);
	}
	return object;
}

bool thag_memory_explain(const struct thag_session *session,
			 const struct thag_memory_counts *counts, char *out, size_t size)
{
	struct notes notes;

	notes.count = 0;
	if (counts->recorded)
		note_faults(&notes, session, counts);
	if (notes.count == 0)
		return false;
	snprintf(out, size, "%s", notes.text[0]);
	return true;
}
