/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The cold side of instrumented functions: which they are, and frames that don't match. */
#include "functions.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "filter.h"
#include "left.h"
#include "modules.h"

#define MODES (THAG_MODE_TIME | THAG_MODE_MEMORY)

void (*thag_functions_sample)(void);

static struct thag_function *table;

/* The places of all functions that are in the table, in the order in which they came. */
static uint32_t *used_places;
static uint32_t used_count;

/* The program's own open, read or mmap may be instrumented: it isn't while we use it. */
static __thread bool registering;

/* --- the table --- */

static void *map(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	madvise(at, bytes, MADV_DONTDUMP);
	return at;
}

static size_t table_entries(void)
{
	return THAG_FUNCTION_PLACES + THAG_FUNCTION_PROBES + 1; /* the last one stays free */
}

/* The function's entry, taken if need be; NULL when there is no place for it. */
static struct thag_function *take_entry(uintptr_t fn)
{
	struct thag_function *entry = thag_function_place(table, fn);

	for (uint32_t i = 0; i < THAG_FUNCTION_PROBES; i++, entry++) {
		uintptr_t free = 0;

		if (__atomic_load_n(&entry->fn, __ATOMIC_RELAXED) == fn)
			return entry;
		if (__atomic_compare_exchange_n(&entry->fn, &free, fn, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			uint32_t at = __atomic_fetch_add(&used_count, 1, __ATOMIC_RELAXED);

			__atomic_store_n(&used_places[at], (uint32_t)(entry - table) + 1,
					 __ATOMIC_RELEASE);
			return entry;
		}
		if (free == fn)
			return entry;
	}
	return NULL;
}

static uint32_t add_site(uint32_t module, uintptr_t address)
{
	struct thag_shm_site fixed = { .kind = THAG_SITE_FUNCTION,
				       .modes = MODES,
				       .flags = THAG_SITE_ADDRESS,
				       .module = module,
				       .address = address };

	return (uint32_t)THAG_WORD(THAG_KIND_ENTER, thag_site_add(&fixed, NULL, NULL));
}

/* Whether the entry is still of the file that is mapped there now, and was not unloaded. */
static bool is_same(uint32_t known, const struct thag_module_image *image, bool found)
{
	uint32_t site = known & THAG_WORD_ARG_MASK, module = thag_process.sites[site].module;

	if (site == THAG_SITE_OVERFLOW)
		return true;
	return found ? thag_module_is_at(module, image) : module == THAG_MODULE_NONE;
}

static uint32_t overflow_word(void)
{
	return (uint32_t)THAG_WORD(THAG_KIND_ENTER, THAG_SITE_OVERFLOW);
}

static uint32_t decide(const struct thag_function *entry, uintptr_t fn)
{
	uint32_t known = __atomic_load_n(&entry->known, __ATOMIC_RELAXED), module;
	struct thag_module_image image = { 0 };
	bool found = thag_module_find(fn, &image);

	if (known && is_same(known, &image, found))
		return known;
	module = found ? thag_module_index(&image) : THAG_MODULE_NONE;
	if (!thag_filter_wants(module, &image, fn))
		return THAG_FUNCTION_FILTERED;
	return add_site(module, fn - image.bias);
}

static uint32_t register_function(uintptr_t fn)
{
	struct thag_function *entry = take_entry(fn);
	uint32_t word = 0, decided;

	if (!entry)
		return overflow_word();
	decided = decide(entry, fn);
	if (decided != THAG_FUNCTION_FILTERED)
		__atomic_store_n(&entry->known, decided, __ATOMIC_RELAXED);
	/* release: whoever finds the word may write it, and the site was there before; the loser
	 * of a race uses the winner's, and leaves an id unused */
	if (__atomic_compare_exchange_n(&entry->word, &word, decided, false, __ATOMIC_RELEASE,
					__ATOMIC_ACQUIRE))
		return decided;
	return word;
}

static uint32_t find_word(uintptr_t fn)
{
	struct thag_function *entry = thag_function_place(table, fn);

	for (; __atomic_load_n(&entry->fn, __ATOMIC_RELAXED); entry++)
		if (entry->fn == fn)
			return __atomic_load_n(&entry->word, __ATOMIC_ACQUIRE);
	return 0;
}

/* The function's word; 0 when it comes at a moment when it can't be had. */
static uint32_t word_of(uintptr_t fn)
{
	uint32_t word = find_word(fn);
	sigset_t all, before;

	if (word || registering)
		return word;
	/* a handler would find `registering` set, and its calls would be missed */
	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return 0;
	registering = true;
	word = register_function(fn);
	registering = false;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return word;
}

/* --- frames --- */

static bool is_function(const struct thag_producer *producer, uint32_t index)
{
	return producer->frame_sp[index] & (THAG_FRAME_FUNCTION | THAG_FRAME_ASKS);
}

static bool has_missed(struct thag_producer *producer, uint32_t index)
{
	return producer->frame_sp[index] & THAG_FRAME_ASKS &&
	       (uint32_t)*thag_frame_missed(producer, index);
}

/* From here on the cold side sees what exits at the top. */
static void begin_missing(struct thag_producer *producer, uint32_t top)
{
	struct thag_stack *stack = &thag_cold(producer)->stack;

	producer->frame_sp[top] = (producer->frame_sp[top] & ~THAG_FRAME_BITS) | THAG_FRAME_ASKS;
	*thag_frame_missed(producer, top) = (uintptr_t)stack->missed << 32;
}

/* One of the calls that frame `top` counted is over. */
static void forget_missed(struct thag_producer *producer, uint32_t top)
{
	uintptr_t *missed = thag_frame_missed(producer, top);

	--*missed;
	/* those of frames that were closed from below are over, too */
	thag_cold(producer)->stack.missed = (uint32_t)(*missed >> 32) + (uint32_t)*missed;
	if ((uint32_t)*missed == 0 && !thag_process.slow_clock)
		producer->frame_sp[top] ^= THAG_FRAME_FUNCTION | THAG_FRAME_ASKS;
}

/* A call that isn't recorded: the exit of one like the top frame's must not close that. */
static void note_missed(uintptr_t fn, uintptr_t sp)
{
	struct thag_producer *producer = thag_this_producer;
	uint32_t depth = thag_head_depth(thag_head_get(producer)), top = depth - 1;
	struct thag_stack *stack = &thag_cold(producer)->stack;

	if (!thag_cold(producer)->live || depth == thag_stack_floor(producer) ||
	    !is_function(producer, top) || *thag_frame_fn(producer, top) != fn)
		return;
	if (!has_missed(producer, top))
		begin_missing(producer, top);
	*thag_missed_sp(producer, stack->missed++) = sp;
	++*thag_frame_missed(producer, top);
}

static void note_frame(struct thag_producer *producer, uint32_t index, uintptr_t fn)
{
	bool asks = index & THAG_SPAN_SLOW_CLOCK;

	index &= ~THAG_SPAN_SLOW_CLOCK;
	*thag_frame_fn(producer, index) = fn;
	*thag_frame_missed(producer, index) = 0;
	producer->frame_sp[index] |= asks ? THAG_FRAME_ASKS : THAG_FRAME_FUNCTION;
}

/* Of what is not recorded the drop, if any, keeps count. */
static void note_unrecorded(uintptr_t fn, uintptr_t sp, uint32_t index)
{
	struct thag_stack *stack = &thag_cold(thag_this_producer)->stack;

	note_missed(fn, sp);
	if (index == THAG_SPAN_DROP_ROOT)
		stack->drop_fn = fn;
	else if (index == THAG_SPAN_DROPPED)
		stack->drop_nested += stack->drop_fn == fn;
}

static void open_slow(uintptr_t fn, uintptr_t sp)
{
	struct thag_producer *producer = NULL;
	uint32_t word = 0, index = THAG_SPAN_OFF;

	/* sites lie in the memory that is shared with thagd: in a forked child that is new */
	if (!registering)
		producer = thag_open_ready(MODES);
	if (producer)
		word = word_of(fn);
	if (word == THAG_FUNCTION_FILTERED)
		return;
	if (word)
		index = thag_open_word(producer, word, sp);
	if (index < THAG_SPAN_DROP_ROOT)
		note_frame(producer, index, fn);
	else
		note_unrecorded(fn, sp, index);
}

void thag_function_open_slow(uintptr_t fn, uintptr_t sp)
{
	int saved;

	if (thag_is_off()) {
		note_missed(fn, sp);
		return;
	}
	saved = errno;
	open_slow(fn, sp);
	errno = saved;
}

/* The call that is dropped with all it calls may be over. */
static void leave_drop(struct thag_stack *stack, uintptr_t fn)
{
	if (stack->drop_fn != fn)
		return;
	if (stack->drop_nested)
		stack->drop_nested--;
	else
		stack->dropping = 0;
}

/*
 * Frames of a task that has come to this thread have lost what they noted. The function they are
 * of is not the one that resumed the task, whose frame is on the thread's own stack.
 */
static bool is_resumed(struct thag_producer *producer, uint32_t index, uintptr_t fn)
{
	uint32_t own = thag_cold(producer)->own_depth;

	if (producer->frame_sp[index] != THAG_FRAME_UNKNOWN ||
	    find_word(fn) == THAG_FUNCTION_FILTERED)
		return false;
	return !own || !is_function(producer, own - 1) || *thag_frame_fn(producer, own - 1) != fn;
}

/*
 * A frame of another function is on top. Either this exit's own call wasn't recorded, and then the
 * frame is of a function that called it; or the frame is gone without an exit. Stack pointers tell
 * them apart: what called us has noted one at least as high as ours. (Ours may be that of our
 * caller: compilers jump to the exit's hook when nothing else is left to do.)
 */
static bool is_gone(struct thag_producer *producer, uint32_t top, uintptr_t sp,
		    struct thag_place *place)
{
	if (thag_frame_sp(producer, top) >= sp)
		return false;
	if (place->sp == 0) {
		int saved = errno;

		*place = thag_place_at(sp);
		errno = saved;
	}
	return thag_frame_is_left(producer, top, place);
}

static void close_slow(struct thag_producer *producer, uintptr_t fn, uintptr_t sp)
{
	uint32_t depth = thag_head_depth(thag_head_get(producer)), left = depth;
	struct thag_place place = { 0 };

	for (; left > thag_stack_floor(producer); left--) {
		if (is_resumed(producer, left - 1, fn)) {
			left--;
			break;
		}
		if (is_function(producer, left - 1) && *thag_frame_fn(producer, left - 1) == fn) {
			if (has_missed(producer, left - 1))
				forget_missed(producer, left - 1);
			else
				left--;
			break;
		}
		if (!is_gone(producer, left - 1, sp, &place))
			break;
	}
	if (left < depth)
		thag_close_slow(left, thag_clock_now());
}

void thag_function_close_slow(uintptr_t fn, uintptr_t sp)
{
	struct thag_producer *producer = thag_this_producer;
	struct thag_producer_cold *cold = thag_cold(producer);

	if (!cold->live)
		return;
	if (cold->stack.dropping)
		leave_drop(&cold->stack, fn);
	close_slow(producer, fn, sp);
}

void thag_functions_unwound(struct thag_producer *producer, uintptr_t sp)
{
	uint32_t depth = thag_head_depth(thag_head_get(producer));

	while (depth > thag_stack_floor(producer) && has_missed(producer, depth - 1) &&
	       *thag_missed_sp(producer, thag_cold(producer)->stack.missed - 1) < sp)
		forget_missed(producer, depth - 1);
}

/* --- the process --- */

static bool make_table(void)
{
	table = map(table_entries() * sizeof(*table));
	used_places = map(table_entries() * sizeof(*used_places));
	if (table && used_places)
		return true;
	thag_say("can't make the table of functions: no address space; running unprofiled", NULL,
		 NULL, NULL);
	return false;
}

struct thag_function *thag_functions_prepare(void (*sample)(void))
{
	int saved = errno;
	bool made = !getauxval(AT_SECURE) && make_table();

