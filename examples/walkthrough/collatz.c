/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * collatz: which numbers below a bound take the most steps to 1, when an even one is halved and an
 * odd one becomes three times itself and one. It knows nothing of thag; docs/walkthrough.md says
 * what becomes of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 5

struct found {
	unsigned long number;
	unsigned steps;
	char *path; /* its first numbers, as text */
};

static struct found longest[LONGEST];

/* A number takes one step more than the next one does. */
static unsigned count_steps(unsigned long number)
{
	unsigned steps = 0;

	for (; number != 1; steps++)
		number = number % 2 ? 3 * number + 1 : number / 2;
	return steps;
}

/* A text for each number of the path, each longer than the one before: the last is kept. */
static char *describe(unsigned long number)
{
	char *text = strdup("");

	for (int i = 0; i < 20 && number != 1; i++) {
		char *longer = malloc(strlen(text) + 24);

		sprintf(longer, "%s %lu", text, number);
		free(text);
		text = longer;
		number = number % 2 ? 3 * number + 1 : number / 2;
	}
	return text;
}

/* Keeps a number among the longest. What it displaces is forgotten. */
static void keep(unsigned long number, unsigned steps)
{
	int at = LONGEST - 1;

	if (steps <= longest[at].steps)
		return;
	for (; at > 0 && steps > longest[at - 1].steps; at--)
		longest[at] = longest[at - 1];
	longest[at] = (struct found){ number, steps, describe(number) };
}

static void search(unsigned long bound)
{
	for (unsigned long number = 1; number < bound; number++)
		keep(number, count_steps(number));
}

static void report(void)
{
	for (int i = 0; i < LONGEST; i++)
		printf("%u steps:%s ...\n", longest[i].steps, longest[i].path);
}

int main(int argc, char **argv)
{
	search(argc > 1 ? strtoul(argv[1], NULL, 10) : 300000);
	report();
	return 0;
}
