/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Linked into thagd and thag where they are built with sanitizers: a program that leaves a
 * descriptor open at its end says which, and ends with DESCRIPTORS_EXIT.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define DESCRIPTORS_EXIT 97
#define DESCRIPTORS_MAX 1024

static bool before[DESCRIPTORS_MAX];

/* libuv closes its own only after us */
void uv_library_shutdown(void) __attribute__((weak));

__attribute__((constructor)) static void begin(void)
{
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
		before[fd] = fcntl(fd, F_GETFD) >= 0;
}

__attribute__((destructor)) static void end(void)
{
	char path[32], target[256] = "";
	bool left = false;

	if (uv_library_shutdown)
		uv_library_shutdown();
	for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
		if (before[fd] || fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) < 0)
			target[0] = '\0';
		fprintf(stderr, "descriptor %d is left open: %s\n", fd, target);
		left = true;
	}
	if (left)
		_exit(DESCRIPTORS_EXIT);
}
