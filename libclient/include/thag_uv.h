/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * @file thag_uv.h
 * Tasks in programs that use libuv: a callback continues the task that asked for it.
 *
 *     #define THAG_UV_ALL          // uv_write and its like are the ones below from here on
 *     #include <thag_uv.h>         // instead of <uv.h>
 *
 *     static void on_request(uv_stream_t *client, …)
 *     {
 *             struct thag_task task = thag_task_create("GET /");
 *
 *             thag_task_resume(task);
 *             uv_fs_read(loop, &reading, …, on_file);   // on_file continues the task, …
 *             thag_task_suspend(task);
 *     }
 *
 *     static void on_written(uv_write_t *req, int status)
 *     {
 *             thag_task_destroy(thag_task_current());   // … until one of them ends it
 *     }
 *
 * Without THAG_UV_ALL write thag_uv_write and so on where a callback is to continue the task, and
 * thag_uv_close for each handle that was given to one of them.
 *
 * What is asked for while no task runs has a callback without one. That of uv_listen never has
 * one: connections are nobody's. A handle's callbacks (reads, timers, signals, …) continue the
 * task that started the handle last; an async handle's, whoever sends, the one that initialised
 * it, since many sends come to one callback: whatever is handed over by it may bring its own task.
 * When the task is gone, or runs already, the callback runs without it.
 *
 * Of uv_queue_work both callbacks continue the task, the first on its thread of the pool. It waits
 * there for the callback that called uv_queue_work to end, about 10 ms at most. A task runs on one
 * thread at a time: of several works of one task, the first is the task's, and those queued before
 * it has come back are their threads' own.
 *
 * `data`, callbacks' arguments and return values are as they are without this header. Not so the
 * fields where libuv keeps callbacks (uv_write_t.cb, uv_timer_t.timer_cb, …): they hold this
 * header's.
 *
 * Where it keeps what a callback continues: in a table by the request's or handle's address, one a
 * program or shared library. A request's entry is freed before its callback runs, a handle's by
 * uv_close, so both may be freed or used again in their callbacks. Entries are taken by
 * compare-and-swap, there is no lock; whoever uses a request or handle has it for itself, by
 * libuv's own rules. The table grows to what is asked for at once; without memory to grow, a
 * callback runs without its task.
 *
 * Without THAG_TIME_PROFILING or THAG_FULL_PROFILING all of it is libuv itself. For libuv 1.42
 * and newer.
 */
#ifndef THAG_UV_H
#define THAG_UV_H

#include <uv.h>

#include "thag.h"

#if !defined(THAG_TIME_PROFILING) && !defined(THAG_FULL_PROFILING)
#include "thag/uv_plain.h"
#else

#include "thag/uv_table.h"

/*
 * thag_uv_on_NAME, the callback that libuv is given. A request's comes once; its entry is free
 * before the program's callback is called. A handle's may come again.
 */
#define THAG_UV_ON(name, type, params, call_kept, field, ...) \
	THAG_UV_API void thag_uv_on_##name params \
	{ \
		struct thag_uv_entry kept = call_kept; \
		struct thag_uv_turn turn = thag_uv_enter(kept.task); \
\
		((type)kept.field)(__VA_ARGS__); \
		thag_uv_leave(turn); \
	}
#define THAG_UV_ONCE(name, type, params, ...) \
	THAG_UV_ON(name, type, params, thag_uv_take(req), first, __VA_ARGS__)
#define THAG_UV_AGAIN(name, type, params, ...) \
	THAG_UV_ON(name, type, params, thag_uv_look(handle), first, __VA_ARGS__)

