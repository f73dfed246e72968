/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "opened_memory.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sys/mman.h>

#include "format.h"
#include "thag_recording_tables.h"

#define CLOCKS_MAX THAG_CLOCK_CNTVCT

/* --- facts --- */

/* The text of the last SESSION block that can be read. */
static int read_text(const struct thag_recording_reader *reader, struct thag_buffer *out)
{
	struct thag_recording_unpacker unpacker = { 0 };
	struct thag_recording_front front;
	int ret = -ENODATA;

	for (uint32_t i = reader->entry_count; ret != 0 && i-- > 0;) {
		if (reader->entries[i].type != THAG_RECORDING_SESSION ||
		    thag_recording_reader_front(reader, i, &front) != 0)
			continue;
		ret = thag_recording_kind_read(&reader->file, &front, THAG_RECORDING_JSON,
					       THAG_OPENED_JSON_BYTES, &unpacker, out);
	}
	thag_recording_unpacker_fini(&unpacker);
	return ret == -ENOMEM ? ret : ret == 0 ? 0 : -ENODATA;
}

static void put_text(struct thag_shm_header *header, enum thag_text which, const char *from,
		     size_t bytes)
{
	uint32_t *used = &header->text_bytes[which];

	if (bytes > THAG_TEXT_BYTES - *used)
		bytes = THAG_TEXT_BYTES - *used;
	memcpy(header->text[which] + *used, from, bytes);
	*used += (uint32_t)bytes;
}

static void put_argv(struct thag_shm_header *header, const json_t *argv)
{
	const json_t *argument;
	size_t i;

	json_array_foreach(argv, i, argument) if (json_is_string(argument))
		put_text(header, THAG_TEXT_ARGV, json_string_value(argument),
			 json_string_length(argument) + 1);
}

/* A number of an object, from 0 to `max`; false when there is none. */
static bool get(const json_t *object, const char *key, uint64_t max, uint64_t *out)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > max)
		return false;
	*out = (uint64_t)json_integer_value(value);
	return true;
}

