/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Runs a command and has system calls fail that a module of it makes, wherever in a call stack that
 * module is. A site is a call, by the stack below it: down to the third frame of the module's own.
 *
 *   inject list FILE MODULE COMMAND…                  notes each distinct site in FILE
 *   inject fail FILE MODULE SITE CALL SKIP ERROR COMMAND…   has SITE, which is of CALL, fail after
 *                     SKIP times, or each time, with ERROR: a name, or "short": half as many bytes
 *
 * With FAIL_AFTER, the name of a file, no call counts before that is there.
 *
 * MODULE is the beginning of a file's name. The command's children are followed. Exits as the
 * command does, and passes SIGTERM on. In FILE: "SITE CALL TIMES -OPENED STACK" or, when it was
 * done, "done". Calls of the allocator's own are left alone: that one fails in fail_alloc.c.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libunwind-ptrace.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject_calls.h"

#define FRAMES 48
#define OWN_FRAMES 3
#define FILE_BYTES 96
#define SITES 8192
#define TASKS 4096
#define TRACE_EVENTS \
	(PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | \
	 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)

struct map {
	unsigned long start, end, offset;
	char name[64];
};

/* A thread that is followed. */
struct task {
	pid_t tid;
	unw_addr_space_t space;
	void *unwind;
	struct map *maps;
	size_t map_count;
	long long result; /* what the call that is under way is to return */
};

struct site {
	uint64_t id;
	const struct call *call;
	uint64_t times;
	char file[FILE_BYTES];
	char stack[1024];
};

static struct task tasks[TASKS];
static struct site sites[SITES];
static size_t site_count;
static pid_t command;

static struct {
	const char *file, *module;
	bool fails;
	const char *call;
	uint64_t site;
	uint64_t skip;
	bool each;
	int error;	   /* 0: short */
	const char *after; /* NULL: it is there */
	bool done;
} asked;

static void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(99);
}

static struct task *task_of(pid_t tid)
{
	for (size_t i = 0; i < TASKS; i++)
		if (tasks[i].tid == tid)
			return &tasks[i];
	for (size_t i = 0; i < TASKS; i++) {
		if (!tasks[i].tid) {
			tasks[i].tid = tid;
			return &tasks[i];
		}
	}
	die("too many threads");
	return NULL;
}

/* What is known of the program a task runs. */
static void forget(struct task *task)
{
	if (task->unwind)
		_UPT_destroy(task->unwind);
	if (task->space)
		unw_destroy_addr_space(task->space);
	free(task->maps);
	*task = (struct task){ .tid = task->tid };
}

static void read_maps(struct task *task)
{
	char path[64], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)task->tid);
	file = fopen(path, "re");
	task->map_count = 0;
	while (file && fgets(line, sizeof(line), file)) {
		struct map *map;
		char *base;

		if ((task->map_count & (task->map_count - 1)) == 0)
			task->maps = realloc(task->maps, (task->map_count * 2 + 1) * sizeof(*map));
		map = &task->maps[task->map_count];
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%lx-%lx %*4sx %lx", &map->start, &map->end, &map->offset) < 2)
			continue;
		sscanf(line, "%*s %*s %lx", &map->offset);
		base = strrchr(line, '/');
		snprintf(map->name, sizeof(map->name), "%s", base ? base + 1 : "?");
		task->map_count++;
	}
	if (file)
		fclose(file);
}

static const struct map *map_at(struct task *task, unsigned long at)
{
	for (int tries = 0; tries < 2; tries++) {
		for (size_t i = 0; i < task->map_count; i++)
			if (at >= task->maps[i].start && at < task->maps[i].end)
				return &task->maps[i];
		if (tries == 0)
			read_maps(task);
	}
	return NULL;
}

static void mix(uint64_t *hash, const void *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		*hash = (*hash ^ ((const unsigned char *)data)[i]) * UINT64_C(0x100000001b3);
}

static bool is_allocators(unw_cursor_t *cursor)
{
	static const char *const names[] = { "malloc",	      "calloc",		"realloc",
					     "free",	      "aligned_alloc",	"memalign",
					     "_mid_memalign", "posix_memalign", "reallocarray" };
	char name[128];
	unw_word_t offset;

	if (unw_get_proc_name(cursor, name, sizeof(name), &offset) != 0)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(strncmp(name, "__libc_", 7) == 0 ? name + 7 : name, names[i]) == 0)
			return true;
	return false;
}

