/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * orbits: bodies pull at each other, a round at a time, and a second thread adds up what each
 * round looked like. It notes the ends of rounds, how many rounds wait to be added up, and when a
 * body came closer to another than ever before.
 *
 *     orbits [ROUNDS]    by default 2,000; prints the closest approach and the mean energy
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <thag.h>

#define BODIES 24
#define STEPS 8
#define QUEUE 64

struct body {
	double x, y, vx, vy;
};

/* Rounds on their way from the one thread to the other. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	double energies[QUEUE];
	unsigned long put, taken;
	int done;
} queue = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static struct body bodies[BODIES];
static double closest = 1e9;

static void place(void)
{
	for (int i = 0; i < BODIES; i++) {
		double angle = 2 * 3.14159265358979 * i / BODIES, radius = 1 + 0.2 * (i % 5);

		bodies[i] = (struct body){ .x = radius * cos(angle),
					   .y = radius * sin(angle),
					   .vx = -0.6 * sin(angle),
					   .vy = 0.6 * cos(angle) };
	}
}

static void pull(struct body *body, const struct body *other, double dt)
{
	double dx = other->x - body->x, dy = other->y - body->y;
	double square = dx * dx + dy * dy,
	       force = dt * 0.01 / ((square + 0.01) * sqrt(square + 0.01));

	body->vx += force * dx;
	body->vy += force * dy;
	if (square < closest) {
		closest = square;
		thag_mark("closer than ever");
	}
}

static void step(double dt)
{
	THAG_PROFILED();
	for (int i = 0; i < BODIES; i++)
		for (int j = 0; j < BODIES; j++)
			if (i != j)
				pull(&bodies[i], &bodies[j], dt);
	for (int i = 0; i < BODIES; i++) {
		bodies[i].x += dt * bodies[i].vx;
		bodies[i].y += dt * bodies[i].vy;
	}
}

static double energy(void)
{
	THAG_PROFILED();
	double sum = 0;

	for (int i = 0; i < BODIES; i++)
		sum += bodies[i].vx * bodies[i].vx + bodies[i].vy * bodies[i].vy;
	return sum / 2;
}

static void put(double value)
{
	pthread_mutex_lock(&queue.lock);
	while (queue.put - queue.taken == QUEUE)
		pthread_cond_wait(&queue.changed, &queue.lock);
	queue.energies[queue.put++ % QUEUE] = value;
	thag_value("rounds waiting", (int64_t)(queue.put - queue.taken));
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
}

/* The next round's energy; 0 when no more come. */
static int take(double *value)
{
	int more;

	pthread_mutex_lock(&queue.lock);
	while (queue.put == queue.taken && !queue.done)
		pthread_cond_wait(&queue.changed, &queue.lock);
	more = queue.put != queue.taken;
	if (more) {
		*value = queue.energies[queue.taken++ % QUEUE];
		thag_value("rounds waiting", (int64_t)(queue.put - queue.taken));
	}
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
	return more;
}

static void *add_up(void *argument)
{
	double *sum = argument, value;

	thag_thread_name("statistics");
	THAG_PROFILED();
	while (take(&value))
		*sum += value;
	return NULL;
}

static void simulate(long rounds)
{
	THAG_PROFILED();
	for (long round = 0; round < rounds; round++) {
		for (int i = 0; i < STEPS; i++)
			step(0.002);
		put(energy());
		thag_frame("round");
	}
}

int main(int argc, char **argv)
{
	THAG_ENABLE_PROFILING(time);
	thag_thread_name("simulation");
	long rounds = argc > 1 ? atol(argv[1]) : 2000;
	double sum = 0;
	pthread_t thread;

	if (rounds < 1 || pthread_create(&thread, NULL, add_up, &sum) != 0)
		return 1;
	place();
	simulate(rounds);
	pthread_mutex_lock(&queue.lock);
	queue.done = 1;
	pthread_cond_broadcast(&queue.changed);
	pthread_mutex_unlock(&queue.lock);
	pthread_join(thread, NULL);
	printf("closest %.6f, mean energy %.6f\n", sqrt(closest), sum / (double)rounds);
	return 0;
}
