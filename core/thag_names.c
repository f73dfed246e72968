/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_strings.h"

#define FIRST_SITES 64
#define MODULE_BYTES_MAX 255 /* of a module's name before an address */
#define OVERFLOW_NAME 0	     /* "<overflow>" is the first name of every session */

#define FIRST_FRAMES 64

struct named_site {
	uint32_t name; /* + 1; 0: not named */
	uint32_t file;
	uint32_t line;
	uint32_t kind;
	uint32_t module;  /* number of its module's name in files, + 1; 0: it has no address */
	uint32_t more;	  /* frames around this one, in the list */
	uint64_t address; /* once it has a name: where in the list they begin */
};

struct named_frame {
	uint32_t name, file, line;
};

struct thag_names {
	struct thag_strings names;
	struct thag_strings files; /* number 0 is "" */
	struct named_site *sites;
	uint32_t capacity; /* of sites */
	struct named_frame *frames;
	uint32_t frame_count;
	uint32_t frame_capacity;
	uint64_t limit; /* bytes, 0: THAG_NAMES_BYTES_MAX of text */
};

/** Names what must not fail later: the empty file, and the overflow site. */
static int name_fixed(struct thag_names *names)
{
	static const char overflow[] = "<overflow>";
	uint32_t number;
	int ret = thag_strings_put(&names->files, "", 0, &number);

	if (!ret)
		ret = thag_names_put(names, THAG_SITE_OVERFLOW, THAG_SITE_FUNCTION, overflow,
				     sizeof(overflow) - 1, "", 0, 0);
	return ret;
}

int thag_names_create(struct thag_names **out)
{
	struct thag_names *names = calloc(1, sizeof(*names));
	int ret = names ? name_fixed(names) : -ENOMEM;

	if (ret)
		thag_names_destroy(names);
	else
		*out = names;
	return ret;
}

void thag_names_limit(struct thag_names *names, uint64_t bytes)
{
	names->limit = bytes;
}

void thag_names_destroy(struct thag_names *names)
{
	if (!names)
		return;
	thag_strings_fini(&names->names);
	thag_strings_fini(&names->files);
	free(names->sites);
	free(names->frames);
	free(names);
}

static int reserve_site(struct thag_names *names, uint32_t site)
{
	uint32_t capacity = names->capacity ? names->capacity : FIRST_SITES;

	if (site < names->capacity)
		return 0;
	while (capacity <= site)
		capacity *= 2;
	struct named_site *sites = reallocarray(names->sites, capacity, sizeof(*sites));
	if (!sites)
		return -ENOMEM;
	memset(sites + names->capacity, 0, (capacity - names->capacity) * sizeof(*sites));
	names->sites = sites;
	names->capacity = capacity;
	return 0;
}

/** The bytes of `text` before a NUL, at most `max`. */
static uint32_t usable_bytes(const char *text, size_t bytes, uint32_t max)
{
	return bytes ? (uint32_t)strnlen(text, bytes < max ? bytes : max) : 0;
}

/** Whether the text can still be kept within the memory limit. */
static int fits(const struct thag_names *names, const struct thag_strings *strings,
		const char *text, uint32_t bytes)
{
	uint64_t used = names->names.text_bytes + names->files.text_bytes;
	uint64_t tables = (names->names.count + names->files.count) * (uint64_t)THAG_NAMES_COST;
	bool has_room = used + bytes < THAG_NAMES_BYTES_MAX;

	if (names->limit)
		has_room = has_room && used + tables + bytes < names->limit;
	return has_room || thag_strings_find(strings, text, bytes) != THAG_STRINGS_NONE;
}

/** Keeps a frame's texts. 0, -ENOMEM, or -E2BIG when its name is "<overflow>" for want of room. */
static int put_texts(struct thag_names *names, const struct thag_names_frame *frame,
		     struct named_frame *out)
{
	static const char unnamed[] = "<unnamed>";
	const char *name = frame->name;
	uint32_t bytes = usable_bytes(name, frame->name_bytes, THAG_SITE_NAME_MAX);
	uint32_t of_file = usable_bytes(frame->file, frame->file_bytes, THAG_NAMES_FILE_MAX);
	int ret = 0;

	*out = (struct named_frame){ .name = OVERFLOW_NAME, .line = frame->line };
	if (bytes == 0) {
		name = unnamed;
		bytes = sizeof(unnamed) - 1;
	}
	if (!fits(names, &names->names, name, bytes))
		return -E2BIG;
	ret = thag_strings_put(&names->names, name, bytes, &out->name);
	if (!ret && of_file && fits(names, &names->files, frame->file, of_file))
		ret = thag_strings_put(&names->files, frame->file, of_file, &out->file);
	return ret;
}

static int reserve_frames(struct thag_names *names, uint32_t more)
{
	uint32_t capacity = names->frame_capacity ? names->frame_capacity : FIRST_FRAMES;

	if (more > THAG_NAMES_FRAMES_MAX - names->frame_count)
		return -E2BIG;
	while (capacity < names->frame_count + more)
		capacity *= 2;
	if (capacity == names->frame_capacity)
		return 0;
	void *grown = reallocarray(names->frames, capacity, sizeof(*names->frames));
	if (!grown)
		return -ENOMEM;
	names->frames = grown;
	names->frame_capacity = capacity;
	return 0;
}