static bool get32(const json_t *object, const char *key, uint32_t max, uint32_t *out)
{
	uint64_t value;

	if (!get(object, key, max, &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

static bool parse_header(const json_t *json, struct thag_shm_header *header)
{
	const char *exe = json_string_value(json_object_get(json, "exe"));
	const char *cwd = json_string_value(json_object_get(json, "cwd"));

	if (!exe || !cwd || !get32(json, "rings", THAG_SLOTS_MAX, &header->slots) ||
	    !get32(json, "clock", CLOCKS_MAX, &header->clock) ||
	    !get32(json, "modes", THAG_MODE_TIME | THAG_MODE_MEMORY, &header->modes) ||
	    !get32(json, "flags", UINT32_MAX, &header->flags) ||
	    !get32(json, "cost_inside", UINT32_MAX, &header->cost_inside) ||
	    !get32(json, "cost_outside", UINT32_MAX, &header->cost_outside) ||
	    !get(json, "start_ticks", INT64_MAX, &header->start_ticks) ||
	    !get(json, "size_threshold", INT64_MAX, &header->size_threshold) ||
	    !get(json, "sample_bytes", INT64_MAX, &header->sample_bytes))
		return false;
	put_text(header, THAG_TEXT_EXE, exe, strlen(exe));
	put_text(header, THAG_TEXT_CWD, cwd, strlen(cwd));
	put_argv(header, json_object_get(json, "argv"));
	header->active = header->modes;
	header->sites = THAG_SITES_MAX;
	header->ring_words = THAG_RING_WORDS;
	return header->slots > 0 && header->clock > 0;
}

static bool parse_counts(const json_t *json, struct thag_shm_header *header,
			 struct thag_session_slot_sums *sums)
{
	const json_t *misuses = json_object_get(json, "misuses");

	for (size_t i = 0; i < THAG_MISUSE_COUNT; i++) {
		json_int_t value = json_integer_value(json_array_get(misuses, i));

		header->misuses[i] = value > 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
	}
	return get(json, "lost", INT64_MAX, &sums->lost) &&
	       get(json, "waits", INT64_MAX, &sums->waits) &&
	       get(json, "skewed", INT64_MAX, &sums->skewed) &&
	       get(json, "lost_memory", INT64_MAX, &sums->lost_memory) &&
	       get(json, "skipped", INT64_MAX, &sums->skipped) &&
	       get(json, "skipped_bytes", INT64_MAX, &sums->skipped_bytes) &&
	       get32(json, "refused_threads", UINT32_MAX, &header->refused_threads) &&
	       get32(json, "refused_tasks", UINT32_MAX, &header->refused_tasks) &&
	       get32(json, "lost_traces", UINT32_MAX, &header->lost_traces) &&
	       get32(json, "memory_pauses", UINT32_MAX, &header->memory_pauses);
}

static void leave_out(uint64_t *count, uint64_t before)
{
	*count -= before < *count ? before : *count;
}

static void leave_out32(uint32_t *count, uint32_t before)
{
	*count -= before < *count ? before : *count;
}

/* What the program counted before the recording is none of its business. */
static bool leave_out_counts(const json_t *before, struct thag_opened_facts *out)
{
	struct thag_shm_header *header = &out->header;
	struct thag_session_slot_sums sums;
	struct thag_shm_header counts;

	if (!parse_counts(before, &counts, &sums))
		return false;
	leave_out(&out->sums.lost, sums.lost);
	leave_out(&out->sums.waits, sums.waits);
	leave_out(&out->sums.skewed, sums.skewed);
	leave_out(&out->sums.lost_memory, sums.lost_memory);
	leave_out(&out->sums.skipped, sums.skipped);
	leave_out(&out->sums.skipped_bytes, sums.skipped_bytes);
	leave_out32(&header->refused_threads, counts.refused_threads);
	leave_out32(&header->refused_tasks, counts.refused_tasks);
	leave_out32(&header->lost_traces, counts.lost_traces);
	leave_out32(&header->memory_pauses, counts.memory_pauses);
	for (size_t i = 0; i < THAG_MISUSE_COUNT; i++)
		leave_out32(&header->misuses[i], counts.misuses[i]);
	return true;
}

/* To who looks at it, the program begins where the recording does. */
static bool parse_before(const json_t *before, struct thag_opened_facts *out)
{
	uint64_t ticks, start = out->header.start_ticks;
	double ns;

	if (!before)
		return true;
	if (!get(before, "ticks", INT64_MAX, &ticks) || !leave_out_counts(before, out))
		return false;
	if (ticks <= start)
		return true;
	ns = (double)(ticks - start) * out->ns_per_tick;
	if (ns > (double)out->duration_ns)
		ns = (double)out->duration_ns;
	out->before_ns = (uint64_t)ns;
	leave_out(&out->duration_ns, out->before_ns);
	out->start_real_ns += out->before_ns;
	out->header.start_ticks = ticks;
	return true;
}

static bool parse_facts(const json_t *json, struct thag_opened_facts *out)
{
	uint32_t pid;
	int ended;

	out->ns_per_tick = json_real_value(json_object_get(json, "ns_per_tick"));
	if (!isfinite(out->ns_per_tick) || out->ns_per_tick <= 0 ||
	    !get32(json, "pid", INT32_MAX, &pid) ||
	    !get(json, "start_unix_ns", INT64_MAX, &out->start_real_ns) ||
	    !get(json, "duration_ns", INT64_MAX, &out->duration_ns) ||
	    json_unpack((json_t *)json, "{s:i, s:i, s:b}", "signal", &out->signal, "exit_code",
			&out->exit_code, "ended", &ended) != 0)
		return false;
	out->pid = (pid_t)pid;
	out->header.exited = out->exit_code >= 0;
	return parse_header(json, &out->header) &&
	       parse_counts(json_object_get(json, "counted"), &out->header, &out->sums) &&
	       parse_before(json_object_get(json, "before"), out);
}

int thag_opened_facts_read(struct thag_opened_facts *out,
			   const struct thag_recording_reader *reader)
{
	struct thag_buffer text = { 0 };
	json_t *json = NULL;
	int ret = read_text(reader, &text);

	memset(out, 0, sizeof(*out));
	if (ret == 0) {
		ret = thag_format_load(&json, (const char *)text.data, text.bytes, 0);
		if (ret == 0 && !parse_facts(json, out))
			ret = -EBADMSG;
		if (!thag_format_is_whole())
			ret = -ENOMEM;
	}
	memcpy(out->header.nonce, reader->header.nonce, sizeof(out->header.nonce));
	json_decref(json);
	thag_buffer_fini(&text);
	return ret;
}

int thag_opened_before_read(json_t **out, const struct thag_recording_reader *reader)
{
	struct thag_buffer text = { 0 };
	json_t *json = NULL;
	int ret = read_text(reader, &text);

	if (ret == 0)
		ret = thag_format_load(&json, (const char *)text.data, text.bytes, 0);
	*out = json_incref(json_object_get(json, "before"));
	json_decref(json);
	thag_buffer_fini(&text);
	return ret == -ENOMEM ? ret : 0;
}

/* --- memory --- */

/* What is being laid out. */
struct layout {
	char *shm;
	const struct thag_recording_reader *reader;
	struct thag_recording_unpacker unpacker;
	struct thag_buffer bytes;
};

static struct thag_shm_header *header_of(const struct layout *layout)
{
	return (struct thag_shm_header *)layout->shm;
}

static uint32_t more(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* A text that finds no room is empty. */
static void put_string(const struct layout *layout, struct thag_recording_text text,
		       uint32_t *offset, uint32_t *bytes)
{
	uint32_t *used = &header_of(layout)->strings_used;

	*offset = *bytes = 0;
	if (text.bytes == 0 || text.bytes > THAG_STRINGS_BYTES - *used)
		return;
	memcpy(layout->shm + THAG_SHM_STRINGS_OFFSET + *used, text.text, text.bytes);
	*offset = *used;
	*bytes = text.bytes;
	*used += text.bytes;
}

static int put_site(struct layout *layout, const struct thag_recording_rows *rows, uint32_t i)
{
	struct thag_shm_site *sites = (void *)(layout->shm + THAG_SHM_SITES_OFFSET);
	struct thag_recording_site from;
	struct thag_shm_site site;
	int ret = thag_recording_site_get(rows, i, &from);

	if (ret != 0)
		return ret;
	if (from.id >= THAG_SITES_MAX)
		return -EBADMSG;
	site = (struct thag_shm_site){ .ready = 1,
				       .kind = from.kind,
				       .modes = from.modes,
				       .flags = from.flags,
				       .line = from.line,
				       .module = from.module,
				       .address = from.address };
	put_string(layout, from.name, &site.name_offset, &site.name_bytes);
	put_string(layout, from.file, &site.file_offset, &site.file_bytes);
	sites[from.id] = site;
	header_of(layout)->site_count = more(header_of(layout)->site_count, from.id + 1);
	return 0;
}

static int put_module(struct layout *layout, const struct thag_recording_rows *rows, uint32_t i)
{
	struct thag_shm_module *modules = (void *)(layout->shm + THAG_SHM_MODULES_OFFSET);
	struct thag_recording_module from;
	struct thag_shm_module module;
	int ret = thag_recording_module_get(rows, i, &from);

	if (ret != 0)
		return ret;
	if (from.id >= THAG_MODULES_MAX || from.build_id_bytes > THAG_BUILD_ID_MAX)
		return -EBADMSG;
	module = (struct thag_shm_module){ .ready = 1,
					   .build_id_bytes = from.build_id_bytes,
					   .bias = from.bias,
					   .start = from.start,
					   .end = from.end };
	memcpy(module.build_id, from.build_id, sizeof(module.build_id));
	put_string(layout, from.path, &module.path_offset, &module.path_bytes);
	modules[from.id] = module;
	header_of(layout)->module_count = more(header_of(layout)->module_count, from.id + 1);
	return 0;
}

static int put_trace(struct layout *layout, const struct thag_recording_rows *rows, uint32_t i)
{
	struct thag_shm_trace *traces = (void *)(layout->shm + THAG_SHM_TRACES_OFFSET);
	struct thag_recording_trace from;
	int ret = thag_recording_trace_get(rows, i, &from);

	if (ret != 0)
		return ret;
	if (from.id >= THAG_TRACES_MAX)
		return -EBADMSG;
	traces[from.id] = (struct thag_shm_trace){ .parent = from.parent, .site = from.site };
	header_of(layout)->trace_count = more(header_of(layout)->trace_count, from.id + 1);
	return 0;
}

/* One block of a table. */
static int put_block(struct layout *layout, uint32_t entry, uint32_t record_bytes,
		     int (*put)(struct layout *layout, const struct thag_recording_rows *rows,
				uint32_t i))
{
	struct thag_recording_front front;
	struct thag_recording_rows rows;
	int ret = thag_recording_reader_front(layout->reader, entry, &front);

	if (ret == 0)
		ret = thag_recording_kind_read(&layout->reader->file, &front, THAG_RECORDING_TABLE,
					       THAG_RECORDING_PART_MAX, &layout->unpacker,
					       &layout->bytes);
	if (ret == 0)
		ret = thag_recording_rows_open(&rows, layout->bytes.data, layout->bytes.bytes,
					       record_bytes);
	for (uint32_t i = 0; ret == 0 && i < rows.count; i++)
		ret = put(layout, &rows, i);
	return ret;
}

static int put_entry(struct layout *layout, uint32_t entry)
{
	switch (layout->reader->entries[entry].type) {
	case THAG_RECORDING_SITES:
		return put_block(layout, entry, THAG_RECORDING_SITE_BYTES, put_site);
	case THAG_RECORDING_MODULES:
		return put_block(layout, entry, THAG_RECORDING_MODULE_BYTES, put_module);
	case THAG_RECORDING_TRACES:
		return put_block(layout, entry, THAG_RECORDING_TRACE_BYTES, put_trace);
	default:
		return 0;
	}
}

static void *map(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* What all slots told is told by the first. */
static void put_counts(const struct layout *layout, const struct thag_session_slot_sums *sums)
{
	struct thag_shm_thread *slot = (void *)(layout->shm + THAG_SHM_THREADS_OFFSET);

	slot->lost_calls = sums->lost;
	slot->waits = sums->waits;
	slot->skewed = sums->skewed;
	slot->lost_memory = sums->lost_memory;
	slot->skipped_allocs = sums->skipped;
	slot->skipped_bytes = sums->skipped_bytes;
}

static void put_tails(void *consumer, uint32_t slots)
{
	struct thag_shm_consumer *rings = (void *)((char *)consumer + THAG_SHM_CONSUMERS_OFFSET);

	for (uint32_t i = 0; i < slots; i++)
		rings[i].tail = THAG_RING_WORDS;
}

int thag_opened_memory_make(struct thag_session_memory *out, const struct thag_opened_facts *facts,
			    uint32_t rings, const struct thag_recording_reader *reader,
			    uint32_t *unreadable)
{
	/* without rings: replay.h has its own */
	struct thag_session_memory memory = {
		.shm_bytes = THAG_SHM_RINGS_OFFSET,
		.consumer_bytes = thag_shm_consumer_bytes(facts->header.slots),
	};
	struct layout layout = { .reader = reader };

	memory.shm = layout.shm = map(memory.shm_bytes);
	memory.consumer = map(memory.consumer_bytes);
	if (!memory.shm || !memory.consumer) {
		thag_session_memory_fini(&memory);
		return -ENOMEM;
	}
	*header_of(&layout) = facts->header;
	header_of(&layout)->slots_used = rings;
	put_counts(&layout, &facts->sums);
	put_tails(memory.consumer, facts->header.slots);
	*unreadable = 0;
	for (uint32_t i = 0; i < reader->entry_count; i++)
		*unreadable += put_entry(&layout, i) != 0;
	thag_recording_unpacker_fini(&layout.unpacker);
	thag_buffer_fini(&layout.bytes);
	*out = memory;
	return 0;
}
