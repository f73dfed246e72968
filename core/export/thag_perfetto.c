/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_perfetto.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "thag/frames.h"
#include "thag_protobuf.h"
#include "thag_text.h"

#define SEQUENCE 1			      /* all packets are of one writer */
#define EVENT_BYTES (4 * THAG_FRAME_NAME_MAX) /* at most, with what is told with it */
#define END_BYTES 48			      /* of a slice's end */
#define TAIL_BYTES 1024
#define PROCESS_UUID 1

/* What the other tracks' ids begin with. */
enum uuid_kind { UUID_THREAD = 2, UUID_TASKS, UUID_COUNTER, UUID_CROSSING };

/* What is asked of `told` for a site. */
enum { TOLD_NAME, TOLD_COUNTER };

/* Numbers of fields. */
enum { TRACE_PACKET = 1 };
enum {
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT,
	PACKET_INTERNED_DATA,
	PACKET_SEQUENCE_FLAGS,
	PACKET_TRACK_DESCRIPTOR = 60
};
enum {
	TRACK_UUID = 1,
	TRACK_NAME,
	TRACK_PROCESS,
	TRACK_THREAD,
	TRACK_PARENT_UUID,
	TRACK_COUNTER = 8
};
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID, THREAD_NAME = 5 };
enum {
	EVENT_CATEGORY_IIDS = 3,
	EVENT_ANNOTATIONS,
	EVENT_TYPE = 9,
	EVENT_NAME_IID,
	EVENT_TRACK_UUID,
	EVENT_NAME = 23,
	EVENT_COUNTER_VALUE = 30,
	EVENT_LOCATION_IID = 34
};
enum { ANNOTATION_BOOL = 2, ANNOTATION_UINT, ANNOTATION_NAME = 10 };
enum { INTERNED_CATEGORIES = 1, INTERNED_NAMES, INTERNED_LOCATIONS = 4 };
enum { INTERNED_IID = 1, INTERNED_NAME };
enum { LOCATION_FILE = 2, LOCATION_LINE = 4 };

/* enum perfetto.protos.TracePacket.SequenceFlags */
enum { INCREMENTAL_STATE_CLEARED = 1, NEEDS_INCREMENTAL_STATE };

/* enum perfetto.protos.TrackEvent.Type */
enum event_type { SLICE_BEGIN = 1, SLICE_END, INSTANT, COUNTER };

struct thag_perfetto_track {
	uint64_t uuid;
	const struct thag_call **open; /* slices, the outermost first */
	uint32_t count, capacity;
};

/** An event that is being written. */
struct event {
	struct thag_protobuf_writer writer;
	size_t packet, body;
};

static uint64_t ns_of(const struct thag_perfetto *perfetto, uint64_t ticks)
{
	uint64_t start = perfetto->options.start_ticks;
	double ns = ticks > start ? (double)(ticks - start) * perfetto->options.ns_per_tick : 0;

	return ns < (double)INT64_MAX ? (uint64_t)ns : INT64_MAX;
}

static uint64_t make_uuid(enum uuid_kind kind, uint64_t number)
{
	return (uint64_t)kind << 48 | number;
}

static void put_utf8(struct thag_protobuf_writer *writer, uint32_t field, const char *text,
		     size_t bytes)
{
	struct thag_buffer clean = { 0 };

	if (!writer->error)
		writer->error = thag_text_append_utf8(&clean, text, bytes, THAG_FRAME_NAME_MAX);
	thag_protobuf_put_bytes(writer, field, clean.data, clean.bytes);
	thag_buffer_fini(&clean);
}

static size_t begin_packet(struct thag_protobuf_writer *writer)
{
	size_t packet = thag_protobuf_begin(writer, TRACE_PACKET);

	thag_protobuf_put_varint(writer, PACKET_SEQUENCE_ID, SEQUENCE);
	return packet;
}

