/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "thag_symbol_reader.h"
#include "thag_text.h"

#include <jansson.h>

static int symbols(int argc, char **argv);

const struct thag_command thag_command_symbols = {
	.name = "symbols",
	.help = "Usage: thag symbols [OPTION]… FILE ADDRESS…\n"
		"Says what the code at addresses in a program or a library is called, where it\n"
		"was written, and what was inlined there, innermost first: as thagd finds names.\n"
		"\n"
		"An ADDRESS is hexadecimal and counts as the file's symbols do; what a profile\n"
		"shows, such as libm.so.6+0x1234, is one, too. '-' reads them from standard\n"
		"input, one a line.\n"
		"\n"
		"      --json             as JSON\n"
		"      --functions        the function an address is in, and where it is declared\n"
		"      --no-demangle      names as the linker has them\n"
		"      --no-dwarf         by the table of symbols only\n"
		"      --build-id HEX     only if the file is of that build\n"
		"      --debug-dirs DIRS  where debug files are, separated by colons.\n"
		"                         Default: $THAG_DEBUG_DIRS, else /usr/lib/debug\n"
		"  -h, --help             print this and exit\n"
		"\n"
		"Exit status: 0 every address has a name; 1 failure; 2 wrong usage; 4 some have\n"
		"none.\n",
	.run = symbols,
	.usage_status = THAG_EXIT_USAGE,
};

static const struct thag_command *const self = &thag_command_symbols;

struct request {
	const char *debug_dirs;
	uint8_t build_id[THAG_SYMBOL_BUILD_ID_MAX];
	uint32_t build_id_bytes;
	bool as_json;
	bool functions;
	struct thag_symbol_reader_options options;
	struct thag_symbol_reader *reader;
	json_t *list; /* of answers, with as_json */
	uint64_t asked, unnamed;
	struct thag_symbol symbol;
};

static int parse_build_id(struct request *request, const char *text)
{
	size_t digits = strlen(text);

	if (digits == 0 || digits % 2 || digits / 2 > sizeof(request->build_id) ||
	    strspn(text, "0123456789abcdefABCDEF") != digits)
		return thag_command_bad_usage(self, "'%s' is no build id", text);
	for (size_t i = 0; i < digits / 2; i++)
		sscanf(text + 2 * i, "%2hhx", &request->build_id[i]);
	request->build_id_bytes = (uint32_t)(digits / 2);
	return -1;
}

/** -1 to go on, or the status to exit with. */
static int parse_arguments(int argc, char **argv, struct request *request)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "functions", no_argument, NULL, 'f' },
		{ "no-demangle", no_argument, NULL, 'm' },
		{ "no-dwarf", no_argument, NULL, 'w' },
		{ "build-id", required_argument, NULL, 'b' },
		{ "debug-dirs", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h')
			ret = thag_command_print_help(self);
		else if (option == 'j')
			request->as_json = true;
		else if (option == 'f')
			request->functions = true;
		else if (option == 'm')
			request->options.no_demangle = true;
		else if (option == 'w')
			request->options.no_dwarf = true;
		else if (option == 'd')
			request->debug_dirs = optarg;
		else if (option == 'b')
			ret = parse_build_id(request, optarg);
		else
			ret = thag_command_bad_option(self, option, argv);
	}
	if (ret < 0 && optind == argc)
		ret = thag_command_bad_usage(self, "a file is missing");
	else if (ret < 0 && optind + 1 == argc)
		ret = thag_command_bad_usage(self, "an address is missing");
	return ret;
}

static json_t *text(const char *bytes, uint32_t count)
{
	struct thag_buffer utf8 = { 0 };
	json_t *json = NULL;

	if (count == 0)
		return json_null();
	if (thag_text_append_utf8(&utf8, bytes, count, (size_t)count * 3 + 3) == 0)
		json = json_stringn((const char *)utf8.data, utf8.bytes);
	thag_buffer_fini(&utf8);
	return json;
}

static json_t *frame_object(const struct thag_symbol_frame *frame)
{
	return json_pack("{s:o, s:o, s:I}", "name", text(frame->name, frame->name_bytes), "file",
			 text(frame->file, frame->file_bytes), "line", (json_int_t)frame->line);
}

static void add_json(struct request *request)
{
	const struct thag_symbol *symbol = &request->symbol;
	json_t *one, *frames = json_array();
	char address[24];

	snprintf(address, sizeof(address), "0x%" PRIx64, symbol->address);
	for (uint32_t i = 0; i < symbol->frame_count; i++)
		json_array_append_new(frames, frame_object(&symbol->frames[i]));
	one = json_pack("{s:s, s:s, s:o}", "address", address, "status",
			thag_symbol_status_name(symbol->status), "frames", frames);
	if (symbol->status == THAG_SYMBOL_FOUND)
		json_object_set_new(one, "function", frame_object(&symbol->function));
	json_array_append_new(request->list, one);
}

/* Nothing in a file tells a terminal what to do. */
static void print_text(const char *bytes, uint32_t count)
{
	struct thag_buffer shown = { 0 };

	if (thag_text_append_terminal(&shown, bytes, count) == 0 && shown.bytes)
		fwrite(shown.data, 1, shown.bytes, stdout);
	thag_buffer_fini(&shown);
}

