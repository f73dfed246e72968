/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "command.h"
#include "import_file.h"
#include "output.h"
#include "waiting.h"
#include "thag_buffer.h"
#include "thag_stack_file.h"

static int run(int argc, char **argv);

const struct thag_command thag_command_import = {
	.name = "import",
	.help = "Usage: thag import FILE [--from FORMAT] [--to FORMAT] [--value NAME]\n"
		"                        [-o FILE] [--strict]\n"
		"Reads a profile of another tool and writes it as folded stacks, which thag stat\n"
		"and others look at. FILE: '-' is stdin.\n"
		"\n"
		"  -f, --from FORMAT  what it is; default: what it looks like\n"
		"                     folded: stacks, a line each, `a;b;c N`\n"
		"                     chrome: a trace in Chrome's JSON, its calls nested by time\n"
		"                     pprof: a profile of pprof's, gzipped or not\n"
		"                     perf: what `perf script` prints\n"
		"  -t, --to FORMAT    write folded (default), speedscope, pprof, firefox or csv\n"
		"      --value NAME   which of a profile's values: a sample type of pprof's, by\n"
		"                     default the file's own; of perf: period, or samples\n"
		"  -o, --output FILE  write FILE, whole or not at all; default and '-': stdout\n"
		"      --strict       end at the first malformed line, instead of leaving it out\n"
		"  -h, --help         print this and exit\n"
		"\n"
		"Exit status: 0 done; 1 failure; 2 wrong usage.\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

struct request {
	struct thag_import_wish wish;
	enum thag_stack_format to;
	const char *file; /* NULL: stdout */
};

static int parse_from(struct request *request, const char *text)
{
	static const char *const names[THAG_IMPORT_FORMATS] = {
		[THAG_IMPORT_FOLDED] = "folded",
		[THAG_IMPORT_CHROME] = "chrome",
		[THAG_IMPORT_PPROF] = "pprof",
		[THAG_IMPORT_PERF] = "perf",
	};
	uint32_t format = 0;

	while (format < THAG_IMPORT_FORMATS && strcmp(text, names[format]) != 0)
		format++;
	if (format == THAG_IMPORT_FORMATS)
		return thag_command_bad_usage(
			&thag_command_import,
			"can't read '%s': folded, chrome, pprof and perf are known", text);
	request->wish.format = (enum thag_import_format)format;
	return -1;
}

static int parse_to(struct request *request, const char *text)
{
	request->to = thag_stack_format_find(text);
	if (request->to == THAG_STACK_FORMATS)
		return thag_command_bad_usage(&thag_command_import,
					      "can't write '%s': folded, speedscope, pprof, "
					      "firefox and csv are known",
					      text);
	return -1;
}

static int parse_option(struct request *request, int option, char **argv)
{
	switch (option) {
	case 'f':
		return parse_from(request, optarg);
	case 't':
		return parse_to(request, optarg);
	case 'v':
		request->wish.value = optarg;
		return -1;
	case 'o':
		if (!optarg[0])
			return thag_command_bad_usage(&thag_command_import, "-o needs a file");
		request->file = strcmp(optarg, "-") == 0 ? NULL : optarg;
		return -1;
	case 's':
		request->wish.strict = true;
		return -1;
	case 'h':
		return thag_command_print_help(&thag_command_import);
	default:
		return thag_command_bad_option(&thag_command_import, option, argv);
	}
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "value", required_argument, NULL, 'v' },
		{ "output", required_argument, NULL, 'o' },
		{ "strict", no_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":f:t:o:h", options, NULL)) != -1)
		ret = parse_option(request, option, argv);
	if (ret >= 0)
		return ret;
	if (optind + 1 != argc)
		return thag_command_bad_usage(&thag_command_import, optind == argc
									    ? "of which file?"
									    : "one file at a time");
	request->wish.path = argv[optind];
	return -1;
}

static int make_file(const struct request *request, const struct thag_profile *profile,
		     struct thag_buffer *out)
{
	const char *slash = strrchr(request->wish.path, '/');
	const struct thag_stack_facts facts = {
		.program = slash ? slash + 1 : request->wish.path,
		.title = "",
	};
	struct thag_stack_file file;
	int ret = thag_stack_file_begin(&file, request->to, out, &facts);

	if (!ret)
		ret = thag_stack_file_add(&file, profile, "", 0);
	return thag_stack_file_end(&file, ret);
}

static int run(int argc, char **argv)
{
	struct request request = { .wish.format = THAG_IMPORT_FORMATS };
	struct thag_profile *profile;
	struct thag_buffer data = { 0 };
	struct thag_waiting waiting;
	int status = parse_arguments(&request, argc, argv);

	if (status >= 0)
		return status;
	thag_waiting_begin(&waiting, "importing");
	status = thag_import_file_read(&thag_command_import, &request.wish, &profile);
	thag_waiting_end(&waiting);
	if (status != THAG_EXIT_OK)
		return status;
	int ret = make_file(&request, profile, &data);

	if (!ret)
		ret = thag_output_write_data(request.file, data.data, data.bytes);
	if (ret)
		thag_command_complain_of(&thag_command_import,
					 request.file ? request.file : "the output",
					 "can't be written: %s", strerror(-ret));
	thag_buffer_fini(&data);
	thag_profile_destroy(profile);
	return ret ? THAG_EXIT_FAILURE : THAG_EXIT_OK;
}
