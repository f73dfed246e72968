/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Counts the signals it gets: count_signals FILE SIGNAL. Makes FILE once it is ready; after the
 * first signal it waits for another for a while, then writes how many came to FILE.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void ignore(int signal)
{
	(void)signal;
}

int main(int argc, char **argv)
{
	struct timespec more = { 0, 500000000 };
	int signal = argc > 2 ? atoi(argv[2]) : SIGINT, count = 1;
	FILE *file = argc > 1 ? fopen(argv[1], "w") : NULL;
	sigset_t set;

	if (!file)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, signal);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(signal, &(struct sigaction){ .sa_handler = ignore }, NULL);
	fputs("ready ", file);
	fflush(file);
	sigwaitinfo(&set, NULL);
	while (sigtimedwait(&set, NULL, &more) > 0)
		count++;
	fprintf(file, "%d\n", count);
	return fclose(file) ? 1 : 42;
}
