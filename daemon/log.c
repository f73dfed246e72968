/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LINE_BYTES 1024

static const char *const level_names[] = { "error", "warn", "info", "debug" };
static atomic_int log_level = THAG_LOG_INFO; /* relaxed: orders nothing */

void thag_log_set_level(enum thag_log_level level)
{
	atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

int thag_log_parse_level(const char *name)
{
	for (int i = 0; i <= THAG_LOG_DEBUG; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -EINVAL;
}

static void replace_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void thag_log_write(enum thag_log_level level, const char *format, ...)
{
	char line[LINE_BYTES], when[32];
	struct timespec now;
	struct tm tm;
	va_list args;

	if ((int)level > atomic_load_explicit(&log_level, memory_order_relaxed))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	replace_controls(line);
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ld thagd %s: %s\n", when, now.tv_nsec / 1000000, level_names[level],
		line);
}