static void print_frame(const char *before, const struct thag_symbol_frame *frame)
{
	fputs(before, stdout);
	print_text(frame->name, frame->name_bytes);
	if (frame->file_bytes) {
		fputs(" at ", stdout);
		print_text(frame->file, frame->file_bytes);
		if (frame->line)
			printf(":%" PRIu32, frame->line);
		else
			fputs(":?", stdout);
	}
	putchar('\n');
}

static void print_symbol(const struct request *request)
{
	const struct thag_symbol *symbol = &request->symbol;

	printf("0x%" PRIx64 " ", symbol->address);
	if (symbol->status != THAG_SYMBOL_FOUND)
		puts("??");
	else if (request->functions)
		print_frame("", &symbol->function);
	for (uint32_t i = 0; i < symbol->frame_count && !request->functions; i++)
		print_frame(i ? "  (inlined by) " : "", &symbol->frames[i]);
}

/* "1234", "0x1234" and "libm.so.6+0x1234" are the same. */
static int parse_address(const char *word, uint64_t *address)
{
	const char *plus = strrchr(word, '+');
	const char *digits = plus ? plus + 1 : word;
	char *end;

	if (digits[0] == '-' || digits[0] == '+' || digits[0] == ' ')
		return -EINVAL;
	errno = 0;
	*address = strtoull(digits, &end, 16);
	return end == digits || *end || errno ? -EINVAL : 0;
}

static int answer(struct request *request, const char *word)
{
	uint64_t address;

	if (parse_address(word, &address) != 0)
		return thag_command_bad_usage(self, "'%s' is no hexadecimal address", word);
	thag_symbol_reader_find(request->reader, address, &request->symbol);
	request->asked++;
	request->unnamed += request->symbol.status != THAG_SYMBOL_FOUND;
	if (request->as_json)
		add_json(request);
	else
		print_symbol(request);
	return 0;
}

static int answer_input(struct request *request)
{
	char *line = NULL;
	size_t size = 0;
	int ret = 0;

	while (ret == 0 && getline(&line, &size, stdin) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0])
			ret = answer(request, line);
	}
	free(line);
	return ret;
}

static int print_json(const struct request *request)
{
	struct thag_symbol_source source;
	json_t *all;
	char *dump;

	thag_symbol_reader_describe(request->reader, &source);
	const char *path = source.path ? source.path : "", *debug = source.debug_path;

	all = json_pack("{s:o, s:o, s:b, s:b, s:I, s:O}", "file",
			text(path, (uint32_t)strlen(path)), "debug_file",
			debug ? text(debug, (uint32_t)strlen(debug)) : json_null(), "dwarf",
			source.has_dwarf, "symbols", source.has_symbols, "functions",
			(json_int_t)source.function_count, "addresses", request->list);
	dump = all ? json_dumps(all, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
	if (dump)
		puts(dump);
	else
		thag_command_complain(self, "out of memory");
	free(dump);
	json_decref(all);
	return dump ? 0 : THAG_EXIT_FAILURE;
}

static int cannot_open(const char *path, uint32_t status)
{
	if (status == THAG_SYMBOL_MISSING)
		thag_command_complain(self, "%s: no such file, and no debug file for it", path);
	else if (status == THAG_SYMBOL_CHANGED)
		thag_command_complain(self,
				      "%s is of another build; find the one that was run, or its "
				      "debug file",
				      path);
	else
		thag_command_complain(self, "%s can't be read as a linked ELF file", path);
	return THAG_EXIT_FAILURE;
}

/* Why names are missing, and what helps. */
static void explain(const struct request *request, const char *path)
{
	struct thag_symbol_source source;

	thag_symbol_reader_describe(request->reader, &source);
	if (!request->unnamed)
		return;
	if (!source.has_dwarf && !source.has_symbols)
		thag_command_complain(self,
				      "%s is stripped and has no debug file; install its -dbgsym "
				      "package or build it with -g",
				      path);
	else
		thag_command_complain(
			self, "%" PRIu64 " of %" PRIu64 " addresses are in no function of %s",
			request->unnamed, request->asked, path);
}

static int answer_all(struct request *request, int count, char **words)
{
	int ret = 0;

	for (int i = 0; i < count && ret == 0; i++)
		ret = strcmp(words[i], "-") == 0 ? answer_input(request)
						 : answer(request, words[i]);
	if (ret == 0 && request->as_json)
		ret = print_json(request);
	return ret;
}

static int symbols(int argc, char **argv)
{
	struct request request = { .debug_dirs = getenv("THAG_DEBUG_DIRS") };
	int ret = parse_arguments(argc, argv, &request);
	const char *path = argv[optind];
	uint32_t status;

	if (ret >= 0)
		return ret;
	struct thag_object_query query = { .path = path,
					   .build_id = request.build_id,
					   .build_id_bytes = request.build_id_bytes,
					   .debug_dirs = request.debug_dirs };

	status = thag_symbol_reader_open(&request.reader, &query, &request.options);
	if (status != THAG_SYMBOL_FOUND)
		return cannot_open(path, status);
	request.list = json_array();
	ret = answer_all(&request, argc - optind - 1, argv + optind + 1);
	if (ret == 0)
		ret = thag_command_end_output(self);
	if (ret == 0 && request.unnamed) {
		explain(&request, path);
		ret = THAG_EXIT_NOT_FOUND;
	}
	json_decref(request.list);
	thag_symbol_reader_close(request.reader);
	return ret;
}
