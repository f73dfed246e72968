/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* thag_uv.h: files, work on other threads, names; and requests and handles that go astray. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "uv_program.h"

/* --- files: one request after the other, each in the callback of the one before --- */

static char directory[64], file[80], other[80], third[80];
static uv_fs_t fs = { .data = &task };
static uv_file opened, opened2;
static uv_dir_t *dir;
static uv_dirent_t entry;
static char bytes[16];
static int at;

static void on_fs(uv_fs_t *req);

#define FS(name, ...) thag_uv_fs_##name(loop, &fs, __VA_ARGS__, on_fs)

static int fs_first(uv_buf_t *buf)
{
	switch (at) {
	case 0:
		return FS(mkdtemp, "/tmp/thag-fs-XXXXXX");
	case 1:
		return FS(open, file, O_RDWR | O_CREAT, 0600);
	case 2:
		return FS(write, opened, buf, 1, 0);
	case 3:
		return FS(read, opened, buf, 1, 0);
	case 4:
		return FS(fstat, opened);
	case 5:
		return FS(fsync, opened);
	case 6:
		return FS(fdatasync, opened);
	case 7:
		return FS(ftruncate, opened, 8);
	case 8:
		return FS(fchmod, opened, 0600);
	case 9:
		return FS(futime, opened, 1, 2);
	case 10:
		return FS(fchown, opened, getuid(), getgid());
	case 11:
		return FS(copyfile, file, other, 0);
	case 12:
		return FS(open, other, O_RDWR, 0600);
	case 13:
		return FS(sendfile, opened2, opened, 0, 4);
	case 14:
		return FS(close, opened);
	case 15:
		return FS(close, opened2);
	case 16:
		return FS(unlink, other);
	default:
		return 1;
	}
}

static int fs_second(void)
{
	switch (at) {
	case 17:
		return FS(stat, file);
	case 18:
		return FS(lstat, file);
	case 19:
		return FS(statfs, directory);
	case 20:
		return FS(access, file, R_OK);
	case 21:
		return FS(chmod, file, 0600);
	case 22:
		return FS(utime, file, 1, 2);
	case 23:
		return FS(lutime, file, 1, 2);
	case 24:
		return FS(chown, file, getuid(), getgid());
	case 25:
		return FS(lchown, file, getuid(), getgid());
	case 26:
		return FS(link, file, other);
	case 27:
		return FS(rename, other, third);
	case 28:
		return FS(symlink, file, other, 0);
	case 29:
		return FS(readlink, other);
	case 30:
		return FS(realpath, other);
	default:
		return 1;
	}
}

static int fs_third(void)
{
	switch (at) {
	case 31:
		return FS(unlink, other);
	case 32:
		return FS(unlink, third);
	case 33:
		return FS(scandir, directory, 0);
	case 34:
		return FS(opendir, directory);
	case 35:
		dir->dirents = &entry;
		dir->nentries = 1;
		return FS(readdir, dir);
	case 36:
		return FS(closedir, dir);
	case 37:
		return FS(unlink, file);
	case 38:
		return FS(mkdir, other, 0700);
	case 39:
		return FS(rmdir, other);
	case 40:
		return FS(mkstemp, other);
	case 41:
		return FS(close, opened);
	case 42:
		return FS(unlink, other);
	case 43:
		return FS(rmdir, directory);
	default:
		return 1;
	}
}

#define FS_STEPS 44

static void fs_next(void)
{
	uv_buf_t buf = uv_buf_init(bytes, sizeof(bytes));
	int result = at < 17 ? fs_first(&buf) : at < 31 ? fs_second() : fs_third();

	need_ok(result, "fs");
	need(at == FS_STEPS || result == 0, "each step");
}

