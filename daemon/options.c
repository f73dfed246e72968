/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "thag/control.h"
#include "thag_timeline.h"
#include "thagd_limits.h"

enum {
	OPT_PORT = 256,
	OPT_SOCKET,
	OPT_OUTPUT_DIR,
	OPT_RECORD,
	OPT_TIMELINE,
	OPT_TOKEN,
	OPT_FOREGROUND,
	OPT_DAEMONIZE,
	OPT_LOG_LEVEL,
	OPT_LIMITS,
	OPT_JSON,
	OPT_SYMBOLS,
	OPT_VERSION
};

static const char help[] =
	"Usage: thagd [OPTION]…\n"
	"Receives what programs built with libthag record, and shows it in the browser.\n"
	"\n"
	"      --port N          port of the web page on localhost; 0: any free one.\n"
	"                        Default: 8424, or the next free one up to 8439\n"
	"      --socket PATH     control socket. Default: $THAG_SOCKET, else thagd.sock\n"
	"                        in $XDG_RUNTIME_DIR/thag, else in /tmp/thag-UID\n"
	"      --output-dir DIR  where profiles are saved when a program ends.\n"
	"                        Default: the directory the program was started in\n"
	"      --record DIR      record all programs, each into a file in DIR\n"
	"      --timeline BYTES  memory for what happened when, of all programs; K, M or\n"
	"                        G may follow the number; off: none. Default: 256M\n"
	"      --token           let in whoever has the token in the address printed\n"
	"      --foreground      stay attached to the terminal (default)\n"
	"      --daemonize       go to the background once programs can connect;\n"
	"                        messages then go to thagd.log beside the socket\n"
	"      --log-level L     error, warn, info (default) or debug\n"
	"      --limits [--json] print all limits, and what happens beyond, and exit\n"
	"      --version         print the version and exit\n"
	"  -h, --help            print this and exit\n"
	"\n"
	"Ends on SIGINT, SIGTERM, SIGHUP or `thag stop`, and saves what it holds.\n"
	"Exit status: 0 ended as asked; 1 failure; 2 wrong usage; 4 another thagd runs\n"
	"on this socket; 5 the port is busy.\n";

static const struct option long_options[] = {
	{ "port", required_argument, NULL, OPT_PORT },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "output-dir", required_argument, NULL, OPT_OUTPUT_DIR },
	{ "record", required_argument, NULL, OPT_RECORD },
	{ "timeline", required_argument, NULL, OPT_TIMELINE },
	{ "token", no_argument, NULL, OPT_TOKEN },
	{ "foreground", no_argument, NULL, OPT_FOREGROUND },
	{ "daemonize", no_argument, NULL, OPT_DAEMONIZE },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "limits", no_argument, NULL, OPT_LIMITS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "symbols", no_argument, NULL, OPT_SYMBOLS },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int usage(const char *text, const char *what)
{
	fprintf(stderr, "thagd: %s '%s'; see 'thagd --help'\n", text, what);
	return THAG_EXIT_USAGE;
}

static int parse_port(struct thag_options *options, const char *text)
{
	char *end = NULL;
	unsigned long port;

	errno = 0;
	port = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || port > 65535)
		return usage("--port needs a number from 0 to 65535, not", text);
	options->port = (uint32_t)port;
	options->port_given = true;
	return -1;
}

static int parse_level(struct thag_options *options, const char *text)
{
	options->log_level = thag_log_parse_level(text);
	if (options->log_level < 0)
		return usage("--log-level needs error, warn, info or debug, not", text);
	return -1;
}

/* How far a unit shifts its number; -1: there is no such unit. */
static int find_unit(const char *unit)
{
	static const char units[] = "KMG";
	const char *at = unit[0] ? strchr(units, unit[0]) : NULL;

	if (!unit[0])
		return 0;
	return at && !unit[1] ? 10 * (int)(at - units + 1) : -1;
}

static int parse_timeline(struct thag_options *options, const char *text)
{
	char *end = NULL;
	unsigned long long number;
	int shift;

	options->timeline_bytes = 0;
	if (strcmp(text, "off") == 0)
		return -1;
	errno = 0;
	number = strtoull(text, &end, 10);
	shift = find_unit(end);
	if (text[0] < '0' || text[0] > '9' || errno || shift < 0 ||
	    number > THAG_TIMELINE_BYTES_MAX >> shift || number << shift < THAG_TIMELINE_BYTES_MIN)
		return usage("--timeline needs off, or from 1M to 1024G, not", text);
	options->timeline_bytes = number << shift;
	return -1;
}

static int parse_path(const char **path, const char *option, const char *text)
{
	if (!text[0])
		return usage("a path is missing after", option);
	*path = text;
	return -1;
}

static int parse_one(struct thag_options *options, int option, char **argv)
{
	switch (option) {
	case OPT_PORT:
		return parse_port(options, optarg);
	case OPT_SOCKET:
		return parse_path(&options->socket, "--socket", optarg);
	case OPT_OUTPUT_DIR:
		return parse_path(&options->output_dir, "--output-dir", optarg);
	case OPT_RECORD:
		return parse_path(&options->record_dir, "--record", optarg);
	case OPT_TIMELINE:
		return parse_timeline(options, optarg);
	case OPT_TOKEN:
		options->token = true;
		return -1;
	case OPT_FOREGROUND:
		options->daemonize = false;
		return -1;
	case OPT_DAEMONIZE:
		options->daemonize = true;
		return -1;
	case OPT_LOG_LEVEL:
		return parse_level(options, optarg);
	case OPT_LIMITS:
		options->limits = true;
		return -1;
	case OPT_JSON:
		options->json = true;
		return -1;
	case OPT_SYMBOLS:
		options->symbols = true;
		return -1;
	case OPT_VERSION:
		puts("thagd " THAG_VERSION);
		return THAG_EXIT_OK;
	case 'h':
		fputs(help, stdout);
		return THAG_EXIT_OK;
	case ':':
		return usage("a value is missing after", argv[optind - 1]);
	default:
		return usage("unknown option", argv[optind - 1]);
	}
}

int thag_options_parse(struct thag_options *options, int argc, char **argv)
{
	int option, ret = -1;

	*options = (struct thag_options){ .port = THAG_DEFAULT_PORT,
					  .timeline_bytes = THAG_TIMELINE_BUDGET,
					  .log_level = THAG_LOG_INFO };
	opterr = 0;
	while (ret < 0 && (option = getopt_long(argc, argv, "+:h", long_options, NULL)) != -1)
		ret = parse_one(options, option, argv);
	if (ret < 0 && optind < argc)
		ret = usage("unexpected argument", argv[optind]);
	if (ret < 0 && options->json && !options->limits)
		ret = usage("only --limits goes with", "--json");
	return ret;
}
