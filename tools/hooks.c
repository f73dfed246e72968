/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "hooks.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libthag-cyg.so.0"
#define HOOK "__cyg_profile_func_enter"
#define BLOCK_BYTES 65536

/* --- the library --- */

/** Below this program's own directory, its build's or its installation's; else where it goes. */
static bool find_library(char path[static PATH_MAX])
{
	static const char *const places[] = { "../libclient/" LIBRARY,
					      "../" THAG_LIBDIR "/" LIBRARY };
	char own[PATH_MAX], place[2 * PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[bytes > 0 ? bytes : 0] = '\0';
	char *slash = strrchr(own, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(place, sizeof(place), "%.*s/%s", (int)(slash - own), own, places[i]);
		if (access(place, R_OK) == 0 && realpath(place, path))
			return true;
	}
	return access(THAG_FULL_LIBDIR "/" LIBRARY, R_OK) == 0 &&
	       realpath(THAG_FULL_LIBDIR "/" LIBRARY, path);
}

int thag_hooks_preload(const struct thag_command *command)
{
	const char *before = getenv("LD_PRELOAD");
	char path[PATH_MAX], *all = NULL;

	if (!find_library(path)) {
		thag_command_complain(command, "can't find " LIBRARY);
		return -1;
	}
	if (strpbrk(path, " :")) {
		thag_command_complain(command,
				      "'%s' can't be preloaded: its path has a blank or ':'", path);
		return -1;
	}
	if (asprintf(&all, "%s%s%s", path, before && *before ? ":" : "", before ? before : "") < 0)
		all = NULL;
	int ret = all ? setenv("LD_PRELOAD", all, 1) : -1;

	free(all);
	if (ret)
		thag_command_complain(command, "no memory");
	return ret;
}

/* --- the program --- */

/** Opens what execvp(3) would run; -1. */
static int open_program(const char *program)
{
	const char *directories = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(program, '/'))
		return open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (directories && *directories) {
		int bytes = (int)strcspn(directories, ":");

		snprintf(path, sizeof(path), "%.*s/%s", bytes, directories, program);
		if (access(path, X_OK) == 0)
			return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		directories += bytes + (directories[bytes] == ':');
	}
	return -1;
}

/** Whether the file's bytes have the hook's name among them. */
static bool names_hook(int fd)
{
	static char block[BLOCK_BYTES];
	size_t kept = 0;
	ssize_t got;

	for (off_t at = 0; (got = pread(fd, block + kept, sizeof(block) - kept, at)) > 0;
	     at += got) {
		size_t filled = kept + (size_t)got;

		if (memmem(block, filled, HOOK, sizeof(HOOK)))
			return true;
		/* it may lie across two blocks */
		kept = filled < sizeof(HOOK) ? filled : sizeof(HOOK) - 1;
		memmove(block, block + filled - kept, kept);
	}
	return false;
}

/** Whether the loader runs it, which preloads; without one, nothing is. */
static bool has_loader(int fd, const ElfW(Ehdr) * header)
{
	ElfW(Phdr) segment;

	for (uint32_t i = 0; i < header->e_phnum; i++) {
		off_t at = (off_t)(header->e_phoff + i * sizeof(segment));

		if (pread(fd, &segment, sizeof(segment), at) != (ssize_t)sizeof(segment))
			return true; /* whatever it is, the kernel will say so */
		if (segment.p_type == PT_INTERP)
			return true;
	}
	return false;
}

void thag_hooks_advise(const struct thag_command *command, const char *program)
{
	ElfW(Ehdr) header;
	int fd = open_program(program);

	if (fd < 0)
		return;
	/* a script's interpreter may run programs that are instrumented */
	if (pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	    memcmp(header.e_ident, ELFMAG, SELFMAG) == 0) {
		if (!has_loader(fd, &header))
			thag_command_complain(command,
					      "'%s' is linked statically: link it with -lthag-cyg "
					      "and libc dynamically instead",
					      program);
		else if (!names_hook(fd))
			thag_command_complain(
				command,
				"'%s' isn't compiled with -finstrument-functions; only "
				"libraries that are will be profiled",
				program);
	}
	close(fd);
}
