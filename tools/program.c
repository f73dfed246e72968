/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "program.h"

#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "thag/note.h"

#define LINE_BYTES 256 /* the kernel heeds that much of a script's first line */
#define SCRIPTS_MAX 4  /* whose interpreters are scripts */
#define BLOCK_BYTES 65536

/** Sanitizers with a malloc of their own: what each defines, and gcc's libraries of them. */
static const struct sanitizer {
	const char *name, *symbol, *runtime;
} sanitizers[] = {
	{ "AddressSanitizer", "__asan_init", "libasan.so" },
	{ "AddressSanitizer", "__asan_init", "libclang_rt.asan" },
	{ "HWAddressSanitizer", "__hwasan_init", "libhwasan.so" },
	{ "LeakSanitizer", "__lsan_init", "liblsan.so" },
	{ "MemorySanitizer", "__msan_init", "libclang_rt.msan" },
	{ "ThreadSanitizer", "__tsan_init", "libtsan.so" },
	{ "ThreadSanitizer", "__tsan_init", "libclang_rt.tsan" },
};

#define SANITIZER_COUNT (sizeof(sanitizers) / sizeof(sanitizers[0]))

/* --- the file --- */

/** Opens what execvp(3) would run; -1. */
static int open_program(const char *program)
{
	const char *directories = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(program, '/'))
		return open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	while (directories && *directories) {
		int bytes = (int)strcspn(directories, ":");

		snprintf(path, sizeof(path), "%.*s/%s", bytes, directories, program);
		if (access(path, X_OK) == 0)
			return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		directories += bytes + (directories[bytes] == ':');
	}
	return -1;
}

/** The path behind "#!" of the file's first line; false where there is none. */
static bool read_interpreter(int fd, char path[static LINE_BYTES])
{
	char line[LINE_BYTES + 1] = "";

	if (pread(fd, line, LINE_BYTES, 0) < 3 || line[0] != '#' || line[1] != '!')
		return false;
	char *start = line + 2 + strspn(line + 2, " \t");

	start[strcspn(start, " \t\n")] = '\0';
	if (*start != '/')
		return false;
	memcpy(path, start, strlen(start) + 1);
	return true;
}

/** The file whose code runs first, the script's interpreter where it is one; -1. */
static int open_code(const char *name, bool *is_script)
{
	char path[LINE_BYTES];
	int fd = open_program(name);

	for (int i = 0; i < SCRIPTS_MAX && fd >= 0 && read_interpreter(fd, path); i++) {
		close(fd);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		*is_script = true;
	}
	return fd;
}

/** Whether the kernel would make the process another user, or give it capabilities. */
static bool gives_rights(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getegid())
		return true;
	return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/** Whether the file's bytes have those of `text` among them. */
static bool holds(int fd, const char *text)
{
	static char block[BLOCK_BYTES];
	size_t bytes = strlen(text) + 1, kept = 0;
	ssize_t got;

	for (off_t at = 0; (got = pread(fd, block + kept, sizeof(block) - kept, at)) > 0;
	     at += got) {
		size_t filled = kept + (size_t)got;

		if (memmem(block, filled, text, bytes))
			return true;
		/* it may lie across two blocks */
		kept = filled < bytes ? filled : bytes - 1;
		memmove(block, block + filled - kept, kept);
	}
	return false;
}

/* --- its contents --- */

static bool has_loader(Elf *elf)
{
	GElf_Phdr segment;
	size_t count = 0;

	if (elf_getphdrnum(elf, &count) != 0)
		return true;
	for (size_t i = 0; i < count; i++)
		if (gelf_getphdr(elf, (int)i, &segment) && segment.p_type == PT_INTERP)
			return true;
	return count == 0;
}

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static void note_library(struct thag_program *program, const char *library)
{
	if (starts_with(library, "libthag.so") || starts_with(library, "libthag-cyg.so"))
		program->links_thag = true;
	for (size_t i = 0; i < SANITIZER_COUNT; i++)
		if (starts_with(library, sanitizers[i].runtime))
			program->sanitizer = sanitizers[i].name;
}

