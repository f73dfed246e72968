/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What thagd sends a browser over the WebSocket `/ws` (subprotocol "thag-1").
 *
 * Text messages are JSON: from the browser requests, from thagd the list of sessions and errors.
 *
 *   browser: {"op":"watch","session":"7","thread":0,"focus":"0123456789abcdef","width":1280,
 *             "search":"text","sort":"self","raw":false,"paused":false,
 *             "metric":"time","by":"traces","from":0,"to":0,"sandwich":"0123456789abcdef",
 *             "durations":"0123456789abcdef","order":"heavy",
 *             "hide":["0123456789abcdef"],"only":"0123456789abcdef","collapse":true,
 *             "mine":"src/","base":"6","base_from":0,"base_to":0,"normalise":false}
 *            "session" as in the list; "thread" a kernel thread id or 0 for all merged; "focus"
 *            a node id in 16 hex digits or "" for the root; "width" in CSS pixels; "search" text
 *            or an expression, see core/thag_search.h; "metric" what the frames show, see enum
 *            thag_metric, of what happened from "from" to "to", nanoseconds since the session
 *            began, both 0: always; of memory: for all threads together, "by" the profiled calls
 *            ("calls") or native stacks ("traces"; without it, whichever there are).
 *            With "sandwich", the id of a function, CALLERS and CALLEES come in place of a FLAME.
 *            With "durations", likewise, and of time a DURATIONS of that function comes, too.
 *            "order" of siblings: by "name", or "heavy" ones first. "hide", "only", "collapse" and
 *            "mine" leave out a part of the profile, see core/thag_sieve.h: functions by their
 *            ids; FLAME, CALLERS, CALLEES, TABLE and DURATIONS are of the rest, MEMORY is of all.
 *            With "base", the id of a session (or "latest", or the same one), a DIFF comes in place
 *            of the FLAME: what the session is beside its base, of that from "base_from" to
 *            "base_to", likewise; "normalise": widths as if both totals were equal. With a
 *            "sandwich" there is none.
 *            Every field but op and session
 *            may be left out. Each new watch replaces the one before it, and is answered at once;
 *            after that frames come whenever the profile changed, at most THAG_FRAMES_PER_SECOND
 *            times a second.
 *            {"op":"enable","session":"7","kinds":"both"} or {"op":"disable","session":"7"}
 *            what that program is to record; "kinds" time, memory or both, left out: what it was
 *            started with. The list says when the program has heeded that, see daemon/report.h.
 *            {"op":"end","session":"7"} ends a session whose program runs; the list says that it is
 *            at it ("ending"), and then that it ended. {"op":"forget","session":"7"} drops one that
 *            ended: the list has it no more.
 *            {"op":"chart","session":"7","from":0,"to":0,"last":0,"columns":1280,"paused":false,
 *             "lanes":[[ring,kind,first_row,rows],…]}
 *            what happened when, beside a watch: of a window, nanoseconds since the session began,
 *            both 0: all of it; or of the "last" so many, following a live session. "columns" of
 *            the plot in CSS pixels; "lanes" whose slices are wanted, and which of their rows,
 *            none twice; left out: the first THAG_CHART_LANES, THAG_CHART_ROWS of each; an empty
 *            array: none. Session "" ends it. Each new chart replaces the one before it, and is
 *            answered at once by a CHART, and where that took more time by a finer one after it;
 *            after that more come while the session is live and the
 *            window reaches its newest events.
 *            {"op":"slowest","session":"7","function":"16 hex","from":0,"to":0,"count":20}
 *            the longest calls of a function that ended in a range, as a watch has it.
 *            {"op":"source","session":"7","function":"16 hex","place":0,"first":0,"count":40,
 *             "metric":"live","by":"traces","from":0,"to":0}
 *            the source of a function, and what is known of its lines: "place" which of the files
 *            that have one of that name, "first" and "count" which lines, "first" 0: where the
 *            function is; the rest as a watch has it.
 *   thagd:   {"op":"sessions","sessions":[…]}     on connecting and whenever the list changes
 *            {"op":"slowest","session":"7","function":"…","calls":[{"start":ns,"duration":ns,
 *             "ring":0,"tid":123},…]}           the longest first; durations without waits
 *            {"op":"source","session":"7","function":"…","place":0,
 *             "places":[{"file":"…","line":12,"begins":true},…],"path":"/…","beside":false,"changed":false,
 *             "first":8,"line_count":300,"lines":["…",…],
 *             "starts":[{"line":12,"function":"…","shared":false},…],
 *             "memory":[{"line":14,"value":0,"own":0,"allocated_bytes":0,"allocations":0,
 *             "live_bytes":0,"live":0},…],"error":"…"}
 *            "begins": a place's line is where the function does, else a call is there; "path"
 *            where the file is; "beside": found from the program's, its name being
 *            relative; "changed": since the program began; "starts" functions and sections that
 *            begin at a line, "shared" with others of that name elsewhere; "memory", or null:
 *            what native stacks that go through a line allocated, and "value" of the metric,
 *            "own" of it that of places at the line. With an "error", a sentence, no lines
 *            {"op":"error","message":"…"}; after a watch that was refused, the one before it goes
 *            on, and of a text that is at fault there are "field", "text" and "at", the byte of it
 *
 * Binary messages are frames, little-endian, each self-contained:
 *
 *   FLAME  +--------------------+------------------------+-----------------------+---------+
 *          | thag_frame_header  | thag_frame_flame       | thag_frame_node [n]   | strings |
 *          +--------------------+------------------------+-----------------------+---------+
 *   TABLE  +--------------------+------------------------+-----------------------+---------+
 *          | thag_frame_header  | thag_frame_table       | thag_frame_row [n]    | strings |
 *          +--------------------+------------------------+-----------------------+---------+
 *
 *   CALLERS and CALLEES are as FLAME: their root is the function, over all its places, recursion
 *   counted once. The total of a caller, and the rest of its numbers, are of the function's calls
 *   that came through it; its self is of those with no caller above.
 *
 *   DIFF   +--------------------+------------------------+-----------------------+
 *          | thag_frame_header  | thag_frame_flame       | thag_frame_node [n]   |
 *          +--------------------+---+--------------------+-----+---------+-------+
 *          | thag_frame_sides [n]   | thag_frame_diff          | strings |
 *          +------------------------+--------------------------+---------+
 *
 *   is as FLAME, with both sides of each node. A node's self is the width that the larger of its
 *   two sides has, its total the sum of these below it: widths, no times. Its calls are those of
 *   both; what else a FLAME's node tells is 0. What matches a search is of the session, not of
 *   its base. There is no thag_frame_heap, whatever the metric.
 *
 *   MEMORY +--------------------+------------------------+-----------------------------+---------+
 *          | thag_frame_header  | thag_frame_memory      | points, sizes, places       | strings |
 *          +--------------------+------------------------+-----------------------------+---------+
 *
 *   CHART  +--------------------+------------------------+-----------------------------+---------+
 *          | thag_frame_header  | thag_frame_chart       | lanes, asked, sites, notes, | strings |
 *          |                    |                        | moments, activity, view     |         |
 *          +--------------------+------------------------+-----------------------------+---------+
 *
 *   DURATIONS are a thag_frame_durations, and a thag_frame_bucket for each of `count`.
 *
 * With a metric of memory, FLAME and TABLE have a thag_frame_heap for each node or row, after all
 * of those, their fields called _ns hold what the metric counts, and a MEMORY message comes, too.
 *
 * Strings are UTF-8 (invalid bytes replaced), not terminated; offsets count from the first byte
 * of the string area. All times are nanoseconds.
 */
