/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* ELF files made by hand, also such as no linker would make. */
#ifndef ELF_SAMPLE_H
#define ELF_SAMPLE_H

#include <criterion/criterion.h>
#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ELF_SAMPLE_SECTIONS 512
#define ELF_SAMPLE_CODE UINT64_C(0x1000) /* where its code is */
#define ELF_SAMPLE_CODE_BYTES UINT64_C(0x100)
#define ELF_SAMPLE_NOTE 16 /* bytes before a build id */

/* The sections that were added, and what they hold; all zero has none. */
struct elf_sample {
	Elf64_Ehdr header; /* what is zero is filled in */
	Elf64_Shdr sections[ELF_SAMPLE_SECTIONS];
	uint32_t count;
	char data[65536];
	uint32_t bytes;
};

static inline struct elf_sample *elf_sample_create(void)
{
	struct elf_sample *elf = calloc(1, sizeof(*elf));

	cr_assert_not_null(elf);
	return elf;
}

/* Where it goes among the data, which begin with no name. */
static inline uint32_t elf_sample_put(struct elf_sample *elf, const void *data, size_t bytes)
{
	uint32_t at = elf->bytes ? elf->bytes : 8;

	cr_assert(at + bytes + 8 <= sizeof(elf->data));
	memcpy(elf->data + at, data, bytes);
	elf->bytes = at + (uint32_t)((bytes + 7) & ~(size_t)7);
	return at;
}

/* The section, for what is special about it to be set. Section 0 is none. */
static inline Elf64_Shdr *elf_sample_add(struct elf_sample *elf, const char *name, uint32_t type,
					 const void *data, size_t bytes)
{
	Elf64_Shdr *section = &elf->sections[++elf->count];

	cr_assert(elf->count + 1 < ELF_SAMPLE_SECTIONS);
	section->sh_name = elf_sample_put(elf, name, strlen(name) + 1);
	section->sh_type = type;
	section->sh_offset = sizeof(elf->header) + elf_sample_put(elf, data, bytes);
	section->sh_size = bytes;
	section->sh_addralign = 4;
	return section;
}

static inline void elf_sample_add_code(struct elf_sample *elf, uint64_t address)
{
	Elf64_Shdr *code = elf_sample_add(elf, ".text", SHT_NOBITS, "", 0);

	code->sh_flags = SHF_ALLOC | SHF_EXECINSTR;
	code->sh_addr = address;
	code->sh_size = ELF_SAMPLE_CODE_BYTES;
}

static inline void elf_sample_add_id(struct elf_sample *elf, const uint8_t *id, uint32_t bytes)
{
	uint32_t note[64] = { 4, bytes, NT_GNU_BUILD_ID };

	memcpy(&note[3], "GNU", 4);
	memcpy(&note[4], id, bytes);
	elf_sample_add(elf, ".note.gnu.build-id", SHT_NOTE, note, ELF_SAMPLE_NOTE + bytes);
}

struct elf_sample_symbol {
	const char *name;
	int binding, type;
	uint64_t at, bytes;
};

/* A table of symbols; returns it. */
static inline Elf64_Shdr *elf_sample_add_symbols(struct elf_sample *elf,
						 const struct elf_sample_symbol *symbols,
						 size_t count)
{
	Elf64_Sym table[32] = { 0 };
	Elf64_Shdr *section;

	cr_assert(count < sizeof(table) / sizeof(*table));
	for (size_t i = 0; i < count; i++)
		table[i + 1] = (Elf64_Sym){
			.st_name =
				elf_sample_put(elf, symbols[i].name, strlen(symbols[i].name) + 1),
			.st_info = (uint8_t)ELF64_ST_INFO(symbols[i].binding, symbols[i].type),
			.st_shndx = 1,
			.st_value = symbols[i].at,
			.st_size = symbols[i].bytes,
		};
	section = elf_sample_add(elf, ".symtab", SHT_SYMTAB, table, (count + 1) * sizeof(*table));
	section->sh_entsize = sizeof(*table);
	/* all names are in the last section, which is all data */
	section->sh_link = ELF_SAMPLE_SECTIONS;
	return section;
}

static inline void elf_sample_fill(struct elf_sample *elf)
{
	Elf64_Ehdr *header = &elf->header;

	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	header->e_version = EV_CURRENT;
	header->e_type = header->e_type ? header->e_type : ET_DYN;
	header->e_machine = EM_X86_64;
	header->e_ehsize = sizeof(*header);
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shoff = sizeof(*header) + elf->bytes;
	header->e_shnum = (uint16_t)(elf->count + 2);
	header->e_shstrndx = header->e_shstrndx ? header->e_shstrndx : (uint16_t)(elf->count + 1);
	elf->sections[elf->count + 1] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
						      .sh_offset = sizeof(*header),
						      .sh_size = elf->bytes,
						      .sh_addralign = 1 };
	for (uint32_t i = 1; i <= elf->count; i++)
		if (elf->sections[i].sh_link == ELF_SAMPLE_SECTIONS)
			elf->sections[i].sh_link = elf->count + 1;
}

static inline void elf_sample_write_fd(struct elf_sample *elf, int fd)
{
	size_t headers = (elf->count + 2) * sizeof(Elf64_Shdr);

	cr_assert(fd >= 0);
	elf_sample_put(elf, "", 1); /* a table of names ends so */
	elf_sample_fill(elf);
	cr_assert(write(fd, elf, sizeof(elf->header)) == (ssize_t)sizeof(elf->header));
	cr_assert(write(fd, elf->data, elf->bytes) == (ssize_t)elf->bytes);
	cr_assert(write(fd, elf->sections, headers) == (ssize_t)headers);
}

static inline void elf_sample_write(struct elf_sample *elf, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	elf_sample_write_fd(elf, fd);
	close(fd);
}

#endif