static void put_interned(struct thag_protobuf_writer *writer, uint32_t field, uint64_t iid,
			 const char *name, size_t bytes)
{
	size_t entry = thag_protobuf_begin(writer, field);

	thag_protobuf_put_varint(writer, INTERNED_IID, iid);
	put_utf8(writer, INTERNED_NAME, name, bytes);
	thag_protobuf_end(writer, entry);
}

/* The first packet: nothing was told before it, and categories are. */
static int put_first(struct thag_perfetto *perfetto)
{
	static const char *const categories[] = { "function", "section", "task", "mark", "value" };
	struct thag_protobuf_writer writer = { .out = perfetto->out };
	size_t packet = begin_packet(&writer);

	thag_protobuf_put_varint(&writer, PACKET_SEQUENCE_FLAGS, INCREMENTAL_STATE_CLEARED);
	size_t interned = thag_protobuf_begin(&writer, PACKET_INTERNED_DATA);

	for (uint32_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		put_interned(&writer, INTERNED_CATEGORIES, i + 1, categories[i],
			     strlen(categories[i]));
	thag_protobuf_end(&writer, interned);
	thag_protobuf_end(&writer, packet);
	return writer.error;
}

static void put_process(struct thag_perfetto *perfetto, struct thag_protobuf_writer *writer)
{
	const char *program = perfetto->options.program;
	size_t process = thag_protobuf_begin(writer, TRACK_PROCESS);

	thag_protobuf_put_varint(writer, PROCESS_PID, perfetto->options.pid);
	put_utf8(writer, PROCESS_NAME, program, strlen(program));
	thag_protobuf_end(writer, process);
}

static void put_thread(struct thag_perfetto *perfetto, struct thag_protobuf_writer *writer,
		       uint32_t tid, const char *name, size_t bytes)
{
	size_t thread = thag_protobuf_begin(writer, TRACK_THREAD);

	thag_protobuf_put_varint(writer, THREAD_PID, perfetto->options.pid);
	thag_protobuf_put_varint(writer, THREAD_TID, tid);
	if (bytes)
		put_utf8(writer, THREAD_NAME, name, bytes);
	thag_protobuf_end(writer, thread);
}

/** Describes a track; the process's is above all others. */
static int put_track(struct thag_perfetto *perfetto, enum uuid_kind kind, uint64_t number,
		     const char *name, size_t bytes)
{
	struct thag_protobuf_writer writer = { .out = perfetto->out };
	size_t packet = begin_packet(&writer);
	size_t track = thag_protobuf_begin(&writer, PACKET_TRACK_DESCRIPTOR);

	thag_protobuf_put_varint(&writer, TRACK_UUID,
				 kind ? make_uuid(kind, number) : PROCESS_UUID);
	if (kind)
		thag_protobuf_put_varint(&writer, TRACK_PARENT_UUID, PROCESS_UUID);
	if (!kind)
		put_process(perfetto, &writer);
	else if (kind == UUID_THREAD)
		put_thread(perfetto, &writer, (uint32_t)number, name, bytes);
	else
		put_utf8(&writer, TRACK_NAME, name, bytes);
	if (kind == UUID_COUNTER)
		thag_protobuf_end(&writer, thag_protobuf_begin(&writer, TRACK_COUNTER));
	thag_protobuf_end(&writer, track);
	thag_protobuf_end(&writer, packet);
	return writer.error;
}

int thag_perfetto_begin(struct thag_perfetto *perfetto, struct thag_buffer *out,
			const struct thag_chrome_options *options)
{
	*perfetto = (struct thag_perfetto){ .out = out, .options = *options, .start = out->bytes };
	if (perfetto->options.bytes_max == 0)
		perfetto->options.bytes_max = THAG_CHROME_BYTES_MAX;
	int ret = put_first(perfetto);

	return ret ? ret : put_track(perfetto, 0, 0, "", 0);
}

static int reserve_tracks(struct thag_perfetto *perfetto)
{
	uint32_t capacity = perfetto->track_capacity ? 2 * perfetto->track_capacity : 16;

	if (perfetto->track_count < perfetto->track_capacity)
		return 0;
	void *grown = reallocarray(perfetto->tracks, capacity, sizeof(*perfetto->tracks));
	if (!grown)
		return -ENOMEM;
	perfetto->tracks = grown;
	perfetto->track_capacity = capacity;
	return 0;
}

/** The track of a thread, or with THAG_CHROME_TASKS_TID of its tasks: described when it is new. */
static int find_track(struct thag_perfetto *perfetto, uint32_t tid, const char *name, size_t bytes,
		      struct thag_perfetto_track **track)
{
	uint32_t number = tid & ~THAG_CHROME_TASKS_TID;
	enum uuid_kind kind = tid & THAG_CHROME_TASKS_TID ? UUID_TASKS : UUID_THREAD;
	int ret = thag_pairs_reserve(&perfetto->track_of, perfetto->track_of.count + 1);

	if (!ret)
		ret = reserve_tracks(perfetto);
	if (ret)
		return ret;
	uint32_t *index = thag_pairs_at(&perfetto->track_of, tid, 0);

	if (*index == 0) {
		*index = ++perfetto->track_count;
		perfetto->tracks[*index - 1] =
			(struct thag_perfetto_track){ .uuid = make_uuid(kind, number) };
		ret = put_track(perfetto, kind, number, name, bytes);
	}
	*track = &perfetto->tracks[*index - 1];
	return ret;
}

int thag_perfetto_name(struct thag_perfetto *perfetto, uint32_t tid, const char *name, size_t bytes)
{
	struct thag_perfetto_track *track;

	return find_track(perfetto, tid, name, bytes, &track);
}

static struct event begin_event(struct thag_perfetto *perfetto, uint64_t ticks,
				enum event_type type, uint64_t uuid)
{
	struct event event = { .writer = { .out = perfetto->out } };

	event.packet = begin_packet(&event.writer);
	thag_protobuf_put_varint(&event.writer, PACKET_TIMESTAMP, ns_of(perfetto, ticks));
	thag_protobuf_put_varint(&event.writer, PACKET_SEQUENCE_FLAGS, NEEDS_INCREMENTAL_STATE);
	event.body = thag_protobuf_begin(&event.writer, PACKET_TRACK_EVENT);
	thag_protobuf_put_varint(&event.writer, EVENT_TYPE, type);
	thag_protobuf_put_varint(&event.writer, EVENT_TRACK_UUID, uuid);
	return event;
}

static int end_event(struct event *event)
{
	thag_protobuf_end(&event->writer, event->body);
	thag_protobuf_end(&event->writer, event->packet);
	return event->writer.error;
}

/* Beside the event, in its packet: what it refers to. */
static void tell_site(struct event *event, const struct thag_call *call,
		      const struct thag_name *name)
{
	struct thag_protobuf_writer *writer = &event->writer;
	uint64_t iid = (uint64_t)call->site + 1; /* 0 is none */
	size_t interned = thag_protobuf_begin(writer, PACKET_INTERNED_DATA);

	put_interned(writer, INTERNED_NAMES, iid, name->name, name->name_bytes);
	size_t location = thag_protobuf_begin(writer, INTERNED_LOCATIONS);

	thag_protobuf_put_varint(writer, INTERNED_IID, iid);
	put_utf8(writer, LOCATION_FILE, name->file, name->file_bytes);
	thag_protobuf_put_varint(writer, LOCATION_LINE, name->line);
	thag_protobuf_end(writer, location);
	thag_protobuf_end(writer, interned);
}

static void put_annotation(struct thag_protobuf_writer *writer, const char *name, uint32_t field,
			   uint64_t value)
{
	size_t annotation = thag_protobuf_begin(writer, EVENT_ANNOTATIONS);

	thag_protobuf_put_varint(writer, field, value);
	thag_protobuf_put_text(writer, ANNOTATION_NAME, name);
	thag_protobuf_end(writer, annotation);
}

static void put_annotations(struct thag_protobuf_writer *writer, const struct thag_call *call)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = { { THAG_CALL_BEFORE, "begins_before" }, { THAG_CALL_AFTER, "ends_after" },
		      { THAG_CALL_WAITED, "waited" },	     { THAG_CALL_WAITS, "waits" },
		      { THAG_CALL_UNWOUND, "unwound" },	     { THAG_CALL_TRUNCATED, "truncated" } };

	if (call->kind == THAG_CALL_TASK)
		put_annotation(writer, "task", ANNOTATION_UINT, call->task);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (call->flags & flags[i].flag)
			put_annotation(writer, flags[i].name, ANNOTATION_BOOL, 1);
}

