/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 512
#define LOG_BYTES_MAX (1 << 20)
#define STEM_BYTES 100
#define DIRECTORY "/thag_profiler"

/* Set once. A forked child goes on with its parent's. */
static struct {
	int fd; /* atomic; -1: none */
	dev_t dev;
	ino_t ino;
	uint64_t start_ns;
	int full; /* atomic: nothing more is noted */
} file = { .fd = -1 };

/** A text that is put together in a buffer; what doesn't fit is left out. */
struct text {
	char *bytes;
	size_t used;
	size_t size;
};

static void add(struct text *text, const char *from, size_t bytes)
{
	size_t room = text->size - text->used;

	if (bytes > room)
		bytes = room;
	memcpy(text->bytes + text->used, from, bytes);
	text->used += bytes;
}

static void add_string(struct text *text, const char *from)
{
	add(text, from, strnlen(from, text->size));
}

/* With zeros in front where it has fewer than `width` digits. */
static void add_number(struct text *text, unsigned long long value, int width)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value || (int)(sizeof(digits) - at) < width);
	add(text, digits + at, sizeof(digits) - at);
}

/* What the second byte of a character must lie between, by the first (Unicode, table 3-7). */
static bool is_second(unsigned first, unsigned second)
{
	unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
	unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

	return second >= low && second <= high;
}

/*
 * Controls, line ends, what can't be seen, and what turns the direction of all that follows: of two
 * or three bytes.
 */
static bool is_obeyed(const unsigned char *from)
{
	return (from[0] == 0xc2 && from[1] < 0xa0) ||
	       (from[0] == 0xe2 && from[1] == 0x80 && from[2] >= 0x8b && from[2] <= 0x8f) ||
	       (from[0] == 0xe2 && from[1] == 0x80 && from[2] >= 0xa8 && from[2] <= 0xae) ||
	       (from[0] == 0xe2 && from[1] == 0x81 && from[2] >= 0xa0 && from[2] <= 0xaf) ||
	       (from[0] == 0xef && from[1] == 0xbb && from[2] == 0xbf);
}

/* How many bytes the character at `from` has that a terminal can be shown; 0: there is none. */
static size_t character(const unsigned char *from)
{
	size_t bytes = from[0] >= 0xf0 ? 4 : from[0] >= 0xe0 ? 3 : 2;

	if (from[0] < 0x80)
		return from[0] >= ' ' && from[0] != 0x7f;
	if (from[0] < 0xc2 || from[0] > 0xf4 || !is_second(from[0], from[1]))
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if ((from[i] & 0xc0) != 0x80)
			return 0;
	return is_obeyed(from) ? 0 : bytes;
}

/* One of the program's own texts: no line is longer for it, ends early or does things. */
static void add_foreign(struct text *text, const char *from)
{
	while (from && *from && text->used < text->size) {
		size_t bytes = character((const unsigned char *)from);

		if (bytes > text->size - text->used)
			return;
		add(text, bytes ? from : "?", bytes ? bytes : 1);
		from += bytes ? bytes : 1;
	}
}

static void add_signed(struct text *text, int value)
{
	if (value < 0)
		add(text, "-", 1);
	add_number(text, value < 0 ? -(unsigned long long)value : (unsigned long long)value, 1);
}

/* %s, %d, %u and %llu are all there is: printf may use locks and the heap. */
static void add_formatted(struct text *text, const char *format, va_list args)
{
	for (; *format; format++) {
		if (*format != '%') {
			add(text, format, 1);
		} else if (format[1] == 's') {
			add_foreign(text, va_arg(args, const char *));
			format++;
		} else if (format[1] == 'd') {
			add_signed(text, va_arg(args, int));
			format++;
		} else if (format[1] == 'u') {
			add_number(text, va_arg(args, unsigned), 1);
			format++;
		} else if (strncmp(format + 1, "llu", 3) == 0) {
			add_number(text, va_arg(args, unsigned long long), 1);
			format += 3;
		}
	}
}

