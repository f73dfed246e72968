/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "thag_events.h"

#include <errno.h>
#include <stdlib.h>

int thag_events_init(struct thag_events *events)
{
	*events = (struct thag_events){ 0 };
	events->marks = calloc(THAG_EVENT_NAMES_MAX, sizeof(*events->marks));
	events->values = calloc(THAG_EVENT_NAMES_MAX, sizeof(*events->values));
	if (!events->marks || !events->values) {
		free(events->marks);
		free(events->values);
		events->marks = NULL;
		return -ENOMEM;
	}
	pthread_mutex_init(&events->lock, NULL);
	return 0;
}

void thag_events_fini(struct thag_events *events)
{
	if (!events->marks)
		return;
	for (uint32_t i = 0; i < events->mark_count; i++)
		free(events->marks[i].instants);
	for (uint32_t i = 0; i < events->value_count; i++)
		free(events->values[i].series);
	free(events->marks);
	free(events->values);
	thag_hist_pool_fini(&events->hists);
	pthread_mutex_destroy(&events->lock);
	*events = (struct thag_events){ 0 };
}

/* When the thread noted the same last; 0: never. Sets it to now. */
static uint64_t turn_round(struct thag_thread *thread, uint32_t site, uint64_t ticks)
{
	struct thag_round *round = thread->rounds;
	uint64_t before;

	for (; round < &thread->rounds[THAG_THREAD_ROUNDS_MAX] && round->site; round++) {
		if (round->site != site)
			continue;
		before = round->ticks;
		round->ticks = ticks;
		return before;
	}
	if (round < &thread->rounds[THAG_THREAD_ROUNDS_MAX])
		*round = (struct thag_round){ .site = site, .ticks = ticks };
	return 0;
}

static void add_interval(struct thag_events *events, struct thag_mark_name *mark, uint64_t ticks)
{
	mark->intervals++;
	mark->sum += ticks;
	if (ticks < mark->min)
		mark->min = ticks;
	if (ticks > mark->max)
		mark->max = ticks;
	/* without memory it is missing from the histogram, and only from there */
	(void)thag_hist_add(&events->hists, &mark->hist, thag_hist_bucket(ticks), 1);
}

static void add_instant(struct thag_events *events, struct thag_mark_name *mark,
			struct thag_thread *thread, const struct thag_note *note)
{
	uint64_t before = turn_round(thread, note->site, note->ticks);

	mark->instants[mark->next] =
		(struct thag_instant){ .ticks = note->ticks, .tid = thread->tid };
	mark->next = (mark->next + 1) % THAG_EVENT_INSTANTS_MAX;
	mark->count++;
	if (note->ticks > mark->last_ticks)
		mark->last_ticks = note->ticks;
	if (before)
		add_interval(events, mark, note->ticks - before);
}

static int compare_points(const void *a, const void *b)
{
	uint64_t x = ((const struct thag_value_point *)a)->ticks;
	uint64_t y = ((const struct thag_value_point *)b)->ticks;

	return (x > y) - (x < y);
}

static void sort_series(struct thag_value_name *value)
{
	qsort(value->series, value->points, sizeof(*value->series), compare_points);
}

static void halve(struct thag_value_name *value)
{
	sort_series(value);
	for (uint32_t i = 0; i < THAG_EVENT_SERIES_MAX / 2; i++)
		value->series[i] = value->series[2 * i];
	value->points = THAG_EVENT_SERIES_MAX / 2;
	value->stride *= 2;
}

static void add_value(struct thag_value_name *value, const struct thag_note *note)
{
	if (value->count == 0 || note->value < value->min)
		value->min = note->value;
	if (value->count == 0 || note->value > value->max)
		value->max = note->value;
	if (note->ticks >= value->last_ticks) {
		value->last = note->value;
		value->last_ticks = note->ticks;
	}
	value->sum += (long double)note->value;
	if (value->points == THAG_EVENT_SERIES_MAX)
		halve(value);
	if (value->count % value->stride == 0)
		value->series[value->points++] =
			(struct thag_value_point){ note->ticks, note->value };
	value->count++;
}

/* Programs note few names: a walk finds them. NULL without room. */
static struct thag_mark_name *find_mark(struct thag_events *events, uint32_t site)
{
	struct thag_mark_name *mark = events->marks;

	while (mark < &events->marks[events->mark_count] && mark->site != site)
		mark++;
	if (mark < &events->marks[events->mark_count])
		return mark;
	if (events->mark_count == THAG_EVENT_NAMES_MAX)
		return NULL;
	*mark = (struct thag_mark_name){ .site = site, .min = UINT64_MAX };
	mark->instants = calloc(THAG_EVENT_INSTANTS_MAX, sizeof(*mark->instants));
	events->mark_count += mark->instants != NULL;
	return mark->instants ? mark : NULL;
}

static struct thag_value_name *find_value(struct thag_events *events, uint32_t site)
{
	struct thag_value_name *value = events->values;

	while (value < &events->values[events->value_count] && value->site != site)
		value++;
	if (value < &events->values[events->value_count])
		return value;
	if (events->value_count == THAG_EVENT_NAMES_MAX)
		return NULL;
	*value = (struct thag_value_name){ .site = site, .stride = 1 };
	value->series = calloc(THAG_EVENT_SERIES_MAX, sizeof(*value->series));
	events->value_count += value->series != NULL;
	return value->series ? value : NULL;
}

static bool note_mark(struct thag_events *events, struct thag_thread *thread,
		      const struct thag_note *note)
{
	struct thag_mark_name *mark = find_mark(events, note->site);

	if (mark)
		add_instant(events, mark, thread, note);
	return mark != NULL;
}

static bool note_value(struct thag_events *events, const struct thag_note *note)
{
	struct thag_value_name *value = find_value(events, note->site);

	if (value)
		add_value(value, note);
	return value != NULL;
}

void thag_events_note(struct thag_events *events, struct thag_thread *thread,
		      const struct thag_note *note)
{
	pthread_mutex_lock(&events->lock);
	if (note->ext == THAG_EXT_VALUE)
		events->dropped += !note_value(events, note);
	else
		events->dropped += !note_mark(events, thread, note);
	pthread_mutex_unlock(&events->lock);
}

uint32_t thag_events_instants(const struct thag_mark_name *mark)
{
	return mark->count < THAG_EVENT_INSTANTS_MAX ? (uint32_t)mark->count
						     : THAG_EVENT_INSTANTS_MAX;
}

static int compare_instants(const void *a, const void *b)
{
	uint64_t x = ((const struct thag_instant *)a)->ticks;
	uint64_t y = ((const struct thag_instant *)b)->ticks;

	return (x > y) - (x < y);
}

void thag_events_sort(struct thag_events *events)
{
	for (uint32_t i = 0; i < events->mark_count; i++) {
		struct thag_mark_name *mark = &events->marks[i];
		uint32_t count = thag_events_instants(mark);

		qsort(mark->instants, count, sizeof(*mark->instants), compare_instants);
		/* the oldest is the first to be replaced */
		mark->next = count % THAG_EVENT_INSTANTS_MAX;
	}
	for (uint32_t i = 0; i < events->value_count; i++)
		sort_series(&events->values[i]);
}
