/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every limit of the daemon, in one place: what a program, a browser or a command can make
 * thagd hold, do or wait for at most. `thagd --limits` prints them with those of the analysis
 * (core/) and of the shared memory (proto/thag/shm.h); limit_table.c says what happens beyond
 * each, and a test that none is missing there.
 *
 * Where the system gives thagd little memory, some are less: see budget.h.
 */
#ifndef THAG_THAGD_LIMITS_H
#define THAG_THAGD_LIMITS_H

#include <stdint.h>

/* sessions */
#define THAG_SESSIONS_LIVE_MAX 256     /* programs recorded at once */
#define THAG_SESSIONS_FINISHED_MAX 100 /* kept to look at; the oldest goes first */
#define THAG_REGISTRY_MAX (THAG_SESSIONS_LIVE_MAX + THAG_SESSIONS_FINISHED_MAX + THAG_RECORDS_MAX)
#define THAG_SESSION_IDLE_NS UINT64_C(2000000000)
#define THAG_SESSION_INVALID_MAX 4096 /* senseless words of one ring before quarantine */
/* words never written, in one ring of a dead program: each handler that was left has some */
#define THAG_SESSION_HOLES_MAX 4096
#define THAG_MEMBERS_ENDED_MAX 256  /* ended threads kept apart; older ones are merged */
#define THAG_MEMBERS_MAX 8192	    /* threads of a session held at once, dead or alive */
#define THAG_REPORT_THREADS_MAX 256 /* threads named in the list of sessions */
#define THAG_REPORT_NOTES_MAX 32    /* marks, values, tasks there, and live tasks anywhere */
#define THAG_REPORT_NAME_BYTES 256  /* of a name in a list */
#define THAG_MEMORY_NOTES_MAX 12    /* remarks on how true its memory is */
#define THAG_REPORT_PLACES_MAX 1000 /* places that allocate, in a file */
#define THAG_REPORT_DEPTH_MAX 256   /* frames of a stack there */
#define THAG_MESSAGE_BYTES 256	    /* what a session has to say to its user */
#define THAG_PROGRAM_BYTES 256	    /* name of a program */

/* memory */
#define THAG_TREE_NODES_MAX (UINT32_C(1) << 20)		   /* nodes of one thread's tree */
#define THAG_TREE_NODES_TIGHT UINT32_C(64)		   /* the same, when the budget is spent */
#define THAG_TREES_BYTES_MAX (UINT64_C(512) << 20)	   /* all trees of all sessions */
#define THAG_SESSION_TREES_BYTES_MAX (UINT64_C(1) << 40)   /* of one session: see budget.h */
#define THAG_SESSION_NAMES_BYTES_MAX (UINT64_C(128) << 20) /* of one session's names, in all */
#define THAG_STACK_BYTES (UINT64_C(512) << 10) /* of each of thagd's threads, under a limit */
#define THAG_FINISHED_BYTES_MAX (UINT64_C(256) << 20) /* trees and heaps of finished sessions */

#define THAG_HEAP_BLOCKS_MAX (UINT64_C(1) << 24) /* of a session live at once, 32 bytes each */
#define THAG_HEAP_ENDED_BYTES_MAX (UINT64_C(64) << 20) /* of live blocks of an ended session */
#define THAG_HEAP_NODES_MAX \
	(UINT64_C(1) << 20)			  /* of a session's paths, of calls, and of stacks \
						   */
#define THAG_HEAP_RECORDS_MAX (UINT64_C(1) << 20) /* of what paths did when, of a session */
#define THAG_HEAPS_BYTES_MAX (UINT64_C(1) << 30)  /* heaps of all that run */

/* draining */
#define THAG_DRAIN_THREADS_MAX 4
#define THAG_DRAIN_BATCHES 16 /* batches of one ring before others get their turn */
#define THAG_DRAIN_NAP_MIN_NS 100000
#define THAG_DRAIN_NAP_MAX_NS 2000000
#define THAG_DRAIN_HOLE_CHECK_NS UINT64_C(10000000)
#define THAG_DRAIN_ROUNDS 64	   /* through the rings of a session whose tasks cross them */
#define THAG_MEMORY_ROUND_MAX 4096 /* events of memory of one ring in a round … */
#define THAG_MEMORY_QUEUED_MAX (UINT32_C(1) << 17) /* … and of all rings of a session */
#define THAG_TASK_WAIT_NS UINT64_C(1000000000)	   /* a ring waits for a task's step in another */