/** An event that says what the call is. */
static int put_call_event(struct thag_perfetto *perfetto, const struct thag_call *call,
			  const struct thag_name *name, enum event_type type, uint64_t uuid)
{
	uint64_t iid = (uint64_t)call->site + 1;

	if (thag_pairs_reserve(&perfetto->told, perfetto->told.count + 1))
		return -ENOMEM;
	uint32_t *told = thag_pairs_at(&perfetto->told, call->site, TOLD_NAME);
	struct event event = begin_event(perfetto, call->start, type, uuid);

	thag_protobuf_put_varint(&event.writer, EVENT_CATEGORY_IIDS, call->kind + 1u);
	thag_protobuf_put_varint(&event.writer, EVENT_NAME_IID, iid);
	thag_protobuf_put_varint(&event.writer, EVENT_LOCATION_IID, iid);
	if (type == COUNTER)
		thag_protobuf_put_varint(&event.writer, EVENT_COUNTER_VALUE, (uint64_t)call->value);
	else
		put_annotations(&event.writer, call);
	thag_protobuf_end(&event.writer, event.body);
	if (!*told)
		tell_site(&event, call, name);
	*told = 1;
	thag_protobuf_end(&event.writer, event.packet);
	return event.writer.error;
}

static int put_end(struct thag_perfetto *perfetto, const struct thag_call *call, uint64_t uuid)
{
	struct event event = begin_event(perfetto, call->end, SLICE_END, uuid);

	return end_event(&event);
}

