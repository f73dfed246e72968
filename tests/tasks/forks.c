/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A fork while tasks are alive: each process goes on with them, in a session of its own. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thag.h>

/* Long enough to be in the profile: what takes less than its own recording counts as nothing. */
static __attribute__((noinline)) void leaf(void)
{
	THAG_PROFILED();
	for (int i = 0; i < 1000; i++)
		__asm__ volatile("");
}

/* `times` calls in the task, which then ends. */
static void finish(struct thag_task task, int times)
{
	thag_task_resume(task);
	while (times-- > 0)
		leaf();
	thag_task_suspend(task);
	thag_task_destroy(task);
}

int main(void)
{
	THAG_ENABLE_PROFILING(time);
	struct thag_task idle = thag_task_create("idle"), running = thag_task_create("running");
	int status = 1;
	pid_t child;

	thag_task_resume(running);
	leaf();
	child = fork();
	if (child == 0) {
		thag_task_suspend(running);
		finish(idle, 5);
		finish(running, 6);
		return 0;
	}
	waitpid(child, &status, 0);
	thag_task_suspend(running);
	finish(idle, 7);
	finish(running, 8);
	return status != 0;
}
