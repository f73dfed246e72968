/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "files.h"

static char directory[] = "/tmp/thag-files-XXXXXX";
static char paths[THAG_SESSION_FILES_MAX][THAG_PATH_BYTES];

static void make_directory(void)
{
	cr_assert_not_null(mkdtemp(directory));
	cr_assert_eq(chdir(directory), 0);
}

static void remove_directory(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	cr_assert_eq(system(command), 0);
}

TestSuite(files, .init = make_directory, .fini = remove_directory);

struct text {
	const char *suffix;
	const char *data;
	size_t bytes;
};

static int write_texts(const char *where, const char *stem, const struct text *texts, int count)
{
	struct thag_files files;
	int ret = thag_files_begin(&files, where);

	for (int i = 0; i < count && ret == 0; i++)
		ret = thag_files_put(&files, i, texts[i].suffix, texts[i].data, texts[i].bytes);
	if (ret == 0)
		ret = thag_files_name(&files, stem, 77, paths);
	if (ret == 0)
		thag_files_settle(&files);
	thag_files_end(&files);
	return ret;
}

static int write_pair(const char *folded)
{
	const struct text texts[] = { { ".folded", folded, strlen(folded) }, { ".json", "{}", 2 } };

	return write_texts(directory, "prog-20261122-101500", texts, 2);
}

static int count_entries(void)
{
	DIR *dir = opendir(directory);
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void expect_content(const char *name, const char *wanted)
{
	char text[64] = "";
	FILE *file = fopen(name, "r");

	cr_assert_not_null(file, "%s", name);
	cr_assert_neq(fread(text, 1, sizeof(text) - 1, file), 0);
	fclose(file);
	cr_assert_str_eq(text, wanted);
}

Test(files, writes_both_and_nothing_else)
{
	cr_assert_eq(write_pair("a;b 1\n"), 0);
	expect_content("prog-20261122-101500.folded", "a;b 1\n");
	expect_content("prog-20261122-101500.json", "{}");
	expect_content(paths[0], "a;b 1\n");
	cr_assert_eq(count_entries(), 2);
}

Test(files, takes_another_name_when_one_is_taken)
{
	cr_assert_eq(write_pair("first 1\n"), 0);
	cr_assert_eq(write_pair("second 1\n"), 0);
	cr_assert_eq(write_pair("third 1\n"), 0);
	expect_content("prog-20261122-101500.folded", "first 1\n");
	expect_content("prog-20261122-101500-77.folded", "second 1\n");
	expect_content("prog-20261122-101500-77-2.folded", "third 1\n");
	cr_assert_eq(count_entries(), 6);
}

Test(files, keeps_the_pair_together_when_half_is_taken)
{
	FILE *file = fopen("prog-20261122-101500.folded", "w");

	fputs("mine", file);
	fclose(file);
	cr_assert_eq(write_pair("new 1\n"), 0);
	expect_content("prog-20261122-101500.folded", "mine");
	expect_content("prog-20261122-101500-77.folded", "new 1\n");
	expect_content("prog-20261122-101500-77.json", "{}");
	cr_assert_neq(access("prog-20261122-101500.json", F_OK), 0);
}

Test(files, keeps_five_together_when_the_last_is_taken)
{
	static const struct text texts[] = { { ".folded", "a", 1 },
					     { "-memory.folded", "b", 1 },
					     { "-memory_detail.folded", "c", 1 },
					     { "-memory_detail_dealloc.folded", "d", 1 },
					     { ".json", "e", 1 } };

	cr_assert_eq(close(creat("prog.json", 0600)), 0);
	cr_assert_eq(write_texts(directory, "prog", texts, 5), 0);
	cr_assert_eq(count_entries(), 6);
	expect_content("prog-77-memory_detail_dealloc.folded", "d");
	expect_content(paths[4], "e");
	cr_assert_str_eq(paths[4] + strlen(directory), "/prog-77.json");
}

Test(files, leaves_out_those_that_there_are_none_of)
{
	struct thag_files files;

	cr_assert_eq(thag_files_begin(&files, directory), 0);
	cr_assert_eq(thag_files_put(&files, 4, ".json", "{}", 2), 0);
	cr_assert_eq(thag_files_put(&files, 1, "-memory.folded", "b", 1), 0);
	cr_assert_eq(count_entries(), 0);
	cr_assert_eq(thag_files_name(&files, "prog", 77, paths), 0);
	thag_files_end(&files);
	cr_assert_eq(count_entries(), 2);
	expect_content(paths[0], "b");
	expect_content(paths[1], "{}");
}

Test(files, leaves_nothing_without_names)
{
	struct thag_files files;

	cr_assert_eq(thag_files_begin(&files, directory), 0);
	cr_assert_eq(thag_files_put(&files, 0, ".folded", "a", 1), 0);
	thag_files_end(&files);
	cr_assert_eq(count_entries(), 0);
}

Test(files, follows_no_symbolic_link)
{
	cr_assert_eq(symlink("elsewhere", "prog-20261122-101500.folded"), 0);
	cr_assert_eq(symlink("elsewhere", "prog-20261122-101500.json"), 0);
	cr_assert_eq(write_pair("new 1\n"), 0);
	cr_assert_neq(access("elsewhere", F_OK), 0);
	expect_content("prog-20261122-101500-77.folded", "new 1\n");
}

Test(files, leaves_nothing_when_it_can_not_be_whole)
{
	static char big[1 << 20];
	struct rlimit limit = { 4096, 4096 };
	const struct text texts[] = { { ".json", "{}", 2 }, { ".folded", big, sizeof(big) } };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_eq(write_texts(directory, "prog", texts, 2), -EFBIG);
	cr_assert_eq(count_entries(), 0);
}

Test(files, tells_why_it_can_not)
{
	static char long_path[THAG_PATH_BYTES];

	cr_assert_eq(write_texts("/nonexistent", "prog", NULL, 0), -ENOENT);
	cr_assert_eq(write_texts("/dev/null", "prog", NULL, 0), -ENOTDIR);
	memset(long_path, 'a', sizeof(long_path) - 1);
	cr_assert_eq(write_texts(long_path, "prog", NULL, 0), -ENAMETOOLONG);
}

Test(files, replaces_a_record_at_once)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY);
	struct stat st;

	cr_assert_eq(thag_files_replace(fd, "7", "one", 3), 0);
	cr_assert_eq(thag_files_replace(fd, "7", "two", 3), 0);
	expect_content("7", "two");
	cr_assert_eq(stat("7", &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	cr_assert_eq(count_entries(), 1);
	close(fd);
}
