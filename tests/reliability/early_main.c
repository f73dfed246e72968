/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* early_main PLUGIN: goes on with what was allocated before it began; see early.c. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

extern void *early_blocks[3];
int early_answer(void);

static int (*plugin_entry)(int value);

static void on_signal(int number)
{
	(void)number;
	plugin_entry(7);
}

/* A thread's first use of the plugin's variables is a handler's. */
static void *use_plugin(void *context)
{
	raise(SIGUSR1);
	return plugin_entry(7) == 2 ? context : NULL;
}

int main(int argc, char **argv)
{
	void *library = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL, *result = NULL;
	pthread_t thread;

	if (early_answer() != 1 || !early_blocks[0] || !early_blocks[1] || !library)
		return 1;
	early_blocks[0] = realloc(early_blocks[0], 100000);
	free(early_blocks[0]);
	free(early_blocks[1]);
	*(void **)&plugin_entry = dlsym(library, "plugin_entry");
	signal(SIGUSR1, on_signal);
	for (int i = 0; i < 100; i++) {
		if (pthread_create(&thread, NULL, use_plugin, &thread) != 0 ||
		    pthread_join(thread, &result) != 0 || result != &thread)
			return 2;
	}
	puts("whole");
	return 0;
}
