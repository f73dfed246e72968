/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Shared memory between a profiled program and thagd. Two memfds:
 *
 *   the program's, sealed SHRINK|GROW|FUTURE_WRITE|SEAL; thagd maps it read-only:
 *
 *     0          +--------------------------------+
 *                | struct thag_shm_header         |  one page, and the texts
 *     THREADS    +--------------------------------+
 *                | struct thag_shm_thread [slots] |  what a kill must not lose
 *     MODULES    +--------------------------------+
 *                | struct thag_shm_module [4096]  |
 *     SITES      +--------------------------------+
 *                | struct thag_shm_site [2^20]    |
 *     TRACES     +--------------------------------+
 *                | struct thag_shm_trace [2^22]   |
 *     STRINGS    +--------------------------------+
 *                | names, paths; bump-allocated   |
 *     RINGS      +--------------------------------+
 *                | ring 0 (8 MiB) | ring 1 | …    |  slots rings; untouched pages cost nothing
 *                +--------------------------------+
 *
 *   thagd's, sealed SHRINK|GROW; the program maps it read-only:
 *
 *     0          +--------------------------------+
 *                | struct thag_shm_consumer_header|
 *     CONSUMERS  +--------------------------------+
 *                | struct thag_shm_consumer[slots]|  128 bytes each: how far each ring was read
 *                +--------------------------------+
 *                | struct thag_shm_stack[slots]   |  1 KiB each: for a later thagd
 *                +--------------------------------+
 *
 * Each side trusts nothing of the other's: the offsets are constants, the slot count is checked
 * against the file's size, and every field is copied before it is checked.
 */
#ifndef THAG_SHM_H
#define THAG_SHM_H

#include <stddef.h>
#include <stdint.h>

#include "words.h"

#define THAG_SHM_MAGIC UINT64_C(0x1a0a0d6d68736774)	 /* "tgshm\r\n\x1a", little-endian */
#define THAG_CONSUMER_MAGIC UINT64_C(0x1a0a0d6e6f636774) /* "tgcon\r\n\x1a" */
#define THAG_SHM_VERSION 3
#define THAG_SHM_BYTE_ORDER UINT32_C(0x01020304)

#define THAG_SLOTS_MAX 1024 /* threads recorded at once */
#define THAG_SITES_MAX (UINT32_C(1) << 20)
#define THAG_MODULES_MAX 4096
#define THAG_BUILD_ID_MAX 32
#define THAG_STRINGS_BYTES (UINT32_C(64) << 20)
#define THAG_SITE_OVERFLOW 1 /* the site of every call whose own found no room */
#define THAG_SITE_FIRST 2    /* the first id given out; 0 means "not registered" */
#define THAG_SITE_NAME_MAX (UINT32_C(1) << 20) /* bytes of one name; longer ones are cut */

#define THAG_TEXT_BYTES 4096

enum thag_clock { THAG_CLOCK_TSC = 1, THAG_CLOCK_MONOTONIC = 2, THAG_CLOCK_CNTVCT = 3 };

/** Bits of modes: what is being profiled. Calls are recorded when any of them is on. */
enum thag_mode_bits { THAG_MODE_TIME = 1, THAG_MODE_MEMORY = 2 };

/** Bits of thag_shm_header.flags. */
enum thag_shm_flags {
	THAG_SHM_FUNCTIONS = 1,	  /* functions are instrumented by the compiler */
	THAG_SHM_DETAIL = 2,	  /* detailed memory profiling was asked for: traces */
	THAG_SHM_FREE_TRACES = 4, /* traces of frees, as well */
	THAG_SHM_MAPS = 8,	  /* pages that the program maps itself count, too */
	THAG_SHM_PRELOADED = 16,  /* by libthag-preload: the program needn't know of us */
	THAG_SHM_OWN_MALLOC = 32, /* the program has a malloc of its own, before ours: unseen */
};

/** What a program did wrong with the interface, by indices of thag_shm_header.misuses. */
enum thag_misuse {
	THAG_MISUSE_TASK = 0,	 /* resumed or destroyed while it runs elsewhere, or gone; … */
	THAG_MISUSE_SECTION = 1, /* ended twice, never begun, or on another thread */
	THAG_MISUSE_NAME = 2,	 /* NULL, or longer than THAG_SITE_NAME_MAX */
	THAG_MISUSE_COUNT
};

