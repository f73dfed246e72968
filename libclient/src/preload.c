/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What makes a profiler of a library that is preloaded: the program needn't know of it. */
#include "heap.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

/* What sanitizers define. They must be the first, and have a malloc of their own. */
void __asan_init(void) __attribute__((weak));
void __hwasan_init(void) __attribute__((weak));
void __lsan_init(void) __attribute__((weak));
void __msan_init(void) __attribute__((weak));
void __tsan_init(void) __attribute__((weak));

static bool is_sanitized(void)
{
	return __asan_init || __hwasan_init || __lsan_init || __msan_init || __tsan_init;
}

/*
 * The program comes before us wherever the loader looks for malloc. One that isn't
 * position-independent and takes malloc's address has a symbol for it, too, but without a section:
 * that is where it calls ours.
 */
static bool has_own_malloc(void)
{
	const ElfW(Sym) *symbol = NULL;
	void *found = dlsym(RTLD_DEFAULT, "malloc");
	Dl_info first, ours;

	return found && dladdr1(found, &first, (void **)(void *)&symbol, RTLD_DL_SYMENT) &&
	       dladdr(&thag_heap_gate, &ours) && first.dli_fbase != ours.dli_fbase &&
	       !(symbol && symbol->st_shndx == SHN_UNDEF);
}

/*
 * Linked with -z initfirst, this comes before the constructors of every library, whose allocations
 * are the program's, too. The C library's own has not run either: it is the one that takes over
 * the environment, from where glibc's loader hands it to each constructor.
 */
__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	(void)argc;
	(void)argv;
	if (!environ)
		environ = envp;
	if (!is_sanitized())
		thag_start_preloaded(has_own_malloc());
}