/* Whether our descriptor is still our file, and a line more can't make it too large. */
static bool may_write(size_t bytes)
{
	struct rlimit limit;
	struct stat st;

	/* a program that closes all descriptors may have a file of its own there now */
	if (fstat(file.fd, &st) != 0 || st.st_dev != file.dev || st.st_ino != file.ino)
		return false;
	/* a file beyond the limit is a signal that kills */
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur < (rlim_t)st.st_size + bytes)
		return false;
	return st.st_size < LOG_BYTES_MAX;
}

static void begin_line(struct text *text)
{
	uint64_t ns = thag_mono_ns() - file.start_ns;

	add_number(text, ns / 1000000000, 1);
	add_string(text, ".");
	add_number(text, ns % 1000000000 / 1000, 6);
	add_string(text, " [");
	add_number(text, (unsigned long long)getpid(), 1);
	add_string(text, "] ");
}

static void write_line(struct text *text)
{
	long written;

	text->bytes[text->used++] = '\n'; /* has a place of its own */
	/* not write, where a thread could be cancelled */
	written = syscall(SYS_write, file.fd, text->bytes, text->used);
	(void)written; /* a full disk: the program goes on without */
}

void thag_log(const char *format, ...)
{
	char bytes[LINE_BYTES];
	struct text text = { bytes, 0, sizeof(bytes) - 1 };
	int saved = errno;
	va_list args;

	if (!thag_log_is_on())
		return;
	begin_line(&text);
	va_start(args, format);
	add_formatted(&text, format, args);
	va_end(args);
	if (may_write(text.used + 1))
		write_line(&text);
	else
		__atomic_store_n(&file.full, 1, __ATOMIC_RELAXED);
	errno = saved;
}

bool thag_log_is_on(void)
{
	/* acquire: whoever finds the descriptor finds what it belongs to */
	return __atomic_load_n(&file.fd, __ATOMIC_ACQUIRE) >= 0 &&
	       !__atomic_load_n(&file.full, __ATOMIC_RELAXED);
}

bool thag_log_once_more(uint32_t *said, uint32_t limit)
{
	if (!thag_log_is_on() || __atomic_load_n(said, __ATOMIC_RELAXED) >= limit)
		return false;
	return __atomic_fetch_add(said, 1, __ATOMIC_RELAXED) < limit;
}

/* A directory that is ours and that nobody else can put files into; or a negative errno. */
static int open_directory(const char *path)
{
	struct stat st;
	int fd;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return fd;
	close(fd);
	return -EPERM;
}

/* <tmp>/thag_profiler; where that is somebody else's, <tmp>/thag_profiler-UID. */
static int find_directory(struct text *path)
{
	const char *tmp = getenv("TMPDIR");
	int fd;

	add_string(path, tmp && tmp[0] == '/' ? tmp : "/tmp");
	add_string(path, DIRECTORY);
	path->bytes[path->used] = '\0';
	fd = open_directory(path->bytes);
	if (fd >= 0)
		return fd;
	add_string(path, "-");
	add_number(path, (unsigned long long)geteuid(), 1);
	path->bytes[path->used] = '\0';
	return open_directory(path->bytes);
}

/* What a shell, too, takes for a part of a name; as thagd names its files. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       strchr("._+-", c);
}

/* The program's file name without its extension, as a part of a file name. */
static void add_stem(struct text *name)
{
	char exe[PATH_MAX];
	ssize_t bytes = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *base, *dot;

	exe[bytes > 0 ? bytes : 0] = '\0';
	base = strrchr(exe, '/');
	base = base ? base + 1 : exe;
	dot = strrchr(base, '.');
	if (dot && dot != base)
		*dot = '\0';
	base[strnlen(base, STEM_BYTES)] = '\0';
	for (char *c = base; *c; c++)
		if (!is_plain(*c))
			*c = '_';
	if (base[0] == '-' || base[0] == '.')
		base[0] = '_';
	add_string(name, base[0] ? base : "unknown");
}

