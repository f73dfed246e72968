/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_framing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag_profile_private.h"
#include "thag_search.h"
#include "thag_text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "frames are copied as they lie");

/** An expression that makes no sense finds nothing. 0 or -ENOMEM. */
static int find_matches(struct thag_framing *framing, const char *text)
{
	const struct thag_strings *names = &framing->profile->names;
	struct thag_search_error error;
	struct thag_search *search;
	int ret = text && text[0] ? thag_search_create(&search, text, &error) : -EINVAL;

	if (ret)
		return ret == -EINVAL ? 0 : ret;
	for (uint32_t i = 0; i < names->count; i++) {
		size_t bytes;
		const char *name = thag_strings_get(names, i, &bytes);

		framing->matches[i] = thag_search_finds(search, name, bytes);
	}
	if (thag_search_gave_up(search))
		framing->header.flags |= THAG_FRAME_SEARCH_CUT;
	thag_search_destroy(search);
	return 0;
}

static uint32_t metric_of(const struct thag_profile *profile)
{
	if (profile->diff)
		return profile->diff->metric;
	return profile->heap ? profile->heap->metric : THAG_METRIC_TIME;
}

static uint32_t own_flags(const struct thag_profile *profile)
{
	const struct thag_profile_heap *heap = profile->heap;

	if (profile->diff)
		return profile->diff->flags;
	if (!heap)
		return 0;
	return (heap->kind == THAG_HEAP_TRACES ? THAG_FRAME_TRACES : 0u) |
	       (heap->capped ? THAG_FRAME_CAPPED : 0u);
}

static struct thag_frame_header make_header(const struct thag_profile *profile,
					    enum thag_frame_type type,
					    const struct thag_frame_facts *facts)
{
	return (struct thag_frame_header){
		.magic = THAG_FRAME_MAGIC,
		.version = THAG_FRAME_VERSION,
		.type = (uint16_t)type,
		.sequence = facts->sequence,
		.flags = facts->flags | own_flags(profile),
		.session = facts->session,
		.thread = facts->thread,
		.metric = metric_of(profile),
		.time_ns = facts->time_ns,
		.events = facts->events,
		.lost = facts->lost,
		.truncated = facts->truncated,
		.duration_ns = facts->duration_ns,
		.cost_ns_x256 = facts->cost_ns_x256,
		.tree_nodes = profile->count,
	};
}

int thag_framing_begin(struct thag_framing *framing, const struct thag_profile *profile,
		       enum thag_frame_type type, const char *search,
		       const struct thag_frame_facts *facts, struct thag_buffer *out)
{
	*framing = (struct thag_framing){
		.profile = profile,
		.out = out,
		.start = out->bytes,
		.names = calloc(profile->names.count, sizeof(*framing->names)),
		.files = calloc(profile->files.count, sizeof(*framing->files)),
		.matches = calloc(profile->names.count, sizeof(*framing->matches)),
		.header = make_header(profile, type, facts),
	};
	if (!framing->names || !framing->files || !framing->matches)
		return -ENOMEM;
	int ret = find_matches(framing, search);

	return ret ? ret : thag_buffer_append(out, &framing->header, sizeof(framing->header));
}

static int put_string(struct thag_framing *framing, struct thag_framing_place *place,
		      const struct thag_strings *from, uint32_t number)
{
	struct thag_buffer *strings = &framing->strings;
	uint32_t offset = (uint32_t)strings->bytes;
	size_t max = offset < THAG_FRAMING_STRINGS_MAX ? THAG_FRAME_NAME_MAX : THAG_FRAMING_SHORT;
	size_t bytes;

	if (place->bytes)
		return 0;
	const char *text = thag_strings_get(from, number, &bytes);
	int ret = thag_text_append_utf8(strings, text, bytes, max);

	if (!ret)
		*place = (struct thag_framing_place){ offset, (uint32_t)strings->bytes - offset };
	return ret;
}

int thag_framing_put_name(struct thag_framing *framing, uint32_t name, uint32_t *offset,
			  uint32_t *bytes)
{
	int ret = put_string(framing, &framing->names[name], &framing->profile->names, name);

	*offset = framing->names[name].offset;
	*bytes = framing->names[name].bytes;
	return ret;
}

int thag_framing_put_file(struct thag_framing *framing, uint32_t file, uint32_t *offset,
			  uint32_t *bytes)
{
	int ret = put_string(framing, &framing->files[file], &framing->profile->files, file);

	*offset = framing->files[file].offset;
	*bytes = framing->files[file].bytes;
	return ret;
}

static int finish_message(struct thag_framing *framing, uint32_t count)
{
	struct thag_frame_header *header = &framing->header;
	struct thag_buffer *out = framing->out;

	header->count = count;
	header->strings_offset = (uint32_t)(out->bytes - framing->start);
	header->strings_bytes = (uint32_t)framing->strings.bytes;
	header->total_bytes = header->strings_offset + header->strings_bytes;
	memcpy(out->data + framing->start, header, sizeof(*header));
	return thag_buffer_append(out, framing->strings.data, framing->strings.bytes);
}

int thag_framing_end(struct thag_framing *framing, uint32_t count, int ret)
{
	if (!ret)
		ret = finish_message(framing, count);
	if (ret)
		framing->out->bytes = framing->start;
	thag_buffer_fini(&framing->strings);
	free(framing->names);
	free(framing->files);
	free(framing->matches);
	return ret;
}
