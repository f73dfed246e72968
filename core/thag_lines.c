/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_lines.h"

#include <string.h>

void thag_lines_fini(struct thag_lines *lines)
{
	thag_buffer_fini(&lines->partial);
}

/** Keeps the beginning of a line until more comes. */
static int keep_partial(struct thag_lines *lines, const char *text, size_t bytes)
{
	if (lines->is_skipping || bytes == 0)
		return 0;
	if (bytes <= lines->most && lines->partial.bytes <= lines->most - bytes)
		return thag_buffer_append(&lines->partial, text, bytes);
	lines->is_skipping = true;
	lines->partial.bytes = 0;
	return lines->line(lines->context, NULL, 0);
}

/** A line, of which `text` is all or the rest. */
static int end_line(struct thag_lines *lines, const char *text, size_t bytes)
{
	int ret = 0;

	if (lines->partial.bytes == 0 && !lines->is_skipping && bytes <= lines->most)
		return lines->line(lines->context, text, bytes);
	ret = keep_partial(lines, text, bytes);
	if (!ret && !lines->is_skipping)
		ret = lines->line(lines->context, (const char *)lines->partial.data,
				  lines->partial.bytes);
	lines->partial.bytes = 0;
	lines->is_skipping = false;
	return ret;
}

int thag_lines_feed(struct thag_lines *lines, const void *text, size_t bytes)
{
	const char *at = text, *end = at + bytes;
	int ret = 0;

	while (at < end && !ret) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (!line_end)
			return keep_partial(lines, at, (size_t)(end - at));
		ret = end_line(lines, at, (size_t)(line_end - at));
		at = line_end + 1;
	}
	return ret;
}

int thag_lines_finish(struct thag_lines *lines)
{
	bool rest = lines->partial.bytes > 0;

	return rest ? end_line(lines, "", 0) : 0;
}
