/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A program of known allocations, without anything of thag. In this order, a while apart:
 *
 *   forget()   100 blocks of 1,000 bytes, never freed
 *   odd()      one of 33 bytes, never freed; its name in the symbol table is markup
 *   spike()    one of 4 MiB, freed after a while: the peak
 *   tick()     a block of 100 bytes, freed at once: temporary, once in 10 ms
 *
 * Ticks until it is killed, or as often as its argument says. Dies with its parent.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#define FORGOTTEN 100

static char *forgotten[FORGOTTEN];

static void wait_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

static void forget(void)
{
	for (size_t i = 0; i < FORGOTTEN; i++) {
		forgotten[i] = malloc(1000); /* the line that is looked for */
		if (forgotten[i])
			memset(forgotten[i], 1, 1000);
	}
}

__attribute__((noinline)) static void odd(void) __asm__("\"<img src=x onerror=alert(1)>\"");

static char *odd_block;

static void odd(void)
{
	odd_block = malloc(33);
}

static void spike(void)
{
	char *block = malloc((size_t)4 << 20);

	if (block)
		block[0] = 1;
	wait_ms(400);
	free(block);
}

static void tick(void)
{
	char *volatile block = malloc(100);

	free(block);
}

int main(int argc, char **argv)
{
	long ticks = argc > 1 ? strtol(argv[1], NULL, 10) : -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	forget();
	odd();
	wait_ms(400);
	spike();
	wait_ms(400);
	while (ticks < 0 || ticks-- > 0) {
		tick();
		wait_ms(10);
	}
	return 0;
}