static void on_fs(uv_fs_t *req)
{
	SEEN(req->data);
	if (req->result < 0)
		fprintf(stderr, "fs %d: %s\n", at, uv_strerror((int)req->result));
	need(req->result >= 0, "fs");
	if (at == 0) {
		snprintf(directory, sizeof(directory), "%s", req->path);
		snprintf(file, sizeof(file), "%s/file", directory);
		snprintf(other, sizeof(other), "%s/other", directory);
		snprintf(third, sizeof(third), "%s/third", directory);
	} else if (at == 1 || at == 40) {
		opened = (uv_file)req->result;
	} else if (at == 12) {
		opened2 = (uv_file)req->result;
	} else if (at == 34) {
		dir = req->ptr;
	}
	if (at == 39)
		snprintf(other, sizeof(other), "%s/XXXXXX", directory);
	else if (at == 40)
		snprintf(other, sizeof(other), "%s", req->path);
	uv_fs_req_cleanup(req);
	at++;
	fs_next();
}

static void program_files(void *argument)
{
	uv_fs_t alone;

	(void)argument;
	begin();
	need_ok(thag_uv_fs_stat(loop, &alone, "/", NULL), "without a callback: at once");
	uv_fs_req_cleanup(&alone);
	need(thag_uv_fs_read(loop, &fs, 0, NULL, 0, 0, on_fs) == UV_EINVAL, "refused");
	need(entries() == 0, "and nothing is kept");
	fs_next();
	finish();
	need(at == FS_STEPS, "all steps");
}

Test(uv_requests, files_continue_the_task, .timeout = 60)
{
	RUN(program_files, { "uv;on_fs", FS_STEPS });
}

/* --- work, names, random bytes --- */

/*
 * A work waits about 10 ms for the callback that queued it to end, which on a busy machine
 * may be too short: so the threads of the pool are held until that callback has ended.
 */
#define POOL_THREADS 4

static sem_t callback_ended;

static void hold_thread(uv_work_t *req)
{
	(void)req;
	while (sem_wait(&callback_ended) < 0)
		;
}

static void on_thread_held(uv_work_t *req, int status)
{
	need(status == 0, "held");
	free(req);
}

static void on_ended_closed(uv_handle_t *timer)
{
	free(timer);
}

static void on_callback_ended(uv_timer_t *timer)
{
	for (int i = 0; i < POOL_THREADS; i++)
		sem_post(&callback_ended);
	uv_close((uv_handle_t *)timer, on_ended_closed);
}

/* What is queued after this runs when this callback has ended. */
static void hold_pool(void)
{
	uv_timer_t *timer = malloc(sizeof(*timer));

	need(timer != NULL, "memory");
	need_ok(uv_timer_init(loop, timer), "timer");
	need_ok(uv_timer_start(timer, on_callback_ended, 0, 0), "timer");
	for (int i = 0; i < POOL_THREADS; i++) {
		uv_work_t *held = malloc(sizeof(*held));

		need(held != NULL, "memory");
		need_ok(uv_queue_work(loop, held, hold_thread, on_thread_held), "held");
	}
}

static void begin_pool(void)
{
	need(setenv("UV_THREADPOOL_SIZE", "4", 1) == 0, "environment");
	need(sem_init(&callback_ended, 0, 0) == 0, "semaphore");
	begin();
}

static uv_work_t works[8];
static uv_getaddrinfo_t address_req = { .data = &task };
static uv_getnameinfo_t name_req = { .data = &task };
static uv_random_t random_req = { .data = &task };

/* One after the other: a task that works in the pool isn't at hand for other callbacks. */
static void work_alone(uv_work_t *req)
{
	SEEN(req->data);
}

static void on_work_again(uv_work_t *req, int status)
{
	SEEN(req->data);
	need(status == 0, "work");
}

/* The request is used again in its own callback. */
static void on_work(uv_work_t *req, int status)
{
	SEEN(req->data);
	need(status == 0, "work");
	hold_pool();
	need_ok(thag_uv_queue_work(loop, req, work_alone, on_work_again), "queue_work");
}

