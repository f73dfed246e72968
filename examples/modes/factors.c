/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * factors: a server that is profiled for a while, whenever somebody asks for it.
 *
 * Answers every number it reads with its prime factors. On SIGUSR1 it records what it does for
 * the next ten seconds, or as many as its argument says; before and after that a mark costs about
 * a nanosecond. The kinds of its marks say what they are of interest for: `thag enable ID memory`
 * leaves divide() out.
 *
 *     seq 1000000000000 1000009999999 | factors 5 >/dev/null &
 *     kill -USR1 $!
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <thag.h>

#define SECONDS_MAX 86400

/** What signals ask for; the loop does it, between two requests. */
static volatile sig_atomic_t start_asked, stop_asked;

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		start_asked = 1;
	else
		stop_asked = 1;
}

/** Time is spent here, and nothing is allocated. */
static uint64_t divide(uint64_t number, uint64_t factor)
{
	THAG_PROFILED(time);
	while (factor * factor <= number && number % factor)
		factor += factor == 2 ? 1 : 2;
	return factor * factor <= number ? factor : number;
}

/** Makes room for one more factor. */
static char *grow(char *text, size_t bytes)
{
	THAG_PROFILED(memory);
	char *grown = realloc(text, bytes);

	if (!grown)
		abort();
	return grown;
}

static char *factorise(uint64_t number)
{
	THAG_PROFILED(both);
	char *text = grow(NULL, 1);
	size_t used = 0;
	uint64_t factor = 2;

	text[0] = '\0';
	for (; number > 1; number /= factor) {
		char digits[24];
		int bytes;

		factor = divide(number, factor);
		bytes = snprintf(digits, sizeof(digits), " %" PRIu64, factor);
		text = grow(text, used + (size_t)bytes + 1);
		memcpy(text + used, digits, (size_t)bytes + 1);
		used += (size_t)bytes;
	}
	return text;
}

/** One request. */
static void answer(const char *line)
{
	THAG_PROFILED();
	uint64_t number = strtoull(line, NULL, 10);
	char *text = factorise(number);

	printf("%" PRIu64 ":%s\n", number, text);
	free(text);
}

/** Does what signals have asked for. */
static void switch_recording(unsigned seconds)
{
	if (start_asked) {
		start_asked = 0;
		/* without a thagd it has said so; the server goes on */
		if (thag_enable(THAG_BOTH) == 0)
			alarm(seconds);
	}
	if (stop_asked) {
		stop_asked = 0;
		thag_disable();
	}
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(no);
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
	char line[64];

	if (argc > 2 || seconds < 1 || seconds > SECONDS_MAX) {
		fprintf(stderr, "usage: factors [SECONDS]   (1 to %d; 10)\n", SECONDS_MAX);
		return 2;
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		switch_recording((unsigned)seconds);
		answer(line);
	}
	return 0;
}