#ifndef THAG_FRAMES_H
#define THAG_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define THAG_FRAME_MAGIC UINT32_C(0x46474854) /* "THGF" */
#define THAG_FRAME_VERSION 4
#define THAG_FRAMES_PER_SECOND 8
#define THAG_FRAME_ROWS_MAX 10000
#define THAG_FRAME_NAME_MAX 4096 /* longer names are cut, with U+2026 at the end */

enum thag_frame_type {
	THAG_FRAME_FLAME = 1,
	THAG_FRAME_TABLE = 2,
	THAG_FRAME_MEMORY = 3,
	THAG_FRAME_CALLERS = 4,
	THAG_FRAME_CALLEES = 5,
	THAG_FRAME_DURATIONS = 6,
	THAG_FRAME_CHART = 7,
	THAG_FRAME_DIFF = 8,
};

/** What a flamegraph's widths show; the words of a watch's "metric". */
enum thag_metric {
	THAG_METRIC_TIME = 0,	     /* "time": nanoseconds */
	THAG_METRIC_ALLOCATED = 1,   /* "allocated": bytes */
	THAG_METRIC_ALLOCATIONS = 2, /* "allocations": how many */
	THAG_METRIC_LIVE = 3,	     /* "live": bytes that are live now, or at the range's end */
	THAG_METRIC_PEAK = 4,	     /* "peak": bytes live when the process had most of them */
	THAG_METRIC_LEAKED = 5,	     /* "leaked": bytes allocated and not freed since */
	THAG_METRIC_TEMPORARY = 6,   /* "temporary": allocations that lived for no other one */
	THAG_METRIC_FREED = 7,	     /* "freed": bytes, by who freed them */
	THAG_METRIC_COUNT
};

