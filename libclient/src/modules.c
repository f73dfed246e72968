/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Phdr) elf_segment;

/* Tells files apart that lie at the same addresses one after the other. By module. */
static uint64_t module_keys[THAG_MODULES_MAX];

static struct thag_shm_module *modules_of(const struct thag_process *process)
{
	uint8_t *base = (uint8_t *)process->header;

	return (struct thag_shm_module *)(void *)(base + THAG_SHM_MODULES_OFFSET);
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 35)
bool thag_module_find(uintptr_t address, struct thag_module_image *image)
{
	struct dl_find_object found;

	if (_dl_find_object((void *)address, &found) != 0 || !found.dlfo_link_map)
		return false;
	image->start = (uintptr_t)found.dlfo_map_start;
	image->end = (uintptr_t)found.dlfo_map_end;
	image->bias = found.dlfo_link_map->l_addr;
	image->name = found.dlfo_link_map->l_name ? found.dlfo_link_map->l_name : "";
	image->unwind = found.dlfo_eh_frame;
	return true;
}
#else
struct search {
	uintptr_t address;
	struct thag_module_image *image;
};

static int look_at(struct dl_phdr_info *info, size_t bytes, void *context)
{
	struct search *search = context;
	uintptr_t start = UINTPTR_MAX, end = 0;
	const void *unwind = NULL;

	(void)bytes;
	for (uint32_t i = 0; i < info->dlpi_phnum; i++) {
		const elf_segment *segment = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + segment->p_vaddr;

		if (segment->p_type == PT_GNU_EH_FRAME)
			unwind = (const void *)from;
		if (segment->p_type != PT_LOAD)
			continue;
		start = from < start ? from : start;
		end = from + segment->p_memsz > end ? from + segment->p_memsz : end;
	}
	if (search->address < start || search->address >= end)
		return 0;
	*search->image = (struct thag_module_image){ .start = start & ~UINT64_C(4095),
						     .end = end,
						     .bias = info->dlpi_addr,
						     .name = info->dlpi_name };
	return 1;
}

/* Takes the loader's lock. */
bool thag_module_find(uintptr_t address, struct thag_module_image *image)
{
	struct search search = { address, image };

	return dl_iterate_phdr(look_at, &search) == 1;
}
#endif

/* --- build ids, as they are mapped --- */

/* The headers of the file lie where its first segment does. The loader has checked them. */
static const elf_header *headers_of(const struct thag_module_image *image)
{
	const elf_header *header = (const elf_header *)image->start;

	if (image->end - image->start < sizeof(*header) ||
	    memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phentsize != sizeof(elf_segment) ||
	    header->e_phoff > image->end - image->start ||
	    header->e_phnum * sizeof(elf_segment) > image->end - image->start - header->e_phoff)
		return NULL;
	return header;
}

bool thag_module_segment(const struct thag_module_image *image, uintptr_t address, uintptr_t *start,
			 uintptr_t *end)
{
	const elf_header *header = headers_of(image);
	const elf_segment *segments;

	if (!header)
		return false;
	segments = (const elf_segment *)(image->start + header->e_phoff);
	for (uint32_t i = 0; i < header->e_phnum; i++) {
		uintptr_t from = image->bias + segments[i].p_vaddr;

		if (segments[i].p_type != PT_LOAD || address < from ||
		    address - from >= segments[i].p_filesz)
			continue;
		*start = from;
		*end = from + segments[i].p_filesz;
		return *end <= image->end && *start >= image->start;
	}
	return false;
}

static size_t up_to_4(size_t bytes)
{
	return (bytes + 3) & ~(size_t)3;
}

/* Looks for the build id among the notes of `bytes` at `at`. */
static size_t read_notes(const uint8_t *at, size_t bytes, uint8_t id[THAG_BUILD_ID_MAX])
{
	ElfW(Nhdr) note;

	while (bytes >= sizeof(note)) {
		size_t name, description;

		memcpy(&note, at, sizeof(note));
		name = up_to_4(note.n_namesz);
		description = up_to_4(note.n_descsz);
		if (name > bytes - sizeof(note) || description > bytes - sizeof(note) - name)
			return 0;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
		    note.n_descsz <= THAG_BUILD_ID_MAX &&
		    memcmp(at + sizeof(note), ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0) {
			memcpy(id, at + sizeof(note) + name, note.n_descsz);
			return note.n_descsz;
		}
		at += sizeof(note) + name + description;
		bytes -= sizeof(note) + name + description;
	}
	return 0;
}

static size_t read_build_id(const struct thag_module_image *image, uint8_t id[THAG_BUILD_ID_MAX])
{
	const elf_header *header = headers_of(image);
	const elf_segment *segments;
	size_t bytes = 0;

	if (!header)
		return 0;
	segments = (const elf_segment *)(image->start + header->e_phoff);
	for (uint32_t i = 0; i < header->e_phnum && bytes == 0; i++) {
		uintptr_t at = image->bias + segments[i].p_vaddr;

		if (segments[i].p_type == PT_NOTE && at >= image->start && at < image->end &&
		    segments[i].p_filesz <= image->end - at)
			bytes = read_notes((const uint8_t *)at, segments[i].p_filesz, id);
	}
	return bytes;
}

/* --- paths --- */

struct maps {
	int fd;
	int error; /* why nothing more could be read */
	size_t used, filled;
	char text[1024];
};