static void note_symbol(struct thag_program *program, const char *symbol)
{
	if (strcmp(symbol, "malloc") == 0)
		program->has_malloc = true;
	for (size_t i = 0; i < SANITIZER_COUNT; i++)
		if (strcmp(symbol, sanitizers[i].symbol) == 0)
			program->sanitizer = sanitizers[i].name;
}

static void look_at_libraries(Elf *elf, Elf_Data *data, size_t strings,
			      struct thag_program *program)
{
	GElf_Dyn entry;

	for (int i = 0; gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
		const char *name = entry.d_tag == DT_NEEDED
					   ? elf_strptr(elf, strings, entry.d_un.d_val)
					   : NULL;

		if (name)
			note_library(program, name);
	}
}

static void look_at_symbols(Elf *elf, Elf_Data *data, size_t strings, struct thag_program *program)
{
	GElf_Sym symbol;

	for (int i = 0; gelf_getsym(data, i, &symbol); i++) {
		const char *name = symbol.st_shndx != SHN_UNDEF
					   ? elf_strptr(elf, strings, symbol.st_name)
					   : NULL;

		if (name)
			note_symbol(program, name);
	}
}

/** Notes tell of a libthag that was linked into the program. */
static void look_at_notes(Elf_Data *data, struct thag_program *program)
{
	size_t at = 0, name, description;
	GElf_Nhdr note;

	while ((at = gelf_getnote(data, at, &note, &name, &description)))
		if (note.n_type == THAG_NOTE_LINKED && note.n_namesz == sizeof(THAG_NOTE_NAME) &&
		    memcmp((const char *)data->d_buf + name, THAG_NOTE_NAME, note.n_namesz) == 0)
			program->links_thag = true;
}

static void look_at_section(Elf *elf, Elf_Scn *section, const GElf_Shdr *header,
			    struct thag_program *program)
{
	Elf_Data *data = NULL;

	if (header->sh_type == SHT_DYNAMIC || header->sh_type == SHT_DYNSYM ||
	    header->sh_type == SHT_NOTE)
		data = elf_getdata(section, NULL);
	if (!data)
		return;
	if (header->sh_type == SHT_DYNAMIC)
		look_at_libraries(elf, data, header->sh_link, program);
	else if (header->sh_type == SHT_DYNSYM)
		look_at_symbols(elf, data, header->sh_link, program);
	else
		look_at_notes(data, program);
}

static void look_at_sections(Elf *elf, struct thag_program *program)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header))
			look_at_section(elf, section, &header, program);
}

/** Whether it is for the machine that this very program is for. */
static bool is_ours(const GElf_Ehdr *header)
{
	static GElf_Half machine;
	int fd = machine ? -1 : open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf64_Ehdr own;

	if (fd >= 0 && pread(fd, &own, sizeof(own), 0) == (ssize_t)sizeof(own))
		machine = own.e_machine;
	if (fd >= 0)
		close(fd);
	return header->e_ident[EI_CLASS] == ELFCLASS64 &&
	       (!machine || header->e_machine == machine);
}

static void look_at_code(int fd, struct thag_program *program)
{
	Elf *elf = elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_begin(fd, ELF_C_READ, NULL);
	GElf_Ehdr header;

	program->is_elf = elf && gelf_getehdr(elf, &header);
	if (program->is_elf) {
		program->is_foreign = !is_ours(&header);
		program->is_static = !has_loader(elf);
		look_at_sections(elf, program);
	}
	elf_end(elf);
}

bool thag_program_has_hooks(const char *name)
{
	bool is_script, found;
	int fd = open_code(name, &is_script);

	if (fd < 0)
		return false;
	found = holds(fd, "__cyg_profile_func_enter");
	close(fd);
	return found;
}

void thag_program_look(const char *name, struct thag_program *program)
{
	*program = (struct thag_program){ 0 };
	int fd = open_code(name, &program->is_script);

	if (fd < 0)
		return;
	program->is_privileged = gives_rights(fd);
	look_at_code(fd, program);
	close(fd);
}
