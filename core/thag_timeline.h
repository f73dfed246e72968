/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The timeline of a session: all chunks of all its rings (thag_chunk.h), and what is asked of them.
 *
 * Each ring has a pyramid: of four chunks that follow each other one of the next level is made,
 * which has their summaries as one. So whatever part of time is looked at, a bounded number of
 * summaries shows it: those whose columns are just fine enough. Where even those of single chunks
 * are too coarse, the words of a few chunks are decoded.
 *
 * Memory is bounded by a budget. Beyond it the oldest words go, then the oldest summaries of the
 * lowest level where a higher one covers them, and so on: the newest is whole, and the older it is
 * the coarser. What can be loaded again (a recording's) goes in the order it was last used.
 *
 * The words that are in no chunk yet take part as `open` chunks: see struct thag_timeline_open.
 *
 * Thread: one at a time; queries change it, too, where parts are loaded. Allocates within the
 * budget and the limits of each query. I/O only in the callbacks.
 */
#ifndef THAG_TIMELINE_H
#define THAG_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag_chunk.h"
#include "thag_notes.h"
#include "thag_slices.h"
#include "thag_tree.h"

#define THAG_TIMELINE_BUDGET (UINT64_C(256) << 20)
#define THAG_TIMELINE_LANES_MAX 4096   /* of one query */
#define THAG_TIMELINE_COLUMNS_MAX 8192 /* of one query */
#define THAG_TIMELINE_ROWS_MAX 4096    /* of one query */
#define THAG_TIMELINE_SLOWEST_MAX 1000

struct thag_timeline;

/**
 * Puts a part of a chunk that was added with `token` into `out`, which is empty. 0, -ENOMEM, or
 * what else went wrong: then it counts as dropped.
 */
typedef int thag_timeline_load_fn(void *context, uint64_t token, const struct thag_chunk_head *head,
				  enum thag_chunk_part part, struct thag_buffer *out);

/**
 * A chunk of a level above 0 was made, and is about to be added. May keep a copy elsewhere. Returns
 * a token by which its parts can be loaded, or 0.
 */
typedef uint64_t thag_timeline_made_fn(void *context, const struct thag_chunk *chunk);

struct thag_timeline_options {
	uint64_t budget_bytes;	     /* 0: THAG_TIMELINE_BUDGET */
	thag_timeline_load_fn *load; /* NULL: what was dropped is gone */
	thag_timeline_made_fn *made; /* NULL: nobody wants to know */
	void *context;
};

/** 0 or -ENOMEM. */
int thag_timeline_create(struct thag_timeline **out, const struct thag_timeline_options *options);
void thag_timeline_destroy(struct thag_timeline *timeline);

/** Gives back what is beyond `bytes`, once, whatever its budget is. */
void thag_timeline_shrink(struct thag_timeline *timeline, uint64_t bytes);

/**
 * Adds a chunk of level 0, encoded and summarised: the next of its ring. Takes its parts: `chunk`
 * is empty afterwards, whatever is returned. `token`: by which they can be loaded again, 0: they
 * can't. Makes the chunks of higher levels that are due. 0; -EINVAL: it has no
 * words, or isn't behind the ring's chunks before; -ENOMEM: it isn't in the timeline, which goes on
 * with a gap.
 */
int thag_timeline_add(struct thag_timeline *timeline, struct thag_chunk *chunk, uint64_t token);

/**
 * Adds a chunk of any level of which only the head is here; its parts are loaded when needed, by
 * `token`, not 0. Of each level those of a ring come in order, and one of a higher level behind
 * those of the lower that it is made of. Some may be missing: those below are looked at then. 0,
 * -EINVAL: it doesn't fit behind those there are; or -ENOMEM.
 */
int thag_timeline_add_stored(struct thag_timeline *timeline, const struct thag_chunk_head *head,
			     uint64_t token);

/**
 * Makes a chunk of a higher level that is due and isn't there, of what was added as stored: parts
 * of the chunks below it are loaded. 1: it made one; 0: none is due; or -ENOMEM. Until none is,
 * answers are the same, and take longer.
 */
int thag_timeline_complete(struct thag_timeline *timeline);

/** What the timeline holds, of all its rings. */
struct thag_timeline_facts {
	uint64_t chunks;	 /* of level 0, that were added */
	uint64_t words, events;	 /* in them */
	uint64_t bytes;		 /* of memory, now */
	uint64_t dropped_chunks; /* whose words went, and can't be loaded */
	uint64_t dropped_words;	 /* in these */
	uint64_t lost_chunks;	 /* of which no summary is left, either */
	uint64_t first_ticks, last_ticks;
	uint64_t whole_ticks; /* from here on all words are there */
};

void thag_timeline_facts(const struct thag_timeline *timeline, struct thag_timeline_facts *facts);

/** A ring as the timeline knows it. */
struct thag_timeline_ring {
	uint32_t ring;
	uint32_t rows[THAG_LANE_KINDS]; /* that its lanes have */
	uint64_t first_ticks, last_ticks;
	uint64_t events;
	uint64_t next_pos; /* of the first word that was not added yet */
};

/** The rings, by number; returns how many there are, of which up to `room` are in `out`. */
size_t thag_timeline_rings(const struct thag_timeline *timeline, struct thag_timeline_ring *out,
			   size_t room);

/** Whether anything of that ring was added. */
bool thag_timeline_has_ring(const struct thag_timeline *timeline, uint32_t ring);

/** Chunks that are not in the timeline yet, one a ring: what is being filled. They lie behind those
 * of their rings that were added. All zero: none. */
struct thag_timeline_open {
	const struct thag_chunk_raw *const *chunks;
	size_t count;
};

/*
 * View: slices of a window.
 */

struct thag_view_lane {
	uint32_t ring;
	uint32_t kind; /* enum thag_lane_kind */
	uint32_t first_row;
	uint32_t rows; /* up to THAG_CHUNK_ROWS_MAX */
};

/** About what an answer of 128 KiB may have. */
#define THAG_VIEW_SLICES 14000

struct thag_view_query {
	uint64_t from, to; /* ticks, the end exclusive */
	uint32_t columns;  /* 1 … THAG_TIMELINE_COLUMNS_MAX: an answer's are at most so many */
	uint32_t lane_count;
	const struct thag_view_lane *lanes; /* by ring, then by kind; none twice */
	struct thag_timeline_open open;
	/*
	 * Words that are decoded at most: what would need more is drawn from summaries, coarser
	 * than it could be, and the answer says so. 0: as many as it takes.
	 */
	uint64_t words_max;
	/*
	 * Slices that are wanted at most: MERGED ones that are alike become one over several
	 * columns, and rows with more than their share get coarser columns. 0: as many as there
	 * are, at most two for each column of a row, and one more.
	 */
	uint32_t slices_max;
};

/** A row that has slices. */
struct thag_view_row {
	uint32_t lane; /* index in the query's lanes */
	uint32_t row;
	uint32_t shift; /* log2 of a column's ticks; columns are as in thag_slices.h */
	uint32_t first; /* of its slices in the answer */
	uint32_t count;
};

enum thag_view_flags {
	THAG_VIEW_COARSE = 1, /* something is drawn by wider columns than others */
	THAG_VIEW_HOLES = 2,  /* of some time in the window nothing is there */
	THAG_VIEW_CUT = 4,    /* of some nothing was looked at: too many words at once */
};

/**
 * An answer, whose memory is used again by the next: calls that are at least a column long, cut
 * off at the window's edges, whose columns are whole; and of the others one for each column, as
 * thag_slices.h says. All zero is valid and empty.
 */
struct thag_view {
	struct thag_view_row *rows; /* by lane, then by row */
	struct thag_slice *slices;
	uint32_t row_count, row_capacity;
	uint32_t slice_count, slice_capacity;
	uint32_t shift;	    /* of rows that are not coarser */
	uint32_t flags;	    /* enum thag_view_flags */
	uint64_t from, to;  /* ticks: of the window, whole columns */
	uint64_t summaries; /* that were read */
	uint64_t words;	    /* that were decoded */
	struct thag_view_state *state;
};

void thag_view_fini(struct thag_view *view);

/** Answers `query`. 0, -EINVAL for one that makes no sense, or -ENOMEM with an empty answer. */
int thag_timeline_view(struct thag_timeline *timeline, const struct thag_view_query *query,
		       struct thag_view *view);

/**
 * Appends the answer to `out` as it goes to a browser, about 6 bytes a slice. All numbers are
 * little-endian, or of variable length: 7 bits a byte, the lowest first, the top bit set in all but
 * the last.
 *
 *   uint64_t from, to (ticks); uint32_t shift, flags, rows, 0
 *   of each row uint32_t lane, row, shift, slices, bytes
 *   of each row its slices:
 *     number   distance << 3 | has flags << 2 | other site << 1 | MERGED
 *     number   flags but MERGED, where it has any
 *     number   site, where it isn't that of the slice before in the row (0 before the first)
 *     MERGED:  number of columns, number of calls, byte: 255ths of the columns that are covered
 *     else:    number of ticks
 *
 * The distance is signed, its sign in the lowest bit: in ticks, or of a MERGED slice in columns,
 * from the end of the slice before, where that is MERGED from the begin of its last column; before
 * the first it is from `from`. 0 or -ENOMEM.
 */
int thag_view_write(const struct thag_view *view, struct thag_buffer *out);

/*
 * Tree: what a range of time adds up to.
 */

/** The tree that calls of a thread are to be added to. NULL: they are left out. */
typedef struct thag_tree *thag_timeline_tree_fn(void *context, uint32_t tid);

struct thag_range_query {
	uint64_t from, to; /* ticks, the end exclusive */
	thag_timeline_tree_fn *tree;
	void *context;
	struct thag_timeline_open open;
};

enum thag_range_flags {
	THAG_RANGE_ESTIMATED = 1, /* where an edge lies in chunks without words: in proportion */
	THAG_RANGE_HOLES = 2,	  /* of some time in the range nothing is there any more */
};

struct thag_range_facts {
	uint32_t flags;	 /* enum thag_range_flags */
	uint64_t events; /* in chunks that are wholly in the range, and of the others' in proportion
			  */
	uint64_t summaries, words; /* that were read, decoded */
};

/**
 * Adds to trees what happened in a range: time that frames were open in it, and calls that ended in
 * it, each with its whole duration. Waits of tasks are not told. 0 or -ENOMEM: then some is
 * missing.
 */
int thag_timeline_tree(struct thag_timeline *timeline, const struct thag_range_query *query,
		       struct thag_range_facts *facts);

/** A call. */
struct thag_slow_call {
	uint64_t start;	   /* ticks */
	uint64_t duration; /* ticks that its stack ran */
	uint32_t ring;
	uint32_t tid;
};

struct thag_slowest_query {
	uint64_t from, to; /* ticks, the end exclusive: calls that ended in it */
	uint32_t site;
	uint32_t count; /* 1 … THAG_TIMELINE_SLOWEST_MAX */
	struct thag_timeline_open open;
};

/**
 * The longest calls of a site, the longest first, into `out`, which has room for query->count;
 * `*found` is set to how many. Where words are gone, of each path the longest of each summary.
 * 0, -EINVAL or -ENOMEM.
 */
int thag_timeline_slowest(struct thag_timeline *timeline, const struct thag_slowest_query *query,
			  struct thag_slow_call *out, uint32_t *found);

/*
 * Calls: all of a range, one by one.
 */

#define THAG_CALLS_MAX (UINT32_C(1) << 20)

enum thag_call_kind {
	THAG_CALL_FUNCTION,
	THAG_CALL_SECTION,
	THAG_CALL_TASK, /* a task ran on a thread: one of each time that it did */
	THAG_CALL_MARK,
	THAG_CALL_VALUE,
};

enum thag_call_flags {
	THAG_CALL_BEFORE = 1,	  /* began before the range */
	THAG_CALL_AFTER = 2,	  /* wasn't over where the range ends, or what is known */
	THAG_CALL_WAITED = 4,	  /* of a task that had been put aside meanwhile */
	THAG_CALL_WAITS = 8,	  /* its task was put aside */
	THAG_CALL_UNWOUND = 16,	  /* an exception, or a jump, ended it */
	THAG_CALL_TRUNCATED = 32, /* its thread ended */
	THAG_CALL_CROSSES =
		64, /* a section that ended while calls were open that it began before */
	THAG_CALL_IN_TASK = 128, /* of a task that ran on the thread, not of the thread's own */
};

/** A call, a section, a task's run, a mark or a value. */
struct thag_call {
	uint64_t start, end; /* ticks */
	union {
		uint64_t task; /* of THAG_CALL_TASK: its id */
		int64_t value; /* of THAG_CALL_VALUE */
	};
	uint32_t site;
	uint32_t tid;
	uint32_t depth;
	uint16_t kind;	/* enum thag_call_kind */
	uint16_t flags; /* enum thag_call_flags */
};

struct thag_calls_query {
	uint64_t from, to; /* ticks, the end exclusive */
	uint32_t tid;	   /* 0: of all threads */
	uint32_t most;	   /* 2 … THAG_CALLS_MAX */
	struct thag_timeline_open open;
};

/** An answer. All zero is valid and empty. */
struct thag_calls {
	struct thag_call *calls; /* by their start, those around others first */
	size_t count, capacity;
	uint64_t to;	       /* ticks: the range's end; earlier where there were too many calls */
	uint64_t last_ticks;   /* the latest moment that was seen */
	uint64_t missing_from; /* ticks: between these some calls … */
	uint64_t missing_to;   /* … are not kept any more; both 0: there are none */
	uint64_t missing_events; /* in chunks of which there are only summaries */
	bool cut;		 /* `to` is earlier than was asked for */
};

void thag_calls_fini(struct thag_calls *calls);

/**
 * All that went on in a range, cut off at its edges. With more than `most` the range ends where
 * about half as many are in it. A task's calls are in pieces: one of each time that it ran. 0,
 * -EINVAL or -ENOMEM; `calls` is to be freed either way.
 */
int thag_timeline_calls(struct thag_timeline *timeline, const struct thag_calls_query *query,
			struct thag_calls *calls);

struct thag_notes_query {
	uint64_t from, to; /* ticks, the end exclusive */
	uint32_t columns;
	uint32_t site; /* 0: of all */
	struct thag_timeline_open open;
};

/**
 * Appends marks and values to `out` as struct thag_note_point: by site, then by time, of all rings
 * together. 0, -EINVAL or -ENOMEM.
 */
int thag_timeline_notes(struct thag_timeline *timeline, const struct thag_notes_query *query,
			struct thag_buffer *out);

/**
 * How busy a ring was: of each of `columns` equal parts of from … to, the share in which anything
 * was open, 0 to 255. `out`: `columns` bytes. 0, -EINVAL or -ENOMEM.
 */
int thag_timeline_activity(struct thag_timeline *timeline, uint32_t ring, uint64_t from,
			   uint64_t to, uint32_t columns, struct thag_timeline_open open,
			   uint8_t *out);

#endif
