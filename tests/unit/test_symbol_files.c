/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which files of programs, and which of their debug files, are found and believed. */
#include "thag_object.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zlib.h>

#include "elf_sample.h"

#define PATH_BYTES 256

static const uint8_t build_id[48] = "a build id, as long as none that is believed";
static char directory[] = "/tmp/thag-files.XXXXXX";
static char app[PATH_BYTES], debug_file[PATH_BYTES];
static struct thag_object object = THAG_OBJECT_EMPTY, debug = THAG_OBJECT_EMPTY;

/* A path in the directory of the test. */
static void place(char path[static PATH_BYTES], const char *name)
{
	cr_assert_lt(snprintf(path, PATH_BYTES, "%s/%s", directory, name), PATH_BYTES);
}

static void begin(void)
{
	cr_assert(mkdtemp(directory));
	place(app, "app");
	place(debug_file, "app.debug");
}

static void end(void)
{
	char command[PATH_BYTES];

	thag_object_close(&object);
	thag_object_close(&debug);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(symbol_files, .init = begin, .fini = end);

/* An ELF file with a build id, unless it is of no bytes, and nothing else. */
static void write_app(const char *path, uint32_t id_bytes)
{
	struct elf_sample *elf = elf_sample_create();

	elf_sample_add_code(elf, ELF_SAMPLE_CODE);
	if (id_bytes)
		elf_sample_add_id(elf, build_id, id_bytes);
	elf_sample_write(elf, path);
	free(elf);
}

/* The same with the link to a debug file. */
static void write_linked(uint32_t id_bytes, const char *link, uint32_t crc)
{
	struct elf_sample *elf = elf_sample_create();
	char contents[64] = "";
	size_t bytes = (strlen(link) + 4) & ~(size_t)3;

	memcpy(contents, link, strlen(link));
	memcpy(contents + bytes, &crc, sizeof(crc));
	elf_sample_add_code(elf, ELF_SAMPLE_CODE);
	if (id_bytes)
		elf_sample_add_id(elf, build_id, id_bytes);
	elf_sample_add(elf, ".gnu_debuglink", SHT_PROGBITS, contents, bytes + sizeof(crc));
	elf_sample_write(elf, app);
	free(elf);
}

static void write_debug(const char *path, uint32_t id_bytes, bool has_symbols)
{
	static const struct elf_sample_symbol one = { "one", STB_GLOBAL, STT_FUNC, 0x1000, 8 };
	struct elf_sample *elf = elf_sample_create();

	elf_sample_add_code(elf, ELF_SAMPLE_CODE);
	if (id_bytes)
		elf_sample_add_id(elf, build_id, id_bytes);
	if (has_symbols)
		elf_sample_add_symbols(elf, &one, 1);
	elf_sample_write(elf, path);
	free(elf);
}

/* zlib's, as the linker's. */
static uint32_t checksum(const char *path)
{
	static uint8_t bytes[65536];
	FILE *file = fopen(path, "rb");
	size_t got = fread(bytes, 1, sizeof(bytes), file);

	fclose(file);
	cr_assert(got > 0 && got < sizeof(bytes));
	return (uint32_t)crc32(0, bytes, (unsigned)got);
}

static uint32_t find(const char *path, pid_t pid, uint32_t id_bytes)
{
	const struct thag_object_query query = {
		.path = path, .build_id = build_id, .build_id_bytes = id_bytes, .pid = pid
	};

	return thag_object_find(&object, &query);
}

/* The debug file of the app, or of the build if that is given: 0 or -ENOENT. */
static int find_debug(const char *dirs, uint32_t id_bytes)
{
	const struct thag_object_query query = {
		.path = app, .build_id = build_id, .build_id_bytes = id_bytes, .debug_dirs = dirs
	};

	cr_assert_eq(thag_object_open(&object, app), 0);
	return thag_object_find_debug(&debug, &object, &query);
}

Test(symbol_files, a_path_has_to_fit)
{
	char path[THAG_OBJECT_PATH_BYTES + 1];

	memset(path, '/', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	cr_expect_eq(thag_object_open(&object, path), -ENAMETOOLONG);
	cr_expect_eq(find(path, 0, 0), THAG_SYMBOL_UNREADABLE);
}

Test(symbol_files, a_head_that_is_cut_is_no_elf)
{
	write_app(app, 20);
	cr_assert_eq(truncate(app, 32), 0);
	cr_expect_eq(thag_object_open(&object, app), -ENOEXEC);
	cr_expect_eq(object.fd, -1);
}

Test(symbol_files, what_leads_nowhere_is_missing)
{
	char path[PATH_BYTES];

	write_app(app, 20);
	place(path, "app/within");
	cr_expect_eq(find(path, 0, 0), THAG_SYMBOL_MISSING);
	place(path, "ring");
	cr_assert_eq(symlink(path, path), 0);
	cr_expect_eq(find(path, 0, 0), THAG_SYMBOL_MISSING);
}

Test(symbol_files, the_reason_is_that_of_the_path_before_those_by_the_process)
{
	write_app(app, 20);
	cr_assert_eq(truncate(app, 32), 0);
	cr_expect_eq(find(app, getpid(), 0), THAG_SYMBOL_UNREADABLE);
	write_app(app, 19);
	cr_expect_eq(find(app, getpid(), 20), THAG_SYMBOL_CHANGED);
}

/* Its path may lead elsewhere by now, but it still runs. */
Test(symbol_files, a_program_that_was_deleted_is_found_by_its_process)
{
	struct thag_object_query query = { .path = app, .pid = getpid() };
	const void *id;
	ssize_t bytes;

	cr_assert_eq(thag_object_open(&object, "/proc/self/exe"), 0);
	bytes = dwelf_elf_gnu_build_id(object.elf, &id);
	cr_assert_gt(bytes, 0);
	query.build_id = id;
	query.build_id_bytes = (uint32_t)bytes;
	cr_assert_eq(thag_object_find(&debug, &query), THAG_SYMBOL_FOUND);
	cr_expect(thag_object_is_build(&debug, id, (uint32_t)bytes));
	thag_object_close(&debug);
	query.build_id_bytes = 0;
	cr_expect_eq(thag_object_find(&debug, &query), THAG_SYMBOL_MISSING);
}

/* Waits in a root of its own, as a container's process would, once it has said if it may. */
static void stay_in_root(int told)
{
	char may =
		chroot(directory) == 0 || (unshare(CLONE_NEWUSER) == 0 && chroot(directory) == 0);

	if (write(told, &may, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

Test(symbol_files, a_file_is_looked_for_in_the_root_of_its_process)
{
	int told[2];
	char may = 0;
	pid_t child;

	write_app(app, 20);
	cr_assert_eq(pipe(told), 0);
	child = fork();
	if (child == 0)
		stay_in_root(told[1]);
	cr_assert(child > 0 && read(told[0], &may, 1) == 1);
	if (may) {
		cr_expect_eq(find("/app", child, 20), THAG_SYMBOL_FOUND);
		cr_expect(thag_object_is_build(&object, build_id, 20));
	}
	close(told[0]);
	close(told[1]);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	if (!may)
		cr_skip_test("a process can't have another root here");
}

static bool has_dwarf(const char *name, uint32_t type, uint16_t names)
{
	struct elf_sample *elf = elf_sample_create();
	bool ret;

	elf->header.e_shstrndx = names;
	elf_sample_add(elf, name, type, "units", 5);
	elf_sample_write(elf, app);
	free(elf);
	cr_assert_eq(thag_object_open(&object, app), 0);
	ret = thag_object_has_dwarf(&object);
	thag_object_close(&object);
	return ret;
}

Test(symbol_files, dwarf_is_known_by_the_name_of_a_section_with_contents)
{
	cr_expect(has_dwarf(".debug_info", SHT_PROGBITS, 0));
	cr_expect(has_dwarf(".zdebug_info", SHT_PROGBITS, 0));
	cr_expect_not(has_dwarf(".debug_info", SHT_NOBITS, 0));
	cr_expect_not(has_dwarf(".debug_line", SHT_PROGBITS, 0));
	cr_expect_not(has_dwarf(".debug_info", SHT_PROGBITS, 77), "there are no names");
}

/* Its names are in a section whose number is in one that isn't there. */
Test(symbol_files, without_sections_there_is_no_dwarf)
{
	struct elf_sample *elf = elf_sample_create();

	elf->header.e_shstrndx = SHN_XINDEX;
	elf_sample_write(elf, app);
	cr_assert_eq(truncate(app, sizeof(elf->header)), 0);
	free(elf);
	cr_assert_eq(thag_object_open(&object, app), 0);
	cr_expect_not(thag_object_has_dwarf(&object));
	cr_expect_not(thag_object_has_type(&object, SHT_SYMTAB));
	cr_expect(thag_object_is_linked(&object));
}

Test(symbol_files, a_section_without_contents_is_none)
{
	struct elf_sample *elf = elf_sample_create();

	elf_sample_add(elf, ".symtab", SHT_SYMTAB, "", 0);
	elf_sample_write(elf, app);
	free(elf);
	cr_assert_eq(thag_object_open(&object, app), 0);
	cr_expect_not(thag_object_has_type(&object, SHT_SYMTAB));
	cr_expect(thag_object_has_type(&object, SHT_STRTAB));
}

Test(symbol_files, a_debug_file_has_something_to_tell)
{
	write_linked(20, "app.debug", 0);
	write_debug(debug_file, 20, false);
	cr_expect_eq(find_debug("", 0), -ENOENT);
	thag_object_close(&object);
	write_debug(debug_file, 20, true);
	cr_expect_eq(find_debug("", 0), 0);
}

/* By a checksum then, as if there were none. */
Test(symbol_files, a_build_id_longer_than_any_is_not_gone_by)
{
	write_debug(debug_file, 40, true);
	write_linked(40, "app.debug", checksum(debug_file) + 1);
	cr_expect_eq(find_debug("", 0), -ENOENT);
	thag_object_close(&object);
	write_linked(40, "app.debug", checksum(debug_file));
	cr_expect_eq(find_debug("", 0), 0);
}

/* The name of a file beside it, and no path to anywhere. */
Test(symbol_files, a_link_that_is_no_name_of_a_file_leads_nowhere)
{
	static const char *const names[] = { "", "../app.debug", "/app.debug", "./app.debug" };

	write_debug(debug_file, 20, true);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		write_linked(20, names[i], 0);
		cr_expect_eq(find_debug(directory, 0), -ENOENT, "%s", names[i]);
		thag_object_close(&object);
	}
}

/* Where the debug file of a build with this id would be, its first byte apart. */
static void place_by_id(char path[static PATH_BYTES], const uint8_t *id, uint32_t bytes)
{
	int used;

	place(path, ".build-id");
	mkdir(path, 0700);
	used = snprintf(path, PATH_BYTES, "%s/.build-id/%02x", directory, id[0]);
	mkdir(path, 0700);
	used += snprintf(path + used, PATH_BYTES - (size_t)used, "/");
	for (uint32_t i = 1; i < bytes; i++)
		used += snprintf(path + used, PATH_BYTES - (size_t)used, "%02x", id[i]);
	snprintf(path + used, PATH_BYTES - (size_t)used, ".debug");
}

Test(symbol_files, of_debug_directories_those_without_a_name_are_passed_over)
{
	char dirs[PATH_BYTES], path[PATH_BYTES];

	write_app(app, 20);
	place_by_id(path, build_id, 20);
	write_debug(path, 20, true);
	snprintf(dirs, sizeof(dirs), "::%s", directory);
	cr_expect_eq(find_debug(dirs, 0), 0);
	cr_expect_str_eq(debug.path, path);
	thag_object_close(&debug);
	thag_object_close(&object);
	cr_expect_eq(find_debug(":", 0), -ENOENT);
}

Test(symbol_files, below_them_a_link_is_gone_by_in_the_directory_of_the_file)
{
	char dirs[PATH_BYTES], path[2 * PATH_BYTES], command[2 * PATH_BYTES];

	write_linked(20, "app.debug", 0);
	snprintf(command, sizeof(command), "mkdir -p %s/root%s", directory, directory);
	cr_assert_eq(system(command), 0);
	snprintf(path, sizeof(path), "%s/root%s/app.debug", directory, directory);
	write_debug(path, 20, true);
	snprintf(dirs, sizeof(dirs), ":%s/root", directory);
	cr_expect_eq(find_debug(dirs, 0), 0);
	cr_expect_str_eq(debug.path, path);
}

Test(symbol_files, a_build_id_is_neither_a_byte_nor_without_end)
{
	char path[PATH_BYTES];

	write_app(app, 0);
	place_by_id(path, build_id, 1);
	write_debug(path, 1, true);
	cr_expect_eq(find_debug(directory, 1), -ENOENT);
	thag_object_close(&object);
	place_by_id(path, build_id, THAG_SYMBOL_BUILD_ID_MAX + 1);
	write_debug(path, THAG_SYMBOL_BUILD_ID_MAX + 1, true);
	cr_expect_eq(find_debug(directory, THAG_SYMBOL_BUILD_ID_MAX + 1), -ENOENT);
	thag_object_close(&object);
	place_by_id(path, build_id, THAG_SYMBOL_BUILD_ID_MAX);
	write_debug(path, THAG_SYMBOL_BUILD_ID_MAX, true);
	cr_expect_eq(find_debug(directory, THAG_SYMBOL_BUILD_ID_MAX), 0);
}

/* What would be cut to a path that is there. */
Test(symbol_files, a_path_of_a_debug_file_has_to_fit)
{
	static char dirs[THAG_OBJECT_PATH_BYTES + PATH_BYTES];
	char path[PATH_BYTES];

	write_app(app, 20);
	place_by_id(path, build_id, 20);
	write_debug(path, 20, true);
	memset(dirs, '/', sizeof(dirs));
	strcpy(dirs + sizeof(dirs) - PATH_BYTES, directory);
	cr_expect_eq(find_debug(dirs, 20), -ENOENT);
	thag_object_close(&object);
	strcpy(dirs + PATH_BYTES, directory);
	cr_expect_eq(find_debug(dirs, 20), 0);
}
