/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "naming.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"
#include "recorder.h"
#include "session.h"

#define FIRST_PENDING 64

static void count(atomic_uint *value)
{
	atomic_fetch_add_explicit(value, 1, memory_order_relaxed);
}

void thag_naming_destroy(struct thag_naming *naming)
{
	if (!naming)
		return;
	for (uint32_t i = 0; i < THAG_MODULES_MAX; i++)
		free(naming->modules[i]);
	free(naming->pending);
	free(naming);
}

/* A build id that is too short to trust is as none. */
static struct thag_naming_module *copy_module(const void *shm, const struct thag_shm_module *from)
{
	const char *strings = (const char *)shm + THAG_SHM_STRINGS_OFFSET;
	struct thag_naming_module *module = calloc(1, sizeof(*module) + from->path_bytes + 1);

	if (!module)
		return NULL;
	memcpy(module->path, strings + from->path_offset, from->path_bytes);
	module->path_bytes = (uint32_t)strnlen(module->path, from->path_bytes);
	if (from->build_id_bytes >= THAG_SYMBOL_BUILD_ID_MIN) {
		module->build_id_bytes = from->build_id_bytes;
		memcpy(module->build_id, from->build_id, from->build_id_bytes);
	}
	return module;
}

/* The module of a site that names one, else NULL: its address means nothing then. */
static int find_module(struct thag_session *session, uint32_t index,
		       struct thag_naming_module **out)
{
	struct thag_naming *naming = session->naming;
	struct thag_shm_module entry;

	*out = NULL;
	if (index >= THAG_MODULES_MAX)
		return 0;
	if (!naming->modules[index] &&
	    thag_handshake_read_module(session->memory.shm, index, &entry) == 1) {
		naming->modules[index] = copy_module(session->memory.shm, &entry);
		if (!naming->modules[index])
			return -ENOMEM;
	}
	*out = naming->modules[index];
	return 0;
}

static int add_pending(struct thag_naming *naming, const struct thag_naming_site *site)
{
	if (naming->pending_count == naming->pending_capacity) {
		uint32_t capacity =
			naming->pending_capacity ? naming->pending_capacity * 2 : FIRST_PENDING;
		void *grown = reallocarray(naming->pending, capacity, sizeof(*naming->pending));

		if (!grown)
			return -ENOMEM;
		naming->pending = grown;
		naming->pending_capacity = capacity;
	}
	naming->pending[naming->pending_count++] = *site;
	return 0;
}

static const char *base_name(const struct thag_naming_module *module)
{
	const char *slash = strrchr(module->path, '/');

	return slash && slash[1] ? slash + 1 : module->path;
}

int thag_naming_add(struct thag_session *session, uint32_t index, const struct thag_shm_site *site)
{
	struct thag_naming_site one = { .address = site->address,
					.site = index,
					.kind = site->kind,
					.module = THAG_MODULE_NONE,
					.flags = site->flags };
	struct thag_naming_module *module;
	const char *base;
	int ret;

	if (!session->naming)
		session->naming = calloc(1, sizeof(*session->naming));
	if (!session->naming)
		return -ENOMEM;
	ret = find_module(session, site->module, &module);
	if (ret != 0)
		return ret;
	base = module ? base_name(module) : "";
	if (module)
		one.module = site->module;
	if (site->flags & THAG_SITE_CALL)
		session->naming->calls[index / 64] |= UINT64_C(1) << (index % 64);
	ret = thag_names_put_address(session->names, index, site->kind, base, strlen(base),
				     site->address);
	if (ret == 0 || ret == -E2BIG)
		ret = add_pending(session->naming, &one);
	if (ret == 0)
		count(&session->naming_counts.sites);
	return ret;
}

bool thag_naming_is_call(const struct thag_session *session, uint32_t site)
{
	return session->naming && session->naming->calls[site / 64] >> (site % 64) & 1;
}

bool thag_naming_is_pending(const struct thag_session *session)
{
	return session->naming && session->naming->pending_count;
}

static struct thag_names_frame frame_of(const struct thag_symbol_frame *frame)
{
	return (struct thag_names_frame){ .name = frame->name,
					  .name_bytes = frame->name_bytes,
					  .file = frame->file,
					  .file_bytes = frame->file_bytes,
					  .line = frame->line };
}

/* The functions a site stands for, the innermost first. */
static uint32_t list_frames(const struct thag_naming_site *site, const struct thag_symbol *symbol,
			    struct thag_names_frame frames[static THAG_SYMBOL_FRAMES_MAX])
{
	if (!(site->flags & THAG_SITE_CALL) || symbol->frame_count == 0) {
		frames[0] = frame_of(&symbol->function);
		return 1;
	}
	for (uint32_t i = 0; i < symbol->frame_count; i++)
		frames[i] = frame_of(&symbol->frames[i]);
	return symbol->frame_count;
}

int thag_naming_put(struct thag_session *session, const struct thag_naming_site *site,
		    const struct thag_symbol *symbol)
{
	struct thag_names_frame frames[THAG_SYMBOL_FRAMES_MAX] = { { .name_bytes = 0 } };
	bool found = symbol->status == THAG_SYMBOL_FOUND;
	uint32_t frame_count = found ? list_frames(site, symbol, frames) : 0;
	int ret = 0;

	if (found)
		ret = thag_names_put_frames(session->names, site->site, site->kind, frames,
					    frame_count);
	if (ret == -ENOMEM)
		return ret;
	if (site->site < THAG_SITES_MAX)
		session->naming->found[site->site] = (uint8_t)(symbol->status + 1);
	thag_recorder_name(session, site->site, symbol->status, frames, frame_count);
	count(&session->naming_counts.by_status[symbol->status]);
	if (found && frames[0].line)
		count(&session->naming_counts.lines);
	count(&session->naming_counts.version);
	return 0;
}

static uint32_t get(const atomic_uint *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

uint32_t thag_naming_late(const struct thag_naming_counts *counts)
{
	uint32_t done = 0;
	/* first: what comes meanwhile is done after it was counted */
	uint32_t sites = get(&counts->sites);

	for (uint32_t i = 0; i < THAG_SYMBOL_STATUS_COUNT; i++)
		done += get(&counts->by_status[i]);
	return sites > done ? sites - done : 0;
}

bool thag_naming_explain(const struct thag_naming_counts *counts, char *out, size_t size)
{
	static const char *const reasons[THAG_SYMBOL_STATUS_COUNT] = {
		[THAG_SYMBOL_STRIPPED] = "stripped; install debug packages, or build with -g",
		[THAG_SYMBOL_UNKNOWN] = "no symbol of their file covers them",
		[THAG_SYMBOL_MISSING] = "their file is gone, and so is its debug file",
		[THAG_SYMBOL_CHANGED] = "their file was built anew since the program started",
		[THAG_SYMBOL_UNREADABLE] = "their file can't be read",
		[THAG_SYMBOL_NO_MODULE] = "they are in no file that is known",
		[THAG_SYMBOL_LATE] = "there was no time to find them",
	};
	uint32_t most = THAG_SYMBOL_LATE, of_most = thag_naming_late(counts), unnamed = of_most;

	for (uint32_t i = THAG_SYMBOL_STRIPPED; i < THAG_SYMBOL_LATE; i++) {
		uint32_t value = get(&counts->by_status[i]);

		unnamed += value;
		if (value > of_most) {
			of_most = value;
			most = i;
		}
	}
	if (!unnamed)
		return false;
	snprintf(out, size, "%u of %u functions have no name: %s", unnamed, get(&counts->sites),
		 reasons[most]);
	return true;
}
