/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pager.h"

#define BEAT_MS 250

void thag_job_done_fini(struct thag_job_done *done)
{
	thag_buffer_fini(&done->out);
	free(done->complaint);
	*done = (struct thag_job_done){ 0 };
}

/** Never returns. What it writes are its owner's files alone. */
static void run_child(const struct thag_screen *screen, const struct thag_job *job, int out,
		      int err)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* ncurses has handlers for these */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGTSTP, SIG_DFL);
	thag_screen_leave_child(screen);
	if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 ||
	    dup2(err, STDERR_FILENO) < 0)
		_exit(1);
	umask(077);
	optind = 0; /* anew */
	opterr = 0;
	status = job->run((int)job->twin->count, job->twin->words);
	if (fflush(stdout))
		status = 1;
	fflush(stderr);
	_exit(status);
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/** Until the child has ended, or is to. */
static void watch(struct thag_screen *screen, const struct thag_job *job, pid_t pid, int pidfd,
		  bool *is_cancelled)
{
	double start = now_s();
	siginfo_t info = { 0 };

	for (;;) {
		const double passed = now_s() - start;
		int key;

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
		    info.si_pid == pid)
			return;
		if (passed >= 1) {
			thag_screen_say(screen, "%s: %.0f s; Esc cancels", job->doing, passed);
			thag_screen_surround(screen,
					     &(struct thag_surround){ .title = job->doing,
								      .keys = "Esc cancel" });
			thag_screen_show();
		}
		/* what is typed in the first second is meant for what comes */
		if (passed < 1)
			thag_screen_wait(screen, BEAT_MS, pidfd);
		key = passed < 1 && !screen->is_over ? THAG_KEY_NONE
						     : thag_screen_key(screen, BEAT_MS, pidfd);
		if (key == THAG_KEY_ESCAPE || key == 'q' || key == THAG_KEY_LEAVE) {
			*is_cancelled = true;
			kill(pid, SIGTERM); /* which waits until a file is whole, or not there */
			return;
		}
	}
}

static int read_all(int fd, struct thag_buffer *out)
{
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st))
		return -errno;
	if (thag_buffer_reserve(out, (size_t)st.st_size + 1))
		return -ENOMEM;
	while (out->bytes < (size_t)st.st_size) {
		got = pread(fd, out->data + out->bytes, (size_t)st.st_size - out->bytes,
			    (off_t)out->bytes);
		if (got <= 0)
			return got ? -errno : -EIO;
		out->bytes += (size_t)got;
	}
	out->data[out->bytes] = '\0';
	return 0;
}

/** Of many lines the first says what is wrong. */
static int take_complaint(int fd, struct thag_job_done *done)
{
	struct thag_buffer text = { 0 };
	int ret = read_all(fd, &text);
	size_t lines = 0, first;
	char more[48];

	if (!ret) {
		for (size_t i = 0; i < text.bytes; i++)
			lines += text.data[i] == '\n';
		first = strcspn((const char *)text.data, "\n");
		snprintf(more, sizeof(more), " (and %zu more)", lines - 1);
		if (asprintf(&done->complaint, "%.*s%s", (int)first, (const char *)text.data,
			     lines > 1 ? more : "") < 0) {
			done->complaint = NULL;
			ret = -ENOMEM;
		}
	}
	thag_buffer_fini(&text);
	return ret;
}

static int run_with(struct thag_screen *screen, const struct thag_job *job, int out, int err,
		    struct thag_job_done *done)
{
	int status = 0, pidfd, ret;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(screen, job, out, err);
	pidfd = pidfd_open(pid, 0);
	watch(screen, job, pid, pidfd, &done->is_cancelled);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (pidfd >= 0)
		close(pidfd);
	done->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	ret = read_all(out, &done->out);
	return ret ? ret : take_complaint(err, done);
}

int thag_job_run(struct thag_screen *screen, const struct thag_job *job, struct thag_job_done *done)
{
	int out = memfd_create("thag-out", MFD_CLOEXEC),
	    err = memfd_create("thag-err", MFD_CLOEXEC);
	int ret = out < 0 || err < 0 ? -errno : 0;

	*done = (struct thag_job_done){ 0 };
	if (job->twin->failed)
		ret = -ENOMEM;
	if (!ret)
		ret = run_with(screen, job, out, err, done);
	if (out >= 0)
		close(out);
	if (err >= 0)
		close(err);
	if (ret) {
		thag_job_done_fini(done);
		thag_screen_say(screen, "%s", strerror(-ret));
	}
	return ret;
}

/** Commands say who complains, which is seen here. */
static const char *without_name(const char *complaint)
{
	const char *colon = strncmp(complaint, "thag ", 5) == 0 ? strstr(complaint, ": ") : NULL;

	return colon ? colon + 2 : complaint;
}

bool thag_job_judge(struct thag_screen *screen, const struct thag_job_done *done)
{
	bool good = !done->is_cancelled && done->status == 0;

	thag_screen_say(screen, "%s", "");
	if (done->is_cancelled)
		thag_screen_say(screen, "cancelled");
	else if (done->complaint && done->complaint[0])
		thag_screen_say(screen, "%s", without_name(done->complaint));
	else if (done->status >= 128)
		thag_screen_say(screen, "it was ended by signal %d: %s", done->status - 128,
				strsignal(done->status - 128));
	else if (done->status)
		thag_screen_say(screen, "it failed with status %d", done->status);
	if (!good && screen->message &&
	    thag_screen_width_of(screen->message) > thag_screen_columns())
		thag_pager_wrap(screen, " It failed", screen->message);
	return good;
}
