/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the kernel says about a process: when it started, what it maps and holds, how it ended.
 *
 * Thread: any; reads /proc.
 */
#ifndef THAG_PROC_H
#define THAG_PROC_H

#include <stdint.h>

#include <sys/types.h>

/** A descriptor that stands for process `pid`, or a negative errno. */
int thag_proc_open(pid_t pid);

/** The same for the peer of a unix socket, who can't have been replaced by another meanwhile. */
int thag_proc_open_peer(int socket_fd, pid_t pid);

/** Start of the process in clock ticks since boot: with the pid it names one process for ever. */
int thag_proc_start_time(pid_t pid, uint64_t *ticks);

/** Whether it maps a memfd with this inode: 1, 0, or a negative errno. */
int thag_proc_maps_inode(pid_t pid, uint64_t inode);

/**
 * The variable `name` of its environment, as it was when it began. 0; -ENOENT when it has none,
 * -ENAMETOOLONG, or why it can't be read.
 */
int thag_proc_environ(pid_t pid, const char *name, char *out, size_t size);

/** Its current directory. 0 or a negative errno. */
int thag_proc_cwd(pid_t pid, char *out, size_t size);

/**
 * How it ended, as a wait status. 0; -EAGAIN when the kernel doesn't say, or not yet: while it is
 * a zombie its status is in /proc, and once it was reaped the pidfd knows (since Linux 6.15).
 */
int thag_proc_exit_status(int pidfd, pid_t pid, int *status);

#endif
