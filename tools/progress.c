/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_NS UINT64_C(1000000000) /* before that nobody wonders */
#define BEAT_NS UINT64_C(250000000)
#define MIB (1024.0 * 1024)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void thag_progress_begin(struct thag_progress *progress, const char *doing)
{
	*progress = (struct thag_progress){ .doing = doing,
					    .start_ns = now_ns(),
					    .is_seen = isatty(STDERR_FILENO) == 1 };
}

void thag_progress_show(struct thag_progress *progress, uint64_t done, uint64_t all)
{
	uint64_t now;

	if (!progress->is_seen)
		return;
	now = now_ns();
	if (now - progress->start_ns < FIRST_NS || now - progress->shown_ns < BEAT_NS)
		return;
	progress->shown_ns = now;
	if (all)
		fprintf(stderr, "\r%s: %.0f %%\033[K", progress->doing,
			100.0 * (double)done / (double)all);
	else
		fprintf(stderr, "\r%s: %.0f MiB\033[K", progress->doing, (double)done / MIB);
}

void thag_progress_end(struct thag_progress *progress)
{
	if (progress->shown_ns)
		fputs("\r\033[K", stderr);
	progress->shown_ns = 0;
}
