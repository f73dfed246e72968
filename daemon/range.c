/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "range.h"

#include "budget.h"
#include "history.h"
#include "open_chunks.h"
#include "sites.h"
#include "snapshot.h"
#include "thag/frames.h"
#include "thag_timeline.h"

/* The calls of the threads that are wanted, as if of one: profiles are merged by name anyway. */
struct gathering {
	struct thag_tree tree;
	uint32_t tid;
};

static struct thag_tree *tree_of(void *context, uint32_t tid)
{
	struct gathering *gathering = context;

	return gathering->tid == 0 || gathering->tid == tid ? &gathering->tree : NULL;
}

/* A chunk that is being filled is looked at as a whole where it is in the range at all. */
static int gather(struct gathering *gathering, struct thag_session *session,
		  const struct thag_metric_query *metric, double rate, uint32_t how,
		  uint32_t *flags)
{
	struct thag_range_query query = {
		.from = thag_snapshot_ticks(session, rate, metric->from_ns),
		.to = thag_snapshot_ticks(session, rate, metric->to_ns),
		.tree = tree_of,
		.context = gathering,
	};
	struct thag_timeline *timeline = thag_history_lock(session->history);
	struct thag_range_facts facts;
	struct thag_open_chunks open;
	int ret;

	thag_open_chunks_take(&open, session);
	query.open = thag_open_chunks_all(&open);
	ret = thag_timeline_tree(timeline, &query, &facts);
	if (facts.flags || open.cut)
		*flags |= THAG_FRAME_ESTIMATED;
	thag_history_unlock(session->history);
	if (!(how & THAG_SNAPSHOT_PATHS))
		thag_tree_place_durations(&gathering->tree);
	thag_open_chunks_fini(&open);
	return ret;
}

static int make_profile(struct thag_profile **out, struct thag_session *session,
			const struct thag_tree *tree, const struct thag_scale *scale, uint32_t how)
{
	struct thag_profile *profile;
	int ret = thag_profile_create(&profile, session->program);

	if (ret != 0)
		return ret;
	if (how & THAG_SNAPSHOT_PATHS)
		ret = thag_profile_keep_paths(profile);
	pthread_mutex_lock(&session->names_lock);
	/* after the words: they may hold calls of sites that were registered a moment before */
	if (ret == 0)
		ret = thag_sites_import(session);
	if (ret == 0)
		ret = thag_profile_add(profile, tree, session->names, NULL, 0);
	pthread_mutex_unlock(&session->names_lock);
	if (ret == 0)
		ret = thag_profile_finish(profile, scale);
	if (ret == 0)
		*out = profile;
	else
		thag_profile_destroy(profile);
	return ret;
}

int thag_range_take(struct thag_profile **out, struct thag_session *session,
		    struct thag_clock_rate *clock, uint32_t tid, uint32_t how,
		    const struct thag_metric_query *query, uint32_t *flags)
{
	struct gathering gathering = { .tid = tid };
	struct thag_scale scale;
	int ret;

	*flags = 0;
	if (query->to_ns == 0 || !session->history)
		return thag_snapshot_take(out, session, clock, tid, how);
	*flags = THAG_FRAME_RANGE;
	thag_snapshot_scale(session, clock, how & THAG_SNAPSHOT_RAW, &scale);
	ret = thag_tree_init(&gathering.tree, (uint32_t)session->budget->tree_nodes);
	if (!(how & THAG_SNAPSHOT_PATHS))
		thag_tree_pool_durations(&gathering.tree);
	if (ret == 0)
		ret = gather(&gathering, session, query, scale.ns_per_tick, how, flags);
	if (ret == 0)
		ret = make_profile(out, session, &gathering.tree, &scale, how);
	thag_tree_fini(&gathering.tree);
	return ret;
}
