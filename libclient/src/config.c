/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/*
 * Where nobody can hear it, in a pipe without a reader or a file at the limit of its size, saying
 * something is a signal that kills. One that is there already is the program's.
 */
static void write_unheard(const char *line, size_t bytes)
{
	static const struct timespec at_once;
	sigset_t ours, before, there;
	ssize_t written;

	sigemptyset(&ours);
	sigaddset(&ours, SIGPIPE);
	sigaddset(&ours, SIGXFSZ);
	sigpending(&there);
	if (pthread_sigmask(SIG_BLOCK, &ours, &before) != 0)
		return;
	written = write(STDERR_FILENO, line, bytes);
	if (sigismember(&there, SIGPIPE))
		sigdelset(&ours, SIGPIPE);
	if (sigismember(&there, SIGXFSZ))
		sigdelset(&ours, SIGXFSZ);
	if (written < 0 && (errno == EPIPE || errno == EFBIG))
		sigtimedwait(&ours, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void thag_say(const char *a, const char *b, const char *c, const char *d)
{
	const char *parts[] = { "thag: ", a, b, c, d };
	char line[512];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && parts[i]; i++) {
		size_t bytes = strnlen(parts[i], sizeof(line) - 1 - used);

		memcpy(line + used, parts[i], bytes);
		used += bytes;
	}
	line[used++] = '\n';
	write_unheard(line, used);
	line[used - 1] = '\0';
	thag_log("said: %s", line);
}

#define SHOWN_BYTES 64

struct word {
	const char *text;
	uint32_t value;
};

/* The value of the word that the field is, whatever its case; -EINVAL when it is none of them. */
static int read_word(const char *text, size_t bytes, const struct word *words, uint32_t *value)
{
	for (; words->text; words++) {
		if (strlen(words->text) == bytes && strncasecmp(text, words->text, bytes) == 0) {
			*value = words->value;
			return 0;
		}
	}
	return -EINVAL;
}

/* What a terminal may be shown of a text. */
static void show(const char *text, size_t bytes, char shown[static SHOWN_BYTES])
{
	size_t cut = bytes < SHOWN_BYTES - 1 ? bytes : SHOWN_BYTES - 1;

	for (size_t i = 0; i < cut; i++)
		shown[i] = text[i] >= ' ' && text[i] != 0x7f ? text[i] : '?';
	shown[cut] = '\0';
}

static int complain(const char *before, const char *text, size_t bytes, const char *after)
{
	char shown[SHOWN_BYTES];

	show(text, bytes, shown);
	thag_say("THAG_PROFILER: ", before, shown, after);
	return -EINVAL;
}

/* Takes the next field off `*rest`, up to a comma, without the blanks around it. */
static const char *next_field(const char **rest, size_t *bytes)
{
	const char *field = *rest;
	size_t used = strcspn(field, ",");

	*rest = field + used + (field[used] == ',');
	for (; used && *field == ' '; used--)
		field++;
	while (used && field[used - 1] == ' ')
		used--;
	*bytes = used;
	return field;
}

/* What THAG_PROFILER's type says; `modes` is UINT32_MAX without one. */
static int read_type(const char *text, size_t bytes, uint32_t *modes)
{
	static const struct word types[] = { { "both", THAG_MODE_TIME | THAG_MODE_MEMORY },
					     { "time", THAG_MODE_TIME },
					     { "memory", THAG_MODE_MEMORY },
					     { "none", 0 },
					     { NULL, 0 } };

	*modes = UINT32_MAX;
	if (bytes == 0 || read_word(text, bytes, types, modes) == 0)
		return 0;
	return complain("Invalid profile type '", text, bytes,
			"'. Expected 'time', 'memory', 'both', or 'none'; running unprofiled");
}

static int read_dir(const char *text, size_t bytes, char *dir, size_t size)
{
	if (bytes >= size)
		return complain("Output directory '", text, bytes,
				"…' is too long; running unprofiled");
	memcpy(dir, text, bytes);
	dir[bytes] = '\0';
	return 0;
}

static int read_log(const char *text, size_t bytes, enum thag_log_mode *log)
{
	static const struct word logs[] = { { "none", THAG_LOG_NONE },
					    { "announce", THAG_LOG_ANNOUNCE },
					    { "quiet", THAG_LOG_QUIET },
					    { NULL, 0 } };
	uint32_t value = THAG_LOG_NONE;

	if (bytes && read_word(text, bytes, logs, &value) != 0)
		return complain("Invalid debug log '", text, bytes,
				"'. Expected 'none', 'announce' or 'quiet'; running unprofiled");
	*log = (enum thag_log_mode)value;
	return 0;
}

static int read_detail(const char *text, size_t bytes, bool *detail)
{
	static const struct word truths[] = { { "true", 1 }, { "false", 0 }, { NULL, 0 } };
	uint32_t value = 0;

	if (bytes && read_word(text, bytes, truths, &value) != 0)
		return complain("Failed to parse '", text, bytes,
				"' as boolean; running unprofiled");
	*detail = value != 0;
	return 0;
}

/* THAG_PROFILER=type,dir,log,detail; any field may be empty. `modes`: as for read_type. */
static int read_environment(const char *text, uint32_t *modes, struct thag_config *config)
{
	size_t bytes;
	const char *field = next_field(&text, &bytes);

	if (read_type(field, bytes, modes) != 0)
		return -EINVAL;
	field = next_field(&text, &bytes);
	if (read_dir(field, bytes, config->output_dir, sizeof(config->output_dir)) != 0)
		return -EINVAL;
	field = next_field(&text, &bytes);
	if (read_log(field, bytes, &config->log) != 0)
		return -EINVAL;
	field = next_field(&text, &bytes);
	if (read_detail(field, bytes, &config->detail) != 0)
		return -EINVAL;
	if (*text)
		return complain("Unexpected '", text, strlen(text),
				"' after the fourth field; running unprofiled");
	if (config->detail && !(*modes & THAG_MODE_MEMORY))
		return complain("Detailed memory profiling can only be enabled with "
				"profile_type=memory or profile_type=both",
				"", 0, "; running unprofiled");
	return 0;
}

static int read_mode(const char *mode, uint32_t *modes)
{
	static const struct word words[] = { { "time", THAG_MODE_TIME },
					     { "memory", THAG_MODE_MEMORY },
					     { "both", THAG_MODE_TIME | THAG_MODE_MEMORY },
					     { "yes", THAG_MODE_TIME | THAG_MODE_MEMORY },
					     { "no", 0 },
					     { "runtime", 0 },
					     { NULL, 0 } };

	if (!mode) {
		*modes = THAG_MODE_MEMORY;
		return 0;
	}
	if (read_word(mode, strlen(mode), words, modes) == 0)
		return 0;
	thag_say("THAG_ENABLE_PROFILING(", mode,
		 "): expected time, memory, both, yes, no or runtime; running unprofiled", NULL);
	return -EINVAL;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] && strcmp(value, "0") != 0;
}

