/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Preloaded: counts every call that a program compiled with -finstrument-functions makes of its
 * enter hook, by function and by the place the hook is called from, and hands each call on to the
 * next library's hooks, as if it weren't there. So a profiler and this count the same run, also
 * where threads make each run different. Under callgrind, which counts by place, it says which
 * function each place is for: inlined functions call the hook from within their callers.
 *
 * At the end writes to the file COUNT_HOOKS names, for each combination of the four: calls, the
 * function, the place its hook is called from, and the place the function itself was called from
 * (for an inlined function: the one it is inlined in), each as MODULE+OFFSET in the module's file.
 * Function and place needn't be in the same one: what is inlined may be out of line in a library.
 */
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS (UINT32_C(1) << 17)

typedef void hook(void *function, void *call_site);

struct call {
	uintptr_t function;
	uintptr_t place;
	uintptr_t caller;
};

enum { FREE, CLAIMED, READY };

/* `call` is written between CLAIMED and READY, by whoever stored CLAIMED. */
struct slot {
	_Atomic(uint32_t) state;
	struct call call;
	_Atomic(uint64_t) calls;
};

static struct slot slots[SLOTS];
static _Atomic(uint64_t) overflowed;
static hook *next_enter, *next_exit;

static uint32_t hash(const struct call *call)
{
	uint64_t mixed = call->place * UINT64_C(0x9e3779b97f4a7c15) ^
			 call->caller * UINT64_C(0xc2b2ae3d27d4eb4f) ^ call->function;

	return (uint32_t)(mixed >> 32) % SLOTS;
}

static int is_for(const struct slot *slot, const struct call *call)
{
	return slot->call.function == call->function && slot->call.place == call->place &&
	       slot->call.caller == call->caller;
}

/* Whether the slot is this call's, which it becomes if it was free. */
static int take(struct slot *slot, const struct call *call)
{
	uint32_t state = atomic_load_explicit(&slot->state, memory_order_acquire);

	if (state == FREE && atomic_compare_exchange_strong(&slot->state, &state, CLAIMED)) {
		slot->call = *call;
		atomic_store_explicit(&slot->state, READY, memory_order_release);
		return 1;
	}
	while (state != READY)
		state = atomic_load_explicit(&slot->state, memory_order_acquire);
	return is_for(slot, call);
}

static void count(const struct call *call)
{
	uint32_t at = hash(call);

	for (uint32_t tries = 0; tries < SLOTS; tries++, at = (at + 1) % SLOTS)
		if (take(&slots[at], call)) {
			atomic_fetch_add_explicit(&slots[at].calls, 1, memory_order_relaxed);
			return;
		}
	atomic_fetch_add(&overflowed, 1);
}

/* The compiler makes jumps of the calls of the next hooks: they see the program as their caller. */
__attribute__((visibility("default"))) void __cyg_profile_func_enter(void *function,
								     void *call_site)
{
	count(&(struct call){ (uintptr_t)function, (uintptr_t)__builtin_return_address(0),
			      (uintptr_t)call_site });
	next_enter(function, call_site);
}

__attribute__((visibility("default"))) void __cyg_profile_func_exit(void *function, void *call_site)
{
	next_exit(function, call_site);
}

__attribute__((constructor)) static void find_next_hooks(void)
{
	*(void **)&next_enter = dlsym(RTLD_NEXT, "__cyg_profile_func_enter");
	*(void **)&next_exit = dlsym(RTLD_NEXT, "__cyg_profile_func_exit");
}

static void write_address(FILE *out, uintptr_t address, char end)
{
	struct link_map *map = NULL;
	Dl_info info;

	if (dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP))
		fprintf(out, "%s+0x%lx%c", info.dli_fname, (unsigned long)(address - map->l_addr),
			end);
	else
		fprintf(out, "?+0x%lx%c", (unsigned long)address, end);
}

static void write_slot(FILE *out, struct slot *slot)
{
	fprintf(out, "%llu ", (unsigned long long)atomic_load(&slot->calls));
	write_address(out, slot->call.function, ' ');
	write_address(out, slot->call.place, ' ');
	write_address(out, slot->call.caller, '\n');
}

__attribute__((destructor)) static void write_counts(void)
{
	const char *path = getenv("COUNT_HOOKS");
	FILE *out = path ? fopen(path, "we") : NULL;

	if (!out)
		return;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (atomic_load(&slots[i].state) == READY)
			write_slot(out, &slots[i]);
	fprintf(out, "%llu overflowed\n", (unsigned long long)atomic_load(&overflowed));
	fclose(out);
}
