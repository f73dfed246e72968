/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <sys/stat.h>

#define CRC_CHUNK_BYTES 65536

_Static_assert(THAG_OBJECT_PATH_BYTES > PATH_MAX, "of a path that is cut there is no file");

int thag_object_open(struct thag_object *object, const char *path)
{
	struct stat st;
	int ret = -ENOEXEC;

	*object = (struct thag_object)THAG_OBJECT_EMPTY;
	elf_version(EV_CURRENT);
	snprintf(object->path, sizeof(object->path), "%s", path);
	/* not to be held up by a pipe, or a device */
	object->fd =
		(int)TEMP_FAILURE_RETRY(open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
	if (object->fd < 0)
		return -errno;
	if (fstat(object->fd, &st) != 0 || !S_ISREG(st.st_mode))
		goto fail;
	object->elf = elf_begin(object->fd, ELF_C_READ_MMAP, NULL);
	if (!object->elf || elf_kind(object->elf) != ELF_K_ELF)
		goto fail;
	return 0;
fail:
	thag_object_close(object);
	return ret;
}

void thag_object_close(struct thag_object *object)
{
	if (object->elf)
		elf_end(object->elf);
	if (object->fd >= 0)
		close(object->fd);
	object->elf = NULL;
	object->fd = -1;
}

bool thag_object_is_linked(const struct thag_object *object)
{
	GElf_Ehdr header;

	return gelf_getehdr(object->elf, &header) && header.e_type != ET_REL;
}

bool thag_object_is_build(const struct thag_object *object, const uint8_t *build_id,
			  uint32_t build_id_bytes)
{
	const void *found;
	ssize_t bytes;

	if (build_id_bytes == 0)
		return true;
	bytes = dwelf_elf_gnu_build_id(object->elf, &found);
	return bytes == (ssize_t)build_id_bytes && memcmp(found, build_id, build_id_bytes) == 0;
}

bool thag_object_has_type(const struct thag_object *object, uint32_t type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(object->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type && header.sh_size > 0)
			return true;
	return false;
}

bool thag_object_has_dwarf(const struct thag_object *object)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	const char *name;
	size_t strings;

	if (elf_getshdrstrndx(object->elf, &strings) != 0)
		return false;
	while ((section = elf_nextscn(object->elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
			continue;
		name = elf_strptr(object->elf, strings, header.sh_name);
		if (name && (strcmp(name, ".debug_info") == 0 || strcmp(name, ".zdebug_info") == 0))
			return true;
	}
	return false;
}

/* Keeps it when it is the wanted one; `status` tells of the best that was met so far. */
static bool try_file(struct thag_object *object, const struct thag_object_query *query,
		     const char *path, uint32_t *status)
{
	int ret = thag_object_open(object, path);

	if (ret == -ENOENT || ret == -ENOTDIR || ret == -ELOOP)
		return false;
	if (ret != 0) {
		if (*status == THAG_SYMBOL_MISSING)
			*status = THAG_SYMBOL_UNREADABLE;
		return false;
	}
	if (thag_object_is_build(object, query->build_id, query->build_id_bytes))
		return true;
	*status = THAG_SYMBOL_CHANGED;
	thag_object_close(object);
	return false;
}

uint32_t thag_object_find(struct thag_object *object, const struct thag_object_query *query)
{
	char path[THAG_OBJECT_PATH_BYTES];
	uint32_t status = THAG_SYMBOL_MISSING;

	if (try_file(object, query, query->path, &status))
		return THAG_SYMBOL_FOUND;
	/* in its own mount namespace; or deleted, or replaced, since it was started */
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)query->pid, query->path);
	if (query->pid > 0 && try_file(object, query, path, &status))
		return THAG_SYMBOL_FOUND;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)query->pid);
	if (query->pid > 0 && query->build_id_bytes && try_file(object, query, path, &status))
		return THAG_SYMBOL_FOUND;
	return status;
}

/* The checksum that .gnu_debuglink has of its debug file: CRC-32 as in zlib. */
static uint32_t crc32_of(int fd)
{
	uint32_t table[256], crc = UINT32_MAX;
	uint8_t chunk[CRC_CHUNK_BYTES];
	off_t at = 0;
	ssize_t got;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0xedb88320) : 0);
	}
	while ((got = TEMP_FAILURE_RETRY(pread(fd, chunk, sizeof(chunk), at))) > 0) {
		for (ssize_t i = 0; i < got; i++)
			crc = table[(crc ^ chunk[i]) & 0xff] ^ crc >> 8;
		at += got;
	}
	return ~crc;
}

