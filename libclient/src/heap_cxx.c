/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * C++'s operators new and delete.
 *
 * Those of the C++ library call malloc, and are counted there. Other allocators bring their own,
 * which may call nothing that is ours to see; those are counted here. Whose they are is told by the
 * module they are in: if it has malloc as well, they are an allocator's. Whether one of those calls
 * a function of ours nevertheless is tried (jemalloc's delete calls free, its sized one doesn't).
 *
 * A C++ library that was loaded with a program's plugin is not among the libraries after ours, but
 * its users call us all the same: it is looked for by its name, then in the caller's own module.
 */
#include "heap.h"
#include "heap_real.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#define FRAME ((void *const *)__builtin_frame_address(0))
#define CALLER __builtin_return_address(0)

/* NAME, parameters, arguments; what is behind the names is in the Itanium C++ ABI. */
#define OPERATORS_NEW(X) \
	X(_Znwm, (size_t size), (size)) \
	X(_Znam, (size_t size), (size)) \
	X(_ZnwmRKSt9nothrow_t, (size_t size, const void *tag), (size, tag)) \
	X(_ZnamRKSt9nothrow_t, (size_t size, const void *tag), (size, tag)) \
	X(_ZnwmSt11align_val_t, (size_t size, size_t alignment), (size, alignment)) \
	X(_ZnamSt11align_val_t, (size_t size, size_t alignment), (size, alignment)) \
	X(_ZnwmSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *tag), \
	  (size, alignment, tag)) \
	X(_ZnamSt11align_val_tRKSt9nothrow_t, (size_t size, size_t alignment, const void *tag), \
	  (size, alignment, tag))

#define OPERATORS_DELETE(X) \
	X(_ZdlPv, (void *block), (block)) \
	X(_ZdaPv, (void *block), (block)) \
	X(_ZdlPvm, (void *block, size_t size), (block, size)) \
	X(_ZdaPvm, (void *block, size_t size), (block, size)) \
	X(_ZdlPvRKSt9nothrow_t, (void *block, const void *tag), (block, tag)) \
	X(_ZdaPvRKSt9nothrow_t, (void *block, const void *tag), (block, tag)) \
	X(_ZdlPvSt11align_val_t, (void *block, size_t alignment), (block, alignment)) \
	X(_ZdaPvSt11align_val_t, (void *block, size_t alignment), (block, alignment)) \
	X(_ZdlPvmSt11align_val_t, (void *block, size_t size, size_t alignment), \
	  (block, size, alignment)) \
	X(_ZdaPvmSt11align_val_t, (void *block, size_t size, size_t alignment), \
	  (block, size, alignment)) \
	X(_ZdlPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *tag), \
	  (block, alignment, tag)) \
	X(_ZdaPvSt11align_val_tRKSt9nothrow_t, (void *block, size_t alignment, const void *tag), \
	  (block, alignment, tag))

#define INDEX(name, parameters, arguments) AT##name,
#define NAME(name, parameters, arguments) #name,

enum { OPERATORS_NEW(INDEX) OPERATORS_DELETE(INDEX) OPERATORS };

static const char *const names[OPERATORS] = { OPERATORS_NEW(NAME) OPERATORS_DELETE(NAME) };

/* What stands below each of ours: an address, once it is known, and whether that is an allocator's,
 * whose blocks are seen here only. */
static struct below {
	void *address;
	bool counts;
} table[OPERATORS];

#pragma GCC visibility push(default)
/* Whether the operator of that number is counted by this library; for another one before it. */
bool thag_operator_counts(int index);
#pragma GCC visibility pop

static bool is_same_module(void *a, void *b)
{
	Dl_info first, second;

	return dladdr(a, &first) && dladdr(b, &second) && first.dli_fbase == second.dli_fbase;
}

/* --- whether an allocator's operator calls us --- */

#define TRIED_BYTES 64 /* and their alignment */

static __thread bool was_reached;
static struct thag_heap_real below_us;
static uint32_t trials; /* that are under way */