/**
 * The head of the program's memfd. Written once, before the memfd is sent, except for the
 * fields under "later". Times: `ticks` by `clock`, `_ns` by CLOCK_MONOTONIC or CLOCK_REALTIME.
 *
 *   0  magic 8 | 8 version 4, byte_order 4 | 16 header_bytes 4, slots 4 | 24 sites 4, ring_words 4
 *  32  pid 4, clock 4 | 40 modes 4, flags 4 | 48 start_ticks | 56 start_mono_ns | 64 start_real_ns
 *  72  cost_inside | 76 cost_outside | 80 nonce 16 | 96 size_threshold | 104 sample_bytes
 * 112  reserved
 * 128  site_count 4, strings_used 4 | 136 exited 4, refused_threads 4 | 144 slots_used 4, active 4
 * 152  module_count 4, refused_tasks 4 | 160 misuses 3 x 4 | 172 heeded 4
 * 176  trace_count 4, lost_traces 4 | 184 memory_pauses 4, 0
 * 192  text_bytes[4] | 208 reserved | 256 texts: exe, cwd, argv, output_dir (4096 each)
 */
struct thag_shm_header {
	uint64_t magic;
	uint32_t version;
	uint32_t byte_order;
	uint32_t header_bytes; /* sizeof(struct thag_shm_header) */
	uint32_t slots;	       /* rings in the file, 1 … THAG_SLOTS_MAX */
	uint32_t sites;	       /* THAG_SITES_MAX */
	uint32_t ring_words;   /* THAG_RING_WORDS */
	uint32_t pid;	       /* as the program sees it; thagd asks the kernel */
	uint32_t clock;	       /* enum thag_clock */
	uint32_t modes;	       /* enum thag_mode_bits: as asked for at the start */
	uint32_t flags;	       /* enum thag_shm_flags */
	uint64_t start_ticks;
	uint64_t start_mono_ns;
	uint64_t start_real_ns;
	uint32_t cost_inside;	 /* a call's own cost between its two clock reads, 1/256 tick */
	uint32_t cost_outside;	 /* the rest of its cost, paid by its caller, 1/256 tick */
	uint8_t nonce[16];	 /* random; names the session across restarts of thagd */
	uint64_t size_threshold; /* only larger allocations are recorded */
	/*
	 * 0: every allocation is recorded. Else a Poisson process over the bytes allocated picks
	 * them, one in so many bytes: one of s bytes with probability 1 - exp(-s / sample_bytes).
	 */
	uint64_t sample_bytes;
	uint8_t reserved0[16];

	/* later; atomics */
	uint32_t site_count;	  /* ids given out: the entries below it may be valid */
	uint32_t strings_used;	  /* bytes; may pass THAG_STRINGS_BYTES when full */
	uint32_t exited;	  /* 1 after a normal exit */
	uint32_t refused_threads; /* threads that found no free slot */
	uint32_t slots_used;   /* slots below it have been, or are being, claimed at least once */
	uint32_t active;       /* enum thag_mode_bits: what is recorded now; 0 while switched off */
	uint32_t module_count; /* ids given out: the entries below it may be valid */
	uint32_t refused_tasks; /* tasks that found no room */
	uint32_t misuses[THAG_MISUSE_COUNT];
	uint32_t heeded;	/* number of the user's wish that was heeded last, see THAG_WISH */
	uint32_t trace_count;	/* ids given out: the entries below it may be valid */
	uint32_t lost_traces;	/* stacks that found no room, or could not be walked */
	uint32_t memory_pauses; /* times that memory was switched off: frees went unseen */
	uint8_t reserved1[4];

	uint32_t text_bytes[4]; /* lengths of the texts, enum thag_text */
	uint8_t reserved2[48];
	uint8_t text[4][THAG_TEXT_BYTES]; /* argv: arguments separated by NUL */
};

enum thag_text { THAG_TEXT_EXE, THAG_TEXT_CWD, THAG_TEXT_ARGV, THAG_TEXT_OUTPUT_DIR };

/**
 * A ring slot's side of the story that must survive a kill. Writer: the thread that owns the
 * slot (`state` and `tid`: whoever claims it). Alone on its 128 bytes, so that slots don't share
 * a cache line or an adjacent-line pair.
 *
 *   0 state 4, tid 4 | 8 lost_calls | 16 skewed | 24 waits | 32 generation 4, 0 | 40 lost_memory
 *  48 skipped_allocs | 56 skipped_bytes | 64 reserved
 */
struct thag_shm_thread {
	uint32_t state; /* enum thag_slot_state */
	uint32_t tid;
	uint64_t lost_calls; /* calls not recorded for want of room, over all owners */
	uint64_t skewed;     /* events whose clock ran backwards and was clamped */
	uint64_t waits;	     /* times a thread waited for room */
	uint32_t generation; /* owners so far */
	uint32_t reserved0;
	uint64_t lost_memory;	 /* allocations and frees not recorded for want of room */
	uint64_t skipped_allocs; /* allocations not above the size threshold */
	uint64_t skipped_bytes;	 /* in them */
	uint8_t reserved[64];
};