static void add_moment(struct text *name)
{
	time_t now = time(NULL);
	struct tm local = { 0 };

	localtime_r(&now, &local);
	add_string(name, "-");
	add_number(name, (unsigned long long)local.tm_year + 1900, 4);
	add_number(name, (unsigned long long)local.tm_mon + 1, 2);
	add_number(name, (unsigned long long)local.tm_mday, 2);
	add_string(name, "-");
	add_number(name, (unsigned long long)local.tm_hour, 2);
	add_number(name, (unsigned long long)local.tm_min, 2);
	add_number(name, (unsigned long long)local.tm_sec, 2);
}

static int open_new(int directory, const char *name)
{
	static const int flags = O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW;
	int fd;

	do
		fd = openat(directory, name, flags, 0600);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

/* Makes the file in the directory; a second run in the same second has its pid in the name. */
static int make_file(int directory, struct text *name)
{
	size_t stem = name->used;
	int fd;

	add(name, "-debug.log", sizeof("-debug.log"));
	fd = open_new(directory, name->bytes);
	if (fd == -EEXIST) {
		name->used = stem;
		add_string(name, "-");
		add_number(name, (unsigned long long)getpid(), 1);
		add(name, "-debug.log", sizeof("-debug.log"));
		fd = open_new(directory, name->bytes);
	}
	return fd;
}

static int open_log(struct text *path, struct text *name)
{
	int directory = find_directory(path), fd;

	if (directory < 0)
		return directory;
	add_stem(name);
	add_moment(name);
	fd = make_file(directory, name);
	close(directory);
	return fd;
}

/* Takes over `fd`. */
static void begin(int fd)
{
	struct stat st;

	file.start_ns = thag_mono_ns();
	fd = thag_fd_move_up(fd);
	if (fstat(fd, &st) != 0) {
		close(fd);
		return;
	}
	file.dev = st.st_dev;
	file.ino = st.st_ino;
	__atomic_store_n(&file.fd, fd, __ATOMIC_RELEASE);
}

static void say_environment(void)
{
	static const char *const names[] = { "THAG_PROFILER",
					     "THAG_PAUSED",
					     "THAG_SOCKET",
					     "THAG_ON_FULL",
					     "THAG_CLOCK",
					     "THAG_RUN",
					     "THAG_FUNCTIONS",
					     "THAG_FUNCTIONS_MIN_SIZE",
					     "THAG_MODULES",
					     "THAG_FREE_TRACES",
					     "THAG_MAPS",
					     "THAG_SAMPLE_BYTES",
					     "SIZE_TRACKING_THRESHOLD",
					     "XDG_RUNTIME_DIR" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			thag_log("environment: %s=%s", names[i], value);
	}
}

void thag_log_open(enum thag_log_mode mode)
{
	char path[PATH_MAX], base[NAME_MAX + 1];
	struct text directory = { path, 0, sizeof(path) - 1 };
	struct text name = { base, 0, sizeof(base) };
	int fd;

	if (mode == THAG_LOG_NONE || file.fd >= 0)
		return;
	fd = open_log(&directory, &name);
	if (fd < 0) {
		thag_say("can't write a debug log in ", path, ": ", strerrordesc_np(-fd));
		return;
	}
	begin(fd);
	thag_log("thag " THAG_VERSION ", pid %d", (int)getpid());
	say_environment();
	if (mode == THAG_LOG_ANNOUNCE)
		thag_say("debug log: ", path, "/", base);
}

const char *thag_log_kinds(uint32_t modes)
{
	static const char *const names[] = { "nothing", "time", "memory", "time and memory" };

	return names[modes & (THAG_MODE_TIME | THAG_MODE_MEMORY)];
}