/** The word of a metric; NULL for an unknown one. */
static inline const char *thag_metric_word(uint32_t metric)
{
	static const char *const words[THAG_METRIC_COUNT] = {
		"time", "allocated", "allocations", "live", "peak", "leaked", "temporary", "freed"
	};

	return metric < THAG_METRIC_COUNT ? words[metric] : NULL;
}

/**
 *   0 magic 4, version 2, type 2 | 8 total_bytes 4, count 4 | 16 strings_offset 4, strings_bytes 4
 *  24 sequence 4, flags 4 | 32 id of the session | 40 thread 4, metric 4 | 48 time_ns | 56 events
 *  64 lost | 72 truncated | 80 duration_ns | 88 cost_ns_x256 4, tree_nodes 4
 */
struct thag_frame_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;		 /* enum thag_frame_type */
	uint32_t total_bytes;	 /* of the message */
	uint32_t count;		 /* nodes, rows or places that follow */
	uint32_t strings_offset; /* from the start of the message */
	uint32_t strings_bytes;
	uint32_t sequence; /* counts frames of this connection */
	uint32_t flags;	   /* enum thag_frame_flags */
	uint64_t session;
	uint32_t thread;       /* kernel thread id, 0: all merged */
	uint32_t metric;       /* enum thag_metric */
	uint64_t time_ns;      /* CLOCK_REALTIME when the numbers were taken */
	uint64_t events;       /* of the whole session, so far */
	uint64_t lost;	       /* events known to be lost */
	uint64_t truncated;    /* frames closed because their thread or program went away */
	uint64_t duration_ns;  /* of the session so far */
	uint32_t cost_ns_x256; /* what one call's recording costs, 1/256 ns */
	uint32_t tree_nodes;   /* nodes of the whole tree, shown or not */
};

enum thag_frame_flags {
	THAG_FRAME_LIVE = 1,	  /* the session still runs */
	THAG_FRAME_CORRECTED = 2, /* times are corrected for the cost of recording */
	THAG_FRAME_CAPPED = 4, /* a memory limit was reached: some calls count under "<overflow>" */
	THAG_FRAME_TRACES = 8, /* by native stacks, not by profiled calls */
	THAG_FRAME_SEARCH_CUT = 16, /* the search took too long: not all names were searched */
	THAG_FRAME_RANGE = 32,	    /* of time: of the range that was asked for, without waits */
	THAG_FRAME_ESTIMATED = 64,  /* not all of that is known any more: in proportion */
};

/**
 *   0 root_total_ns | 8 focus | 16 matched_ns | 24 matched_calls | 32 hidden_nodes 4, depth 4
 */
struct thag_frame_flame {
	uint64_t root_total_ns; /* total of the whole tree */
	uint64_t focus;		/* id of the node the frame is zoomed to, 0: the root */
	uint64_t matched_ns;	/* total of the frames that match the search, none counted twice */
	uint64_t matched_calls;
	uint32_t hidden_nodes; /* nodes not sent for being narrower than half a pixel */
	uint32_t depth;	       /* of the whole tree */
};