enum thag_slot_state { THAG_SLOT_FREE = 0, THAG_SLOT_BUSY = 1 };

/**
 * A function, a section, or another thing with a name. Writer: the thread that registered it;
 * `ready` is stored last, with release, and is 1 ever after. Names lie in the string area, not
 * terminated. A site with THAG_SITE_ADDRESS has no name: thagd finds it in the module's symbols.
 *
 *   0 ready 4, kind 2, modes 1, flags 1 | 8 name_offset 4, name_bytes 4
 *  16 file_offset 4, file_bytes 4 | 24 line 4, module 4 | 32 address 8 | 40 reserved
 */
struct thag_shm_site {
	uint32_t ready;
	uint16_t kind; /* enum thag_site_kind */
	uint8_t modes; /* enum thag_mode_bits: it is recorded when one of them is on */
	uint8_t flags; /* enum thag_site_flags */
	uint32_t name_offset;
	uint32_t name_bytes;
	uint32_t file_offset;
	uint32_t file_bytes;
	uint32_t line;
	uint32_t module;  /* index of its module, THAG_MODULE_NONE for none known */
	uint64_t address; /* in the module's file, as its symbols count; absolute without module */
	uint64_t reserved;
};

#define THAG_MODULE_NONE UINT32_MAX

/**
 * A frame of a stack of native frames, and by its callers the whole stack: the root is the
 * outermost, whose parent is 0. Stacks that begin alike share their entries. Index 0 stands for no
 * stack. Writer: the thread that met it first, by a single store of 8 bytes; all zero: not ready.
 * A parent's index is lower, and it is ready before.
 */
struct thag_shm_trace {
	uint32_t parent;
	uint32_t site; /* with THAG_SITE_CALL */
};

#define THAG_TRACES_MAX (UINT32_C(1) << THAG_TRACE_BITS)
#define THAG_TRACE_DEPTH_MAX 1024 /* frames: the outermost of deeper stacks are left out */

/**
 * A file of code that sites with addresses are in. Writer and `ready`: as for a site. Two entries
 * may name the same file, where it was loaded twice.
 *
 *   0 ready 4, build_id_bytes 4 | 8 path_offset 4, path_bytes 4 | 16 bias | 24 start | 32 end
 *  40 build_id 32 | 72 reserved
 */
struct thag_shm_module {
	uint32_t ready;
	uint32_t build_id_bytes; /* 0: it has none */
	uint32_t path_offset;
	uint32_t path_bytes;
	uint64_t bias; /* what the loader added to the file's addresses */
	uint64_t start;
	uint64_t end;
	uint8_t build_id[THAG_BUILD_ID_MAX];
	uint8_t reserved[24];
};

/**
 * The head of thagd's memfd. Writer: thagd; all but `wish` once.
 *
 *   0 magic 8 | 8 version 4, slots 4 | 16 id of the session | 24 wish | 32 reserved
 */
struct thag_shm_consumer_header {
	uint64_t magic;
	uint32_t version;
	uint32_t slots;
	uint64_t session;
	uint64_t wish; /* THAG_WISH: what the user wants recorded. 0: nothing was said */
	uint8_t reserved[96];
};

/**
 * A wish of the user's: `number` is one more than that of the wish before, so that wishing the
 * same again is seen. The program heeds a wish once, when it next looks: at its next event while
 * nothing is recorded, else within 65,536 events or 2^32 ticks of any thread.
 */
#define THAG_WISH(number, modes) ((uint64_t)(number) << 32 | (uint64_t)(modes))

/**
 * Bit of a wish: the session is over. Nothing is recorded any more, whatever the program says, and
 * nobody reads the rings; no wish follows. Children that haven't connected by then see it, too.
 */
#define THAG_WISH_END 4

/**
 * How far thagd has read one ring. Writer: the drain thread that owns the ring.
 *
 *   0 tail 8 | 8 reserved
 */
struct thag_shm_consumer {
	uint64_t tail; /* free-running position of the next word to read; starts at RING_WORDS */
	uint8_t reserved[120];
};

#define THAG_SHM_STACK_DEPTH 245
#define THAG_SHM_STACK_UNKNOWN UINT32_MAX

/**
 * The open frames of a ring's thread once the words before `tail` were decoded, and the task that
 * runs there, so that a thagd that takes over from a killed one goes on with the right stack.
 * Writer: the drain thread that owns the ring; `tail` is 0 while it writes. Reader: a later thagd.
 *
 *   0 tail 8 | 8 ticks 8 | 16 tid 4, depth 4 | 24 task 8 | 32 task_step 8 | 40 task_open 4, sites
 */
