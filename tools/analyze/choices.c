/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "choices.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1 << 20)

static const struct {
	const char *option;
	bool has_value;
} filters[THAG_FILTER_KINDS] = {
	[THAG_FILTER_ONLY] = { "--only", true },
	[THAG_FILTER_WITHOUT] = { "--without", true },
	[THAG_FILTER_WITHOUT_OWN] = { "--without-own", true },
	[THAG_FILTER_HIDE] = { "--hide", true },
	[THAG_FILTER_AT_LEAST] = { "--at-least", true },
	[THAG_FILTER_COLLAPSE] = { "--collapse", false },
};

const char *thag_filter_option(enum thag_filter_kind kind)
{
	return filters[kind].option;
}

bool thag_filter_has_value(enum thag_filter_kind kind)
{
	return filters[kind].has_value;
}

void thag_choices_fini(struct thag_choices *choices)
{
	while (choices->filter_count)
		thag_choices_drop_filter(choices, choices->filter_count - 1);
	free(choices->directory);
	free(choices->palette);
	free(choices->theme);
	free(choices->type);
	free(choices->sort);
	free(choices->diff_sort);
	*choices = (struct thag_choices){ 0 };
}

int thag_choices_set(char **field, const char *word)
{
	char *copy = strdup(word);

	if (!copy)
		return -ENOMEM;
	free(*field);
	*field = copy;
	return 0;
}

int thag_choices_add_filter(struct thag_choices *choices, enum thag_filter_kind kind,
			    const char *value)
{
	char *copy;

	if (choices->filter_count == THAG_CHOICES_FILTERS_MAX)
		return -E2BIG;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	choices->filters[choices->filter_count++] =
		(struct thag_filter){ .kind = kind, .value = copy };
	return 0;
}

void thag_choices_drop_filter(struct thag_choices *choices, size_t index)
{
	free(choices->filters[index].value);
	choices->filter_count--;
	memmove(&choices->filters[index], &choices->filters[index + 1],
		(choices->filter_count - index) * sizeof(choices->filters[0]));
}

char *thag_choices_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (config && config[0] == '/')
		return asprintf(&path, "%s/thag/analyze.json", config) < 0 ? NULL : path;
	if (!home || home[0] != '/')
		return NULL;
	return asprintf(&path, "%s/.config/thag/analyze.json", home) < 0 ? NULL : path;
}

/* --- reading --- */

/** Absent is fine; anything but a text isn't. */
static int load_text(const json_t *object, const char *name, char **field)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return 0;
	return json_is_string(value) ? thag_choices_set(field, json_string_value(value)) : -EBADMSG;
}

static int load_flag(const json_t *object, const char *name, bool *field)
{
	const json_t *value = json_object_get(object, name);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return -EBADMSG;
	*field = json_is_true(value);
	return 0;
}

static int load_filter(struct thag_choices *choices, const json_t *filter)
{
	const char *option = json_string_value(json_array_get(filter, 0));
	const char *value = json_string_value(json_array_get(filter, 1));

	for (unsigned i = 0; option && value && i < THAG_FILTER_KINDS; i++)
		if (strcmp(option, filters[i].option) == 0 &&
		    (value[0] != '\0') == filters[i].has_value)
			return thag_choices_add_filter(choices, (enum thag_filter_kind)i, value);
	return -EBADMSG;
}

/** The first thing that isn't right; what is, is taken. */
static int load_object(struct thag_choices *choices, const json_t *object)
{
	const json_t *list = json_object_get(object, "filters"), *filter;
	json_int_t menu = json_integer_value(json_object_get(object, "menu"));
	int rets[] = {
		json_is_object(object) ? 0 : -EBADMSG,
		load_text(object, "directory", &choices->directory),
		load_text(object, "palette", &choices->palette),
		load_text(object, "theme", &choices->theme),
		load_text(object, "type", &choices->type),
		load_text(object, "sort", &choices->sort),
		load_text(object, "diff_sort", &choices->diff_sort),
		load_flag(object, "stacks", &choices->stacks),
		load_flag(object, "normalise", &choices->normalise),
		load_flag(object, "keeps_pictures", &choices->keeps_pictures),
	};
	int ret = 0;
	size_t i;

	if (menu > 0 && menu < UINT32_MAX)
		choices->menu = (uint32_t)menu;
	json_array_foreach(list, i, filter)
	{
		int one = load_filter(choices, filter);

		ret = ret ? ret : one;
	}
	for (i = 0; i < sizeof(rets) / sizeof(rets[0]) && !ret; i++)
		ret = rets[i];
	return ret;
}

int thag_choices_load(struct thag_choices *choices, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	json_t *object = NULL;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= FILE_BYTES_MAX)
		object = json_loadfd(fd, 0, NULL);
	close(fd);
	ret = object ? load_object(choices, object) : -EBADMSG;
	json_decref(object);
	return ret;
}

/* --- writing --- */

/** What JSON can't hold, not being UTF-8, is left out. */
static void put_text(json_t *object, const char *name, const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	if (value)
		json_object_set_new(object, name, value);
}

static json_t *make_object(const struct thag_choices *choices)
{
	json_t *object =
		json_pack("{s:I, s:b, s:b, s:b}", "menu", (json_int_t)choices->menu, "stacks",
			  (int)choices->stacks, "normalise", (int)choices->normalise,
			  "keeps_pictures", (int)choices->keeps_pictures);
	json_t *list = json_array();

	for (size_t i = 0; i < choices->filter_count; i++) {
		json_t *filter = json_pack("[s, s]", filters[choices->filters[i].kind].option,
					   choices->filters[i].value);

		if (filter)
			json_array_append_new(list, filter);
	}
	json_object_set_new(object, "filters", list);
	put_text(object, "directory", choices->directory);
	put_text(object, "palette", choices->palette);
	put_text(object, "theme", choices->theme);
	put_text(object, "type", choices->type);
	put_text(object, "sort", choices->sort);
	put_text(object, "diff_sort", choices->diff_sort);
	return object;
}

static int make_parents(const char *path)
{
	char *copy = strdup(path);
	int ret = copy ? 0 : -ENOMEM;

	for (char *slash = copy ? strchr(copy + 1, '/') : NULL; slash && !ret;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0700) && errno != EEXIST)
			ret = -errno;
		*slash = '/';
	}
	free(copy);
	return ret;
}

/** Writes a new file beside `path`, then gives it that name. */
static int replace(const char *path, const json_t *object)
{
	char *made = NULL;
	int fd, ret;

	if (asprintf(&made, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkostemp(made, O_CLOEXEC);
	ret = fd < 0 ? -errno : 0;
	if (!ret && json_dumpfd(object, fd, JSON_INDENT(2)))
		ret = -EIO;
	if (fd >= 0 && close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(made, path))
		ret = -errno;
	if (ret && fd >= 0)
		unlink(made);
	free(made);
	return ret;
}

int thag_choices_save(const struct thag_choices *choices, const char *path)
{
	json_t *object = make_object(choices);
	int ret = object ? make_parents(path) : -ENOMEM;

	if (!ret)
		ret = replace(path, object);
	json_decref(object);
	return ret;
}
