/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * check_names <LINES: each line of names.cpp's holds what its second part must be made of. Says
 * what differs, and how many there were. Fails when one differs, or there are fewer than NAMES.
 */
#include <stdio.h>
#include <string.h>

#include "thag_pretty.h"

#define NAMES 81

int main(void)
{
	char line[4096], readable[4096];
	int names = 0, wrong = 0;

	while (fgets(line, sizeof(line), stdin)) {
		char *name = strchr(line, '\t');
		size_t bytes;

		if (!name)
			continue;
		*name++ = '\0';
		bytes = thag_pretty(name, strcspn(name, "\n"), readable);
		names++;
		if (bytes == strlen(line) && memcmp(readable, line, bytes) == 0)
			continue;
		wrong++;
		printf("wanted %s, made %.*s of %s", line, (int)bytes, readable, name);
	}
	printf("%d names\n", names);
	return wrong || names < NAMES;
}