static int refuse(const char *name, const char *expected, const char *text)
{
	char shown[SHOWN_BYTES];

	show(text, strlen(text), shown);
	thag_say(name, expected, shown, "'; running unprofiled");
	return -EINVAL;
}

/* A variable that is 0 or 1; `*value` stays where it isn't set. */
static int read_switch(const char *name, bool *value)
{
	const char *text = getenv(name);

	if (!text || !text[0])
		return 0;
	if ((text[0] != '0' && text[0] != '1') || text[1])
		return refuse(name, ": expected 0 or 1, not '", text);
	*value = text[0] == '1';
	return 0;
}

/* A variable that is a number of bytes, up to `most`. */
static int read_bytes(const char *name, uint64_t most, uint64_t *bytes)
{
	const char *text = getenv(name);
	uint64_t value = 0;

	if (!text || !text[0])
		return 0;
	for (const char *c = text; *c; c++)
		if (*c < '0' || *c > '9' || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value) || value > most)
			return refuse(name, ": expected a number of bytes, not '", text);
	*bytes = value;
	return 0;
}

static int read_memory(struct thag_config *config)
{
	config->free_traces = true;
	return read_switch("THAG_FREE_TRACES", &config->free_traces) ||
			       read_switch("THAG_MAPS", &config->maps) ||
			       read_bytes("SIZE_TRACKING_THRESHOLD", SIZE_MAX,
					  &config->size_threshold) ||
			       read_bytes("THAG_SAMPLE_BYTES", UINT64_C(1) << 40,
					  &config->sample_bytes)
		       ? -EINVAL
		       : 0;
}

/* The program's own word stands, but none always turns it off; runtime leaves it to THAG_PROFILER.
 */
static uint32_t choose_modes(const char *mode, uint32_t own, const char *environment,
			     uint32_t asked)
{
	if (asked == 0)
		return 0;
	if (!mode)
		return asked == UINT32_MAX ? own : asked;
	if (strcasecmp(mode, "runtime") != 0)
		return own;
	if (!environment)
		return 0;
	return asked == UINT32_MAX ? THAG_MODE_TIME | THAG_MODE_MEMORY : asked;
}

int thag_config_read(const char *mode, struct thag_config *config)
{
	const char *environment = getenv("THAG_PROFILER");
	uint32_t own, asked = UINT32_MAX;

	*config = (struct thag_config){ .banned = true };
	if (read_mode(mode, &own) != 0)
		return -EINVAL;
	if ((environment && read_environment(environment, &asked, config) != 0) ||
	    read_memory(config) != 0) {
		*config = (struct thag_config){ .banned = true };
		return -EINVAL;
	}
	config->modes = choose_modes(mode, own, environment, asked);
	config->banned = asked == 0;
	config->paused = is_set("THAG_PAUSED");
	return 0;
}