static void *note_malloc(size_t size)
{
	was_reached = true;
	return below_us.malloc(size);
}

static void *note_calloc(size_t count, size_t size)
{
	was_reached = true;
	return below_us.calloc(count, size);
}

static void *note_aligned_alloc(size_t alignment, size_t size)
{
	was_reached = true;
	return below_us.aligned_alloc(alignment, size);
}

static void *note_memalign(size_t alignment, size_t size)
{
	was_reached = true;
	return below_us.memalign(alignment, size);
}

static int note_posix_memalign(void **block, size_t alignment, size_t size)
{
	was_reached = true;
	return below_us.posix_memalign(block, alignment, size);
}

static void note_free(void *block)
{
	was_reached = true;
	below_us.free(block);
}

/* Others may allocate meanwhile, and only go one call further. */
static void note(bool on)
{
	struct thag_heap_real *real = &thag_heap_real;

	real->malloc = on ? note_malloc : below_us.malloc;
	real->calloc = on ? note_calloc : below_us.calloc;
	real->aligned_alloc = on ? note_aligned_alloc : below_us.aligned_alloc;
	real->memalign = on ? note_memalign : below_us.memalign;
	real->posix_memalign = on ? note_posix_memalign : below_us.posix_memalign;
	__atomic_store_n(&real->free, on ? note_free : below_us.free, __ATOMIC_SEQ_CST);
}

/* Arguments that a function doesn't take are none to it, by the conventions of x86-64 and ARM64. */
static void *make(int index)
{
	static const char tag;
	void *(*call)(size_t, size_t, const void *);

	*(void **)(void *)&call = dlsym(RTLD_NEXT, names[index]);
	return index / 2 == 1 ? call(TRIED_BYTES, (uintptr_t)&tag, NULL)
			      : call(TRIED_BYTES, TRIED_BYTES, &tag);
}

static void end(int index, void *block)
{
	void (*call)(void *, size_t, size_t);

	*(void **)(void *)&call = dlsym(RTLD_NEXT, names[index]);
	call(block, TRIED_BYTES, TRIED_BYTES);
}

/* Makes a block and ends it, one of both by this operator. */
static bool is_reached_by(int index)
{
	bool is_aligned = index < AT_ZdlPv ? index >= AT_ZnwmSt11align_val_t
					   : index >= AT_ZdlPvSt11align_val_t;
	int array = index & 1;
	int maker = is_aligned ? AT_ZnwmSt11align_val_t + array : AT_Znwm + array;
	int ender = is_aligned ? AT_ZdlPvSt11align_val_t + array : AT_ZdlPv + array;
	bool by_maker;
	void *block;

	was_reached = false;
	block = make(index < AT_ZdlPv ? index : maker);
	by_maker = was_reached;
	was_reached = false;
	end(index < AT_ZdlPv ? ender : index, block);
	return index < AT_ZdlPv ? by_maker : was_reached;
}

