/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "preload.h"

#define LIBRARY "libthag-preload.so"

/* --- what is asked --- */

int thag_memory_parse_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "KkMmGg";
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	uint64_t number = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	int shift = unit ? 10 * (int)((unit - units) / 2 + 1) : 0;

	if (errno || (*end && (!unit || end[1])) || number == 0 || number > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes = number << shift;
	return 0;
}

static const char *reason_against(const struct thag_program *program)
{
	if (program->is_privileged)
		return "runs with other rights than yours, so nothing can be loaded into it";
	if (program->is_foreign)
		return "is for another kind of machine, so libthag-preload can't be loaded into it";
	if (program->is_elf && program->is_static)
		return "is linked statically, so nothing can be loaded into it: link libc "
		       "dynamically, or libthag into it";
	if (program->has_malloc && !program->links_thag)
		return "has a malloc of its own, whose blocks can't be seen: link that as a shared "
		       "library";
	return NULL;
}

bool thag_memory_refuses(const struct thag_command *command, const char *name,
			 const struct thag_program *program)
{
	const char *reason = reason_against(program);

	if (program->sanitizer)
		thag_command_complain(command,
				      "'%s' is built with %s, which has a malloc of its own: build "
				      "it without -fsanitize",
				      name, program->sanitizer);
	else if (reason)
		thag_command_complain(command, "'%s' %s", name, reason);
	return program->sanitizer || reason;
}

/* --- the environment --- */

enum { TYPE, DIRECTORY, LOG, DETAIL, FIELDS };

/** Sets `variable` to what the format makes. 0, or -1. */
__attribute__((format(printf, 2, 3))) static int put(const char *variable, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	int ret = vasprintf(&text, format, args) < 0 ? -1 : setenv(variable, text, 1);

	va_end(args);
	if (ret == 0)
		free(text);
	return ret;
}

static bool wants_time(const char *type)
{
	return strcasecmp(type, "time") == 0 || strcasecmp(type, "both") == 0;
}

/** THAG_PROFILER keeps what the user said of directory, log and detail. */
static int put_profiler(bool both)
{
	const char *before = getenv("THAG_PROFILER");
	char *copy = strdup(before ? before : ""), *rest = copy;
	const char *fields[FIELDS];

	if (!copy)
		return -1;
	for (int i = 0; i < FIELDS; i++) {
		const char *field = strsep(&rest, ",");

		fields[i] = field ? field : "";
	}
	int ret = put("THAG_PROFILER", "%s,%s,%s,%s",
		      both || wants_time(fields[TYPE]) ? "both" : "memory", fields[DIRECTORY],
		      fields[LOG], *fields[DETAIL] ? fields[DETAIL] : "true");

	free(copy);
	return ret;
}

/** Programs it runs may be built with gcc's AddressSanitizer, which else refuses to be second. */
static int calm_sanitizers(void)
{
	const char *before = getenv("ASAN_OPTIONS");

	if (before && strstr(before, "verify_asan_link_order"))
		return 0;
	return put("ASAN_OPTIONS", "%s%sverify_asan_link_order=0", before ? before : "",
		   before && *before ? ":" : "");
}

static int put_options(const struct thag_memory_options *options)
{
	if (options->sample_bytes &&
	    put("THAG_SAMPLE_BYTES", "%" PRIu64, options->sample_bytes) != 0)
		return -1;
	if (options->no_free_traces && put("THAG_FREE_TRACES", "0") != 0)
		return -1;
	return options->maps ? put("THAG_MAPS", "1") : 0;
}

int thag_memory_prepare(const struct thag_command *command,
			const struct thag_memory_options *options,
			const struct thag_program *program, bool both)
{
	if (put_profiler(both || program->links_thag) != 0 || put_options(options) != 0 ||
	    calm_sanitizers() != 0) {
		thag_command_complain(command, "no memory");
		return -1;
	}
	return thag_preload(command, LIBRARY);
}

/* --- what it came to --- */

static uint64_t number(const json_t *object, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(object, name));
}

/** "17 bytes", "1.2 KiB", … */
static const char *describe_bytes(uint64_t bytes, char text[static 32])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, 32, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
		return text;
	}
	for (; value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		value /= 1024;
	snprintf(text, 32, "%.1f %s", value, units[unit]);
	return text;
}

void thag_memory_report(const json_t *session)
{
	const json_t *memory = json_object_get(session, "memory"), *note;
	char peak[32], leaked[32];
	size_t i;

	if (!json_is_object(memory))
		return;
	fprintf(stderr,
		"thag: memory: peak %s, leaked %s in %" PRIu64 " block%s, %" PRIu64
		" allocations\n",
		describe_bytes(number(memory, "peak_bytes"), peak),
		describe_bytes(number(memory, "live_bytes"), leaked), number(memory, "live"),
		number(memory, "live") == 1 ? "" : "s", number(memory, "allocations"));
	json_array_foreach(json_object_get(memory, "notes"), i, note)
		fprintf(stderr, "thag: %s\n", json_string_value(note));
}