static void on_name(uv_getnameinfo_t *req, int status, const char *host, const char *service)
{
	SEEN(req->data);
	need(status == 0 && strcmp(host, "127.0.0.1") == 0 && service, "getnameinfo");
	hold_pool();
	need_ok(thag_uv_queue_work(loop, &works[0], work_alone, on_work), "queue_work");
}

static void on_address(uv_getaddrinfo_t *req, int status, struct addrinfo *result)
{
	SEEN(req->data);
	need(status == 0, "getaddrinfo");
	need_ok(thag_uv_getnameinfo(loop, &name_req, on_name, result->ai_addr, NI_NUMERICHOST),
		"getnameinfo");
	uv_freeaddrinfo(result);
}

static void on_random(uv_random_t *req, int status, void *buf, size_t size)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };

	SEEN(req->data);
	need(status == 0 && buf == bytes && size == sizeof(bytes), "random");
	need_ok(thag_uv_getaddrinfo(loop, &address_req, on_address, "127.0.0.1", "80", &hints),
		"getaddrinfo");
}

static void program_work(void *argument)
{
	(void)argument;
	begin_pool();
	works[0].data = &task;
	need(thag_uv_queue_work(loop, &works[0], NULL, on_work) == UV_EINVAL, "refused");
	need(entries() == 0, "and nothing is kept");
	need_ok(thag_uv_random(loop, &random_req, bytes, sizeof(bytes), 0, on_random), "random");
	finish();
}

Test(uv_requests, work_moves_to_the_pool_and_back, .timeout = 60)
{
	RUN(program_work, { "uv;on_random", 1 }, { "uv;on_address", 1 }, { "uv;on_name", 1 },
	    { "uv;work_alone", 2 }, { "uv;on_work", 1 }, { "uv;on_work_again", 1 });
}

static int in_task, worked;

static void work_together(uv_work_t *req)
{
	THAG_PROFILED();
	(void)req;
	__atomic_fetch_add(&in_task, thag_task_current().id == task.id, __ATOMIC_RELAXED);
}

static void on_together(uv_work_t *req, int status)
{
	need(status == 0 && req->data == &task, "work");
	worked++;
}

static void program_fan_out(void *argument)
{
	(void)argument;
	begin_pool();
	hold_pool();
	for (int i = 0; i < 8; i++) {
		works[i].data = &task;
		need_ok(thag_uv_queue_work(loop, &works[i], work_together, on_together), "work");
	}
	finish();
	need(worked == 8 && in_task == 1, "the first is the task's, the others their threads'");
}

Test(uv_requests, of_works_at_once_the_first_is_the_tasks, .timeout = 60)
{
	RUN(program_fan_out, { "uv;work_together", 1 });
}

static void never_run(uv_work_t *req)
{
	(void)req;
	need(false, "it was cancelled");
}

static void on_cancelled(uv_work_t *req, int status)
{
	SEEN(req->data);
	need(status == UV_ECANCELED, "cancelled");
}

static void program_cancel(void *argument)
{
	(void)argument;
	begin_pool();
	hold_pool();
	for (int i = 0; i < 8; i++) {
		works[i].data = &task;
		need_ok(thag_uv_queue_work(loop, &works[i], never_run, on_cancelled), "work");
		need_ok(uv_cancel((uv_req_t *)&works[i]), "cancel");
	}
	finish();
}

Test(uv_requests, the_callback_of_a_cancelled_work_is_the_tasks, .timeout = 60)
{
	RUN(program_cancel, { "uv;on_cancelled", 8 });
}

/* --- going astray --- */

#define MANY 20000

static void on_closed_timer(uv_handle_t *handle)
{
	SEEN(handle->data);
	free(handle);
}

static void on_free_timer(uv_timer_t *handle)
{
	SEEN(handle->data);
	thag_uv_close((uv_handle_t *)handle, on_closed_timer);
}