#define FIND(name) \
	do { \
		*(void **)(void *)&below_us.name = dlsym(RTLD_NEXT, #name); \
	} while (0)

/* Any number of threads at a time: all find the same. */
static bool calls_us(int index)
{
	bool is_reached, was_disturbed;

	FIND(malloc);
	FIND(calloc);
	FIND(aligned_alloc);
	FIND(memalign);
	FIND(posix_memalign);
	FIND(free);
	__atomic_add_fetch(&trials, 1, __ATOMIC_SEQ_CST);
	do {
		note(true);
		is_reached = is_reached_by(index);
		was_disturbed =
			__atomic_load_n(&thag_heap_real.free, __ATOMIC_SEQ_CST) != note_free;
	} while (was_disturbed);
	if (__atomic_sub_fetch(&trials, 1, __ATOMIC_SEQ_CST) == 0)
		note(false);
	return is_reached;
}

/* --- finding them --- */

/* A libthag behind a preloaded one has malloc, too, but passes everything on. */
static bool is_counted_here(int index)
{
	void *address = dlsym(RTLD_NEXT, names[index]), *allocator = dlsym(RTLD_NEXT, "malloc");
	bool (*other)(int);

	if (!address || !allocator || !is_same_module(allocator, address))
		return false;
	*(void **)(void *)&other = dlsym(RTLD_NEXT, "thag_operator_counts");
	if (other && is_same_module(*(void **)(void *)&other, address))
		return other(index);
	return !calls_us(index);
}

/*
 * At a time of our own: an allocator may use its operators while it holds its locks. Nothing is
 * recorded before. What dlerror keeps must not be freed when everything is.
 */
__attribute__((constructor(101))) static void look_at_operators(int count, char **arguments,
								char **environment)
{
	struct thag_alone alone;

	(void)count;
	(void)arguments;
	/* a preloaded library begins before the C library does; the allocator that is called here
	   reads its options (MALLOC_CONF, say) when it is first called, and never again */
	if (!environ)
		environ = environment;
	if (thag_heap_is_sanitized() || !thag_heap_look_up() || !thag_alone_begin(&alone))
		return;
	for (int i = 0; i < OPERATORS && dlsym(RTLD_NEXT, names[0]); i++)
		__atomic_store_n(&table[i].counts, is_counted_here(i), __ATOMIC_RELAXED);
	dlerror();
	dlerror();
	thag_alone_end(&alone);
}

/* In a C++ library that is there, which is kept from being unloaded. */
static void *find_in_library(const char *name)
{
	static const char *const libraries[] = { "libstdc++.so.6", "libc++abi.so.1" };
	void *address = NULL;

	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries) && !address; i++) {
		void *library = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);

		if (library) {
			address = dlsym(library, name);
			dlclose(library);
		}
	}
	return address;
}

/* In the module that calls; it may be unloaded, so this isn't remembered. */
static void *find_in_caller(const char *name, void *caller)
{
	Dl_info module;
	void *library = NULL, *address = NULL;

	if (dladdr(caller, &module))
		library = dlopen(module.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
	if (library) {
		address = dlsym(library, name);
		dlclose(library);
	}
	return address;
}

/* Never NULL: without us, the loader wouldn't have found any either. */
__attribute__((cold, noinline)) static void *find_alone(int index, void *caller)
{
	void *address = dlsym(RTLD_NEXT, names[index]);

	if (!address)
		address = find_in_library(names[index]);
	if (address)
		__atomic_store_n(&table[index].address, address, __ATOMIC_RELAXED);
	else
		address = find_in_caller(names[index], caller);
	if (!address)
		abort();
	return address;
}

/* What looking takes is ours, not the program's. */
__attribute__((cold, noinline)) static void *find(int index, void *caller)
{
	struct thag_alone alone;
	void *address;

	if (!thag_alone_begin(&alone))
		return find_alone(index, caller);
	address = find_alone(index, caller);
	thag_alone_end(&alone);
	return address;
}

THAG_INLINE void *below(int index, void *caller)
{
	void *address = __atomic_load_n(&table[index].address, __ATOMIC_RELAXED);

	return THAG_UNLIKELY(!address) ? find(index, caller) : address;
}

bool thag_operator_counts(int index)
{
	return is_counted_here(index);
}

#define DEFINE_NEW(name, parameters, arguments) \
	__attribute__((visibility("default"))) void *name parameters; \
	void *name parameters \
	{ \
		void *(*real)parameters = below(AT##name, CALLER); \
		void *block; \
\
		if (!table[AT##name].counts) \
			return real arguments; \
		block = real arguments; \
		thag_heap_allocated(block, size, FRAME); \
		return block; \
	}

#define DEFINE_DELETE(name, parameters, arguments) \
	__attribute__((visibility("default"))) void name parameters; \
	void name parameters \
	{ \
		void(*real) parameters = below(AT##name, CALLER); \
\
		if (table[AT##name].counts) \
			thag_heap_freed(block, FRAME); \
		real arguments; \
	}

OPERATORS_NEW(DEFINE_NEW)
OPERATORS_DELETE(DEFINE_DELETE)
