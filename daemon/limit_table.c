/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "limit_list.h"

#include "budget.h"
#include "thag/control.h"
#include "thag/frames.h"
#include "thag/shm.h"
#include "thag_events.h"
#include "thag_heap_queue.h"
#include "thag_names.h"
#include "thag_profile.h"
#include "thag_recording_format.h"
#include "thag_ring.h"
#include "thag_search.h"
#include "thag_sieve.h"
#include "thag_symbol_server.h"
#include "thag_tasks.h"
#include "thag_thread.h"
#include "thag_timeline.h"
#include "thagd_limits.h"

#define LIMIT(name, unit, beyond) \
	{ \
#name, THAG_##name, unit, beyond, 0 \
	}

/* One that is less where the system gives thagd less: `field` of struct thag_budget. */
#define BUDGET(name, field, unit, beyond) \
	{ \
#name, THAG_##name, unit, beyond, offsetof(struct thag_budget, field) \
	}

const struct thag_limit thag_limits[] = {
	/* sessions */
	LIMIT(SESSIONS_LIVE_MAX, "programs", "one more is refused, and runs unprofiled"),
	LIMIT(SESSIONS_FINISHED_MAX, "sessions", "the oldest is forgotten; its files stay"),
	LIMIT(REGISTRY_MAX, "sessions", "one more is refused"),
	LIMIT(SESSION_IDLE_NS, "ns", "without an event it counts as idle"),
	LIMIT(SESSION_INVALID_MAX, "words", "of a ring make no sense: it is not read any more"),
	LIMIT(SESSION_HOLES_MAX, "holes", "in a dead program's ring: it is not read any more"),
	LIMIT(MEMBERS_ENDED_MAX, "threads", "ended earlier are merged into one"),
	LIMIT(MEMBERS_MAX, "threads", "of a session: one more isn't told apart"),
	LIMIT(REPORT_THREADS_MAX, "threads", "of a session are not in the list"),
	LIMIT(REPORT_NOTES_MAX, "names", "of marks, values or tasks are not in the list"),
	LIMIT(REPORT_NAME_BYTES, "bytes", "of a name in a list are cut"),
	LIMIT(MEMORY_NOTES_MAX, "remarks", "on a program's memory are left out"),
	LIMIT(REPORT_PLACES_MAX, "places", "that allocate are not in the file; their sums are"),
	LIMIT(REPORT_DEPTH_MAX, "frames", "of a stack in that file are left out"),
	LIMIT(MESSAGE_BYTES, "bytes", "of what a session has to say are cut"),
	LIMIT(PROGRAM_BYTES, "bytes", "of a program's name are cut"),

	/* memory */
	{ "MEMORY_BYTES", 0, "bytes", "that the system gives thagd; 0: it sets no limit",
	  offsetof(struct thag_budget, memory_bytes) },
	BUDGET(TREE_NODES_MAX, tree_nodes, "call paths", "of a thread count at their callers"),
	LIMIT(TREE_NODES_TIGHT, "call paths", "of a new thread do, once the budget is spent"),
	BUDGET(TREES_BYTES_MAX, trees_bytes, "bytes",
	       "of all profiles: new call paths count at their callers"),
	BUDGET(SESSION_TREES_BYTES_MAX, session_trees_bytes, "bytes", "of one session: likewise"),
	BUDGET(SESSION_NAMES_BYTES_MAX, names_bytes, "bytes",
	       "of a session's names: new ones are <overflow>"),
	BUDGET(FINISHED_BYTES_MAX, finished_bytes, "bytes",
	       "of finished sessions: the oldest is forgotten"),
	BUDGET(HEAP_BLOCKS_MAX, heap_blocks, "blocks", "live at once are counted, not followed"),
	BUDGET(HEAP_NODES_MAX, heap_nodes, "paths", "that allocate count at their callers"),
	BUDGET(HEAP_RECORDS_MAX, heap_records, "records",
	       "of what allocated when: slices of time become longer"),
	BUDGET(HEAP_ENDED_BYTES_MAX, heap_ended_bytes, "bytes",
	       "of an ended session's live blocks are kept as sums"),
	BUDGET(HEAPS_BYTES_MAX, heaps_bytes, "bytes", "of all heaps: new blocks aren't followed"),
	LIMIT(STACK_BYTES, "bytes", "of a thread's stack, where memory is limited"),

	/* draining */
	LIMIT(DRAIN_THREADS_MAX, "threads", "are not started, however many processors there are"),
	LIMIT(DRAIN_BATCHES, "batches", "of one ring: then it is the next one's turn"),
	LIMIT(DRAIN_NAP_MIN_NS, "ns", "the first nap where nothing is to be read"),
	LIMIT(DRAIN_NAP_MAX_NS, "ns", "the longest"),
	LIMIT(DRAIN_HOLE_CHECK_NS, "ns", "between two looks for words that were never written"),
	LIMIT(DRAIN_ROUNDS, "rounds", "through a session's rings: then it is another's turn"),
	LIMIT(MEMORY_ROUND_MAX, "events", "of memory of a ring in a round wait for the next"),
	LIMIT(MEMORY_QUEUED_MAX, "events", "of memory of a session wait in their rings"),
	LIMIT(TASK_WAIT_NS, "ns", "a ring doesn't wait any longer for a task's step"),

	/* control socket */
	LIMIT(CONTROL_CONNECTIONS_MAX, "connections", "wait until one of these is over"),
	LIMIT(CONTROL_DEFERRED_MAX, "commands", "that wait for a program: one more is refused"),
	LIMIT(AWAIT_MS_MAX, "ms", "the answer is that it isn't over"),
	LIMIT(CONTROL_TIMEOUT_MS, "ms", "without a request the connection is closed"),
	LIMIT(CONTROL_FDS_MAX, "descriptors", "in one message: it is refused"),
	LIMIT(CONTROL_BACKLOG, "connections", "are not accepted yet: connecting waits"),
	LIMIT(CONTROL_BODY_MAX, "bytes", "of a request or a plain answer: it is refused"),
	LIMIT(ACCEPT_PAUSE_MS, "ms", "when descriptors ran out accepting is tried again"),
	LIMIT(WHY_BYTES, "bytes", "of why something was refused are cut"),
	BUDGET(DESCRIPTORS, descriptors, "descriptors", "connections wait until others are closed"),

	/* ends of programs and sessions */
	LIMIT(EXIT_PROBE_MS, "ms", "between two looks for how a program ended"),
	LIMIT(EXIT_PROBES, "looks", "then whether it had come to its exit decides"),
	LIMIT(SAVES_MAX, "profiles", "at once: further ones wait to be saved"),
	LIMIT(END_LOOK_MS, "ms", "between two looks whether a session's end was heeded"),
	LIMIT(END_WAIT_NS, "ns", "it is over, heeded or not"),

	/* records of sessions */
	LIMIT(RECORDS_MAX, "records", "of programs are not looked at by the next thagd"),
	LIMIT(RECORD_BYTES, "bytes", "of one make no sense: it is removed"),
	LIMIT(PROC_FDS_MAX, "descriptors", "of a program are not searched for its memory"),
	LIMIT(PROC_MAPS_BYTES, "bytes", "of its maps are not read"),
	LIMIT(PROC_NET_BYTES, "bytes", "of the kernel's list of connections are not read"),

	/* timelines */
	LIMIT(TIMELINE_BYTES_MIN, "bytes", "and no less: the smallest --timeline"),
	LIMIT(TIMELINE_BYTES_MAX, "bytes", "the largest --timeline"),
	BUDGET(TIMELINE_BUDGET, timeline_bytes, "bytes",
	       "of all timelines (--timeline): older time becomes coarser"),
	LIMIT(CHUNKS_QUEUE_MAX, "chunks", "that wait: timelines have a gap, recordings wait"),
	LIMIT(CHUNKS_DEPTH_MAX, "calls", "open in a thread: what is deeper is in no timeline"),
	LIMIT(CHUNKS_AGE_NS, "ns", "a chunk is encoded, full or not"),
	LIMIT(CHART_WORDS_MAX, "words", "decoded for a chart: it is coarser"),
	LIMIT(CHART_FINE_WORDS_MAX, "words", "decoded for the finer one after it: likewise"),
	LIMIT(CHART_SLICES_MAX, "slices", "of a chart: rows that have most are coarser"),
	LIMIT(CHART_NOTES_MAX, "points", "of marks and values: columns become wider"),
	LIMIT(CHART_ACTIVITY_BYTES, "bytes", "of how busy lanes are: columns become wider"),
	LIMIT(CHART_LOOK_WORDS, "words", "being filled are not looked at for a lane's rows"),
	LIMIT(TIMELINE_LANES_MAX, "lanes", "of a chart are left out"),
	LIMIT(TIMELINE_COLUMNS_MAX, "columns", "of a chart become wider"),
	LIMIT(TIMELINE_ROWS_MAX, "rows", "of a chart are left out"),
	LIMIT(TIMELINE_SLOWEST_MAX, "calls", "that are less slow are left out"),
	LIMIT(SLOWEST_SITES_MAX, "functions", "of one name are not looked at"),
	LIMIT(OPEN_WORDS_MAX, "words", "being filled are missing from an answer"),
	BUDGET(POOL_CHUNKS_MAX, pool_chunks, "chunks", "timelines have a gap, recordings wait"),
	LIMIT(POOL_CHUNK_BYTES, "bytes", "of each"),
	LIMIT(POOL_SPARES_MAX, "chunks", "that are free are given back to the system"),

	/* source files */
	LIMIT(SOURCE_FILE_BYTES, "bytes", "of a source file: it isn't shown"),
	LIMIT(SOURCE_LINES_MAX, "lines", "of an answer are left out"),
	LIMIT(SOURCE_WINDOW_BYTES, "bytes", "of them, likewise"),
	LIMIT(SOURCE_LINE_BYTES, "bytes", "of a line are cut"),
	LIMIT(SOURCE_PLACES_MAX, "files", "that have a function of one name are left out"),
	LIMIT(SOURCE_FUNCTIONS_MAX, "functions", "that begin in those lines are left out"),
	LIMIT(SOURCE_UPWARDS, "folders", "above a program are not searched for its source"),

	/* recordings */
	LIMIT(HISTORY_SOURCES_MAX, "recordings", "of one session: it has no more"),
	LIMIT(RECORDER_FACTS_NS, "ns", "between two notes of what is known of the session"),
	LIMIT(RECORDER_TABLE_BYTES, "bytes", "of a table go to its next block"),
	LIMIT(RECORDING_PART_MAX, "bytes", "of a part of a recording: it is damaged"),
	LIMIT(OPENED_JSON_BYTES, "bytes", "of a recording's facts: it can't be opened"),
	LIMIT(ENVIRON_BYTES, "bytes", "of a program's environment are not looked at"),
	LIMIT(UPLOADS_MAX, "files", "being sent by browsers: one more is refused"),
	LIMIT(UPLOAD_BYTES_MAX, "bytes", "of one: it is refused"),
	LIMIT(UPLOAD_PIECE_BYTES, "bytes", "of one are held until they are written"),
	LIMIT(UPLOAD_NAME_BYTES, "bytes", "of its name are cut"),

	/* web */
	LIMIT(HTTP_CONNECTIONS_MAX, "connections", "one more is closed at once"),
	LIMIT(HTTP_FOREIGN_MAX, "connections", "of other users; one more is closed at once"),
	LIMIT(HTTP_HEADER_BYTES, "bytes", "of a request's head: it is refused"),
	LIMIT(HTTP_TIMEOUT_S, "s", "without a whole request the connection is closed"),
	LIMIT(HTTP_CHUNK_BYTES, "bytes", "of an answer wait until those before were taken"),
	LIMIT(HTTP_UNSENT_BYTES, "bytes", "unsent to a browser: it waits, then gets the latest"),
	LIMIT(HTTP_BACKLOG, "connections", "are not accepted yet: connecting waits"),
	LIMIT(LWS_FDS, "descriptors", "of libwebsockets' own, beside connections"),
	LIMIT(WS_MESSAGE_BYTES, "bytes", "of a browser's request: its connection is closed"),
	LIMIT(WS_PIECE_BYTES, "bytes", "of it are received in the next turn"),
	LIMIT(VIEW_SEARCH_BYTES, "bytes", "of what is searched for: it is refused"),
	LIMIT(VIEW_WIDTH_MAX, "pixels", "of a view's width count as so many"),
	LIMIT(VIEW_QUERIES_MAX, "views", "of one session wait for the next turn"),
	LIMIT(VIEW_PERIOD_MS, "ms", "at least, between two states sent to a browser"),
	LIMIT(PORTS_TRIED, "ports", "from 8424 on: when all are busy thagd doesn't start"),
	LIMIT(ANY_PORT_TRIES, "ports", "that are free for one family alone: likewise"),
	LIMIT(FRAME_ROWS_MAX, "rows", "of a table are left out"),
	LIMIT(FRAME_NAME_MAX, "bytes", "of a name on the page are cut"),
	LIMIT(FLAME_DEPTH_MAX, "levels", "below the focus of a flamegraph are left out"),
	LIMIT(FLAME_NODES_MAX, "frames", "of a flamegraph: the deepest levels are left out"),
	LIMIT(SIEVE_HIDDEN_MAX, "functions", "more are not hidden"),
	LIMIT(SEARCH_STEPS_MAX, "steps", "of a search in one name: it doesn't match"),
	LIMIT(FOLDED_BYTES_MAX, "bytes", "of folded stacks: the deepest frames are merged"),

	/* names of functions */
	LIMIT(SYMBOLS_REQUEST_NS, "ns", "without an answer the reading process is ended"),
	LIMIT(SYMBOLS_END_NS, "ns", "files of an ended program don't wait for names any more"),
	LIMIT(SYMBOLS_LEAVE_NS, "ns", "the same, when thagd ends"),
	LIMIT(SYMBOLS_EXPORT_NS, "ns", "an export doesn't wait for names any more"),
	LIMIT(SYMBOLS_LIMIT_MS, "ms", "those limits are heeded at most so much late"),
	LIMIT(SYMBOLS_DEATHS_MAX, "deaths", "of the reading process: a session gets no more names"),
	LIMIT(SYMBOLS_BAD_MAX, "files", "that killed it: the one longest ago is forgotten"),
	LIMIT(SYMBOLS_FLUSH_NS, "ns", "names found are written to the cache"),
	LIMIT(SYMBOLS_IDLE_NS, "ns", "unasked the reading process ends"),
	LIMIT(SYMBOLS_REAP_MS, "ms", "between two looks whether it has ended"),
	LIMIT(SYMBOLS_REAP_TRIES, "looks", "it isn't waited for any more"),
	LIMIT(SYMBOL_SERVER_DATA_BYTES, "bytes", "of the reading process: names are missing"),
	LIMIT(SYMBOL_SERVER_SPACE_BYTES, "bytes", "of its addresses: likewise"),
	LIMIT(SYMBOL_CACHE_OPEN_MAX, "files", "of the cache: the one used least is closed"),
	LIMIT(SYMBOL_CACHE_FILES_MAX, "files", "in the cache: the oldest are removed"),
	LIMIT(SYMBOL_CACHE_BYTES_MAX, "bytes", "of the cache: likewise"),
	LIMIT(SYMBOL_CACHE_LISTED_MAX, "files", "of it are not looked at"),

	/* files */
	LIMIT(STEM_TRIES, "names", "for a file are taken: it isn't saved"),
	LIMIT(SESSION_FILES_MAX, "files", "of a session are not in the list"),
	LIMIT(PATH_BYTES, "bytes", "of a path: it is refused"),

	/* of the analysis, for each session */
	LIMIT(NAMES_BYTES_MAX, "bytes", "of the text of names: new ones are <overflow>"),
	LIMIT(NAMES_FILE_MAX, "bytes", "of a source file's path are cut"),
	LIMIT(NAMES_FRAMES_MAX, "functions", "inlined at addresses: those around are left out"),
	LIMIT(STACK_FRAMES_MAX, "frames", "open on a stack are counted, not told apart"),
	BUDGET(TASKS_BYTES_MAX, tasks_bytes, "bytes",
	       "of tasks at rest: their stacks are cut, new ones untold, and counted"),
	LIMIT(TASK_NAMES_MAX, "names", "of tasks: new ones are <overflow>"),
	LIMIT(EVENT_NAMES_MAX, "names",
	      "of marks, or of values: new ones are dropped, and counted"),
	LIMIT(EVENT_INSTANTS_MAX, "moments", "of a mark: the oldest are forgotten"),
	LIMIT(EVENT_SERIES_MAX, "points", "of a value: two become one"),
	LIMIT(HEAP_QUEUE_MAX, "events",
	      "of memory of a ring that wait: more are lost, and counted"),
	LIMIT(RING_HOLE_NS, "ns", "a word that is reserved is not waited for"),

	/* of the shared memory, for each program */
	LIMIT(SLOTS_MAX, "threads", "recorded at once: one more isn't, and is counted"),
	LIMIT(RING_WORDS, "words", "of a ring: the program waits, then loses, and counts"),
	LIMIT(SITES_MAX, "functions", "are <overflow>"),
	LIMIT(MODULES_MAX, "files", "of code: functions in them have addresses for names"),
	LIMIT(STRINGS_BYTES, "bytes", "of names: functions are <overflow>"),
	LIMIT(SITE_NAME_MAX, "bytes", "of a name are cut"),
	LIMIT(TRACES_MAX, "frames", "of different native stacks: new stacks are lost, and counted"),
	LIMIT(TRACE_DEPTH_MAX, "frames", "of a native stack, the outermost, are left out"),
};

const size_t thag_limits_count = sizeof(thag_limits) / sizeof(thag_limits[0]);