/* A build id says more than a checksum, and costs less; one of the two there is. */
static bool is_debug_of(const struct thag_object *debug, const uint8_t *id, uint32_t id_bytes,
			const GElf_Word *crc)
{
	if (!thag_object_has_dwarf(debug) && !thag_object_has_type(debug, SHT_SYMTAB))
		return false;
	if (id_bytes)
		return thag_object_is_build(debug, id, id_bytes);
	return crc32_of(debug->fd) == *crc;
}

/* What is looked for, and by which marks it is known. */
struct hunt {
	struct thag_object *debug;
	const uint8_t *id;
	uint32_t id_bytes;
	const GElf_Word *crc;
};

__attribute__((format(printf, 2, 3))) static bool try_debug(const struct hunt *hunt,
							    const char *format, ...)
{
	char path[THAG_OBJECT_PATH_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (thag_object_open(hunt->debug, path) != 0)
		return false;
	if (is_debug_of(hunt->debug, hunt->id, hunt->id_bytes, hunt->crc))
		return true;
	thag_object_close(hunt->debug);
	return false;
}

static void hex(char *out, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		sprintf(out + 2 * (size_t)i, "%02x", bytes[i]);
}

static bool try_build_id(const struct hunt *hunt, const char *dir, int dir_bytes)
{
	char text[2 * THAG_SYMBOL_BUILD_ID_MAX + 1];

	if (hunt->id_bytes < 2 || hunt->id_bytes > THAG_SYMBOL_BUILD_ID_MAX)
		return false;
	hex(text, hunt->id, hunt->id_bytes);
	return try_debug(hunt, "%.*s/.build-id/%.2s/%s.debug", dir_bytes, dir, text, text + 2);
}

/* Calls for each of the debug directories until one has it. */
static bool try_dirs(const struct hunt *hunt, const char *dirs, const char *of_file,
		     const char *link)
{
	while (*dirs) {
		int bytes = (int)strcspn(dirs, ":");

		if (!link && bytes && try_build_id(hunt, dirs, bytes))
			return true;
		if (link && bytes && try_debug(hunt, "%.*s%s/%s", bytes, dirs, of_file, link))
			return true;
		dirs += bytes + (dirs[bytes] == ':');
	}
	return false;
}

/* The directory of a file, links followed, as debug packages name it; "" for the root. */
static void directory_of(const struct thag_object *object, char out[static THAG_OBJECT_PATH_BYTES])
{
	char link[32];
	ssize_t bytes;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", object->fd);
	bytes = readlink(link, out, THAG_OBJECT_PATH_BYTES - 1);
	out[bytes > 0 ? bytes : 0] = '\0';
	char *slash = strrchr(out, '/');

	if (slash)
		*slash = '\0';
}

static bool try_link(struct hunt *hunt, const struct thag_object *object, const char *dirs)
{
	char directory[THAG_OBJECT_PATH_BYTES];
	GElf_Word crc;
	const char *link = dwelf_elf_gnu_debuglink(object->elf, &crc);

	/* a file name, not a path to anywhere */
	if (!link || !link[0] || strchr(link, '/'))
		return false;
	hunt->crc = &crc;
	directory_of(object, directory);
	bool found = try_debug(hunt, "%s/%s", directory, link) ||
		     try_debug(hunt, "%s/.debug/%s", directory, link) ||
		     try_dirs(hunt, dirs, directory, link);

	hunt->crc = NULL;
	return found;
}

int thag_object_find_debug(struct thag_object *debug, const struct thag_object *object,
			   const struct thag_object_query *query)
{
	const char *dirs = query->debug_dirs ? query->debug_dirs : THAG_DEBUG_DIRS;
	struct hunt hunt = { .debug = debug,
			     .id = query->build_id,
			     .id_bytes = query->build_id_bytes };
	const void *own;
	ssize_t own_bytes;

	if (hunt.id_bytes == 0 && object) {
		own_bytes = dwelf_elf_gnu_build_id(object->elf, &own);
		if (own_bytes > 0 && own_bytes <= THAG_SYMBOL_BUILD_ID_MAX) {
			hunt.id = own;
			hunt.id_bytes = (uint32_t)own_bytes;
		}
	}
	if (try_dirs(&hunt, dirs, NULL, NULL) || (object && try_link(&hunt, object, dirs)))
		return 0;
	return -ENOENT;
}
