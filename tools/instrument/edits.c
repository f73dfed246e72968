/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "edits.h"

#include <errno.h>
#include <stdlib.h>

void thag_edits_fini(struct thag_edits *edits)
{
	free(edits->list);
	thag_buffer_fini(&edits->text);
	*edits = (struct thag_edits){ 0 };
}

int thag_edits_add(struct thag_edits *edits, size_t at, size_t removed, const char *text,
		   size_t bytes)
{
	size_t text_at = edits->text.bytes;

	if (edits->count == edits->capacity) {
		size_t capacity = edits->capacity ? edits->capacity * 2 : 64;
		struct thag_edit *list = reallocarray(edits->list, capacity, sizeof(*list));

		if (!list)
			return -ENOMEM;
		edits->list = list;
		edits->capacity = capacity;
	}
	if (bytes && thag_buffer_append(&edits->text, text, bytes))
		return -ENOMEM;
	edits->list[edits->count++] = (struct thag_edit){
		.at = at, .removed = removed, .text_at = text_at, .text_bytes = bytes
	};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct thag_edit *left = a, *right = b;

	if (left->at != right->at)
		return left->at < right->at ? -1 : 1;
	return (left->text_at > right->text_at) - (left->text_at < right->text_at);
}

void thag_edits_sort(struct thag_edits *edits)
{
	if (edits->count)
		qsort(edits->list, edits->count, sizeof(edits->list[0]), compare);
}

int thag_edits_apply(const struct thag_edits *edits, const char *source, size_t bytes,
		     struct thag_buffer *out)
{
	size_t done = 0;

	if (!edits->count)
		return bytes ? thag_buffer_append(out, source, bytes) : 0;
	if (thag_buffer_reserve(out, bytes + edits->text.bytes))
		return -ENOMEM;
	for (size_t i = 0; i < edits->count; i++) {
		const struct thag_edit *edit = &edits->list[i];

		if (thag_buffer_append(out, source + done, edit->at - done) ||
		    (edit->text_bytes &&
		     thag_buffer_append(out, edits->text.data + edit->text_at, edit->text_bytes)))
			return -ENOMEM;
		done = edit->at + edit->removed;
	}
	return thag_buffer_append(out, source + done, bytes - done);
}