/* control socket */
#define THAG_CONTROL_CONNECTIONS_MAX 64
#define THAG_CONTROL_DEFERRED_MAX 256 /* whose answer comes later */
#define THAG_AWAIT_MS_MAX 60000	      /* until sessions are saved */
#define THAG_CONTROL_TIMEOUT_MS 2000  /* from accept to the request */
#define THAG_CONTROL_FDS_MAX 16	      /* received at once; all but the first are closed */
#define THAG_CONTROL_BACKLOG 128
#define THAG_ACCEPT_PAUSE_MS 100 /* when no descriptors are left, for others to be closed */
#define THAG_WHY_BYTES 160	 /* one line that says why something was refused */

/* how a program ended */
#define THAG_EXIT_PROBE_MS 10
#define THAG_EXIT_PROBES 20
#define THAG_SAVES_MAX 2 /* profiles that are written at once: half of the threads of the pool */

/* sessions that their user ends */
#define THAG_END_LOOK_MS 10		      /* whether the program records nothing any more … */
#define THAG_END_WAIT_NS UINT64_C(2500000000) /* … which one that makes events heeds by then */

/* descriptors: thagd raises its own limit to this, as far as it may */
#define THAG_DESCRIPTORS \
	(2 * THAG_SESSIONS_LIVE_MAX + THAG_CONTROL_CONNECTIONS_MAX + THAG_CONTROL_DEFERRED_MAX + \
	 THAG_HTTP_CONNECTIONS_MAX + THAG_LWS_FDS + 256)

/* records of sessions, for the next thagd */
#define THAG_RECORDS_MAX 1024
#define THAG_RECORD_BYTES 32768
#define THAG_PROC_FDS_MAX 65536		 /* links looked at in /proc/PID/fd */
#define THAG_PROC_MAPS_BYTES (64u << 20) /* of /proc/PID/maps */
#define THAG_PROC_NET_BYTES (16u << 20)	 /* of /proc/net/tcp */

/* timelines */
#define THAG_TIMELINE_BYTES_MIN (UINT64_C(1) << 20) /* of all sessions, as --timeline says … */
#define THAG_TIMELINE_BYTES_MAX (UINT64_C(1) << 40) /* … and its default: THAG_TIMELINE_BUDGET */
#define THAG_CHUNKS_QUEUE_MAX 16		    /* of a session that wait to be encoded */
#define THAG_CHUNKS_DEPTH_MAX 65536 /* calls open in a thread whose words are kept unrecorded */
#define THAG_CHUNKS_AGE_NS UINT64_C(1000000000)	      /* then one is, full or not */
#define THAG_CHART_WORDS_MAX (UINT64_C(1) << 17)      /* decoded for a chart: some 1.5 ms … */
#define THAG_CHART_FINE_WORDS_MAX (UINT64_C(1) << 22) /* … and for a finer one after it */
#define THAG_CHART_SLICES_MAX 10000 /* of one chart: some 100 KB with their names */
#define THAG_CHART_NOTES_MAX 2048
#define THAG_CHART_ACTIVITY_BYTES 16384 /* of how busy its lanes are, all together */
#define THAG_CHART_LOOK_WORDS 4096 /* of a chunk being filled, that a lane's rows are found by */
#define THAG_SLOWEST_SITES_MAX 256 /* of one function's name, that are looked at */
#define THAG_SOURCE_FILE_BYTES \
	(UINT64_C(8) << 20)	   /* of a source file that is shown; larger ones aren't */
#define THAG_SOURCE_LINES_MAX 1000 /* of it in one answer … */
#define THAG_SOURCE_WINDOW_BYTES (UINT32_C(256) << 10) /* … and their bytes */
#define THAG_SOURCE_LINE_BYTES 1000		       /* of one line; longer ones are cut */
#define THAG_SOURCE_PLACES_MAX 16		       /* files that have a function of one name */
#define THAG_SOURCE_FUNCTIONS_MAX 1000		       /* told of that begin in those lines */
#define THAG_SOURCE_UPWARDS 4 /* directories looked in: the executable's, and those above */
#define THAG_HISTORY_SOURCES_MAX 65536 /* recordings that one timeline lies in */
#define THAG_OPEN_WORDS_MAX \
	(UINT64_C(1) << 22)	 /* of chunks being filled, copied for one answer \
				  */
