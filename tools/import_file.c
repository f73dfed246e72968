/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "thag_buffer.h"
#include "thag_folded_read.h"

#define PIECE_BYTES ((size_t)1 << 20)
#define TOLD_MAX 5 /* malformed lines that are told of one by one */
#define ROOT_NAME "all"

struct input {
	const void *data;
	size_t bytes;
	void *mapped;
	struct thag_buffer read;
};

struct reading {
	const struct thag_command *command;
	const char *name; /* for people */
	bool strict;
	uint64_t told;
};

static void input_fini(struct input *input)
{
	if (input->mapped)
		munmap(input->mapped, input->bytes);
	thag_buffer_fini(&input->read);
}

static int read_all(struct input *input, int fd)
{
	ssize_t got = 1;

	while (got > 0) {
		if (thag_buffer_reserve(&input->read, PIECE_BYTES))
			return -ENOMEM;
		got = read(fd, input->read.data + input->read.bytes, PIECE_BYTES);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got < 0)
			return -errno;
		else
			input->read.bytes += (size_t)got;
	}
	input->data = input->read.data;
	input->bytes = input->read.bytes;
	return 0;
}

static int map_file(struct input *input, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return read_all(input, fd);
	void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (data == MAP_FAILED)
		return read_all(input, fd);
	madvise(data, (size_t)st.st_size, MADV_SEQUENTIAL);
	input->mapped = data;
	input->data = data;
	input->bytes = (size_t)st.st_size;
	return 0;
}

static int open_input(struct input *input, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	int ret = map_file(input, fd);

	if (!is_stdin)
		close(fd);
	return ret;
}

static void tell(void *context, uint64_t line, const char *what)
{
	struct reading *reading = context;

	if (reading->told++ < TOLD_MAX)
		thag_command_complain_of(reading->command, reading->name, "line %" PRIu64 ": %s%s",
					 line, what, reading->strict ? "" : "; left out");
}

/** Of a difference the second side, which is what there is now. */
static int finish_folded(struct thag_folded_reader *reader, struct thag_profile **out)
{
	struct thag_profile *profiles[THAG_FOLDED_SIDES];
	int ret = thag_folded_reader_finish(reader, profiles);

	if (ret)
		return ret;
	*out = profiles[1] ? profiles[1] : profiles[0];
	if (profiles[1])
		thag_profile_destroy(profiles[0]);
	return 0;
}

static int read_folded(struct reading *reading, const struct input *input,
		       struct thag_import_report *report, struct thag_profile **out)
{
	const struct thag_folded_options options = { .root_name = ROOT_NAME,
						     .strict = reading->strict,
						     .malformed = tell,
						     .context = reading };
	struct thag_folded_reader *reader;
	struct thag_folded_counts counts;
	int ret = thag_folded_reader_create(&reader, &options);

	if (ret)
		return ret;
	ret = thag_folded_reader_feed(reader, input->data, input->bytes);
	if (!ret)
		ret = finish_folded(reader, out);
	thag_folded_reader_count(reader, &counts);
	report->stacks = counts.stacks;
	report->left_out = counts.malformed;
	report->why = "malformed lines";
	if (ret == -EBADMSG)
		thag_import_fail(report, ret, "ended by --strict");
	thag_folded_reader_destroy(reader);
	return ret;
}

static int read_format(struct reading *reading, const struct thag_import_wish *wish,
		       const struct input *input, struct thag_import_report *report,
		       struct thag_profile **out)
{
	const struct thag_import_options options = { .root_name = ROOT_NAME, .value = wish->value };
	enum thag_import_format format = wish->format;

	if (format == THAG_IMPORT_FORMATS)
		format = thag_import_guess(input->data, input->bytes);
	switch (format) {
	case THAG_IMPORT_CHROME:
		return thag_chrome_read(input->data, input->bytes, &options, report, out);
	case THAG_IMPORT_PPROF:
		return thag_pprof_read(input->data, input->bytes, &options, report, out);
	case THAG_IMPORT_PERF:
		return thag_perf_read(input->data, input->bytes, &options, report, out);
	default:
		if (wish->value)
			return thag_import_fail(report, -EINVAL,
						"folded stacks have one value: no --value");
		return read_folded(reading, input, report, out);
	}
}

static const char *describe(int error, const struct thag_import_report *report)
{
	if (report->what[0])
		return report->what;
	if (error == -EOVERFLOW)
		return "all values together are 2^64 or more";
	return error == -EFBIG ? "it is too large when unpacked" : strerror(-error);
}

/** Tells what isn't in the profile; a file that has nothing but that is an error. */
static int judge(const struct reading *reading, const struct thag_import_report *report)
{
	if (report->left_out)
		thag_command_complain_of(reading->command, reading->name,
					 "left out: %" PRIu64 " %s", report->left_out, report->why);
	if (report->stacks || !report->left_out)
		return THAG_EXIT_OK;
	thag_command_complain_of(reading->command, reading->name, "nothing else is there");
	return THAG_EXIT_FAILURE;
}

int thag_import_file_read(const struct thag_command *command, const struct thag_import_wish *wish,
			  struct thag_profile **out)
{
	struct reading reading = { .command = command,
				   .name = strcmp(wish->path, "-") == 0 ? "standard input"
									: wish->path,
				   .strict = wish->strict };
	struct thag_import_report report = { 0 };
	struct input input = { 0 };
	struct thag_profile *profile = NULL;
	int ret = open_input(&input, wish->path), status = THAG_EXIT_FAILURE;

	if (!ret)
		ret = read_format(&reading, wish, &input, &report, &profile);
	if (ret)
		thag_command_complain_of(command, reading.name, "%s", describe(ret, &report));
	else
		status = judge(&reading, &report);
	input_fini(&input);
	if (status == THAG_EXIT_OK)
		*out = profile;
	else
		thag_profile_destroy(profile);
	return status;
}