struct thag_shm_stack {
	uint64_t tail;
	uint64_t ticks; /* of the last event */
	uint32_t tid;
	uint32_t depth; /* frames, or THAG_SHM_STACK_UNKNOWN when there are more than fit */
	uint64_t task;	/* its id, 0: the thread's own frames run */
	uint64_t task_step;
	uint32_t task_open;		      /* frames it has open */
	uint32_t sites[THAG_SHM_STACK_DEPTH]; /* from the bottom; 0: a section that has ended */
};

#define THAG_SHM_THREADS_OFFSET UINT64_C(20480)
#define THAG_SHM_MODULES_OFFSET (THAG_SHM_THREADS_OFFSET + UINT64_C(128) * THAG_SLOTS_MAX)
#define THAG_SHM_SITES_OFFSET (THAG_SHM_MODULES_OFFSET + UINT64_C(96) * THAG_MODULES_MAX)
#define THAG_SHM_TRACES_OFFSET (THAG_SHM_SITES_OFFSET + UINT64_C(48) * THAG_SITES_MAX)
#define THAG_SHM_STRINGS_OFFSET (THAG_SHM_TRACES_OFFSET + UINT64_C(8) * THAG_TRACES_MAX)
#define THAG_SHM_RINGS_OFFSET \
	((THAG_SHM_STRINGS_OFFSET + THAG_STRINGS_BYTES + 4095) & ~UINT64_C(4095))
#define THAG_SHM_CONSUMERS_OFFSET UINT64_C(128)

/** Bytes of a program's memfd with `slots` rings. */
static inline uint64_t thag_shm_bytes(uint32_t slots)
{
	return THAG_SHM_RINGS_OFFSET + slots * THAG_RING_BYTES;
}

/** Where the stacks begin in thagd's memfd. */
static inline uint64_t thag_shm_stacks_offset(uint32_t slots)
{
	return THAG_SHM_CONSUMERS_OFFSET + sizeof(struct thag_shm_consumer) * slots;
}

/** Bytes of thagd's memfd for `slots` rings, whole pages of 4096. */
static inline uint64_t thag_shm_consumer_bytes(uint32_t slots)
{
	uint64_t bytes = thag_shm_stacks_offset(slots) + sizeof(struct thag_shm_stack) * slots;

	return (bytes + 4095) & ~UINT64_C(4095);
}

#define THAG_ASSERT_OFFSET(type, field, at) \
	_Static_assert(offsetof(type, field) == (at), #type "." #field " is part of the ABI")
#define THAG_ASSERT_SIZE(type, bytes) \
	_Static_assert(sizeof(type) == (bytes), "the size of " #type " is part of the ABI")

#ifndef __cplusplus
THAG_ASSERT_SIZE(struct thag_shm_header, 256 + 4 * THAG_TEXT_BYTES);
THAG_ASSERT_OFFSET(struct thag_shm_header, pid, 32);
THAG_ASSERT_OFFSET(struct thag_shm_header, start_ticks, 48);
THAG_ASSERT_OFFSET(struct thag_shm_header, cost_inside, 72);
THAG_ASSERT_OFFSET(struct thag_shm_header, nonce, 80);
THAG_ASSERT_OFFSET(struct thag_shm_header, size_threshold, 96);
THAG_ASSERT_OFFSET(struct thag_shm_header, site_count, 128);
THAG_ASSERT_OFFSET(struct thag_shm_header, trace_count, 176);
THAG_ASSERT_OFFSET(struct thag_shm_header, memory_pauses, 184);
THAG_ASSERT_OFFSET(struct thag_shm_header, text_bytes, 192);
THAG_ASSERT_OFFSET(struct thag_shm_header, text, 256);
THAG_ASSERT_SIZE(struct thag_shm_thread, 128);
THAG_ASSERT_OFFSET(struct thag_shm_thread, lost_memory, 40);
THAG_ASSERT_SIZE(struct thag_shm_site, 48);
THAG_ASSERT_SIZE(struct thag_shm_trace, 8);
THAG_ASSERT_SIZE(struct thag_shm_module, 96);
THAG_ASSERT_OFFSET(struct thag_shm_header, misuses, 160);
THAG_ASSERT_OFFSET(struct thag_shm_header, heeded, 172);
THAG_ASSERT_OFFSET(struct thag_shm_consumer_header, wish, 24);
THAG_ASSERT_SIZE(struct thag_shm_consumer_header, 128);
THAG_ASSERT_SIZE(struct thag_shm_consumer, 128);
THAG_ASSERT_SIZE(struct thag_shm_stack, 1024);
_Static_assert(sizeof(struct thag_shm_header) <= THAG_SHM_THREADS_OFFSET, "header fits its place");
#endif

#endif
