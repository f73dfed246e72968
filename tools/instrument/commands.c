/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <clang-c/CXCompilationDatabase.h>

struct thag_commands {
	CXCompilationDatabase database;
	char *directory;
};

static bool has_commands(const char *directory)
{
	char *path;
	bool has;

	if (asprintf(&path, "%s/compile_commands.json", directory) < 0)
		return false;
	has = access(path, F_OK) == 0;
	free(path);
	return has;
}

int thag_commands_open(struct thag_commands **out, const char *directory)
{
	struct thag_commands *commands;
	CXCompilationDatabase_Error error;

	if (!has_commands(directory))
		return -ENOENT;
	commands = calloc(1, sizeof(*commands));
	if (!commands)
		return -ENOMEM;
	commands->directory = strdup(directory);
	commands->database = clang_CompilationDatabase_fromDirectory(directory, &error);
	if (!commands->directory || error != CXCompilationDatabase_NoError) {
		thag_commands_close(commands);
		return -EINVAL;
	}
	*out = commands;
	return 0;
}

void thag_commands_close(struct thag_commands *commands)
{
	if (!commands)
		return;
	if (commands->database)
		clang_CompilationDatabase_dispose(commands->database);
	free(commands->directory);
	free(commands);
}

const char *thag_commands_directory(const struct thag_commands *commands)
{
	return commands->directory;
}

/** The words of a command, which are the caller's to dispose of. */
static int take_words(CXCompileCommand command, CXString *strings, const char **words,
		      unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		strings[i] = clang_CompileCommand_getArg(command, i);
		words[i] = clang_getCString(strings[i]);
		if (!words[i])
			words[i] = "";
	}
	return count ? 0 : -ENOENT;
}

static int add_command(CXCompileCommand command, const char *path, struct thag_arguments *arguments)
{
	unsigned count = clang_CompileCommand_getNumArgs(command);
	CXString *strings = calloc(count + 1, sizeof(*strings));
	const char **words = calloc(count + 1, sizeof(*words));
	CXString directory = clang_CompileCommand_getDirectory(command);
	int ret = strings && words ? take_words(command, strings, words, count) : -ENOMEM;

	if (!ret)
		ret = thag_arguments_add_command(arguments, clang_getCString(directory), path,
						 words, count);
	for (unsigned i = 0; strings && words && i < count; i++)
		clang_disposeString(strings[i]);
	clang_disposeString(directory);
	free(words);
	free(strings);
	return ret;
}

int thag_commands_find(const struct thag_commands *commands, const char *path,
		       struct thag_arguments *arguments)
{
	CXCompileCommands found =
		clang_CompilationDatabase_getCompileCommands(commands->database, path);
	int ret = -ENOENT;

	if (found && clang_CompileCommands_getSize(found))
		ret = add_command(clang_CompileCommands_getCommand(found, 0), path, arguments);
	if (found)
		clang_CompileCommands_dispose(found);
	return ret;
}

char *thag_commands_search(const char *path)
{
	char *directory = strdup(path), *slash, *build;

	while (directory && (slash = strrchr(directory, '/')) != NULL) {
		*slash = '\0';
		if (has_commands(directory[0] ? directory : "/"))
			return directory;
		if (asprintf(&build, "%s/build", directory) < 0)
			break;
		if (has_commands(build)) {
			free(directory);
			return build;
		}
		free(build);
	}
	free(directory);
	return NULL;
}