static void program_many(void *argument)
{
	(void)argument;
	begin();
	for (int i = 0; i < MANY; i++) {
		uv_timer_t *timer = calloc(1, sizeof(*timer));

		need(timer != NULL, "memory");
		timer->data = &task;
		uv_timer_init(loop, timer);
		need_ok(thag_uv_timer_start(timer, on_free_timer, (uint64_t)i % 50, 0), "timer");
	}
	need(entries() == MANY, "an entry each");
	finish();
}

Test(uv_requests, the_table_grows_and_gives_back, .timeout = 60)
{
	RUN(program_many, { "uv;on_free_timer", MANY }, { "uv;on_closed_timer", MANY });
}

static int called;

static void on_orphan_closed(uv_handle_t *handle)
{
	need(thag_task_current().id == 0, "the task is gone");
	called += handle->data == &called;
}

static void on_orphan(uv_timer_t *handle)
{
	need(thag_task_current().id == 0, "the task is gone");
	called += handle->data == &called;
	thag_uv_close((uv_handle_t *)handle, NULL);
}

static void on_other(uv_timer_t *handle)
{
	SEEN(&task);
	need(uv_timer_get_repeat(handle) == 0, "timer");
	thag_uv_close((uv_handle_t *)handle, NULL);
}

static void on_nobody(uv_timer_t *handle)
{
	need(thag_task_current().id == 0, "started by none");
	called += handle->data == &called;
	thag_uv_close((uv_handle_t *)handle, NULL);
}

/* A task that ends before its callbacks; a handle that another, or none, starts again. */
static void program_astray(void *argument)
{
	static uv_timer_t orphan = { .data = &called }, taken = { .data = &called };
	static uv_timer_t dropped = { .data = &called }, unstarted = { .data = &called };
	struct thag_task gone;

	(void)argument;
	begin();
	gone = thag_task_create("gone");
	uv_timer_init(loop, &orphan);
	uv_timer_init(loop, &taken);
	uv_timer_init(loop, &dropped);
	uv_timer_init(loop, &unstarted);
	thag_task_resume(gone);
	need_ok(thag_uv_timer_start(&orphan, on_orphan, 1, 0), "timer");
	need_ok(thag_uv_timer_start(&taken, on_orphan, 1, 0), "timer");
	need(thag_uv_timer_start(&taken, NULL, 1, 0) == UV_EINVAL, "refused");
	need_ok(thag_uv_timer_start(&dropped, on_orphan, 1, 0), "timer");
	thag_uv_close((uv_handle_t *)&unstarted, on_orphan_closed);
	thag_task_destroy(gone);
	need_ok(thag_uv_timer_start(&taken, on_other, 1, 0), "timer");
	thag_task_suspend(task);
	need_ok(thag_uv_timer_start(&dropped, on_nobody, 1, 0), "timer");
	thag_task_resume(task);
	finish();
	need(called == 3, "each callback has come");
}

Test(uv_requests, callbacks_come_without_a_task_when_it_is_gone, .timeout = 60)
{
	RUN(program_astray, { "uv;on_other", 1 });
}

static void on_nested(uv_timer_t *handle)
{
	SEEN(&task);
	thag_uv_close((uv_handle_t *)handle, NULL);
}

static void on_outer(uv_timer_t *handle)
{
	static uv_timer_t inner;

	SEEN(&task);
	uv_timer_init(loop, &inner);
	need_ok(thag_uv_timer_start(&inner, on_nested, 0, 0), "timer");
	thag_uv_close((uv_handle_t *)handle, NULL);
	uv_run(loop, UV_RUN_DEFAULT); /* in a callback: the task runs here already */
	need(thag_task_current().id == task.id, "it still does");
}

static void program_nested(void *argument)
{
	static uv_timer_t outer;

	(void)argument;
	begin();
	uv_timer_init(loop, &outer);
	need_ok(thag_uv_timer_start(&outer, on_outer, 0, 0), "timer");
	finish();
}

Test(uv_requests, a_loop_in_a_callback_is_the_callbacks, .timeout = 60)
{
	RUN(program_nested, { "uv;on_outer", 1 }, { "uv;on_outer;on_nested", 1 });
}
