/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A recording's tables: what the program registered, and the names that were found for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"
#include "recorder_private.h"

#define BITS 64
#define FIRST_CAPACITY 4096

/** Adds entry `index` of the program's: 1 when it was added, 0: it isn't there yet, or an error. */
typedef int add_fn(struct thag_recorder *recorder, uint32_t index,
		   struct thag_recording_table *table);

/* One of the program's tables. */
struct kind {
	enum thag_recording_type type;
	uint32_t record_bytes;
	uint32_t first; /* index */
	add_fn *add;
};

static int reserve(struct thag_told *told, uint32_t count)
{
	uint32_t capacity = told->capacity ? told->capacity : FIRST_CAPACITY;
	uint64_t *grown;

	if (count <= told->capacity)
		return 0;
	while (capacity < count)
		capacity *= 2;
	grown = realloc(told->bits, capacity / 8);
	if (!grown)
		return -ENOMEM;
	memset(grown + told->capacity / BITS, 0, (capacity - told->capacity) / 8);
	told->bits = grown;
	told->capacity = capacity;
	return 0;
}

static bool is_told(const struct thag_told *told, uint32_t index)
{
	return told->bits[index / BITS] >> index % BITS & 1;
}

static void note_told(struct thag_told *told, uint32_t index)
{
	told->bits[index / BITS] |= UINT64_C(1) << index % BITS;
}

static const char *strings_of(const struct thag_recorder *recorder)
{
	return (const char *)recorder->session->memory.shm + THAG_SHM_STRINGS_OFFSET;
}

/* What makes no sense is told as what it is called everywhere. */
static int add_site(struct thag_recorder *recorder, uint32_t index,
		    struct thag_recording_table *table)
{
	static const char invalid[] = "<invalid name>";
	const char *strings = strings_of(recorder);
	struct thag_recording_site out = { .id = index };
	struct thag_shm_site site;
	int ret = thag_handshake_read_site(recorder->session->memory.shm, index, &site);

	if (ret == 0)
		return 0;
	if (ret > 0) {
		out.kind = site.kind;
		out.modes = site.modes;
		out.flags = site.flags;
		out.line = site.line;
		out.module = site.module;
		out.address = site.address;
		out.name.text = strings + site.name_offset;
		out.name.bytes = site.name_bytes;
		out.file.text = strings + site.file_offset;
		out.file.bytes = site.file_bytes;
	}
	if (ret > 0)
		ret = thag_recording_site_add(table, &out);
	if (ret == -EPROTO || ret == -EINVAL) {
		out = (struct thag_recording_site){ .id = index,
						    .kind = THAG_SITE_FUNCTION,
						    .module = THAG_MODULE_NONE,
						    .name = { invalid, sizeof(invalid) - 1 } };
		ret = thag_recording_site_add(table, &out);
	}
	return ret == 0 ? 1 : ret;
}

static int add_module(struct thag_recorder *recorder, uint32_t index,
		      struct thag_recording_table *table)
{
	struct thag_recording_module out = { .id = index };
	struct thag_shm_module module;
	int ret = thag_handshake_read_module(recorder->session->memory.shm, index, &module);

	if (ret <= 0)
		return ret == 0 ? 0 : 1; /* sites don't find it either */
	out.build_id_bytes = module.build_id_bytes;
	out.bias = module.bias;
	out.start = module.start;
	out.end = module.end;
	memcpy(out.build_id, module.build_id, sizeof(out.build_id));
	out.path.text = strings_of(recorder) + module.path_offset;
	out.path.bytes = module.path_bytes;
	ret = thag_recording_module_add(table, &out);
	return ret == 0 || ret == -EINVAL ? 1 : ret;
}

static int add_trace(struct thag_recorder *recorder, uint32_t index,
		     struct thag_recording_table *table)
{
	struct thag_recording_trace out = { .id = index };
	struct thag_shm_trace trace;
	int ret = thag_handshake_read_trace(recorder->session->memory.shm, index, &trace);

