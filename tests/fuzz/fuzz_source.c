/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Any bytes as a source: tokens lie in order and in the source; a mark in any of the bodies that it
 * may have, wherever the include goes then, is taken out again to the byte, and a patch of it is
 * made; taking out what isn't there changes nothing a second time.
 *
 * The first byte chooses among the braces.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "handlers.h"
#include "marks.h"
#include "patch.h"
#include "place.h"
#include "remove.h"
#include "scan.h"

#define BODIES_MAX 64

/** Whether a body has a mark, or something else of thag's: the tool gives it none. */
static bool is_marked(const char *source, size_t bytes, const struct thag_token *brace)
{
	struct thag_scan scan;
	struct thag_token token;
	size_t depth = 0;

	thag_scan_begin(&scan, source, bytes, brace->at);
	do {
		thag_scan_next(&scan, &token);
		if (token.kind == THAG_TOKEN_OPEN && !token.in_directive)
			depth++;
		if (token.kind == THAG_TOKEN_CLOSE && !token.in_directive)
			depth--;
		if (depth == 1 && thag_marks_is_thag(source, &token))
			return true;
	} while (token.kind != THAG_TOKEN_END && depth > 0);
	return false;
}

/** The braces that `choice` chooses, in order. */
static size_t find_braces(const char *source, size_t bytes, uint8_t choice, size_t *braces)
{
	struct thag_scan scan;
	struct thag_token token;
	size_t count = 0, end = 0, seen = 0;

	thag_scan_begin(&scan, source, bytes, 0);
	for (thag_scan_next(&scan, &token); token.kind != THAG_TOKEN_END;
	     thag_scan_next(&scan, &token)) {
		check(token.at >= end && token.bytes && token.at + token.bytes <= bytes);
		end = token.at + token.bytes;
		if (token.kind == THAG_TOKEN_OPEN && !token.in_directive && count < BODIES_MAX &&
		    (choice >> (seen++ % 8) & 1) && !is_marked(source, bytes, &token))
			braces[count++] = token.at;
	}
	return count;
}

static bool remove_marks(const char *source, size_t bytes, bool every, struct thag_buffer *out)
{
	struct thag_edits edits = { 0 };
	struct thag_removed removed;

	bool done = is_done(thag_remove_plan(&edits, source, bytes, every, &removed));

	for (size_t i = 1; done && i < edits.count; i++)
		check(edits.list[i].at >= edits.list[i - 1].at + edits.list[i - 1].removed);
	done = done && is_done(thag_edits_apply(&edits, source, bytes, out));
	check(out->bytes <= bytes);
	thag_edits_fini(&edits);
	return done;
}

static bool plan_marks(const char *source, size_t bytes, uint8_t choice, struct thag_edits *edits)
{
	size_t braces[BODIES_MAX], count = find_braces(source, bytes, choice, braces);
	struct thag_place place;
	struct thag_marks marks;

	thag_marks_find(&marks, source, bytes);
	if (!count || marks.include_at != SIZE_MAX ||
	    thag_place_find(&place, source, bytes, braces[0], braces[count - 1]))
		return false;
	check(place.at <= braces[0]);
	if (!is_done(thag_marks_add_include(edits, source, bytes, place.at, "thag.h",
					    marks.foreign)))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!is_done(thag_marks_add(edits, source, bytes, braces[i], i ? NULL : "time",
					    marks.foreign)))
			return false;
	thag_edits_sort(edits);
	return true;
}

static bool is_equal(const struct thag_buffer *a, const struct thag_buffer *b)
{
	return a->bytes == b->bytes && (!a->bytes || memcmp(a->data, b->data, a->bytes) == 0);
}

static void mark_and_remove(const char *source, size_t bytes, uint8_t choice)
{
	struct thag_buffer marked = { 0 }, before = { 0 }, after = { 0 }, patch = { 0 };
	struct thag_edits edits = { 0 };

	if (plan_marks(source, bytes, choice, &edits) &&
	    is_done(thag_edits_apply(&edits, source, bytes, &marked))) {
		if (remove_marks(source, bytes, false, &before) &&
		    remove_marks((const char *)marked.data, marked.bytes, false, &after))
			check(is_equal(&before, &after));
		if (is_done(thag_patch_append(&patch, "a", source, bytes, &edits)))
			check(patch.bytes > edits.text.bytes);
	}
	thag_edits_fini(&edits);
	thag_buffer_fini(&patch);
	thag_buffer_fini(&marked);
	thag_buffer_fini(&before);
	thag_buffer_fini(&after);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct thag_buffer once = { 0 }, twice = { 0 }, all = { 0 };
	struct thag_handlers handlers;
	char *source;

	if (!bytes)
		return 0;
	/* of its own size, so that a byte beyond it is noticed */
	source = take(bytes - 1);
	memcpy(source, data + 1, bytes - 1);
	mark_and_remove(source, bytes - 1, data[0]);
	if (remove_marks(source, bytes - 1, false, &once) &&
	    remove_marks((const char *)once.data, once.bytes, false, &twice))
		check(is_equal(&once, &twice));
	remove_marks(source, bytes - 1, true, &all);
	if (is_done(thag_handlers_find(&handlers, source, bytes - 1)))
		thag_handlers_has(&handlers, "f");
	thag_handlers_fini(&handlers);
	thag_buffer_fini(&once);
	thag_buffer_fini(&twice);
	thag_buffer_fini(&all);
	free(source);
	return 0;
}
