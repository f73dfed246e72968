/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * formula [-p PLUGIN] [FILE]: evaluates an expression a line, as "2 * (3 + 4) ^ 2" or "sqrt(2)",
 * and prints the results. Functions come from PLUGIN, a shared library.
 *
 * An ordinary program: it knows nothing of thag. Compiled with -finstrument-functions all of its
 * functions, and the plugin's, can be profiled.
 */
#include <ctype.h>
#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin.h"

struct input {
	const char *at;
	bool failed;
};

static formula_call_fn *call_plugin;

static double parse_sum(struct input *input);

static void skip_blanks(struct input *input)
{
	while (isspace((unsigned char)*input->at))
		input->at++;
}

/* Whether `byte` comes next; then it is taken. */
static bool take(struct input *input, char byte)
{
	skip_blanks(input);
	if (*input->at != byte)
		return false;
	input->at++;
	return true;
}

static double fail(struct input *input)
{
	input->failed = true;
	return 0;
}

static double parse_call(struct input *input)
{
	char name[32];
	size_t bytes = 0;
	double argument, result;

	while (isalnum((unsigned char)*input->at) && bytes < sizeof(name) - 1)
		name[bytes++] = *input->at++;
	name[bytes] = '\0';
	if (!take(input, '('))
		return fail(input);
	argument = parse_sum(input);
	if (!take(input, ')') || !call_plugin || call_plugin(name, argument, &result) != 0)
		return fail(input);
	return result;
}

static double parse_number(struct input *input)
{
	char *end;
	double number = strtod(input->at, &end);

	if (end == input->at)
		return fail(input);
	input->at = end;
	return number;
}

static double parse_atom(struct input *input)
{
	double value;

	if (take(input, '-'))
		return -parse_atom(input);
	if (isalpha((unsigned char)*input->at))
		return parse_call(input);
	if (!take(input, '('))
		return parse_number(input);
	value = parse_sum(input);
	return take(input, ')') ? value : fail(input);
}

static double parse_power(struct input *input)
{
	double base = parse_atom(input);

	return take(input, '^') ? pow(base, parse_power(input)) : base;
}

static double parse_product(struct input *input)
{
	double value = parse_power(input);

	for (;;) {
		if (take(input, '*'))
			value *= parse_power(input);
		else if (take(input, '/'))
			value /= parse_power(input);
		else
			return value;
	}
}

static double parse_sum(struct input *input)
{
	double value = parse_product(input);

	for (;;) {
		if (take(input, '+'))
			value += parse_product(input);
		else if (take(input, '-'))
			value -= parse_product(input);
		else
			return value;
	}
}

static void evaluate(const char *line)
{
	struct input input = { line, false };
	double value = parse_sum(&input);

	skip_blanks(&input);
	if (input.failed || *input.at)
		puts("?");
	else
		printf("%g\n", value);
}

static void evaluate_file(FILE *file)
{
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0)
		evaluate(line);
	free(line);
}

static bool load_plugin(const char *path)
{
	void *plugin = dlopen(path, RTLD_NOW);

	if (plugin)
		call_plugin = (formula_call_fn *)dlsym(plugin, "formula_call");
	if (!call_plugin)
		fprintf(stderr, "formula: %s\n", dlerror());
	return call_plugin;
}

int main(int argc, char **argv)
{
	FILE *file = stdin;
	int option;

	while ((option = getopt(argc, argv, "p:")) != -1)
		if (option != 'p' || !load_plugin(optarg))
			return EXIT_FAILURE;
	if (optind < argc)
		file = fopen(argv[optind], "r");
	if (!file) {
		perror(argv[optind]);
		return EXIT_FAILURE;
	}
	evaluate_file(file);
	fclose(file);
	return EXIT_SUCCESS;
}
