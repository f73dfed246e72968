/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void thag_say(const char *a, const char *b, const char *c, const char *d)
{
	const char *parts[] = { "thag: ", a, b, c, d };
	char line[512];
	size_t used = 0;
	ssize_t written;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && parts[i]; i++) {
		size_t bytes = strnlen(parts[i], sizeof(line) - 1 - used);

		memcpy(line + used, parts[i], bytes);
		used += bytes;
	}
	line[used++] = '\n';
	written = write(STDERR_FILENO, line, used);
	(void)written; /* there is nobody else to tell */
}

static int read_kind(const char *text, size_t bytes, uint32_t *modes)
{
	static const struct {
		const char *name;
		uint32_t modes;
	} kinds[] = { { "both", THAG_MODE_TIME | THAG_MODE_MEMORY },
		      { "time", THAG_MODE_TIME },
		      { "memory", THAG_MODE_MEMORY },
		      { "none", 0 } };

	if (bytes == 0)
		return 0; /* the default stands */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strlen(kinds[i].name) == bytes &&
		    strncasecmp(text, kinds[i].name, bytes) == 0) {
			*modes = kinds[i].modes;
			return 0;
		}
	}
	return -EINVAL;
}

static bool is_one_of(const char *text, size_t bytes, const char *const words[])
{
	if (bytes == 0)
		return true;
	for (; *words; words++)
		if (strlen(*words) == bytes && strncasecmp(text, *words, bytes) == 0)
			return true;
	return false;
}

static int complain(const char *before, const char *text, size_t bytes, const char *after)
{
	char shown[64];
	size_t cut = bytes < sizeof(shown) - 1 ? bytes : sizeof(shown) - 1;

	for (size_t i = 0; i < cut; i++)
		shown[i] = text[i] >= ' ' && text[i] != 0x7f ? text[i] : '?';
	shown[cut] = '\0';
	thag_say("THAG_PROFILER: ", before, shown, after);
	return -EINVAL;
}

/* Takes the next field off `*rest`, up to a comma. */
static const char *next_field(const char **rest, size_t *bytes)
{
	const char *field = *rest;

	*bytes = strcspn(field, ",");
	*rest = field + *bytes + (field[*bytes] == ',');
	return field;
}

/* THAG_PROFILER=type,dir,log,detail. `*modes` is set when the type is given. */
static int read_environment(const char *text, uint32_t *modes, struct thag_config *config)
{
	static const char *const logs[] = { "none", "announce", "quiet", NULL };
	static const char *const truths[] = { "true", "false", NULL };
	size_t bytes;
	const char *field = next_field(&text, &bytes);

	if (read_kind(field, bytes, modes) != 0)
		return complain(
			"Invalid profile type '", field, bytes,
			"'. Expected 'time', 'memory', 'both', or 'none'; running unprofiled");
	field = next_field(&text, &bytes);
	if (bytes >= sizeof(config->output_dir))
		return complain("Output directory '", field, bytes,
				"…' is too long; running unprofiled");
	memcpy(config->output_dir, field, bytes);
	config->output_dir[bytes] = '\0';
	field = next_field(&text, &bytes);
	if (!is_one_of(field, bytes, logs))
		return complain("Invalid debug log '", field, bytes,
				"'. Expected 'none', 'announce' or 'quiet'; running unprofiled");
	field = next_field(&text, &bytes);
	if (!is_one_of(field, bytes, truths))
		return complain("Failed to parse '", field, bytes,
				"' as boolean; running unprofiled");
	if (*text)
		return complain("Unexpected '", text, strlen(text),
				"' after the fourth field; running unprofiled");
	return 0;
}

static int read_mode(const char *mode, uint32_t *modes, bool *runtime)
{
	*runtime = strcmp(mode, "runtime") == 0;
	if (strcmp(mode, "no") == 0)
		*modes = 0;
	else if (strcmp(mode, "yes") == 0 || strcmp(mode, "both") == 0 || *runtime)
		*modes = THAG_MODE_TIME | THAG_MODE_MEMORY;
	else if (strcmp(mode, "time") == 0)
		*modes = THAG_MODE_TIME;
	else if (strcmp(mode, "memory") == 0)
		*modes = THAG_MODE_MEMORY;
	else
		return -EINVAL;
	return 0;
}

int thag_config_read(const char *mode, struct thag_config *config)
{
	const char *text = getenv("THAG_PROFILER");
	uint32_t asked = UINT32_MAX;
	bool runtime;

	if (read_mode(mode, &config->modes, &runtime) != 0) {
		thag_say("THAG_ENABLE_PROFILING(", mode,
			 "): expected time, memory, both, yes, no or "
			 "runtime; running unprofiled",
			 NULL);
		return -EINVAL;
	}
	config->output_dir[0] = '\0';
	if (config->modes == 0)
		return 0;
	if (text && read_environment(text, &asked, config) != 0)
		return -EINVAL;
	/* the program's own word stands, but none always turns it off */
	if (runtime && !text)
		config->modes = 0;
	else if (asked == 0 || (runtime && asked != UINT32_MAX))
		config->modes = asked;
	return 0;
}