/* thag_uv_NAME, which gives libuv thag_uv_on_OURS instead of `cb`. */
#define THAG_UV_REQUEST(name, params, ours, ...) \
	THAG_UV_API int thag_uv_##name params \
	{ \
		struct thag_uv_submission sub = thag_uv_submit(req, (thag_uv_fn *)cb, NULL); \
\
		if (sub.entry) \
			cb = thag_uv_on_##ours; \
		return thag_uv_settle(&sub, uv_##name(__VA_ARGS__)); \
	}
#define THAG_UV_HANDLE(name, params, ours, ...) \
	THAG_UV_API int thag_uv_##name params \
	{ \
		struct thag_uv_submission sub = thag_uv_submit(handle, (thag_uv_fn *)cb, NULL); \
\
		if (sub.entry) \
			cb = thag_uv_on_##ours; \
		return thag_uv_settle_handle(&sub, handle, uv_##name(__VA_ARGS__)); \
	}

/* streams */

THAG_UV_ON(alloc, uv_alloc_cb, (uv_handle_t * handle, size_t size, uv_buf_t *buf),
	   thag_uv_look(handle), second, handle, size, buf)
THAG_UV_AGAIN(read, uv_read_cb, (uv_stream_t * handle, ssize_t count, const uv_buf_t *buf), handle,
	      count, buf)

THAG_UV_API int thag_uv_read_start(uv_stream_t *handle, uv_alloc_cb alloc_cb, uv_read_cb cb)
{
	struct thag_uv_submission sub =
		thag_uv_submit(handle, alloc_cb ? (thag_uv_fn *)cb : NULL, (thag_uv_fn *)alloc_cb);

	if (sub.entry) {
		alloc_cb = thag_uv_on_alloc;
		cb = thag_uv_on_read;
	}
	return thag_uv_settle_handle(&sub, handle, uv_read_start(handle, alloc_cb, cb));
}

THAG_UV_ONCE(write, uv_write_cb, (uv_write_t * req, int status), req, status)
THAG_UV_REQUEST(write,
		(uv_write_t * req, uv_stream_t *stream, const uv_buf_t bufs[], unsigned int count,
		 uv_write_cb cb),
		write, req, stream, bufs, count, cb)
THAG_UV_REQUEST(write2,
		(uv_write_t * req, uv_stream_t *stream, const uv_buf_t bufs[], unsigned int count,
		 uv_stream_t *sent, uv_write_cb cb),
		write, req, stream, bufs, count, sent, cb)

THAG_UV_ONCE(shutdown, uv_shutdown_cb, (uv_shutdown_t * req, int status), req, status)
THAG_UV_REQUEST(shutdown, (uv_shutdown_t * req, uv_stream_t *stream, uv_shutdown_cb cb), shutdown,
		req, stream, cb)

THAG_UV_ONCE(connect, uv_connect_cb, (uv_connect_t * req, int status), req, status)
THAG_UV_REQUEST(tcp_connect,
		(uv_connect_t * req, uv_tcp_t *tcp, const struct sockaddr *address,
		 uv_connect_cb cb),
		connect, req, tcp, address, cb)

THAG_UV_API void thag_uv_pipe_connect(uv_connect_t *req, uv_pipe_t *pipe, const char *name,
				      uv_connect_cb cb)
{
	struct thag_uv_submission sub = thag_uv_submit(req, (thag_uv_fn *)cb, NULL);

	uv_pipe_connect(req, pipe, name, sub.entry ? thag_uv_on_connect : cb);
}

/* datagrams */

THAG_UV_ONCE(udp_send, uv_udp_send_cb, (uv_udp_send_t * req, int status), req, status)
THAG_UV_REQUEST(udp_send,
		(uv_udp_send_t * req, uv_udp_t *udp, const uv_buf_t bufs[], unsigned int count,
		 const struct sockaddr *address, uv_udp_send_cb cb),
		udp_send, req, udp, bufs, count, address, cb)

THAG_UV_AGAIN(udp_recv, uv_udp_recv_cb,
	      (uv_udp_t * handle, ssize_t count, const uv_buf_t *buf,
	       const struct sockaddr *address, unsigned flags),
	      handle, count, buf, address, flags)

THAG_UV_API int thag_uv_udp_recv_start(uv_udp_t *handle, uv_alloc_cb alloc_cb, uv_udp_recv_cb cb)
{
	struct thag_uv_submission sub =
		thag_uv_submit(handle, alloc_cb ? (thag_uv_fn *)cb : NULL, (thag_uv_fn *)alloc_cb);

	if (sub.entry) {
		alloc_cb = thag_uv_on_alloc;
		cb = thag_uv_on_udp_recv;
	}
	return thag_uv_settle_handle(&sub, handle, uv_udp_recv_start(handle, alloc_cb, cb));
}

/* other handles */

THAG_UV_AGAIN(timer, uv_timer_cb, (uv_timer_t * handle), handle)
THAG_UV_HANDLE(timer_start,
	       (uv_timer_t * handle, uv_timer_cb cb, uint64_t timeout_ms, uint64_t repeat_ms),
	       timer, handle, cb, timeout_ms, repeat_ms)

THAG_UV_AGAIN(idle, uv_idle_cb, (uv_idle_t * handle), handle)
THAG_UV_HANDLE(idle_start, (uv_idle_t * handle, uv_idle_cb cb), idle, handle, cb)

THAG_UV_AGAIN(check, uv_check_cb, (uv_check_t * handle), handle)
THAG_UV_HANDLE(check_start, (uv_check_t * handle, uv_check_cb cb), check, handle, cb)

THAG_UV_AGAIN(prepare, uv_prepare_cb, (uv_prepare_t * handle), handle)
THAG_UV_HANDLE(prepare_start, (uv_prepare_t * handle, uv_prepare_cb cb), prepare, handle, cb)

THAG_UV_AGAIN(async, uv_async_cb, (uv_async_t * handle), handle)
THAG_UV_HANDLE(async_init, (uv_loop_t * loop, uv_async_t *handle, uv_async_cb cb), async, loop,
	       handle, cb)

THAG_UV_AGAIN(poll, uv_poll_cb, (uv_poll_t * handle, int status, int events), handle, status,
	      events)
THAG_UV_HANDLE(poll_start, (uv_poll_t * handle, int events, uv_poll_cb cb), poll, handle, events,
	       cb)

THAG_UV_AGAIN(signal, uv_signal_cb, (uv_signal_t * handle, int number), handle, number)
THAG_UV_HANDLE(signal_start, (uv_signal_t * handle, uv_signal_cb cb, int number), signal, handle,
	       cb, number)
THAG_UV_HANDLE(signal_start_oneshot, (uv_signal_t * handle, uv_signal_cb cb, int number), signal,
	       handle, cb, number)

THAG_UV_AGAIN(fs_event, uv_fs_event_cb,
	      (uv_fs_event_t * handle, const char *file, int events, int status), handle, file,
	      events, status)
THAG_UV_HANDLE(fs_event_start,
	       (uv_fs_event_t * handle, uv_fs_event_cb cb, const char *path, unsigned int flags),
	       fs_event, handle, cb, path, flags)

THAG_UV_AGAIN(fs_poll, uv_fs_poll_cb,
	      (uv_fs_poll_t * handle, int status, const uv_stat_t *before, const uv_stat_t *now),
	      handle, status, before, now)
THAG_UV_HANDLE(fs_poll_start,
	       (uv_fs_poll_t * handle, uv_fs_poll_cb cb, const char *path,
		unsigned int interval_ms),
	       fs_poll, handle, cb, path, interval_ms)

THAG_UV_AGAIN(exit, uv_exit_cb, (uv_process_t * handle, int64_t status, int number), handle, status,
	      number)

THAG_UV_API int thag_uv_spawn(uv_loop_t *loop, uv_process_t *handle,
			      const uv_process_options_t *options)
{
	struct thag_uv_submission sub =
		thag_uv_submit(handle, (thag_uv_fn *)options->exit_cb, NULL);
	uv_process_options_t ours = *options;

	if (sub.entry)
		ours.exit_cb = thag_uv_on_exit;
	return thag_uv_settle_handle(&sub, handle, uv_spawn(loop, handle, &ours));
}

/* A handle that closes has no callback any more but this one, which comes once. */
THAG_UV_ON(close, uv_close_cb, (uv_handle_t * handle), thag_uv_take(handle), first, handle)

THAG_UV_API void thag_uv_close(uv_handle_t *handle, uv_close_cb cb)
{
	struct thag_uv_submission sub = thag_uv_submit(handle, (thag_uv_fn *)cb, NULL);

	if (!sub.entry)
		thag_uv_forget(handle);
	uv_close(handle, sub.entry ? thag_uv_on_close : cb);
}

THAG_UV_HANDLE(tcp_close_reset, (uv_tcp_t * handle, uv_close_cb cb), close, handle, cb)

/* work, names, random bytes */

THAG_UV_API void thag_uv_on_work(uv_work_t *req)
{
	struct thag_uv_entry kept = thag_uv_look(req);
	struct thag_uv_turn turn = thag_uv_enter_moved(&kept);

	((uv_work_cb)kept.first)(req);
	thag_uv_leave(turn);
}

THAG_UV_API void thag_uv_on_after_work(uv_work_t *req, int status)
{
	struct thag_uv_entry kept = thag_uv_take(req);
	struct thag_uv_turn turn;

	if (kept.moves)
		thag_uv_forget(thag_uv_task_key(kept.task));
	if (!kept.second)
		return;
	turn = thag_uv_enter(kept.task);
	((uv_after_work_cb)kept.second)(req, status);
	thag_uv_leave(turn);
}

THAG_UV_API int thag_uv_queue_work(uv_loop_t *loop, uv_work_t *req, uv_work_cb work_cb,
				   uv_after_work_cb after_work_cb)
{
	struct thag_uv_submission sub =
		thag_uv_submit(req, (thag_uv_fn *)work_cb, (thag_uv_fn *)after_work_cb);

	if (sub.entry) {
		sub.entry->moves = thag_uv_task_moves(sub.entry->task);
		work_cb = thag_uv_on_work;
		after_work_cb = thag_uv_on_after_work;
	}
	/* it can't fail but for want of a work_cb */
	return thag_uv_settle(&sub, uv_queue_work(loop, req, work_cb, after_work_cb));
}

THAG_UV_ONCE(getaddrinfo, uv_getaddrinfo_cb,
	     (uv_getaddrinfo_t * req, int status, struct addrinfo *result), req, status, result)
THAG_UV_REQUEST(getaddrinfo,
		(uv_loop_t * loop, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb, const char *node,
		 const char *service, const struct addrinfo *hints),
		getaddrinfo, loop, req, cb, node, service, hints)

THAG_UV_ONCE(getnameinfo, uv_getnameinfo_cb,
	     (uv_getnameinfo_t * req, int status, const char *host, const char *service), req,
	     status, host, service)
THAG_UV_REQUEST(getnameinfo,
		(uv_loop_t * loop, uv_getnameinfo_t *req, uv_getnameinfo_cb cb,
		 const struct sockaddr *address, int flags),
		getnameinfo, loop, req, cb, address, flags)

THAG_UV_ONCE(random, uv_random_cb, (uv_random_t * req, int status, void *buf, size_t size), req,
	     status, buf, size)
THAG_UV_REQUEST(random,
		(uv_loop_t * loop, uv_random_t *req, void *buf, size_t size, unsigned int flags,
		 uv_random_cb cb),
		random, loop, req, buf, size, flags, cb)

/* files */

THAG_UV_ONCE(fs, uv_fs_cb, (uv_fs_t * req), req)

#define THAG_UV_LIST(...) __VA_ARGS__
#define THAG_UV_FS(name, params, ...) \
	THAG_UV_REQUEST(fs_##name, \
			(uv_loop_t * loop, uv_fs_t * req, THAG_UV_LIST params, uv_fs_cb cb), fs, \
			loop, req, __VA_ARGS__, cb)

THAG_UV_FS(close, (uv_file file), file)
THAG_UV_FS(open, (const char *path, int flags, int mode), path, flags, mode)
THAG_UV_FS(read, (uv_file file, const uv_buf_t bufs[], unsigned int count, int64_t offset), file,
	   bufs, count, offset)
THAG_UV_FS(write, (uv_file file, const uv_buf_t bufs[], unsigned int count, int64_t offset), file,
	   bufs, count, offset)
THAG_UV_FS(unlink, (const char *path), path)
THAG_UV_FS(copyfile, (const char *path, const char *to, int flags), path, to, flags)
THAG_UV_FS(mkdir, (const char *path, int mode), path, mode)
THAG_UV_FS(mkdtemp, (const char *pattern), pattern)
THAG_UV_FS(mkstemp, (const char *pattern), pattern)
THAG_UV_FS(rmdir, (const char *path), path)
THAG_UV_FS(scandir, (const char *path, int flags), path, flags)
THAG_UV_FS(opendir, (const char *path), path)
THAG_UV_FS(readdir, (uv_dir_t * directory), directory)
THAG_UV_FS(closedir, (uv_dir_t * directory), directory)
THAG_UV_FS(stat, (const char *path), path)
THAG_UV_FS(lstat, (const char *path), path)
THAG_UV_FS(fstat, (uv_file file), file)
THAG_UV_FS(statfs, (const char *path), path)
THAG_UV_FS(rename, (const char *path, const char *to), path, to)
THAG_UV_FS(fsync, (uv_file file), file)
THAG_UV_FS(fdatasync, (uv_file file), file)
THAG_UV_FS(ftruncate, (uv_file file, int64_t size), file, size)
THAG_UV_FS(sendfile, (uv_file out, uv_file in, int64_t offset, size_t size), out, in, offset, size)
THAG_UV_FS(access, (const char *path, int mode), path, mode)
THAG_UV_FS(chmod, (const char *path, int mode), path, mode)
THAG_UV_FS(fchmod, (uv_file file, int mode), file, mode)
THAG_UV_FS(utime, (const char *path, double atime, double mtime), path, atime, mtime)
THAG_UV_FS(futime, (uv_file file, double atime, double mtime), file, atime, mtime)
THAG_UV_FS(lutime, (const char *path, double atime, double mtime), path, atime, mtime)
THAG_UV_FS(link, (const char *path, const char *to), path, to)
THAG_UV_FS(symlink, (const char *path, const char *to, int flags), path, to, flags)
THAG_UV_FS(readlink, (const char *path), path)
THAG_UV_FS(realpath, (const char *path), path)
THAG_UV_FS(chown, (const char *path, uv_uid_t uid, uv_gid_t gid), path, uid, gid)
THAG_UV_FS(fchown, (uv_file file, uv_uid_t uid, uv_gid_t gid), file, uid, gid)
THAG_UV_FS(lchown, (const char *path, uv_uid_t uid, uv_gid_t gid), path, uid, gid)

#ifdef THAG_UV_ALL
#include "thag/uv_all.h"
#endif
#endif
#endif
