/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Scenes of time; see scenes.cpp. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <dlfcn.h>
#include <unistd.h>

#include "scenes.hpp"
#include "thag.h"

static uint64_t now_ns()
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

static int made;
static uint64_t inside_ns;

static void leaves_until(uint64_t end_ns)
{
	while (now_ns() < end_ns) {
		leaves(100);
		made += 100;
	}
}

/* The file that tells the wall's clock how far off it is. */
static void shift_the_wall_clock(const char *by)
{
	const char *path = getenv("FAKETIME_TIMESTAMP_FILE");
	FILE *file = path ? fopen(path, "we") : nullptr;

	if (!file)
		return;
	fputs(by, file);
	fclose(file);
}

/* Where suspended.c is preloaded; for longer than 2^32 ticks. */
static void suspend()
{
	auto suspend_machine =
		reinterpret_cast<void (*)(uint64_t)>(dlsym(RTLD_DEFAULT, "suspend_machine"));

	if (suspend_machine)
		suspend_machine(4500000000);
}

static __attribute__((noinline)) void measured()
{
	THAG_PROFILED();
	uint64_t start = now_ns();

	suspend();

	leaves_until(start + 20000000);
	shift_the_wall_clock("-10d");
	leaves_until(start + 40000000);
	shift_the_wall_clock("+20d");
	leaves_until(start + 60000000);
	inside_ns = now_ns() - start;
}

/* Says on stderr between how many ns and how many `measured` took. */
static void spin()
{
	uint64_t start = now_ns(), outside_ns;

	measured();
	outside_ns = now_ns() - start;
	fprintf(stderr, "%llu %llu\n", static_cast<unsigned long long>(inside_ns),
		static_cast<unsigned long long>(outside_ns));
	expect(1 + 1 + made);
}

/* Until its input ends. */
static void wait_for_input()
{
	char byte;

	leaves(10);
	expect(1 + 10);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

const scene clock_scenes[] = {
	{ "spin", spin, nullptr },
	{ "wait", wait_for_input, nullptr },
	{ nullptr, nullptr, nullptr },
};
