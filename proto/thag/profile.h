/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A profile as bytes, with all that is known of it: what thagd gives `thag` for its statistics,
 * differences and pictures. Both are of one version; it is no format for files that are kept.
 *
 *   +---------------------+-------------------------+-------------------------------+
 *   | thag_stored_profile | thag_stored_name [n]    | u32 bytes of file [n]         |
 *   +---------------------+----+--------------------+--+----------------------------+
 *   | thag_stored_node [n]     | thag_stored_count [n] | thag_frame_heap [n or 0]   |
 *   +--------------------------+-----------------------+-------+--------------------+
 *   | texts of the names, then those of the files, one after the other              |
 *   +-------------------------------------------------------------------------------+
 *
 * Little-endian. Texts are any bytes, not terminated. Parents come before their children.
 */
#ifndef THAG_PROTO_PROFILE_H
#define THAG_PROTO_PROFILE_H

#include <stdint.h>

#define THAG_STORED_MAGIC UINT32_C(0x50474854) /* "THGP" */
#define THAG_STORED_VERSION 1

/**
 *   0 magic 4, version 4 | 8 ns_per_tick | 16 metric 4, flags 4 | 24 names 4, files 4
 *  32 nodes 4, counts 4 | 40 heaps 4, 0 4 | 48 text_bytes | 56 peak_bytes
 */
struct thag_stored_profile {
	uint32_t magic;
	uint32_t version;
	double ns_per_tick;
	uint32_t metric; /* enum thag_metric: what self values count */
	uint32_t flags;	 /* enum thag_frame_flags */
	uint32_t names;	 /* the first is the root's */
	uint32_t files;	 /* the first is "" */
	uint32_t nodes;	 /* the first is the root */
	uint32_t counts;
	uint32_t heaps; /* as many as nodes, or none */
	uint32_t reserved;
	uint64_t text_bytes;
	uint64_t peak_bytes; /* of the process; with heaps */
};

/**
 *   0 bytes 4, file 4 | 8 line 4, flags 4
 */
struct thag_stored_name {
	uint32_t bytes;
	uint32_t file; /* of the files */
	uint32_t line;
	uint32_t flags; /* enum thag_frame_node_flags */
};

/**
 *   0 parent 4, name 4 | 8 flags 4, counts 4 | 16 calls | 24 self | 32 total | 40 min | 48 max
 *  56 wait | 64 open
 */
struct thag_stored_node {
	uint32_t parent; /* UINT32_MAX of the root */
	uint32_t name;
	uint32_t flags;	 /* enum thag_frame_node_flags */
	uint32_t counts; /* so many are its, behind those of the nodes before it */
	uint64_t calls;
	uint64_t self;	/* nanoseconds, or what the metric counts */
	uint64_t total; /* ticks, as the rest */
	uint64_t min;	/* UINT64_MAX without calls */
	uint64_t max;
	uint64_t wait;
	uint64_t open;
};

/** Calls whose durations are in a bucket of core/thag_hist.h, of ticks. */
struct thag_stored_count {
	uint32_t bucket;
	uint32_t reserved;
	uint64_t calls;
};

_Static_assert(sizeof(struct thag_stored_profile) == 64, "layout");
_Static_assert(sizeof(struct thag_stored_name) == 16, "layout");
_Static_assert(sizeof(struct thag_stored_node) == 72, "layout");
_Static_assert(sizeof(struct thag_stored_count) == 16, "layout");

#endif
