/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A stored profile from bytes that nobody vouches for: it is refused, or is a profile that can be
 * stored again, says the same then, and can be looked at in every way that thag does.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "stored_counts.h"
#include "thag_functions.h"
#include "thag_heap_profile.h"
#include "thag_profile_store.h"

static void look_at(const struct thag_profile *profile)
{
	struct thag_function_sum *sums;
	struct thag_buffer folded = { 0 };
	bool *outermost;
	uint32_t count;

	thag_profile_nodes(profile, &count);
	outermost = calloc(count, sizeof(*outermost));
	check(outermost != NULL);
	sums = thag_functions_sum(profile, outermost);
	is_done(sums ? 0 : -ENOMEM);
	for (uint32_t i = 0; sums && i < thag_functions_count(profile); i++)
		thag_functions_quantiles(profile, &sums[i]);
	for (uint32_t i = 0; i < count; i++)
		thag_paths_quantiles(profile, i);
	if (thag_profile_heaps(profile))
		free(thag_functions_heaps(profile, outermost));
	is_done(thag_folded_write(profile, &folded));
	thag_buffer_fini(&folded);
	free(sums);
	free(outermost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct thag_buffer once = { 0 }, twice = { 0 };
	struct thag_stored_facts facts;
	struct thag_profile *profile, *again = NULL;
	uint64_t *aligned = take(bytes + 8);

	if (bytes)
		memcpy(aligned, data, bytes);
	if (thag_profile_load(&profile, aligned, bytes, &facts) == 0) {
		look_at(profile);
		if (is_done(thag_profile_store(profile, facts.flags, &once)) &&
		    is_done(thag_profile_load(&again, once.data, once.bytes, &facts)) &&
		    is_done(thag_profile_store(again, facts.flags, &twice))) {
			stored_counts_sort(once.data);
			stored_counts_sort(twice.data);
			check(once.bytes == twice.bytes);
			check(memcmp(once.data, twice.data, once.bytes) == 0);
		}
		thag_profile_destroy(again);
		thag_profile_destroy(profile);
	}
	thag_buffer_fini(&once);
	thag_buffer_fini(&twice);
	free(aligned);
	return 0;
}
