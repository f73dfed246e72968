/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_names.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "thag/shm.h"
#include "thag_strings.h"

#define FIRST_SITES 64
#define MODULE_BYTES_MAX 255 /* of a module's name before an address */
#define OVERFLOW_NAME 0	     /* "<overflow>" is the first name of every session */

struct named_site {
	uint32_t name; /* + 1; 0: not named */
	uint32_t file;
	uint32_t line;
	uint32_t kind;
	uint32_t module; /* number of its module's name in files, + 1; 0: it has no address */
	uint64_t address;
};

struct thag_names {
	struct thag_strings names;
	struct thag_strings files; /* number 0 is "" */
	struct named_site *sites;
	uint32_t capacity; /* of sites */
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

void thag_names_destroy(struct thag_names *names)
{
	if (!names)
		return;
	thag_strings_fini(&names->names);
	thag_strings_fini(&names->files);
	free(names->sites);
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
	size_t used = names->names.text_bytes + names->files.text_bytes;

	return used + bytes < THAG_NAMES_BYTES_MAX ||
	       thag_strings_find(strings, text, bytes) != THAG_STRINGS_NONE;
}

int thag_names_put(struct thag_names *names, uint32_t site, uint32_t kind, const char *name,
		   size_t name_bytes, const char *file, size_t file_bytes, uint32_t line)
{
	static const char unnamed[] = "<unnamed>";
	struct named_site made = { .line = line, .kind = kind };
	uint32_t bytes = usable_bytes(name, name_bytes, THAG_SITE_NAME_MAX);
	uint32_t of_file = usable_bytes(file, file_bytes, THAG_NAMES_FILE_MAX);
	int ret = site < THAG_SITES_MAX ? reserve_site(names, site) : -EINVAL;

	if (ret || names->sites[site].name)
		return ret;
	if (bytes == 0) {
		name = unnamed;
		bytes = sizeof(unnamed) - 1;
	}
	int full = !fits(names, &names->names, name, bytes);
	if (!full)
		ret = thag_strings_put(&names->names, name, bytes, &made.name);
	if (!ret && !full && of_file && fits(names, &names->files, file, of_file))
		ret = thag_strings_put(&names->files, file, of_file, &made.file);
	if (ret)
		return ret;
	made.name++;
	names->sites[site] = made;
	return full ? -E2BIG : 0;
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

struct thag_name thag_names_get(const struct thag_names *names, uint32_t site)
{
	struct thag_name got = { 0 };

	if (site >= names->capacity || !names->sites[site].name)
		return number_site(names, site);
	const struct named_site *one = &names->sites[site];

	got.name_id = one->name - 1;
	got.name = thag_strings_get(&names->names, got.name_id, &got.name_bytes);
	got.file = thag_strings_get(&names->files, one->file, &got.file_bytes);
	got.line = one->line;
	got.kind = one->kind;
	return got;
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
	if (ret) {
		thag_names_destroy(copy);
		return ret;
	}
	memcpy(copy->sites, names->sites, names->capacity * sizeof(*copy->sites));
	*out = copy;
	return 0;
}