/** Keeps the frames around the innermost one: all, or none. */
static int put_more(struct thag_names *names, struct named_site *site,
		    const struct thag_names_frame *frames, uint32_t count)
{
	uint32_t first = names->frame_count;
	int ret = count ? reserve_frames(names, count) : 0;

	for (uint32_t i = 0; i < count && !ret; i++)
		ret = put_texts(names, &frames[i], &names->frames[first + i]);
	if (ret)
		return ret;
	site->address = first;
	site->more = count;
	names->frame_count += count;
	return 0;
}

int thag_names_put_frames(struct thag_names *names, uint32_t site, uint32_t kind,
			  const struct thag_names_frame *frames, uint32_t count)
{
	struct named_site made = { .kind = kind };
	struct named_frame inner;
	int ret = site < THAG_SITES_MAX ? reserve_site(names, site) : -EINVAL;

	if (ret || names->sites[site].name)
		return ret;
	ret = put_texts(names, &frames[0], &inner);
	if (!ret)
		ret = put_more(names, &made, frames + 1, count - 1);
	if (ret == -ENOMEM)
		return ret;
	made.name = inner.name + 1;
	made.file = inner.file;
	made.line = inner.line;
	names->sites[site] = made;
	return ret;
}

int thag_names_put(struct thag_names *names, uint32_t site, uint32_t kind, const char *name,
		   size_t name_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	const struct thag_names_frame frame = { name, name_bytes, file, file_bytes, line };

	return thag_names_put_frames(names, site, kind, &frame, 1);
}

int thag_names_put_address(struct thag_names *names, uint32_t site, uint32_t kind,
			   const char *module, size_t module_bytes, uint64_t address)
{
	uint32_t bytes = usable_bytes(module, module_bytes, MODULE_BYTES_MAX);
	uint32_t number = 0;
	int ret = site < THAG_SITES_MAX ? reserve_site(names, site) : -EINVAL;

	if (ret || names->sites[site].name)
		return ret;
	int full = !fits(names, &names->files, module, bytes);

	if (!full)
		ret = thag_strings_put(&names->files, module, bytes, &number);
	if (ret)
		return ret;
	names->sites[site] =
		(struct named_site){ .kind = kind, .module = number + 1, .address = address };
	return full ? -E2BIG : 0;
}

/** A site that has no name yet; its text lasts until the thread's next one. */
static struct thag_name number_site(const struct thag_names *names, uint32_t site)
{
	static _Thread_local char text[MODULE_BYTES_MAX + sizeof("+0x0123456789abcdef")];
	const struct named_site *one = site < names->capacity ? &names->sites[site] : NULL;
	size_t module_bytes;
	int bytes;

	if (one && one->module) {
		const char *module =
			thag_strings_get(&names->files, one->module - 1, &module_bytes);

		bytes = snprintf(text, sizeof(text), "%s%s0x%" PRIx64, module,
				 module_bytes ? "+" : "", one->address);
	} else {
		bytes = snprintf(text, sizeof(text), "site %u", site);
	}
	return (struct thag_name){ .name = text,
				   .name_bytes = (size_t)bytes,
				   .file = "",
				   .kind = one && one->module ? one->kind : THAG_SITE_FUNCTION,
				   .name_id = THAG_STRINGS_NONE };
}

static struct thag_name give(const struct thag_names *names, uint32_t kind,
			     const struct named_frame *frame)
{
	struct thag_name got = { .line = frame->line, .kind = kind, .name_id = frame->name };

	got.name = thag_strings_get(&names->names, frame->name, &got.name_bytes);
	got.file = thag_strings_get(&names->files, frame->file, &got.file_bytes);
	return got;
}

struct thag_name thag_names_get(const struct thag_names *names, uint32_t site)
{
	return thag_names_get_frame(names, site, 0);
}

uint32_t thag_names_frames(const struct thag_names *names, uint32_t site)
{
	return site < names->capacity ? names->sites[site].more + 1 : 1;
}

struct thag_name thag_names_get_frame(const struct thag_names *names, uint32_t site, uint32_t frame)
{
	if (site >= names->capacity || !names->sites[site].name)
		return number_site(names, site);
	const struct named_site *one = &names->sites[site];
	struct named_frame inner = { one->name - 1, one->file, one->line };

	if (frame == 0 || frame > one->more)
		return give(names, one->kind, &inner);
	return give(names, one->kind, &names->frames[one->address + frame - 1]);
}

uint32_t thag_names_count(const struct thag_names *names)
{
	return names->names.count;
}

int thag_names_copy(struct thag_names **out, const struct thag_names *names)
{
	struct thag_names *copy = calloc(1, sizeof(*copy));
	int ret = copy ? thag_strings_copy(&copy->names, &names->names) : -ENOMEM;

	if (!ret)
		ret = thag_strings_copy(&copy->files, &names->files);
	if (!ret)
		ret = names->capacity ? reserve_site(copy, names->capacity - 1) : 0;
	if (!ret)
		ret = names->frame_count ? reserve_frames(copy, names->frame_count) : 0;
	if (ret) {
		thag_names_destroy(copy);
		return ret;
	}
	memcpy(copy->sites, names->sites, names->capacity * sizeof(*copy->sites));
	if (names->frame_count)
		memcpy(copy->frames, names->frames, names->frame_count * sizeof(*copy->frames));
	copy->frame_count = names->frame_count;
	*out = copy;
	return 0;
}