static bool is_loaders(const struct map *map)
{
	return strncmp(map->name, "ld-", 3) == 0;
}

/* What the call's first argument is, where that is a file: its numbers are no part of a site. */
static void name_file(pid_t tid, unsigned long fd, char out[static FILE_BYTES])
{
	char path[64], name[256];
	size_t used = 0;
	ssize_t bytes;

	snprintf(path, sizeof(path), "/proc/%d/fd/%lu", (int)tid, fd);
	bytes = readlink(path, name, sizeof(name));
	for (ssize_t i = 0; i < bytes && name[i] != '.' && used < FILE_BYTES - 1; i++)
		if ((name[i] < '0' || name[i] > '9') && name[i] != ' ')
			out[used++] = name[i];
	out[used] = '\0';
}

/* The site of the call that the task is about to make; false where that isn't the module's. */
static bool find_site(struct task *task, const struct call *call, unsigned long fd,
		      struct site *site)
{
	unw_cursor_t cursor;
	size_t used = 0, own = 0;

	if (!task->space) {
		task->space = unw_create_addr_space(&_UPT_accessors, 0);
		unw_set_caching_policy(task->space, UNW_CACHE_GLOBAL);
	}
	if (!task->unwind)
		task->unwind = _UPT_create(task->tid);
	*site = (struct site){ .id = UINT64_C(0xcbf29ce484222325), .call = call };
	mix(&site->id, call->name, strlen(call->name));
	if (call->by_file)
		name_file(task->tid, fd, site->file);
	mix(&site->id, site->file, strlen(site->file));
	if (unw_init_remote(&cursor, task->space, task->unwind) != 0)
		return false;
	for (int i = 0; i < FRAMES && own < OWN_FRAMES; i++) {
		const struct map *map;
		unsigned long at;
		unw_word_t ip;

		if (unw_get_reg(&cursor, UNW_REG_IP, &ip) != 0 || ip == 0)
			break;
		map = map_at(task, ip);
		if (!map)
			break;
		if (strncmp(map->name, asked.module, strlen(asked.module)) == 0)
			own++;
		else if (own == 0 && (is_allocators(&cursor) || is_loaders(map)))
			return false;
		at = ip - map->start + map->offset;
		mix(&site->id, map->name, strlen(map->name));
		mix(&site->id, &at, sizeof(at));
		used += (size_t)snprintf(site->stack + used, sizeof(site->stack) - used, " %s+%#lx",
					 map->name, at);
		if (used >= sizeof(site->stack) || unw_step(&cursor) <= 0)
			break;
	}
	return own > 0;
}

static void note(const struct site *site)
{
	for (size_t i = 0; i < site_count; i++) {
		if (sites[i].id == site->id) {
			sites[i].times++;
			return;
		}
	}
	if (site_count < SITES) {
		sites[site_count] = *site;
		sites[site_count++].times = 1;
	}
}

static void write_notes(void)
{
	FILE *file = fopen(asked.file, "we");

	if (!file)
		die(asked.file);
	if (asked.fails && asked.done)
		fprintf(file, "done\n");
	for (size_t i = 0; i < site_count; i++)
		fprintf(file, "%016" PRIx64 " %s %" PRIu64 " -%s%s\n", sites[i].id,
			sites[i].call->name, sites[i].times, sites[i].file, sites[i].stack);
	fclose(file);
}

/* Now it fails. close does its work all the same: the descriptor is gone whatever it returns. */
static int fail_call(struct task *task, struct user_regs_struct *regs, const struct call *call)
{
	asked.done = true;
	if (asked.error == 0) {
		regs->rdx = regs->rdx > 1 ? regs->rdx / 2 : regs->rdx;
	} else if (call->number == SYS_close) {
		task->result = -asked.error;
		return PTRACE_SYSCALL;
	} else {
		regs->orig_rax = ~0ULL;
		regs->rax = (unsigned long long)-asked.error;
	}
	ptrace(PTRACE_SETREGS, task->tid, NULL, regs);
	return PTRACE_CONT;
}