/** Ends the slices of a track that are over at `ticks`. */
static int close_until(struct thag_perfetto *perfetto, struct thag_perfetto_track *track,
		       uint64_t ticks)
{
	int ret = 0;

	while (track->count && track->open[track->count - 1]->end <= ticks && !ret) {
		perfetto->open_count--;
		ret = put_end(perfetto, track->open[--track->count], track->uuid);
	}
	return ret;
}

static int push(struct thag_perfetto *perfetto, struct thag_perfetto_track *track,
		const struct thag_call *call)
{
	if (track->count == track->capacity) {
		uint32_t capacity = track->capacity ? 2 * track->capacity : 32;
		void *grown = reallocarray(track->open, capacity, sizeof(*track->open));

		if (!grown)
			return -ENOMEM;
		track->open = grown;
		track->capacity = capacity;
	}
	track->open[track->count++] = call;
	perfetto->open_count++;
	return 0;
}

/* On no stack, since calls that began in it go on. */
static int put_crossing(struct thag_perfetto *perfetto, const struct thag_call *call,
			const struct thag_name *name)
{
	uint64_t uuid = make_uuid(UUID_CROSSING, ++perfetto->crossings);
	int ret = put_track(perfetto, UUID_CROSSING, perfetto->crossings, name->name,
			    name->name_bytes);

	if (!ret)
		ret = put_call_event(perfetto, call, name, SLICE_BEGIN, uuid);
	return ret ? ret : put_end(perfetto, call, uuid);
}

static int put_value(struct thag_perfetto *perfetto, const struct thag_call *call,
		     const struct thag_name *name)
{
	int ret = thag_pairs_reserve(&perfetto->told, perfetto->told.count + 1);

	if (ret)
		return ret;
	uint32_t *told = thag_pairs_at(&perfetto->told, call->site, TOLD_COUNTER);

	if (!*told)
		ret = put_track(perfetto, UUID_COUNTER, call->site, name->name, name->name_bytes);
	*told = 1;
	return ret ? ret
		   : put_call_event(perfetto, call, name, COUNTER,
				    make_uuid(UUID_COUNTER, call->site));
}

