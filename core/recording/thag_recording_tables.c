/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_recording_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct site_record {
	uint32_t id;
	uint16_t kind;
	uint8_t modes;
	uint8_t flags;
	struct thag_recording_span name;
	struct thag_recording_span file;
	uint32_t line;
	uint32_t module;
	uint64_t address;
};

struct module_record {
	uint32_t id;
	uint32_t build_id_bytes;
	struct thag_recording_span path;
	uint64_t bias;
	uint64_t start;
	uint64_t end;
	uint8_t build_id[THAG_BUILD_ID_MAX];
	uint64_t reserved;
};

struct trace_record {
	uint32_t id;
	uint32_t parent;
	uint32_t site;
	uint32_t reserved;
};

struct name_record {
	uint32_t site;
	uint16_t status;
	uint16_t frame_count;
	uint32_t first_frame;
	uint32_t reserved;
};

struct frame_record {
	struct thag_recording_span name;
	struct thag_recording_span file;
	uint32_t line;
	uint32_t reserved;
};

_Static_assert(sizeof(struct site_record) == THAG_RECORDING_SITE_BYTES, "part of the format");
_Static_assert(sizeof(struct module_record) == THAG_RECORDING_MODULE_BYTES, "part of the format");
_Static_assert(sizeof(struct trace_record) == THAG_RECORDING_TRACE_BYTES, "part of the format");
_Static_assert(sizeof(struct name_record) == THAG_RECORDING_NAME_BYTES, "part of the format");
_Static_assert(sizeof(struct frame_record) == THAG_RECORDING_FRAME_BYTES, "part of the format");

static bool is_site(uint32_t id)
{
	return id >= 1 && id < THAG_SITES_MAX;
}

static bool is_module(uint32_t id)
{
	return id < THAG_MODULES_MAX || id == THAG_MODULE_NONE;
}

int thag_recording_site_add(struct thag_recording_table *table,
			    const struct thag_recording_site *site)
{
	struct site_record record = {
		.id = site->id,
		.kind = site->kind,
		.modes = site->modes,
		.flags = site->flags,
		.line = site->line,
		.module = site->module,
		.address = site->address,
	};
	int ret;

	if (!is_site(site->id) || !is_module(site->module))
		return -EINVAL;
	ret = thag_recording_table_text(table, site->name, &record.name);
	if (ret == 0)
		ret = thag_recording_table_text(table, site->file, &record.file);
	return ret ? ret : thag_recording_table_record(table, &record);
}

int thag_recording_site_get(const struct thag_recording_rows *rows, uint32_t i,
			    struct thag_recording_site *out)
{
	struct site_record record;

	thag_recording_rows_get(rows, i, &record, sizeof(record));
	*out = (struct thag_recording_site){
		.id = record.id,
		.kind = record.kind,
		.modes = record.modes,
		.flags = record.flags,
		.line = record.line,
		.module = record.module,
		.address = record.address,
	};
	if (!is_site(record.id) || !is_module(record.module) ||
	    thag_recording_rows_text(rows, record.name, &out->name) != 0)
		return -EBADMSG;
	return thag_recording_rows_text(rows, record.file, &out->file);
}

int thag_recording_module_add(struct thag_recording_table *table,
			      const struct thag_recording_module *module)
{
	struct module_record record = {
		.id = module->id,
		.build_id_bytes = module->build_id_bytes,
		.bias = module->bias,
		.start = module->start,
		.end = module->end,
	};
	int ret;

	if (module->id >= THAG_MODULES_MAX || module->build_id_bytes > THAG_BUILD_ID_MAX)
		return -EINVAL;
	memcpy(record.build_id, module->build_id, module->build_id_bytes);
	ret = thag_recording_table_text(table, module->path, &record.path);
	return ret ? ret : thag_recording_table_record(table, &record);
}

int thag_recording_module_get(const struct thag_recording_rows *rows, uint32_t i,
			      struct thag_recording_module *out)
{
	struct module_record record;

