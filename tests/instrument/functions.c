/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Not to be run: what thag instrument makes of each function is in its name. */
#define _GNU_SOURCE
#include <errno.h>
#ifdef NOT_HERE
#include <not-there.h>
#endif
#include <signal.h>
#include <stdio.h>

#define OPEN {
#define CLOSE }
#define DEFINE(name) \
	static int name(void) \
	{ \
		return 1; \
	}
#define HEAD(name) static int name(void)
#define BODY(name, body) static int name(void) body

int yes_prototyped(int a);
void no_late_constructor(void) __attribute__((constructor));

int yes_prototyped(int a)
{
	return a; /* { */
}

static int yes_one_line(void) { return 1; }
static void yes_empty(void) {}
static void
yes_gnu_style (void)
{
  puts ("{");
}

static int yes_kr(a, b)
int a;
char b;
{
	return a + b;
}

static int yes_comment(void) { // then a comment
	return 2;
}

static int yes_long_comment(void) { /* a comment
	over lines */
	return 3;
}

static int yes_splice(void) { \
	return 4;
}

static int yes_digraph(void) <%
	return 5;
%>

static int yes_directive_first(void)
{
#ifdef NOT_HERE
	return 6;
#else
	return 7;
#endif
}

static int no_label(int a)
{
	__label__ out;

	if (a)
		goto out;
	a = 1;
out:
	return a;
}

HEAD(yes_head_by_macro)
{
	return 8;
}

static inline int yes_static_inline(void)
{
	return 9;
}

inline int no_inline(void)
{
	return 10;
}

DEFINE(no_body_by_macro)
HEAD(no_braces_by_macro) OPEN return 11; CLOSE
BODY(no_body_as_argument, { return 12; })

__attribute__((naked)) void no_naked(void)
{
	__asm__("ret");
}

void no_late_constructor(void)
{
}

static __attribute__((destructor)) void no_destructor(void)
{
}

__attribute__((no_instrument_function)) static void no_instrument(void)
{
}

static int (*no_resolver(void))(void)
{
	return yes_one_line;
}
int resolved(void) __attribute__((ifunc("no_resolver")));

static void no_handler(int number)
{
	(void)number;
}

static void no_cast_handler(void)
{
}

static void no_action(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info, (void)context;
}

static void no_designated(int number)
{
	(void)number;
}

static void yes_takes_signals(void)
{
	struct sigaction action = { .sa_handler = no_designated };

	signal(SIGINT, no_handler);
	signal(SIGTERM, (void (*)(int))no_cast_handler);
	action.sa_sigaction = no_action;
	sigaction(SIGHUP, &action, NULL);
}

int main(int argc, char **argv)
{
	(void)argv;
	yes_takes_signals();
	yes_empty();
	yes_gnu_style();
	no_instrument();
	return argc + yes_kr(1, 'a') + yes_comment() + yes_long_comment() + yes_splice() +
	       yes_digraph() + yes_directive_first() + yes_head_by_macro() + yes_static_inline() +
	       no_label(1) + no_body_by_macro() + no_braces_by_macro() + no_body_as_argument();
}