	if (ret <= 0)
		return ret == 0 ? 0 : 1; /* the heap doesn't take it either */
	out.parent = trace.parent;
	out.site = trace.site;
	ret = thag_recording_trace_add(table, &out);
	return ret == 0 || ret == -EINVAL ? 1 : ret;
}

/* Writes a table as a block, and empties it. */
static int flush(struct thag_recorder *recorder, enum thag_recording_type type,
		 struct thag_recording_table *table, struct thag_recording_table *frames)
{
	struct thag_buffer bytes = { 0 };
	int ret;

	if (table->count == 0)
		return 0;
	ret = thag_recording_pack_begin(&recorder->pack, type, NULL, 0);
	if (ret == 0)
		ret = thag_recording_table_write(table, &bytes);
	if (ret == 0)
		ret = thag_recording_pack_part(&recorder->pack, THAG_RECORDING_TABLE, bytes.data,
					       bytes.bytes);
	if (ret == 0 && frames)
		ret = thag_recording_table_write(frames, &bytes);
	if (ret == 0 && frames)
		ret = thag_recording_pack_part(&recorder->pack, THAG_RECORDING_FRAMES, bytes.data,
					       bytes.bytes);
	ret = thag_recorder_write(recorder, ret);
	thag_recording_table_clear(table);
	if (frames)
		thag_recording_table_clear(frames);
	thag_buffer_fini(&bytes);
	return ret;
}

static size_t table_bytes(const struct thag_recording_table *table)
{
	return table->records.bytes + table->strings.bytes;
}

/* One entry; a block that is large enough is written first. */
static int tell(struct thag_recorder *recorder, const struct kind *kind, struct thag_told *told,
		uint32_t index, struct thag_recording_table *table)
{
	int ret = 0;

	if (table_bytes(table) > THAG_RECORDER_TABLE_BYTES)
		ret = flush(recorder, kind->type, table, NULL);
	if (ret == 0)
		ret = kind->add(recorder, index, table);
	if (ret > 0)
		note_told(told, index);
	return ret < 0 ? ret : 0;
}

/* What became ready of the first `count` entries. Those given out last may not be ready yet. */
static int tell_new(struct thag_recorder *recorder, const struct kind *kind, struct thag_told *told,
		    uint32_t count)
{
	struct thag_recording_table table = { .record_bytes = kind->record_bytes };
	int ret = reserve(told, count);

	for (uint32_t i = told->first; ret == 0 && i < count; i++) {
		if (i % BITS == 0 && told->bits[i / BITS] == UINT64_MAX) {
			if (i == told->first)
				told->first += BITS;
			i += BITS - 1;
			continue;
		}
		if (i >= kind->first && !is_told(told, i))
			ret = tell(recorder, kind, told, i, &table);
		else if (i < kind->first)
			note_told(told, i);
	}
	if (ret == 0)
		ret = flush(recorder, kind->type, &table, NULL);
	thag_recording_table_fini(&table);
	return ret;
}

static uint32_t limit(const uint32_t *count, uint32_t max)
{
	/* relaxed: entries order themselves by `ready` */
	uint32_t value = __atomic_load_n(count, __ATOMIC_RELAXED);

	return value < max ? value : max;
}

int thag_recorder_write_tables(struct thag_recorder *recorder)
{
	static const struct kind modules = { THAG_RECORDING_MODULES, THAG_RECORDING_MODULE_BYTES, 0,
					     add_module };
	static const struct kind sites = { THAG_RECORDING_SITES, THAG_RECORDING_SITE_BYTES,
					   THAG_SITE_FIRST, add_site };
	static const struct kind traces = { THAG_RECORDING_TRACES, THAG_RECORDING_TRACE_BYTES, 1,
					    add_trace };
	const struct thag_shm_header *header = recorder->session->memory.shm;
	/* the other way round than the program makes them: what they name is told, too */
	uint32_t trace_count = limit(&header->trace_count, THAG_TRACES_MAX);
	int ret;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	ret = tell_new(recorder, &traces, &recorder->traces, trace_count);
	if (ret == 0)
		ret = tell_new(recorder, &sites, &recorder->sites,
			       limit(&header->site_count, THAG_SITES_MAX));
	if (ret == 0)
		ret = tell_new(recorder, &modules, &recorder->modules,
			       limit(&header->module_count, THAG_MODULES_MAX));
	return ret == 0 ? thag_recorder_write_names(recorder) : ret;
}

