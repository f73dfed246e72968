/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile to look at: the trees of one or more threads merged by name, in nanoseconds, with
 * self times, and corrected for the cost of recording unless asked for raw.
 *
 * Correction. A recorded call costs `cost_inside` between its two clock reads, which is in its
 * own time, and `cost_outside` around them, which is in its caller's self time:
 *
 *   self(n)  = max(0, total(n) - sum of children's total - calls(n) * inside
 *                     - sum of children's calls * outside)
 *   total(n) = self(n) + sum of children's corrected totals
 *
 * so self times add up to their root's total exactly, raw or corrected. Each self time is worked
 * out in ticks and then rounded to nanoseconds, so a total may differ from its own ticks by half
 * a nanosecond a node below it. The root of a merged profile is the sum of its threads; where a
 * thread's root has no time of its own, that of its children.
 *
 * Thread: owner. Allocates; no I/O.
 */
#ifndef THAG_PROFILE_H
#define THAG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "thag/frames.h"
#include "thag_buffer.h"
#include "thag_names.h"
#include "thag_tasks.h"
#include "thag_tree.h"

/** How ticks become nanoseconds, and what a call's recording costs. */
struct thag_scale {
	double ns_per_tick;
	uint32_t cost_inside;  /* 1/256 tick */
	uint32_t cost_outside; /* 1/256 tick */
	bool raw;	       /* leave the cost in */
};

struct thag_profile_node {
	uint64_t id; /* hash of the path of names; 0 is never used */
	uint64_t total_ns;
	uint64_t self_ns;
	uint64_t calls;
	uint64_t min_ns;  /* raw; 0 when calls is 0 */
	uint64_t max_ns;  /* raw */
	uint64_t wait_ns; /* while its calls were open without running; raw, beside the total */
	uint64_t open_ns; /* the part of the total that is of calls still open */
	uint32_t name;	  /* index for thag_profile_name; the root's is the program's */
	uint32_t parent;  /* UINT32_MAX for the root */
	uint32_t first_child, next_sibling; /* by name, bytewise; 0: none */
	uint32_t depth;
	uint32_t flags; /* enum thag_frame_node_flags */
};

struct thag_profile;

/** By what a function is known in frames: the same wherever its name is. */
uint64_t thag_profile_function_id(const char *name, size_t bytes);

/** `root_name`: what the root frame is called, the program's name. */
int thag_profile_create(struct thag_profile **out, const char *root_name);
void thag_profile_destroy(struct thag_profile *profile);

/**
 * Before anything is added: durations are kept by path as well as by function, at the price of
 * their memory; see thag_paths_quantiles. 0 or -ENOMEM.
 */
int thag_profile_keep_paths(struct thag_profile *profile);

/**
 * Adds a thread's tree. Both are only read, and may go away afterwards. `open` lists frames that
 * are open now, whose time so far is in the tree (their nodes get THAG_FRAME_NODE_OPEN). 0 or
 * -ENOMEM; after that the profile can only be destroyed.
 */
int thag_profile_add(struct thag_profile *profile, const struct thag_tree *tree,
		     const struct thag_names *names, const struct thag_open *open,
		     size_t open_count);

/** Computes times, order and ids. Call once, after the last add. 0 or -ENOMEM. */
int thag_profile_finish(struct thag_profile *profile, const struct thag_scale *scale);

/**
 * Changes the order of a finished profile's children from that of names to that of totals, the
 * largest first, equal ones by name. 0, or -ENOMEM; after that the profile can only be destroyed.
 */
int thag_profile_put_heavy_first(struct thag_profile *profile);

/* The rest needs a finished profile. */

/** Nodes, the root first and each before its children; borrowed. */
const struct thag_profile_node *thag_profile_nodes(const struct thag_profile *profile,
						   uint32_t *count);

/** A node's name: bytes, not necessarily UTF-8; terminated; borrowed. */
const char *thag_profile_name(const struct thag_profile *profile, uint32_t name, size_t *bytes);

/** A file that a place of a heap's profile names, likewise; "" when it isn't known. */
const char *thag_profile_file(const struct thag_profile *profile, uint32_t file, size_t *bytes);

#define THAG_FOLDED_BYTES_MAX (UINT64_C(256) << 20)
#define THAG_FOLDED_DEEPER "<deeper>"

/**
 * Appends the folded stacks: `a;b;c N`, N the self time in ns, a line for each stack with N > 0,
 * lines sorted bytewise. The root is left out, and so is its own self time. Names are written by
 * thag_text_append_frame, so that none can forge a frame, a line or a number, at most
 * THAG_FRAME_NAME_MAX bytes each. Lines whose stacks come out equal are summed.
 *
 * A stack a million deep, with time on each level, would need terabytes: when the text might pass
 * THAG_FOLDED_BYTES_MAX, the deepest levels are summed under the frame THAG_FOLDED_DEEPER, as few
 * as that takes. 0, or -ENOMEM with nothing appended.
 */
int thag_folded_write(const struct thag_profile *profile, struct thag_buffer *out);

#define THAG_FLAME_DEPTH_MAX 4096   /* levels below the focus */
#define THAG_FLAME_NODES_MAX 100000 /* below the focus, and again above it */

struct thag_flame_query {
	uint64_t focus;		     /* node id, 0 or unknown: the root */
	uint32_t width_px;	     /* 0: no node is too narrow */
	enum thag_frame_type type;   /* of the message; 0: THAG_FRAME_FLAME */
	const char *search;	     /* as thag_search.h has it; "" or NULL: none */
	struct thag_frame_diff base; /* of a difference: what the message says of its base */
};

/** What frames say about the session; see struct thag_frame_header. */
struct thag_frame_facts {
	uint32_t sequence, flags, thread, cost_ns_x256;
	uint64_t session, time_ns, events, lost, truncated, duration_ns;
};

/**
 * Appends a FLAME message of proto/thag/frames.h: the path to the focus, and below it what is at
 * least half a pixel wide, whole levels of it as far as the limits above allow; `hidden_nodes`
 * counts what else is below the focus. A focus too deep for its path to be sent is replaced by
 * the caller above it that isn't.
 *
 * Of a profile of thag_diff.h it is a DIFF message.
 *
 * The search looks at the whole tree. A frame below a match adds nothing to `matched_ns`, but its
 * calls do to `matched_calls`. The root, being no function, doesn't match. 0, or -ENOMEM with
 * nothing appended.
 */
int thag_flame_write(const struct thag_profile *profile, const struct thag_flame_query *query,
		     const struct thag_frame_facts *facts, struct thag_buffer *out);

/**
 * Appends a DURATIONS message of a function of a profile of time, by the hash of its name. 0, or
 * -ENOMEM with nothing appended.
 */
int thag_durations_write(const struct thag_profile *profile, uint64_t function,
			 const struct thag_frame_facts *facts, struct thag_buffer *out);

enum thag_table_sort {
	THAG_SORT_SELF,
	THAG_SORT_TOTAL,
	THAG_SORT_CALLS,
	THAG_SORT_NAME,
	THAG_SORT_MEAN,
	THAG_SORT_P50,
	THAG_SORT_P99,
	THAG_SORT_MAX,
};

/**
 * Appends a TABLE message, at most THAG_FRAME_ROWS_MAX rows, largest first (names: a to z), equal
 * ones by name. A row's total counts the outermost of recursive calls only, its mean is what of
 * that is of finished calls, by calls, and its durations are raw. Without a search nothing is
 * `matched`. 0, or -ENOMEM with nothing appended.
 */
int thag_table_write(const struct thag_profile *profile, enum thag_table_sort sort,
		     const char *search, const struct thag_frame_facts *facts,
		     struct thag_buffer *out);

#endif