	thag_recording_rows_get(rows, i, &record, sizeof(record));
	*out = (struct thag_recording_module){
		.id = record.id,
		.build_id_bytes = record.build_id_bytes,
		.bias = record.bias,
		.start = record.start,
		.end = record.end,
	};
	if (record.id >= THAG_MODULES_MAX || record.build_id_bytes > THAG_BUILD_ID_MAX)
		return -EBADMSG;
	memcpy(out->build_id, record.build_id, record.build_id_bytes);
	return thag_recording_rows_text(rows, record.path, &out->path);
}

static bool is_trace(const struct trace_record *record)
{
	return record->id >= 1 && record->id < THAG_TRACES_MAX && record->parent < record->id &&
	       is_site(record->site);
}

int thag_recording_trace_add(struct thag_recording_table *table,
			     const struct thag_recording_trace *trace)
{
	struct trace_record record = { .id = trace->id,
				       .parent = trace->parent,
				       .site = trace->site };

	return is_trace(&record) ? thag_recording_table_record(table, &record) : -EINVAL;
}

int thag_recording_trace_get(const struct thag_recording_rows *rows, uint32_t i,
			     struct thag_recording_trace *out)
{
	struct trace_record record;

	thag_recording_rows_get(rows, i, &record, sizeof(record));
	*out = (struct thag_recording_trace){ record.id, record.parent, record.site };
	return is_trace(&record) ? 0 : -EBADMSG;
}

static int add_frame(struct thag_recording_table *frames, const struct thag_recording_frame *frame)
{
	struct frame_record record = { .line = frame->line };
	int ret = thag_recording_table_text(frames, frame->name, &record.name);

	if (ret == 0)
		ret = thag_recording_table_text(frames, frame->file, &record.file);
	return ret ? ret : thag_recording_table_record(frames, &record);
}

static bool is_name(uint32_t site, uint32_t status, uint32_t frame_count)
{
	return is_site(site) && frame_count <= THAG_RECORDING_NAME_FRAMES_MAX &&
	       (frame_count == 0) == (status != 0);
}

/* Frames without their name are nobody's: the name comes last. */
int thag_recording_name_add(struct thag_recording_table *names, struct thag_recording_table *frames,
			    const struct thag_recording_name *name)
{
	struct name_record record = { .site = name->site,
				      .status = name->status,
				      .frame_count = name->frame_count,
				      .first_frame = frames->count };
	int ret = 0;

	if (!is_name(name->site, name->status, name->frame_count))
		return -EINVAL;
	for (uint32_t i = 0; ret == 0 && i < name->frame_count; i++)
		ret = add_frame(frames, &name->frames[i]);
	return ret ? ret : thag_recording_table_record(names, &record);
}

static int get_frame(const struct thag_recording_rows *frames, uint32_t i,
		     struct thag_recording_frame *out)
{
	struct frame_record record;

	thag_recording_rows_get(frames, i, &record, sizeof(record));
	out->line = record.line;
	if (thag_recording_rows_text(frames, record.name, &out->name) != 0)
		return -EBADMSG;
	return thag_recording_rows_text(frames, record.file, &out->file);
}

int thag_recording_name_get(const struct thag_recording_rows *names,
			    const struct thag_recording_rows *frames, uint32_t i,
			    struct thag_recording_name *out)
{
	struct name_record record;
	int ret = 0;

	thag_recording_rows_get(names, i, &record, sizeof(record));
	if (!is_name(record.site, record.status, record.frame_count) ||
	    record.first_frame > frames->count ||
	    record.frame_count > frames->count - record.first_frame)
		return -EBADMSG;
	out->site = record.site;
	out->status = record.status;
	out->frame_count = record.frame_count;
	for (uint32_t j = 0; ret == 0 && j < record.frame_count; j++)
		ret = get_frame(frames, record.first_frame + j, &out->frames[j]);
	return ret;
}