	errno = saved;
	if (!made)
		return NULL;
	thag_filter_read();
	take_entry((uintptr_t)sample)->word = (uint32_t)THAG_WORD(THAG_KIND_ENTER, THAG_SITE_FIRST);
	thag_functions_sample = sample;
	return table;
}

void thag_functions_start(void)
{
	const char *asked = getenv("THAG_PROFILER");

	while (asked && *asked == ' ')
		asked++;
	/* without a type in it, time */
	thag_start(asked && *asked && *asked != ',' ? "runtime" : "time");
}

/*
 * A library that another thread loads where one was, between its unloading and this, may have its
 * first calls counted as that one's.
 */
void thag_functions_recheck(void)
{
	uint32_t count = __atomic_load_n(&used_count, __ATOMIC_RELAXED);
	int saved = errno;

	for (uint32_t i = 0; thag_process_is_live() && i < count; i++) {
		uint32_t place = __atomic_load_n(&used_places[i], __ATOMIC_ACQUIRE);
		struct thag_function *entry = place ? &table[place - 1] : NULL;
		struct thag_module_image image = { 0 };
		uint32_t known = entry ? __atomic_load_n(&entry->known, __ATOMIC_RELAXED) : 0;

		if (!entry || entry->fn == (uintptr_t)thag_functions_sample)
			continue;
		/* what was filtered out is decided anew */
		if (!known || !is_same(known, &image, thag_module_find(entry->fn, &image)))
			__atomic_store_n(&entry->word, 0, __ATOMIC_RELEASE);
	}
	errno = saved;
}
