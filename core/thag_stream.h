/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Decode: the words of one ring become calls in the trees of the threads that wrote them.
 *
 * Words are given in order, in pieces of any size: the outcome doesn't depend on where they are
 * cut. No word is trusted: what makes no sense is counted and changes nothing else.
 *
 * Thread: owner of the ring. Allocates when trees or stacks grow. No I/O.
 */
#ifndef THAG_STREAM_H
#define THAG_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "thag_tree.h"

/**
 * A frame that is open. One with the node of the frame below it is not told apart from that:
 * a section that ended below the top, or a call the tree has no room for.
 */
struct thag_frame {
	uint64_t start;	  /* ticks: since when its time goes to `node` */
	uint64_t carried; /* ticks of this call that went to other nodes before */
	uint32_t node;
	uint32_t site;
};

/** One thread of a program: its tree, its open frames, its counts. Made by the session. */
struct thag_thread {
	uint32_t tid;
	uint32_t ended;
	struct thag_tree tree;
	struct thag_frame *stack; /* stack[0] stands for the root, stack[depth] is the top */
	uint32_t depth;
	uint32_t stack_capacity;
	uint32_t base;	      /* frames below the stack that were opened before we listened */
	uint32_t late;	      /* set when we joined late: how many they are isn't known yet */
	uint64_t first_ticks; /* of its first event, 0 before */
	uint64_t last_ticks;  /* of its latest event */
	uint64_t calls;	      /* frames closed by their own exit */
	uint64_t truncated;   /* frames closed because their thread or program went away */
	uint64_t unwound;     /* frames closed by the exit of a frame below (longjmp, …) */
	uint64_t unmatched;   /* exits with no open frame */
};

int thag_thread_init(struct thag_thread *thread, uint32_t tid, uint32_t node_limit);
void thag_thread_fini(struct thag_thread *thread);

/** Opens a frame for `site`; 0 stands for a section that has ended below the top. */
void thag_thread_open(struct thag_thread *thread, uint32_t site, uint64_t now);

/** Closes every open frame at the thread's last event, as truncated. */
void thag_thread_close(struct thag_thread *thread);

/**
 * The time of the thread's open frames, as if they all ended at `now` (ticks), added to the
 * totals of `tree`, a copy of the thread's own. Calls are not counted.
 */
void thag_thread_add_open(const struct thag_thread *thread, struct thag_tree *tree, uint64_t now);

/** Called by the decoder; `tid` comes from the program. May return NULL: events are dropped. */
typedef struct thag_thread *thag_stream_start_fn(void *context, uint32_t tid);
typedef void thag_stream_end_fn(void *context, struct thag_thread *thread);

/** The decoder of one ring. Zero it, set the callbacks and `last_ticks`, and feed it. */
struct thag_stream {
	thag_stream_start_fn *thread_start;
	thag_stream_end_fn *thread_end;
	void *context;
	struct thag_thread *thread; /* the one that writes now, NULL before the first */
	uint64_t last_ticks;	    /* the latest time seen: times are unfolded around it */
	uint64_t events;	    /* words of kinds that stand for an event, decoded */
	uint64_t lost_calls;	    /* as LOST events told */
	uint64_t skewed;	    /* events earlier than the one before: clamped to it */
	uint64_t invalid;	    /* words that made no sense */
	uint64_t orphans;	    /* events before the first THREAD_START */
	uint32_t pending_ext;	    /* an EXT whose payload has not all come */
	uint32_t pending_words;
	uint32_t payload_count;
	uint64_t payload[3];
};

/** Decodes `count` words. Never fails: see the counts. */
void thag_stream_feed(struct thag_stream *stream, const uint64_t *words, size_t count);

#endif
