/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flame_load.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../look.h"
#include "thag_profile_store.h"

static const struct thag_command reading = { .name = "analyze", .usage_status = THAG_EXIT_USAGE };

static int send(const struct thag_source *source)
{
	char unit[THAG_FLAME_UNIT_BYTES] = "";
	struct thag_buffer out = { 0 };
	int ret;

	strncpy(unit, source->unit, sizeof(unit) - 1);
	ret = thag_buffer_append(&out, unit, sizeof(unit));
	if (!ret)
		ret = thag_profile_store(source->profile, source->flags, &out);
	if (!ret && fwrite(out.data, 1, out.bytes, stdout) != out.bytes)
		ret = -errno;
	thag_buffer_fini(&out);
	if (!ret)
		return THAG_EXIT_OK;
	thag_command_complain(&reading, "%s", strerror(-ret));
	return THAG_EXIT_FAILURE;
}

int thag_flame_open(int argc, char **argv, struct thag_source *source)
{
	static const struct option known[] = { { "type", required_argument, NULL, 't' },
					       { "palette", required_argument, NULL, 't' },
					       { "theme", required_argument, NULL, 't' },
					       THAG_LOOK_OPTIONS,
					       { 0 } };
	struct thag_look look = { 0 };
	int option, ret = -1;

	while (ret < 0 && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (thag_look_has(option))
			ret = thag_look_take(&reading, &look, option, optarg);
	if (ret < 0)
		ret = thag_look_check(&reading, &look);
	return ret < 0 ? thag_look_load(&reading, argv[optind], &look, source) : ret;
}

int thag_flame_send(int argc, char **argv)
{
	struct thag_source source = { 0 };
	int ret = thag_flame_open(argc, argv, &source);

	if (ret == THAG_EXIT_OK)
		ret = send(&source);
	thag_source_fini(&source);
	return ret;
}

int thag_flame_receive(struct thag_flame_source *source, const struct thag_buffer *data)
{
	struct thag_stored_facts facts;
	struct thag_profile *profile;
	int ret;

	if (data->bytes <= THAG_FLAME_UNIT_BYTES)
		return -EBADMSG;
	ret = thag_profile_load(&profile, data->data + THAG_FLAME_UNIT_BYTES,
				data->bytes - THAG_FLAME_UNIT_BYTES, &facts);
	if (ret)
		return ret;
	source->profile = profile;
	memcpy(source->unit, data->data, THAG_FLAME_UNIT_BYTES);
	source->unit[THAG_FLAME_UNIT_BYTES - 1] = '\0';
	return 0;
}

void thag_flame_source_fini(struct thag_flame_source *source)
{
	thag_profile_destroy(source->profile);
	*source = (struct thag_flame_source){ 0 };
}