/**
 * A frame of the flamegraph, parents before children, siblings in the order asked for. The node at
 * index 0 is the root; the path from it to the focus comes whole.
 *
 *   0 id | 8 start_ns | 16 total_ns | 24 self_ns | 32 calls | 40 min_ns | 48 max_ns | 56 wait_ns
 *  64 open_ns | 72 parent 4, depth 4 | 80 name_offset 4, name_bytes 4 | 88 flags 4, 0
 *  96 function
 *
 * Times are running time. A call that waits while others run on its thread (the stack of a task
 * that is put aside, or the thread's own below a task) was open for total + wait.
 */
struct thag_frame_node {
	uint64_t id;	   /* hash of the path of names: the same in every frame */
	uint64_t start_ns; /* from the left edge of the root */
	uint64_t total_ns;
	uint64_t self_ns;
	uint64_t calls;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t wait_ns; /* in calls and beside their total: put aside, not running */
	uint64_t
		open_ns; /* of the total, in calls still open: the mean is (total - open) / calls */
	uint32_t parent; /* index, UINT32_MAX for the root */
	uint32_t depth;	 /* 0 for the root */
	uint32_t name_offset;
	uint32_t name_bytes;
	uint32_t flags; /* enum thag_frame_node_flags */
	uint32_t reserved;
	uint64_t function; /* hash of its name: the same in every frame */
};

/**
 * A node before and after, in what the metric counts; all 0 where a side doesn't have it.
 *
 *   0 before_self_ns | 8 before_total_ns | 16 before_calls
 *  24 after_self_ns | 32 after_total_ns | 40 after_calls
 */
struct thag_frame_sides {
	uint64_t before_self_ns;
	uint64_t before_total_ns;
	uint64_t before_calls;
	uint64_t after_self_ns;
	uint64_t after_total_ns;
	uint64_t after_calls;
};

/**
 * What a difference says of its base.
 *
 *   0 base | 8 base_duration_ns | 16 matched_ns | 24 base_from_ns | 32 base_to_ns
 *  40 flags 4, normalised 4
 */
struct thag_frame_diff {
	uint64_t base; /* id of the session */
	uint64_t base_duration_ns;
	uint64_t matched_ns;   /* as that of a thag_frame_flame, of the base */
	uint64_t base_from_ns; /* as asked for; both 0: all of it */
	uint64_t base_to_ns;
	uint32_t flags; /* enum thag_frame_flags, of the base */
	uint32_t normalised;
};

enum thag_frame_node_flags {
	THAG_FRAME_NODE_MATCHED = 1, /* its name is searched for */
	THAG_FRAME_NODE_SECTION = 2,
	THAG_FRAME_NODE_OPEN = 4, /* running now, or waiting: its times still grow */
	THAG_FRAME_NODE_TASK = 8, /* no function, but tasks: its calls are the finished ones */
};

/**
 *   0 functions 4, matched 4 | 8 root_total_ns
 */
struct thag_frame_table {
	uint32_t functions; /* of the profile; `count` rows of them follow */
	uint32_t matched;   /* that match the search: only these are sent, when there is one */
	uint64_t root_total_ns;
};

/**
 * A function over all its places; recursion counts once in the total.
 *
 *   0 calls | 8 self_ns | 16 total_ns | 24 min_ns | 32 max_ns | 40 p50_ns | 48 p99_ns | 56 wait_ns
 *  64 open_ns | 72 name_offset 4, name_bytes 4 | 80 file_offset 4, file_bytes 4
 *  88 line 4, flags 4 | 96 function
 */
struct thag_frame_row {
	uint64_t calls;
	uint64_t self_ns;
	uint64_t total_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t p50_ns;
	uint64_t p99_ns;
	uint64_t wait_ns; /* as a node's, of the outermost of recursive calls */
	uint64_t open_ns; /* likewise */
	uint32_t name_offset;
	uint32_t name_bytes;
	uint32_t file_offset;
	uint32_t file_bytes;
	uint32_t line;
	uint32_t flags;	   /* enum thag_frame_node_flags */
	uint64_t function; /* as a node's */
};

/**
 * How long the calls of a function took, over all its places, as measured. Of a function that
 * isn't there all is 0.
 */
