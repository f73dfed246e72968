/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_symbol_table.h"

#include "elf_sample.h"

#define FUNCTION(name, at, bytes) \
	{ \
		name, STB_GLOBAL, STT_FUNC, at, bytes \
	}

static struct elf_sample sample;
static struct thag_object object;
static struct thag_symbol_table table;

static void begin(void)
{
	elf_sample_add_code(&sample, ELF_SAMPLE_CODE);
}

/* What the sample's table of symbols says. */
static void read_sample(void)
{
	int fd = memfd_create("sample", MFD_CLOEXEC);
	char path[32];

	elf_sample_write_fd(&sample, fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	cr_assert_eq(thag_object_open(&object, path), 0);
	close(fd);
	cr_assert_eq(thag_symbol_table_read_code(&table, &object), 0);
	cr_assert_eq(thag_symbol_table_add(&table, &object, SHT_SYMTAB), 0);
	thag_symbol_table_sort(&table);
}

static void end(void)
{
	thag_symbol_table_fini(&table);
	thag_object_close(&object);
}

TestSuite(symbol_table, .init = begin, .fini = end);

static void expect_at(uint64_t address, const char *name)
{
	const struct thag_table_symbol *found = thag_symbol_table_find(&table, address);

	cr_assert_str_eq(found ? found->name : "nothing", name);
}

Test(symbol_table, labels_of_an_assembler_are_no_functions)
{
	static const struct elf_sample_symbol symbols[] = {
		{ "$x", STB_LOCAL, STT_NOTYPE, 0x1000, 0 },
		{ ".L7", STB_LOCAL, STT_NOTYPE, 0x1010, 0 },
		{ "by_hand", STB_LOCAL, STT_NOTYPE, 0x1020, 0 },
		{ "datum", STB_GLOBAL, STT_OBJECT, 0x1030, 8 },
		{ "chosen_at_start", STB_GLOBAL, STT_GNU_IFUNC, 0x1080, 8 },
	};

	elf_sample_add_symbols(&sample, symbols, 5);
	read_sample();
	cr_expect_eq(table.count, 2);
	expect_at(0x1010, "nothing");
	expect_at(0x1038, "by_hand");
	expect_at(0x1087, "chosen_at_start");
}

Test(symbol_table, of_several_names_the_one_that_most_can_see_is_taken)
{
	static const struct elf_sample_symbol symbols[] = {
		{ "local", STB_LOCAL, STT_FUNC, 0x1000, 4 },
		{ "weak", STB_WEAK, STT_FUNC, 0x1000, 4 },
		{ "global", STB_GLOBAL, STT_FUNC, 0x1000, 4 },
		{ "of_a_binding_unknown_here", STB_GNU_UNIQUE, STT_FUNC, 0x1000, 4 },
		{ "an_unknown_one", STB_GNU_UNIQUE, STT_FUNC, 0x1010, 4 },
		{ "then_a_local_one", STB_LOCAL, STT_FUNC, 0x1010, 4 },
		{ "a_local_one", STB_LOCAL, STT_FUNC, 0x1020, 4 },
		{ "then_a_weak_one", STB_WEAK, STT_FUNC, 0x1020, 4 },
	};

	elf_sample_add_symbols(&sample, symbols, 8);
	read_sample();
	expect_at(0x1000, "global");
	expect_at(0x1010, "then_a_local_one");
	expect_at(0x1020, "then_a_weak_one");
}

/* As one without a length: up to the next, or to the end of the code. */
Test(symbol_table, a_length_beyond_all_addresses_is_none)
{
	static const struct elf_sample_symbol symbols[] = {
		FUNCTION("first", 0x1000, UINT64_MAX),
		FUNCTION("second", 0x1010, UINT64_MAX - 0x1010 + 1),
		FUNCTION("last", 0x1020, UINT64_MAX),
	};

	elf_sample_add_symbols(&sample, symbols, 3);
	read_sample();
	expect_at(0x100f, "first");
	expect_at(0x1010, "second");
	expect_at(0x10ff, "last");
	expect_at(0xfff, "nothing");
	expect_at(0x1100, "nothing");
}

static const struct elf_sample_symbol two[] = { FUNCTION("one", 0x1000, 8),
						FUNCTION("other", 0x1008, 8) };

Test(symbol_table, entries_of_no_size_are_none)
{
	elf_sample_add_symbols(&sample, two, 2)->sh_entsize = 0;
	read_sample();
	cr_expect_eq(table.count, 0);
}

Test(symbol_table, no_more_entries_are_read_than_there_are)
{
	elf_sample_add_symbols(&sample, two, 2)->sh_entsize = 1;
	read_sample();
	cr_expect_eq(table.count, 2);
	expect_at(0x1008, "other");
}

Test(symbol_table, a_table_outside_of_its_file_is_empty)
{
	elf_sample_add_symbols(&sample, two, 2)->sh_offset = UINT32_MAX;
	read_sample();
	cr_expect_eq(table.count, 0);
}

Test(symbol_table, names_outside_of_theirs_are_none)
{
	elf_sample_add_symbols(&sample, two, 2)->sh_link = 1;
	read_sample();
	cr_expect_eq(table.count, 0);
}

Test(symbol_table, sections_of_code_are_limited)
{
	for (uint64_t i = 1; i < 300; i++)
		elf_sample_add_code(&sample, ELF_SAMPLE_CODE + i * 0x1000);
	read_sample();
	cr_expect_eq(table.code_count, 256);
	cr_expect(thag_symbol_table_is_code(&table, ELF_SAMPLE_CODE + 255 * 0x1000));
	cr_expect_not(thag_symbol_table_is_code(&table, ELF_SAMPLE_CODE + 256 * 0x1000));
}