static struct thag_recording_text text_of(const char *text, size_t bytes)
{
	return (struct thag_recording_text){ text, (uint32_t)bytes };
}

static int add_name(struct thag_recorder *recorder, uint32_t site, uint32_t status,
		    const struct thag_names_frame *frames, uint32_t frame_count)
{
	struct thag_recording_name name = { .site = site, .status = (uint16_t)status };
	int ret = 0;

	if (frame_count > THAG_RECORDING_NAME_FRAMES_MAX)
		return 0;
	name.frame_count = (uint16_t)frame_count;
	for (uint32_t i = 0; i < frame_count; i++)
		name.frames[i] = (struct thag_recording_frame){
			.name = text_of(frames[i].name, frames[i].name_bytes),
			.file = text_of(frames[i].file, frames[i].file_bytes),
			.line = frames[i].line,
		};
	pthread_mutex_lock(&recorder->lock);
	recorder->names.record_bytes = THAG_RECORDING_NAME_BYTES;
	recorder->frames.record_bytes = THAG_RECORDING_FRAME_BYTES;
	/* one that finds no room has none when the recording is opened */
	if (!recorder->ended)
		ret = thag_recording_name_add(&recorder->names, &recorder->frames, &name);
	pthread_mutex_unlock(&recorder->lock);
	return ret;
}

void thag_recorder_name(struct thag_session *session, uint32_t site, uint32_t status,
			const struct thag_names_frame *frames, uint32_t frame_count)
{
	struct thag_recorder *recorder = session->recorder;

	if (recorder)
		add_name(recorder, site, status, frames, frame_count);
}

/* A name that was found, as it was given to thag_recorder_name. */
static int take_name(struct thag_recorder *recorder, uint32_t site, uint32_t status)
{
	const struct thag_names *names = recorder->session->names;
	struct thag_names_frame frames[THAG_RECORDING_NAME_FRAMES_MAX];
	uint32_t count = status == THAG_SYMBOL_FOUND ? thag_names_frames(names, site) : 0;

	if (count > THAG_RECORDING_NAME_FRAMES_MAX)
		count = 1;
	for (uint32_t i = 0; i < count; i++) {
		struct thag_name name = thag_names_get_frame(names, site, i);

		frames[i] = (struct thag_names_frame){ name.name, name.name_bytes, name.file,
						       name.file_bytes, name.line };
	}
	return add_name(recorder, site, status, frames, count);
}

int thag_recorder_take_names(struct thag_recorder *recorder)
{
	const struct thag_naming *naming = recorder->session->naming;
	int ret = 0;

	for (uint32_t i = 0; naming && ret == 0 && i < THAG_SITES_MAX; i++) {
		if (naming->found[i] &&
		    take_name(recorder, i, naming->found[i] - UINT32_C(1)) == -ENOMEM)
			ret = -ENOMEM;
		if (ret == 0 && table_bytes(&recorder->names) + table_bytes(&recorder->frames) >
					THAG_RECORDER_TABLE_BYTES)
			ret = thag_recorder_write_names(recorder);
	}
	return ret;
}

int thag_recorder_write_names(struct thag_recorder *recorder)
{
	struct thag_recording_table names, frames;
	int ret;

	pthread_mutex_lock(&recorder->lock);
	names = recorder->names;
	frames = recorder->frames;
	recorder->names = recorder->frames = (struct thag_recording_table){ 0 };
	pthread_mutex_unlock(&recorder->lock);
	ret = flush(recorder, THAG_RECORDING_NAMES, &names, &frames);
	thag_recording_table_fini(&names);
	thag_recording_table_fini(&frames);
	return ret;
}

void thag_recorder_tables_fini(struct thag_recorder *recorder)
{
	free(recorder->sites.bits);
	free(recorder->modules.bits);
	free(recorder->traces.bits);
	thag_recording_table_fini(&recorder->names);
	thag_recording_table_fini(&recorder->frames);
}