struct thag_frame_durations {
	uint64_t function; /* as a node's */
	uint64_t calls;
	uint64_t total_ns; /* as a row's: recursion counts once */
	uint64_t open_ns;
	uint64_t min_ns;
	uint64_t max_ns;
	uint64_t p50_ns; /* the middle of its bucket, within min and max; so are the others */
	uint64_t p90_ns;
	uint64_t p99_ns;
	uint32_t name_offset;
	uint32_t name_bytes;
};

/** Calls that took `low_ns` or more and less than `high_ns`; only of those there are. */
struct thag_frame_bucket {
	uint64_t low_ns;
	uint64_t high_ns;
	uint64_t calls;
};

/**
 * Memory of a node with all below it, or of a row. A block counts where it was allocated, but for
 * what was released, which counts where that was done. Bytes are those asked for; a reallocation
 * frees one block and allocates another. With sampling all are estimates.
 */
struct thag_frame_heap {
	uint64_t allocated_bytes;
	uint64_t allocations;
	uint64_t live_bytes;
	uint64_t live;	     /* blocks */
	uint64_t peak_bytes; /* of them live when the process had most, or the range had */
	uint64_t leaked_bytes;
	uint64_t leaked;
	uint64_t temporary_bytes;
	uint64_t temporary;
	uint64_t reallocations;
	uint64_t released_bytes;
	uint64_t released;
	uint64_t high_bytes;	  /* the most it had live itself at any time, without those below */
	uint64_t lifetime_p50_ns; /* of its own blocks that were freed, likewise */
	uint64_t lifetime_p99_ns;
	uint64_t lifetime_max_ns;
};

#define THAG_SIZE_CLASSES 7 /* 0-64, 65-256, 257-1K, 1K-4K, 4K-16K, 16K-64K, >64K */

struct thag_frame_size {
	uint64_t low;  /* the smallest size that counts here */
	uint64_t high; /* the largest; UINT64_MAX: no bound */
	uint64_t count;
	uint64_t bytes;
};

/** Of the process, from its beginning to now whatever the range. */
struct thag_frame_memory {
	struct thag_frame_heap all;
	uint64_t peak_at_ns;	  /* when, since the session began */
	uint64_t unmatched_frees; /* of blocks never seen: allocated before, or not at all */
	uint64_t skipped;	  /* allocations not above the size threshold */
	uint64_t skipped_bytes;
	uint64_t lost; /* allocations and frees: live memory and leaks may be off */
	uint64_t
		untracked; /* allocations beyond the limit of live ones: their ends are not known */
	uint64_t size_threshold;
	uint64_t sample_bytes; /* 0: none was left out */
	uint64_t mapped_bytes; /* pages mapped by the program itself now, where they count */
	uint64_t mapped_peak_bytes;
	uint64_t from_ns, to_ns;  /* the range in force, as the slices of time allow; 0, 0: all */
	uint64_t displaced;	  /* blocks whose place was given out again without a free */
	uint32_t points, sizes;	  /* of thag_frame_point, of thag_frame_size: first the classes */
	uint32_t flags, reserved; /* enum thag_shm_flags */
};

/** A slice of time. */
struct thag_frame_point {
	uint64_t start_ns;   /* since the session began */
	uint64_t live_bytes; /* at its end */
	uint64_t high_bytes; /* the most in it */
	uint64_t allocated_bytes;
	uint64_t allocations;
	uint64_t freed_bytes;
	uint64_t frees;
};

/** A place in the program's own source that allocates or frees, or the innermost function. */
struct thag_frame_place {
	struct thag_frame_heap heap; /* its own */
	uint64_t node; /* that has most of what the metric counts, as an id of thag_frame_node */
	uint32_t name_offset;
	uint32_t name_bytes;
	uint32_t file_offset;
	uint32_t file_bytes;
	uint32_t line;
	uint32_t flags; /* THAG_FRAME_NODE_MATCHED or none */
};

#define THAG_CHART_LANES 64 /* that a chart shows unless it says which, and … */
#define THAG_CHART_ROWS 64  /* … how many rows of each */

/** Live memory in a slice of time, which ends where the next one starts. */
struct thag_frame_moment {
	uint64_t start_ns;
	uint64_t live_bytes; /* at its end */
	uint64_t high_bytes; /* the most in it */
};

