/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_stack_file.h"

#include <assert.h>
#include <string.h>

#include "thag_csv.h"

/** A way to write stacks. */
struct format {
	const char *name, *suffix;
	bool has_threads;
	int (*begin)(struct thag_stack_file *file);
	int (*add)(struct thag_stack_file *file, const struct thag_profile *profile,
		   const char *title, size_t title_bytes);
	int (*end)(struct thag_stack_file *file, int ret);
};

/* Formats that are no more than what is added. */
static int begin_plain(struct thag_stack_file *file)
{
	(void)file;
	return 0;
}

static int end_plain(struct thag_stack_file *file, int ret)
{
	if (ret)
		file->out->bytes = file->start;
	return ret;
}

static int add_folded(struct thag_stack_file *file, const struct thag_profile *profile,
		      const char *title, size_t title_bytes)
{
	(void)title;
	(void)title_bytes;
	return thag_folded_write(profile, file->out);
}

static int add_csv(struct thag_stack_file *file, const struct thag_profile *profile,
		   const char *title, size_t title_bytes)
{
	(void)title;
	(void)title_bytes;
	return thag_csv_write(profile, file->out);
}

static int begin_speedscope(struct thag_stack_file *file)
{
	return thag_speedscope_begin(&file->as.speedscope, file->out);
}

/* What is of all threads is called something, too. */
static void name_whole(const struct thag_stack_file *file, const char **title, size_t *title_bytes)
{
	if (*title_bytes)
		return;
	*title = file->facts.title[0] ? file->facts.title : file->facts.program;
	*title_bytes = strlen(*title);
}

static int add_speedscope(struct thag_stack_file *file, const struct thag_profile *profile,
			  const char *title, size_t title_bytes)
{
	name_whole(file, &title, &title_bytes);
	return thag_speedscope_add(&file->as.speedscope, profile, title, title_bytes);
}

static int end_speedscope(struct thag_stack_file *file, int ret)
{
	return thag_speedscope_end(&file->as.speedscope, file->facts.program, ret);
}

static int begin_pprof(struct thag_stack_file *file)
{
	const struct thag_pprof_options options = { .program = file->facts.program,
						    .time_ns = file->facts.time_ns,
						    .duration_ns = file->facts.duration_ns };

	return thag_pprof_begin(&file->as.pprof, file->out, &options);
}

static int add_pprof(struct thag_stack_file *file, const struct thag_profile *profile,
		     const char *title, size_t title_bytes)
{
	return thag_pprof_add(&file->as.pprof, profile, title, title_bytes);
}

static int end_pprof(struct thag_stack_file *file, int ret)
{
	return thag_pprof_end(&file->as.pprof, ret);
}

static int begin_firefox(struct thag_stack_file *file)
{
	const struct thag_firefox_options options = { .program = file->facts.program,
						      .pid = file->facts.pid,
						      .time_ns = file->facts.time_ns };

	return thag_firefox_begin(&file->as.firefox, file->out, &options);
}

static int add_firefox(struct thag_stack_file *file, const struct thag_profile *profile,
		       const char *title, size_t title_bytes)
{
	name_whole(file, &title, &title_bytes);
	return thag_firefox_add(&file->as.firefox, profile, title, title_bytes);
}

static int end_firefox(struct thag_stack_file *file, int ret)
{
	return thag_firefox_end(&file->as.firefox, ret);
}

static const struct format formats[THAG_STACK_FORMATS] = {
	[THAG_STACK_FOLDED] = { "folded", "folded", false, begin_plain, add_folded, end_plain },
	[THAG_STACK_SPEEDSCOPE] = { "speedscope", "speedscope.json", true, begin_speedscope,
				    add_speedscope, end_speedscope },
	[THAG_STACK_PPROF] = { "pprof", "pb.gz", true, begin_pprof, add_pprof, end_pprof },
	[THAG_STACK_FIREFOX] = { "firefox", "firefox.json", true, begin_firefox, add_firefox,
				 end_firefox },
	[THAG_STACK_CSV] = { "csv", "csv", false, begin_plain, add_csv, end_plain },
};

enum thag_stack_format thag_stack_format_find(const char *name)
{
	uint32_t format = 0;

	while (format < THAG_STACK_FORMATS && strcmp(name, formats[format].name) != 0)
		format++;
	return (enum thag_stack_format)format;
}

const char *thag_stack_format_suffix(enum thag_stack_format format)
{
	return formats[format].suffix;
}

bool thag_stack_format_has_threads(enum thag_stack_format format)
{
	return formats[format].has_threads;
}

int thag_stack_file_begin(struct thag_stack_file *file, enum thag_stack_format format,
			  struct thag_buffer *out, const struct thag_stack_facts *facts)
{
	*file = (struct thag_stack_file){
		.format = format, .out = out, .start = out->bytes, .facts = *facts
	};
	return formats[format].begin(file);
}

int thag_stack_file_add(struct thag_stack_file *file, const struct thag_profile *profile,
			const char *title, size_t title_bytes)
{
	assert(file->profiles == 0 || formats[file->format].has_threads);
	file->profiles++;
	return formats[file->format].add(file, profile, title, title_bytes);
}

int thag_stack_file_end(struct thag_stack_file *file, int ret)
{
	return formats[file->format].end(file, ret);
}