static int put_call(struct thag_perfetto *perfetto, const struct thag_call *call,
		    const struct thag_name *name)
{
	uint32_t tasks = call->flags & THAG_CALL_IN_TASK ? THAG_CHROME_TASKS_TID : 0;
	struct thag_perfetto_track *track;
	int ret;

	if (call->kind == THAG_CALL_VALUE)
		return put_value(perfetto, call, name);
	if (call->flags & THAG_CALL_CROSSES && call->kind != THAG_CALL_MARK)
		return put_crossing(perfetto, call, name);
	ret = find_track(perfetto, call->tid | tasks, tasks ? "tasks" : "", tasks ? 5 : 0, &track);
	if (!ret)
		ret = close_until(perfetto, track, call->start);
	if (!ret && call->kind == THAG_CALL_MARK)
		return put_call_event(perfetto, call, name, INSTANT, track->uuid);
	if (!ret)
		ret = push(perfetto, track, call);
	return ret ? ret : put_call_event(perfetto, call, name, SLICE_BEGIN, track->uuid);
}

static bool has_room(const struct thag_perfetto *perfetto)
{
	uint64_t used = perfetto->out->bytes - perfetto->start;

	return used + EVENT_BYTES + perfetto->open_count * END_BYTES + TAIL_BYTES <=
	       perfetto->options.bytes_max;
}

/* Of calls that go on no end is told. */
static int close_all(struct thag_perfetto *perfetto)
{
	int ret = 0;

	for (uint32_t i = 0; i < perfetto->track_count; i++) {
		struct thag_perfetto_track *track = &perfetto->tracks[i];

		while (track->count && !ret) {
			const struct thag_call *call = track->open[--track->count];

			if (!(call->flags & THAG_CALL_AFTER))
				ret = put_end(perfetto, call, track->uuid);
		}
	}
	return ret;
}

int thag_perfetto_add(struct thag_perfetto *perfetto, const struct thag_calls *calls,
		      const struct thag_names *names)
{
	int ret = 0;

	for (size_t i = 0; i < calls->count && !ret && !perfetto->cut; i++) {
		const struct thag_call *call = &calls->calls[i];
		struct thag_name name = thag_names_get(names, call->site);

		perfetto->cut = !has_room(perfetto);
		if (perfetto->cut)
			perfetto->cut_ticks = call->start;
		else
			ret = put_call(perfetto, call, &name);
	}
	return ret ? ret : close_all(perfetto);
}

/** Says what isn't there, where something isn't. */
static int put_missing(struct thag_perfetto *perfetto, const struct thag_calls *calls,
		       const struct thag_chrome_facts *facts)
{
	struct event event;

	if (!perfetto->cut && !calls->cut && !calls->missing_to && !facts->dropped_events &&
	    !facts->unread)
		return 0;
	event = begin_event(perfetto, facts->from_ticks, INSTANT, PROCESS_UUID);
	thag_protobuf_put_text(&event.writer, EVENT_NAME, "incomplete");
	if (perfetto->cut || calls->cut)
		put_annotation(&event.writer, "cut_ns", ANNOTATION_UINT,
			       ns_of(perfetto, perfetto->cut ? perfetto->cut_ticks : calls->to));
	if (calls->missing_to)
		put_annotation(&event.writer, "missing_events", ANNOTATION_UINT,
			       calls->missing_events);
	put_annotation(&event.writer, "dropped_events", ANNOTATION_UINT, facts->dropped_events);
	return end_event(&event);
}

int thag_perfetto_end(struct thag_perfetto *perfetto, const struct thag_calls *calls,
		      const struct thag_chrome_facts *facts, int ret)
{
	if (!ret)
		ret = put_missing(perfetto, calls, facts);
	if (ret)
		perfetto->out->bytes = perfetto->start;
	for (uint32_t i = 0; i < perfetto->track_count; i++)
		free(perfetto->tracks[i].open);
	free(perfetto->tracks);
	thag_pairs_fini(&perfetto->track_of);
	thag_pairs_fini(&perfetto->told);
	return ret;
}
