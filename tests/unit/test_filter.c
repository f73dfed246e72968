/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <criterion/criterion.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "filter.h"
#include "symtab.h"

static struct thag_patterns patterns;

static bool wants(const char *text, const char *name)
{
	cr_assert_eq(thag_patterns_parse(text, &patterns), 0, "%s", text);
	return thag_patterns_want(&patterns, thag_patterns_match(&patterns, name, strlen(name)));
}

Test(filter, matches_as_the_shell_does)
{
	cr_expect(wants("parse_*", "parse_sum"));
	cr_expect(wants("parse_*", "parse_"));
	cr_expect_not(wants("parse_*", "parse"));
	cr_expect_not(wants("parse", "parse_sum"));
	cr_expect(wants("*Parser*parse*", "_ZN6Parser5parseEi"));
	cr_expect(wants("*a*b*c", "xxaxxbxbxc"));
	cr_expect_not(wants("*a*b*c", "xxaxxbxbxcx"));
	cr_expect(wants("?oo", "foo"));
	cr_expect_not(wants("?oo", "oo"));
	cr_expect(wants("[a-cx]1", "b1"));
	cr_expect(wants("[a-cx]1", "x1"));
	cr_expect_not(wants("[a-cx]1", "d1"));
	cr_expect(wants("[!a-c]1", "d1"));
	cr_expect_not(wants("[!a-c]1", "a1"));
	cr_expect(wants("[]]", "]"));
	cr_expect(wants("[a-]", "-"));
	cr_expect(wants("operator\\*", "operator*"));
	cr_expect_not(wants("operator\\*", "operatorx"));
}

Test(filter, leaves_out_what_any_pattern_excludes)
{
	cr_expect(wants("parse_*,!*_inline", "parse_sum"));
	cr_expect_not(wants("parse_*,!*_inline", "parse_inline"));
	cr_expect_not(wants("!*_inline,parse_*", "parse_inline"));
	cr_expect_not(wants("parse_*,!*_inline", "main"));
	cr_expect(wants("!*_inline", "main"));
	cr_expect_not(wants("-main", "main"));
}

Test(filter, takes_an_empty_list_as_none)
{
	cr_expect(wants("", "main"));
	cr_expect(wants(",,", "main"));
	cr_expect(wants(",main,", "main"));
}

Test(filter, refuses_what_is_no_pattern)
{
	static const char *const bad[] = { "a,[b", "[", "[]",  "[!]", "[a-",
					   "a\\",  "!", "a,-", "[a\\" };
	char *big = malloc(THAG_FILTER_TEXT_BYTES + 1);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		cr_expect_eq(thag_patterns_parse(bad[i], &patterns), -EINVAL, "%s", bad[i]);
		cr_expect(thag_patterns_want(&patterns, 0), "%s", bad[i]);
	}
	memset(big, 'a', THAG_FILTER_TEXT_BYTES);
	big[THAG_FILTER_TEXT_BYTES] = '\0';
	cr_expect_eq(thag_patterns_parse(big, &patterns), -EINVAL);
	free(big);
}

/* --- the symbols of a file --- */

struct found {
	uint64_t functions;
	uint64_t bytes; /* of names: reads them all */
	uint64_t address;
};

static void note(void *context, const struct thag_symbol *symbol)
{
	struct found *found = context;

	found->functions++;
	found->bytes += strlen(symbol->name);
	if (strcmp(symbol->name, "wants") == 0)
		found->address = symbol->address;
}

static size_t read_self(uint8_t **bytes)
{
	FILE *file = fopen("/proc/self/exe", "rb");
	size_t count;

	*bytes = malloc((size_t)16 << 20);
	cr_assert(file && *bytes);
	count = fread(*bytes, 1, (size_t)16 << 20, file);
	fclose(file);
	return count;
}

/* What reading these bytes as a file gives. */
static int read_bytes(const uint8_t *bytes, size_t count, struct found *found)
{
	char path[] = "/tmp/thag-symtab-XXXXXX";
	uint8_t header[64] = { 0 };
	int fd = mkstemp(path), result;

	memcpy(header, bytes, count < sizeof(header) ? count : sizeof(header));
	cr_assert(fd >= 0 && write(fd, bytes, count) == (ssize_t)count);
	close(fd);
	result = thag_symtab_read(path, header, note, found);
	unlink(path);
	return result;
}

Test(symtab, knows_static_functions)
{
	struct found found = { 0 };
	uint8_t *bytes;
	size_t count = read_self(&bytes);

	cr_expect_eq(read_bytes(bytes, count, &found), 0);
	cr_expect_gt(found.functions, 10);
	cr_expect_neq(found.address, 0);
	free(bytes);
}

Test(symtab, refuses_another_file_than_is_mapped)
{
	uint8_t header[64] = ELFMAG;
	struct found found = { 0 };

	cr_expect_eq(thag_symtab_read("/proc/self/exe", header, note, &found), -EINVAL);
	cr_expect_eq(thag_symtab_read("/nowhere", header, note, &found), -ENOENT);
	cr_expect_eq(thag_symtab_read("/tmp", header, note, &found), -EINVAL);
	cr_expect_eq(found.functions, 0);
}

/* Fields of the header and of section headers set to anything; files cut anywhere. */
Test(symtab, survives_malformed_files)
{
	uint8_t *bytes;
	size_t count = read_self(&bytes);
	uint32_t random = 1;
	uint64_t sections;

	memcpy(&sections, bytes + offsetof(Elf64_Ehdr, e_shoff), sizeof(sections));
	cr_assert_lt(sections, count);
	for (int i = 0; i < 300; i++) {
		struct found found = { 0 };
		size_t at, kept;
		uint8_t before;

		random = random * 1664525 + 1013904223;
		at = i % 2 ? 16 + (random >> 8) % 48
			   : sections + (random >> 8) % (count - sections);
		before = bytes[at];
		bytes[at] = (uint8_t)(random >> 4);
		kept = i % 5 ? count : (random >> 3) % count;
		cr_expect_leq(read_bytes(bytes, kept, &found), 0);
		bytes[at] = before;
	}
	free(bytes);
}
