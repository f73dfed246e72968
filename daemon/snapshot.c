/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "copy.h"
#include "members.h"
#include "sites.h"

/* The threads to copy; pinned, so that they stay. */
struct chosen {
	struct thag_member **members;
	uint32_t count;
};

double thag_snapshot_rate(const struct thag_session *session, struct thag_clock_rate *clock)
{
	double rate = atomic_load_explicit(&session->final_ns_per_tick, memory_order_relaxed);

	return rate > 0 ? rate : thag_clock_ns_per_tick(clock, session->header.clock);
}

uint64_t thag_snapshot_ticks(const struct thag_session *session, double rate, uint64_t ns)
{
	double ticks = (double)ns / rate;
	uint64_t start = session->header.start_ticks;

	if (ns == UINT64_MAX || ticks >= (double)(UINT64_MAX - start))
		return UINT64_MAX;
	return start + (uint64_t)ticks;
}

void thag_snapshot_fix(struct thag_session *session, struct thag_clock_rate *clock)
{
	atomic_store_explicit(&session->final_ns_per_tick,
			      thag_clock_ns_per_tick(clock, session->header.clock),
			      memory_order_relaxed);
}

void thag_snapshot_scale(const struct thag_session *session, struct thag_clock_rate *clock,
			 bool raw, struct thag_scale *out)
{
	*out = (struct thag_scale){
		.ns_per_tick = thag_snapshot_rate(session, clock),
		.cost_inside = session->header.cost_inside,
		.cost_outside = session->header.cost_outside,
		.raw = raw,
	};
}

uint32_t thag_snapshot_cost(const struct thag_session *session, struct thag_clock_rate *clock)
{
	double ticks = (double)session->header.cost_inside + session->header.cost_outside;
	double cost = ticks * thag_snapshot_rate(session, clock);

	return cost < (double)UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

static bool is_chosen(const struct thag_member *member, uint32_t tid)
{
	return tid == 0 || member->thread.tid == tid;
}

static int choose(struct thag_session *session, uint32_t tid, struct chosen *out)
{
	int ret = 0;

	pthread_rwlock_wrlock(&session->lock);
	out->members = calloc((size_t)session->member_count + 1, sizeof(*out->members));
	if (!out->members)
		ret = -ENOMEM;
	for (uint32_t i = 0; ret == 0 && i < session->member_count; i++)
		if (is_chosen(session->members[i], tid))
			out->members[out->count++] = session->members[i];
	if (ret == 0 && session->folded && tid == 0)
		out->members[out->count++] = session->folded;
	pthread_rwlock_unlock(&session->lock);
	return ret;
}

static int add_member(struct thag_profile *profile, struct thag_session *session,
		      const struct thag_member *member)
{
	struct thag_copy copy = { 0 };
	int ret = thag_copy_take(&copy, session, member);

	/* after the copy: it may hold calls of sites that were registered a moment before */
	if (ret == 0)
		ret = thag_sites_import(session);
	if (ret == 0)
		ret = thag_profile_add(profile, &copy.tree, session->names, copy.open,
				       copy.open_count);
	thag_copy_fini(&copy);
	return ret;
}

static int add_members(struct thag_profile *profile, struct thag_session *session,
		       const struct chosen *chosen)
{
	int ret = 0;

	pthread_mutex_lock(&session->names_lock);
	for (uint32_t i = 0; i < chosen->count && ret == 0; i++)
		ret = add_member(profile, session, chosen->members[i]);
	pthread_mutex_unlock(&session->names_lock);
	return ret;
}

int thag_snapshot_take(struct thag_profile **out, struct thag_session *session,
		       struct thag_clock_rate *clock, uint32_t tid, uint32_t how)
{
	struct thag_profile *profile = NULL;
	struct chosen chosen = { 0 };
	struct thag_scale scale;
	int ret;

	thag_members_pin(session);
	ret = thag_profile_create(&profile, session->program);
	if (ret == 0 && how & THAG_SNAPSHOT_PATHS)
		ret = thag_profile_keep_paths(profile);
	if (ret == 0)
		ret = choose(session, tid, &chosen);
	if (ret == 0)
		ret = add_members(profile, session, &chosen);
	if (ret == 0) {
		thag_snapshot_scale(session, clock, how & THAG_SNAPSHOT_RAW, &scale);
		ret = thag_profile_finish(profile, &scale);
	}
	if (ret == 0)
		*out = profile;
	else if (profile)
		thag_profile_destroy(profile);
	free(chosen.members);
	thag_members_unpin(session);
	return ret;
}

static int take_one(struct thag_session *session, struct thag_member *member,
		    const struct thag_scale *scale, struct thag_profile **out)
{
	struct chosen chosen = { .members = &member, .count = 1 };
	int ret = thag_profile_create(out, session->program);

	if (ret == 0)
		ret = add_members(*out, session, &chosen);
	return ret ? ret : thag_profile_finish(*out, scale);
}

static int give_one(struct thag_session *session, struct thag_member *member,
		    const struct thag_scale *scale, thag_snapshot_fn *fn, void *context)
{
	struct thag_profile *profile = NULL;
	uint32_t count, name_site;
	int ret = take_one(session, member, scale, &profile);

	pthread_rwlock_rdlock(&session->lock);
	name_site = member->thread.name_site;
	pthread_rwlock_unlock(&session->lock);
	if (ret == 0) {
		thag_profile_nodes(profile, &count);
		if (count > 1)
			ret = fn(context, member->thread.tid, name_site, profile);
	}
	thag_profile_destroy(profile);
	return ret;
}

int thag_snapshot_each(struct thag_session *session, struct thag_clock_rate *clock, bool raw,
		       thag_snapshot_fn *fn, void *context)
{
	struct chosen chosen = { 0 };
	struct thag_scale scale;
	int ret;

	thag_snapshot_scale(session, clock, raw, &scale);
	thag_members_pin(session);
	ret = choose(session, 0, &chosen);
	for (uint32_t i = 0; i < chosen.count && ret == 0; i++)
		ret = give_one(session, chosen.members[i], &scale, fn, context);
	free(chosen.members);
	thag_members_unpin(session);
	return ret;
}