/* Returns how the task goes on. */
static int on_call(struct task *task)
{
	struct user_regs_struct regs;
	const struct call *call;
	struct site site;

	if ((asked.fails && asked.done && !asked.each) ||
	    ptrace(PTRACE_GETREGS, task->tid, NULL, &regs) != 0)
		return PTRACE_CONT;
	if (asked.after && access(asked.after, F_OK) == 0)
		asked.after = NULL;
	call = call_of((long)regs.orig_rax);
	if (asked.after || !call || !find_site(task, call, regs.rdi, &site))
		return PTRACE_CONT;
	if (!asked.fails) {
		note(&site);
		return PTRACE_CONT;
	}
	if (site.id != asked.site || (!asked.each && asked.skip-- > 0))
		return PTRACE_CONT;
	return fail_call(task, &regs, call);
}

static int on_call_end(struct task *task)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, task->tid, NULL, &regs) == 0) {
		regs.rax = (unsigned long long)task->result;
		ptrace(PTRACE_SETREGS, task->tid, NULL, &regs);
	}
	return PTRACE_CONT;
}

static void on_stop(pid_t tid, int status)
{
	struct task *task = task_of(tid);
	int signal = WSTOPSIG(status), event = status >> 16, how = PTRACE_CONT;

	if (event == PTRACE_EVENT_SECCOMP) {
		how = on_call(task);
		signal = 0;
	} else if (signal == (SIGTRAP | 0x80)) {
		how = on_call_end(task);
		signal = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		if (signal != SIGTRAP)
			how = PTRACE_LISTEN; /* stopped as a group */
		signal = 0;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC)
			forget(task);
		signal = 0;
	}
	ptrace(how, tid, NULL, (void *)(intptr_t)signal);
}

/* Only the calls that matter stop the command. */
static void install_filter(void)
{
	struct sock_filter filter[2 * CALLS + 2];
	struct sock_fprog program = { .filter = filter };
	size_t n = 0;

	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						   offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < CALLS; i++) {
		if (asked.fails && strcmp(asked.call, calls[i].name) != 0)
			continue;
		filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							   (uint32_t)calls[i].number, 0, 1);
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		die("seccomp");
}

static void pass_on(int signal)
{
	kill(command, signal);
}

static void start(char **argv)
{
	int gate[2];
	char byte;

	if (pipe2(gate, O_CLOEXEC) != 0 || (command = fork()) < 0)
		die("start");
	if (command == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(gate[1]);
		if (read(gate[0], &byte, 1) != 1)
			_exit(99);
		/* a site's address is to be that of the next run */
		personality(ADDR_NO_RANDOMIZE);
		install_filter();
		execvp(argv[0], argv);
		die(argv[0]);
	}
	close(gate[0]);
	if (ptrace(PTRACE_SEIZE, command, NULL, (void *)TRACE_EVENTS) != 0)
		die("ptrace");
	signal(SIGTERM, pass_on);
	if (write(gate[1], "", 1) != 1)
		die("start");
	close(gate[1]);
}

static int run(void)
{
	int status, ended = 0;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (tid < 0)
			continue;
		if (WIFSTOPPED(status)) {
			on_stop(tid, status);
			continue;
		}
		if (tid == command) {
			ended = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			write_notes();
		}
		forget(task_of(tid));
		task_of(tid)->tid = 0;
	}
	write_notes();
	return ended;
}

static int error_of(const char *name)
{
	for (int error = 1; error < 134; error++)
		if (strerrorname_np(error) && strcmp(strerrorname_np(error), name) == 0)
			return error;
	return 0;
}

int main(int argc, char **argv)
{
	int first = 4;

	asked.fails = argc > 1 && strcmp(argv[1], "fail") == 0;
	if (argc < 5 || (asked.fails && argc < 9)) {
		fprintf(stderr, "usage: see the head of inject.c\n");
		return 99;
	}
	asked.file = argv[2];
	asked.module = argv[3];
	asked.after = getenv("FAIL_AFTER");
	if (asked.fails) {
		asked.site = strtoull(argv[4], NULL, 16);
		asked.call = argv[5];
		asked.each = strcmp(argv[6], "each") == 0;
		asked.skip = strtoull(argv[6], NULL, 10);
		asked.error = error_of(argv[7]);
		first = 8;
	}
	start(argv + first);
	return run();
}
