/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "symtab.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef ElfW(Ehdr) elf_header;
typedef ElfW(Shdr) elf_section;
typedef ElfW(Sym) elf_symbol;

#define TABLE_BYTES_MAX (UINT64_C(1) << 31)

/** A part of the file, in memory of our own. */
struct part {
	uint8_t *at; /* NULL: nothing */
	uint64_t bytes;
};

static void part_fini(struct part *part)
{
	if (part->at)
		munmap(part->at, part->bytes);
	part->at = NULL;
}

static int read_at(int fd, uint8_t *to, uint64_t bytes, uint64_t offset)
{
	while (bytes) {
		long got = syscall(SYS_pread64, fd, to, bytes, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EINVAL;
		to += got;
		bytes -= (uint64_t)got;
		offset += (uint64_t)got;
	}
	return 0;
}

static int part_read(int fd, uint64_t offset, uint64_t bytes, uint64_t file_bytes,
		     struct part *part)
{
	void *at;
	int result;

	if (bytes == 0 || bytes > TABLE_BYTES_MAX || offset > file_bytes ||
	    bytes > file_bytes - offset)
		return -EINVAL;
	at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -ENOMEM;
	result = read_at(fd, at, bytes, offset);
	if (result) {
		munmap(at, bytes);
		return result;
	}
	*part = (struct part){ at, bytes };
	return 0;
}

static bool is_ours(const elf_header *header)
{
	return memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 &&
	       header->e_ident[EI_CLASS] == ELFCLASS64 && header->e_ident[EI_DATA] == ELFDATA2LSB &&
	       header->e_shentsize == sizeof(elf_section);
}

/* The symbol table to read: the whole one, or what the loader needs of it. */
static const elf_section *choose(const elf_section *sections, uint32_t count)
{
	const elf_section *dynamic = NULL;

	for (uint32_t i = 0; i < count; i++) {
		if (sections[i].sh_type == SHT_SYMTAB && sections[i].sh_size)
			return &sections[i];
		if (sections[i].sh_type == SHT_DYNSYM && sections[i].sh_size)
			dynamic = &sections[i];
	}
	return dynamic;
}

static bool is_function(const elf_symbol *symbol, const struct part *names)
{
	unsigned type = symbol->st_info & 0xf;

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name < names->bytes;
}

static void tell(const struct part *symbols, const struct part *names,
		 void (*each)(void *context, const struct thag_symbol *symbol), void *context)
{
	elf_symbol symbol;

	for (uint64_t at = 0; symbols->bytes - at >= sizeof(symbol); at += sizeof(symbol)) {
		memcpy(&symbol, symbols->at + at, sizeof(symbol));
		if (is_function(&symbol, names))
			each(context, &(struct thag_symbol){ .address = symbol.st_value,
							     .size = symbol.st_size,
							     .name = (const char *)names->at +
								     symbol.st_name });
	}
}

static int read_table(int fd, const elf_header *header, uint64_t file_bytes,
		      void (*each)(void *context, const struct thag_symbol *symbol), void *context)
{
	struct part sections = { 0 }, symbols = { 0 }, names = { 0 };
	const elf_section *all, *table, *strings;
	int result = part_read(fd, header->e_shoff, (uint64_t)header->e_shnum * sizeof(elf_section),
			       file_bytes, &sections);

	if (result)
		return result;
	all = (const elf_section *)(const void *)sections.at;
	table = choose(all, header->e_shnum);
	result = table ? 0 : -ENOENT;
	if (!result && table->sh_link >= header->e_shnum)
		result = -EINVAL;
	if (!result)
		result = part_read(fd, table->sh_offset, table->sh_size, file_bytes, &symbols);
	if (!result) {
		strings = &all[table->sh_link];
		result = part_read(fd, strings->sh_offset, strings->sh_size, file_bytes, &names);
	}
	if (!result && names.at[names.bytes - 1])
		result = -EINVAL;
	if (!result)
		tell(&symbols, &names, each, context);
	part_fini(&names);
	part_fini(&symbols);
	part_fini(&sections);
	return result;
}

static int open_file(const char *path)
{
	int fd;

	do
		fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

int thag_symtab_read(const char *path, const void *mapped,
		     void (*each)(void *context, const struct thag_symbol *symbol), void *context)
{
	elf_header header;
	struct stat st;
	int result, fd = open_file(path);

	if (fd < 0)
		return fd;
	result = fstat(fd, &st) == 0 ? 0 : -errno;
	if (!result && !S_ISREG(st.st_mode))
		result = -EINVAL;
	if (!result)
		result = read_at(fd, (uint8_t *)&header, sizeof(header), 0);
	if (!result && (memcmp(&header, mapped, sizeof(header)) != 0 || !is_ours(&header)))
		result = -EINVAL;
	if (!result && header.e_shnum == 0)
		result = -ENOENT;
	if (!result)
		result = read_table(fd, &header, (uint64_t)st.st_size, each, context);
	syscall(SYS_close, fd);
	return result;
}
