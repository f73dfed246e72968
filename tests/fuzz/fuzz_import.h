/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the readers of other tools' files promise: nothing is read out of bounds, what is wrong is
 * said, and a profile that comes of a file can be written.
 */
#ifndef FUZZ_IMPORT_H
#define FUZZ_IMPORT_H

#include "fuzz.h"
#include "thag_import.h"

typedef int read_fn(const void *data, size_t bytes, const struct thag_import_options *options,
		    struct thag_import_report *report, struct thag_profile **out);

static inline void use(struct thag_profile *profile)
{
	struct thag_buffer out = { 0 };

	is_done(thag_folded_write(profile, &out));
	thag_buffer_fini(&out);
	thag_profile_destroy(profile);
}

static inline void read_and_use(read_fn *read, const uint8_t *data, size_t bytes)
{
	const struct thag_import_options options = { .root_name = "all" };
	struct thag_import_report report = { 0 };
	struct thag_profile *profile;
	int ret = read(data, bytes, &options, &report, &profile);

	if (ret == 0)
		use(profile);
	else if (!report.what[0] && ret != -EOVERFLOW)
		is_done(ret);
	thag_import_guess(data, bytes);
}

#endif