static int next_byte(struct maps *maps)
{
	if (maps->used == maps->filled) {
		long got;

		do
			got = syscall(SYS_read, maps->fd, maps->text, sizeof(maps->text));
		while (got < 0 && errno == EINTR);
		if (got < 0)
			maps->error = -errno;
		if (got <= 0)
			return -1;
		maps->used = 0;
		maps->filled = (size_t)got;
	}
	return (unsigned char)maps->text[maps->used++];
}

/* A number in hexadecimal, and the byte behind it. */
static uint64_t next_number(struct maps *maps, int *after)
{
	uint64_t number = 0;
	int byte;

	while ((byte = next_byte(maps)) >= 0) {
		if (byte >= '0' && byte <= '9')
			number = number << 4 | (uint64_t)(byte - '0');
		else if (byte >= 'a' && byte <= 'f')
			number = number << 4 | (uint64_t)(byte - 'a' + 10);
		else
			break;
	}
	*after = byte;
	return number;
}

/* The rest of a line from its first slash on, cut at `bytes`; its length, 0 without one. */
static size_t next_path(struct maps *maps, char *path, size_t bytes)
{
	size_t length = 0;
	int byte;

	while ((byte = next_byte(maps)) >= 0 && byte != '\n')
		if ((length || byte == '/') && length < bytes)
			path[length++] = (char)byte;
	return length;
}

/* "START-END PERMISSIONS OFFSET DEVICE INODE   /PATH", a mapping a line. */
static size_t find_path(struct maps *maps, uintptr_t start, char *path, size_t bytes)
{
	int after = 0;

	do {
		uint64_t from = next_number(maps, &after);
		uint64_t to = after == '-' ? next_number(maps, &after) : 0;
		size_t length = after == ' ' ? next_path(maps, path, bytes) : 0;

		if (length && start >= from && start < to)
			return length;
	} while (after == ' ');
	return 0;
}

static int open_maps(void)
{
	int fd;

	do
		fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int thag_module_path(const struct thag_module_image *image, char *path, size_t bytes)
{
	static const char deleted[] = " (deleted)";
	struct maps maps = { .fd = open_maps() };
	size_t length = 0, end = sizeof(deleted) - 1;

	if (maps.fd < 0)
		return maps.fd;
	length = find_path(&maps, image->start, path, bytes);
	syscall(SYS_close, maps.fd);
	if (length == 0)
		return maps.error ? maps.error : -ENOENT;
	if (length == bytes)
		return -ENAMETOOLONG;
	if (length > end && memcmp(path + length - end, deleted, end) == 0)
		length -= end;
	path[length] = '\0';
	return 0;
}

/* --- the shared memory's list --- */

static uint64_t mix(uint64_t hash, const void *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t key_of(const struct thag_module_image *image)
{
	uint8_t id[THAG_BUILD_ID_MAX];
	uint64_t hash = mix(UINT64_C(0xcbf29ce484222325), id, read_build_id(image, id));

	return mix(hash, image->name, strlen(image->name));
}

static bool is_at(uint32_t index, const struct thag_module_image *image, uint64_t key)
{
	const struct thag_shm_module *module = &modules_of(&thag_process)[index];

	return __atomic_load_n(&module->ready, __ATOMIC_ACQUIRE) && module->start == image->start &&
	       module->end == image->end && module->bias == image->bias &&
	       module_keys[index] == key;
}

bool thag_module_is_at(uint32_t index, const struct thag_module_image *image)
{
	return index < THAG_MODULES_MAX && is_at(index, image, key_of(image));
}

static uint32_t count_of(const struct thag_process *process)
{
	uint32_t count = __atomic_load_n(&process->header->module_count, __ATOMIC_ACQUIRE);

	return count < THAG_MODULES_MAX ? count : THAG_MODULES_MAX;
}

static void fill(uint32_t index, const struct thag_module_image *image, uint64_t key)
{
	struct thag_shm_module *module = &modules_of(&thag_process)[index];
	char path[THAG_TEXT_BYTES] = "";
	static uint32_t said;

	module->build_id_bytes = (uint32_t)read_build_id(image, module->build_id);
	if (thag_module_path(image, path, sizeof(path)) == 0)
		module->path_bytes = thag_site_copy_text(&thag_process, path, &module->path_offset);
	if (thag_log_once_more(&said, 200))
		thag_log("module %u: %s", index, path[0] ? path : "(no path)");
	module->bias = image->bias;
	module->start = image->start;
	module->end = image->end;
	module_keys[index] = key;
	/* release: thagd's acquire load of `ready` sees the entry and its path whole */
	__atomic_store_n(&module->ready, 1, __ATOMIC_RELEASE);
}

uint32_t thag_module_index(const struct thag_module_image *image)
{
	uint64_t key = key_of(image);
	uint32_t count = count_of(&thag_process);

	for (uint32_t i = count; i-- > 0;)
		if (is_at(i, image, key))
			return i;
	do {
		if (count >= THAG_MODULES_MAX)
			return THAG_MODULE_NONE;
	} while (!__atomic_compare_exchange_n(&thag_process.header->module_count, &count, count + 1,
					      true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	fill(count, image, key);
	return count;
}

bool thag_module_replaces(uint32_t index)
{
	const struct thag_shm_module *modules = modules_of(&thag_process);

	for (uint32_t i = 0; i < index && index < THAG_MODULES_MAX; i++)
		if (modules[i].start < modules[index].end && modules[index].start < modules[i].end)
			return true;
	return false;
}

void thag_modules_inherit(struct thag_process *child, const struct thag_process *parent)
{
	uint32_t count = count_of(parent);

	memcpy(modules_of(child), modules_of(parent), count * sizeof(struct thag_shm_module));
	__atomic_store_n(&child->header->module_count, count, __ATOMIC_RELEASE);
}