#define THAG_POOL_CHUNKS_MAX 512 /* being filled or waiting, of all sessions; 512 KiB each */
#define THAG_POOL_CHUNK_BYTES (UINT32_C(512) << 10)
#define THAG_POOL_SPARES_MAX 32 /* of them, kept for later */

/* recordings */
#define THAG_RECORDER_FACTS_NS UINT64_C(60000000000)  /* likewise what is known of the session */
#define THAG_RECORDER_TABLE_BYTES (UINT32_C(4) << 20) /* of one block of a table */
#define THAG_OPENED_JSON_BYTES (UINT32_C(4) << 20)    /* of what is known of a session */
#define THAG_ENVIRON_BYTES (4u << 20)		      /* of /proc/PID/environ */

/* recordings that browsers send */
#define THAG_UPLOADS_MAX 4
#define THAG_UPLOAD_BYTES_MAX (UINT64_C(1) << 40)
#define THAG_UPLOAD_PIECE_BYTES (UINT32_C(1) << 18) /* written at once; two of them are held */
#define THAG_UPLOAD_NAME_BYTES 256

/* web */
#define THAG_HTTP_CONNECTIONS_MAX 256
#define THAG_HTTP_FOREIGN_MAX 64 /* of them, of other users */
#define THAG_HTTP_HEADER_BYTES 4096
#define THAG_HTTP_TIMEOUT_S 10
#define THAG_HTTP_CHUNK_BYTES 65536
#define THAG_HTTP_BACKLOG 64
#define THAG_HTTP_UNSENT_BYTES 131072		  /* in the kernel, of one connection */
#define THAG_WS_MESSAGE_BYTES (UINT32_C(1) << 17) /* of one request of a browser: of 4096 lanes */
#define THAG_WS_PIECE_BYTES 4096		  /* that are received at once */
#define THAG_VIEW_SEARCH_BYTES 256
#define THAG_VIEW_WIDTH_MAX 16384
#define THAG_VIEW_QUERIES_MAX 64 /* distinct views of one session made by one job */
#define THAG_VIEW_PERIOD_MS (1000 / 8)
#define THAG_LWS_FDS 64 /* libwebsockets' own, beside connections */
#define THAG_PORTS_TRIED 16
#define THAG_ANY_PORT_TRIES 16 /* a port that is free for one family may be busy for the other */

/* names of functions */
#define THAG_SYMBOLS_REQUEST_NS UINT64_C(30000000000) /* until the reading process must answer */
#define THAG_SYMBOLS_END_NS UINT64_C(20000000000)     /* files wait for names of a program */
#define THAG_SYMBOLS_LEAVE_NS UINT64_C(3000000000)    /* the same, when thagd ends */
#define THAG_SYMBOLS_EXPORT_NS UINT64_C(2000000000)   /* an export waits for names */
#define THAG_SYMBOLS_LIMIT_MS 250 /* those limits are heeded at most so much late */
#define THAG_SYMBOLS_DEATHS_MAX 8 /* of the reading process, by files of one session */
#define THAG_SYMBOLS_BAD_MAX 256  /* files remembered for it */
#define THAG_SYMBOLS_FLUSH_NS UINT64_C(2000000000)
#define THAG_SYMBOLS_IDLE_NS UINT64_C(30000000000) /* then the reading process ends */
#define THAG_SYMBOLS_REAP_MS 5			   /* between two looks whether it has ended … */
#define THAG_SYMBOLS_REAP_TRIES 200		   /* … and how many there are */
#define THAG_SYMBOL_CACHE_OPEN_MAX 16
#define THAG_SYMBOL_CACHE_FILES_MAX 512
#define THAG_SYMBOL_CACHE_BYTES_MAX (UINT64_C(256) << 20)
#define THAG_SYMBOL_CACHE_LISTED_MAX 8192

/* files */
#define THAG_STEM_TRIES 1000
#define THAG_SESSION_FILES_MAX 5 /* that one session leaves */
#define THAG_PATH_BYTES 4096

#endif
