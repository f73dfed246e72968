/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "thagd_limits.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define STAT_BYTES 2048
#define STAT_START_TIME 22 /* field numbers of proc(5) */
#define STAT_EXIT_CODE 52

/* The kernel's struct pidfd_info, first version: 64 bytes. */
struct pidfd_info_v0 {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};

_Static_assert(sizeof(struct pidfd_info_v0) == 64, "the kernel's size");

#define PIDFD_GET_INFO_V0 _IOWR(0xff, 11, struct pidfd_info_v0)
#define PIDFD_INFO_EXIT_BIT (UINT64_C(1) << 3)

int thag_proc_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd >= 0 ? fd : -errno;
}

int thag_proc_open_peer(int socket_fd, pid_t pid)
{
	int fd = -1;
	socklen_t bytes = sizeof(fd);

	if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &bytes) == 0 && fd >= 0)
		return fd;
	return thag_proc_open(pid); /* kernels before 6.5 */
}

/* Reads what fits of a file of /proc, terminated. Returns its length or a negative errno. */
static ssize_t read_file(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = (int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_CLOEXEC));
	if (fd < 0)
		return -errno;
	got = TEMP_FAILURE_RETRY(read(fd, out, size - 1));
	if (got < 0)
		got = -errno;
	else
		out[got] = '\0';
	close(fd);
	return got;
}

/* The value of `name` among `bytes` bytes of NAME=VALUE, each terminated; NULL: there is none. */
static const char *find_variable(const char *list, size_t bytes, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; at < list + bytes; at += strlen(at) + 1)
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return at + length + 1;
	return NULL;
}

/* Reads the whole of a file of /proc, terminated, which the caller frees. */
static int read_whole(pid_t pid, const char *name, size_t max, char **out, size_t *bytes)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	*out = malloc(max + 1);
	*bytes = *out ? fread(*out, 1, max, file) : 0;
	fclose(file);
	if (!*out)
		return -ENOMEM;
	(*out)[*bytes] = '\0';
	return 0;
}

int thag_proc_environ(pid_t pid, const char *name, char *out, size_t size)
{
	const char *value;
	size_t bytes;
	char *list;
	int ret = read_whole(pid, "environ", THAG_ENVIRON_BYTES, &list, &bytes);

	if (ret != 0)
		return ret;
	value = find_variable(list, bytes, name);
	if (!value)
		ret = -ENOENT;
	else if (strlen(value) >= size)
		ret = -ENAMETOOLONG;
	else
		strcpy(out, value);
	free(list);
	return ret;
}

/* Field `number` (3 or above) of /proc/PID/stat: the name before may hold anything. */
static int stat_field(pid_t pid, int number, char *state, uint64_t *value)
{
	char text[STAT_BYTES];
	ssize_t got = read_file(pid, "stat", text, sizeof(text));
	char *at = got > 0 ? strrchr(text, ')') : NULL;

	if (!at || at[1] != ' ')
		return got < 0 ? (int)got : -EPROTO;
	at += 2;
	*state = *at;
	for (int field = 3; field < number; field++) {
		at = strchr(at, ' ');
		if (!at)
			return -EPROTO;
		at++;
	}
	*value = strtoull(at, NULL, 10);
	return 0;
}

int thag_proc_start_time(pid_t pid, uint64_t *ticks)
{
	char state;

	return stat_field(pid, STAT_START_TIME, &state, ticks);
}

/* A line: address perms offset device inode path. All memfds are on one device. */
static int line_has_inode(const char *line, uint64_t inode)
{
	unsigned long long found = 0;

	return sscanf(line, "%*s %*s %*s %*s %llu", &found) == 1 && found == inode &&
	       strstr(line, "/memfd:");
}

int thag_proc_maps_inode(pid_t pid, uint64_t inode)
{
	char path[64], *line = NULL;
	size_t size = 0, total = 0;
	ssize_t got;
	FILE *file;
	int found = 0;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (!found && total < THAG_PROC_MAPS_BYTES && (got = getline(&line, &size, file)) > 0) {
		total += (size_t)got;
		found = line_has_inode(line, inode);
	}
	if (!found && ferror(file))
		found = -EIO;
	free(line);
	fclose(file);
	return found;
}

int thag_proc_cwd(pid_t pid, char *out, size_t size)
{
	char path[64];
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/cwd", (int)pid);
	got = readlink(path, out, size - 1);
	if (got < 0)
		return -errno;
	out[got] = '\0';
	return 0;
}

static int reaped_status(int pidfd, int *status)
{
	struct pidfd_info_v0 info = { .mask = PIDFD_INFO_EXIT_BIT };

	if (ioctl(pidfd, PIDFD_GET_INFO_V0, &info) != 0 || !(info.mask & PIDFD_INFO_EXIT_BIT))
		return -EAGAIN;
	*status = info.exit_code;
	return 0;
}

/* The pid is still its own as long as a signal could be sent. */
static int zombie_status(int pidfd, pid_t pid, int *status)
{
	uint64_t code = 0;
	char state = 0;

	if (stat_field(pid, STAT_EXIT_CODE, &state, &code) != 0 || state != 'Z')
		return -EAGAIN;
	if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) != 0)
		return -EAGAIN;
	*status = (int)code;
	return 0;
}

int thag_proc_exit_status(int pidfd, pid_t pid, int *status)
{
	if (reaped_status(pidfd, status) == 0)
		return 0;
	return zombie_status(pidfd, pid, status);
}