/**
 * What happened when: slices of the lanes that were asked for, and an overview of all lanes of the
 * session. The header's `count` is that of all lanes. Behind it follow
 *
 *   thag_frame_lane [lanes]         all of the session, by ring, then by kind
 *   thag_frame_asked [asked]        in the order of the request
 *   thag_frame_site [sites]         all that a slice or a note names
 *   thag_frame_note [notes]         by site, then by time, at most one a column
 *   thag_frame_moment [moments]     live memory in the window, and a little before it, by time
 *   uint8_t [lanes][activity_columns]  how busy a lane's ring was, 0 to 255, in equal parts of
 *                                   first_ns … last_ns; of lanes of tasks all are 0
 *   view_bytes at view_offset       as core/thag_timeline.h has it for thag_view_write: times in
 *                                   ticks, `lane` an index of what was asked
 */
struct thag_frame_chart {
	uint64_t from_ns, to_ns; /* the window as it was asked, and can be */
	uint64_t first_ns;	 /* of all that is known … */
	uint64_t last_ns;	 /* … up to here */
	uint64_t whole_ns;	 /* from here on each call is known; before it, sums of several */
	uint64_t start_ticks;	 /* the tick that is 0 ns */
	double ns_per_tick;
	uint64_t dropped_events; /* that thagd was too slow to keep */
	uint32_t lanes;
	uint32_t sites;
	uint32_t notes;
	uint32_t activity_columns; /* fewer, the more lanes there are */
	uint32_t view_offset;	   /* from the start of the message */
	uint32_t view_bytes;
	uint32_t flags; /* enum thag_view_flags of core/thag_timeline.h */
	uint32_t asked;
	uint32_t moments;
	uint32_t reserved;
};

/** A lane: the frames of the threads that wrote to a ring, or of the tasks that ran on them. */
struct thag_frame_lane {
	uint32_t ring;
	uint32_t kind; /* 0: the threads' own frames, 1: of tasks */
	uint32_t tid;  /* of the last thread; 0: not known */
	uint32_t rows;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t events;      /* of the ring */
	uint32_t name_offset; /* of the thread; "" when it has none */
	uint32_t name_bytes;
};

/** Rows of a lane whose slices were asked for. */
struct thag_frame_asked {
	uint32_t ring;
	uint32_t kind;
	uint32_t first_row;
	uint32_t rows;
};

/** What slices and notes call a site. */
struct thag_frame_site {
	uint32_t site;
	uint32_t flags; /* enum thag_frame_node_flags: SECTION, TASK */
	uint32_t name_offset;
	uint32_t name_bytes;
	uint32_t file_offset;
	uint32_t file_bytes;
	uint32_t line;
	uint32_t reserved;
	uint64_t function; /* as a node's */
};

/** A mark or a value, or all of a column. */
struct thag_frame_note {
	uint64_t first_ns;
	uint64_t last_ns;
	int64_t first, last; /* values; 0 of a mark */
	int64_t min, max;
	uint32_t site;
	uint32_t kind; /* 0: mark, 1: value */
	uint32_t count;
	uint32_t ring; /* of the first */
};

#ifndef __cplusplus
_Static_assert(sizeof(struct thag_frame_chart) == 104, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_moment) == 24, "part of the ABI");
_Static_assert(offsetof(struct thag_frame_chart, lanes) == 64, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_lane) == 48, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_asked) == 16, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_site) == 40, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_note) == 64, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_heap) == 128, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_memory) == 248, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_point) == 56, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_place) == 160, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_durations) == 80, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_bucket) == 24, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_header) == 96, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_flame) == 40, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_node) == 104, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_sides) == 48, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_diff) == 48, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_table) == 16, "part of the ABI");
_Static_assert(sizeof(struct thag_frame_row) == 104, "part of the ABI");
_Static_assert(offsetof(struct thag_frame_node, parent) == 72, "part of the ABI");
_Static_assert(offsetof(struct thag_frame_row, name_offset) == 72, "part of the ABI");
_Static_assert(offsetof(struct thag_frame_header, events) == 56, "part of the ABI");
#endif

#endif
