/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* bad_input MISTAKE: what no program should do to its allocator, or can't get from it. */
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static volatile size_t all = SIZE_MAX;

static void show(const char *what, void *block)
{
	printf("%s: %s, errno %d\n", what, block ? "a block" : "NULL", errno);
	errno = 0;
}

static void ask_too_much(void)
{
	char *block = malloc(100);
	void *aligned = &aligned;

	strcpy(block, "still there");
	errno = 0;
	show("malloc", malloc(all));
	show("calloc", calloc(all / 2, 3));
	show("realloc", realloc(block, all - 100));
	show("reallocarray", reallocarray(block, all / 2, 3));
	show("aligned_alloc", aligned_alloc(64, all - 63));
	show("memalign", memalign(all / 2 + 1, 1));
	show("valloc", valloc(all));
	show("pvalloc", pvalloc(all));
	printf("posix_memalign: %d", posix_memalign(&aligned, 3, 8));
	printf(" %d", posix_memalign(&aligned, 64, all - 63));
	printf(" %s, errno %d\n", aligned == &aligned ? "untouched" : "set", errno);
	puts(block);
	free(block);
}

/* What is left of the address space is used up. */
static void use_all(void)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };
	size_t count = 0;
	void **first = NULL, **block;

	setrlimit(RLIMIT_AS, &limit);
	while ((block = malloc(1 << 20))) {
		*block = first;
		first = block;
		count++;
	}
	printf("malloc fails, errno %d\n", errno);
	for (; first; first = block) {
		block = *first;
		free(first);
	}
	free(malloc(1000));
	puts(count < 64 ? "within the limit" : "beyond the limit");
}

static void make_mistake(const char *mistake)
{
	char *volatile block = malloc(40), local[64] = "";

	if (strcmp(mistake, "double") == 0) {
		free(block);
		free(block);
	} else if (strcmp(mistake, "stack") == 0) {
		free((void *)((uintptr_t)(local + 16) & ~(uintptr_t)15));
	} else if (strcmp(mistake, "odd") == 0) {
		free(block + 1);
	} else if (strcmp(mistake, "realloc") == 0) {
		free(block);
		block = realloc(block, 100000);
	} else if (strcmp(mistake, "wild") == 0) {
		free((void *)(uintptr_t)0x123456789abc0);
	}
	puts("went on");
}

int main(int argc, char **argv)
{
	const char *mistake = argc > 1 ? argv[1] : "";

	setvbuf(stdout, NULL, _IONBF, 0);
	if (strcmp(mistake, "too-much") == 0)
		ask_too_much();
	else if (strcmp(mistake, "use-all") == 0)
		use_all();
	else
		make_mistake(mistake);
	return 7;
}
