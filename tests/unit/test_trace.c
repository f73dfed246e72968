/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Native stacks: of functions of any shape, and however deep. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "trace_probe.h"
#include "trace_tree.h"

static void program_trees(void *unused)
{
	(void)unused;
	begin();
	call_trees(1, 3000, 40, probe);
	check(thag_process.header->lost_traces == 0);
}

Test(trace, is_what_libunwind_finds_in_functions_of_any_shape, .timeout = 120)
{
	cr_assert_eq(run(program_trees), 0);
}

static NOINLINE uint32_t take_in_between(void)
{
	uint32_t id = take_here();

	__asm__ volatile("" : "+r"(id));
	return id;
}

/* Libunwind loses its way where there is no unwind information. But the outermost frames are known.
 */
static struct stack outermost;

static const struct stack *take_bare(const struct thag_trace_start *start)
{
	static __thread struct stack ours;
	uint32_t id = thag_trace_take(start);

	check(id != 0);
	read_trace(id, &ours);
	check_known(&ours, id);
	check(ours.depth > outermost.depth);
	check(memcmp(ours.calls + ours.depth - outermost.depth, outermost.calls,
		     outermost.depth * sizeof(ours.calls[0])) == 0);
	return &ours;
}

static NOINLINE void probe_mixed(void)
{
	struct thag_trace_start start = THAG_TRACE_START();

	take_bare(&start);
}

/* All that call_at_random called has frame pointers. */
static NOINLINE void probe_bare(void)
{
	struct thag_trace_start start = THAG_TRACE_START();
	const struct stack *ours = take_bare(&start);
	const uintptr_t *frame = __builtin_frame_address(0);

	/* but for the calls in call_trees and in its caller */
	for (uint32_t i = 0; i < ours->depth - outermost.depth - 2; i++) {
		check(ours->calls[i] == frame[1] - 1);
		frame = (const uintptr_t *)frame[0];
	}
}

static void program_bare(void *unused)
{
	/*
	 * Not those that align the stack: where their callers' frames are, only they know. The last
	 * one comes by a function of the C library.
	 */
	static const uint8_t usable[] = { 0, 1, 2, 3, 4, 7, 8, 10, 9 };

	(void)unused;
	begin();
	read_by_libunwind(&outermost);
	check(outermost.depth > 3);
	for (uint32_t i = 0; i < 256; i += 2)
		trace_shapes[i] = trace_shapes_bare[usable[i / 2 % 9]];
	call_trees(4, 3000, 40, probe_mixed);
	for (uint32_t i = 0; i < 256; i++)
		trace_shapes[i] = trace_shapes_bare[usable[i % 8]];
	call_trees(5, 3000, 40, probe_bare);
}

Test(trace, goes_by_frame_pointers_without_unwind_information, .timeout = 120)
{
	cr_assert_eq(run(program_bare), 0);
}

static void program_same(void *unused)
{
	uint32_t ids[100], other, count = 0;

	(void)unused;
	begin();
	for (volatile int i = 0; i < 100; i++) {
		ids[i] = take_in_between();
		if (i == 0)
			count = thag_process.header->trace_count;
	}
	check(thag_process.header->trace_count == count);
	for (int i = 0; i < 100; i++)
		check(ids[i] && ids[i] == ids[0]);
	other = take_in_between();
	check(other && other != ids[0]);
}

Test(trace, is_told_once)
{
	cr_assert_eq(run(program_same), 0);
}

/* --- the same place in memory, but another caller further out --- */

static NOINLINE void inner(void)
{
	probe();
	__asm__ volatile("" : : : "memory");
}

static NOINLINE void middle(void)
{
	inner();
	__asm__ volatile("" : : : "memory");
}

#define OUTER(name) \
	static NOINLINE void name(void) \
	{ \
		middle(); \
		__asm__ volatile("" : : : "memory"); \
	}
OUTER(outer_a)
OUTER(outer_b)

static void program_outer(void *unused)
{
	uint32_t a, b;

	(void)unused;
	begin();
	for (int i = 0; i < 10; i++) {
		void (*volatile call)(void) = outer_a;

		call();
		a = last_id;
		call = outer_b;
		call();
		b = last_id;
		check(a != b);
	}
}

Test(trace, sees_that_an_outer_frame_changed)
{
	cr_assert_eq(run(program_outer), 0);
}

/* --- depth --- */

#define RECURSION 1000000
#define RECURSION_STACK (UINT64_C(1) << 30)

static uint32_t recursion_ids[4];

static NOINLINE long recurse(long left, void (*leaf)(void))
{
	long result;

	if (left == 0) {
		leaf();
		return 0;
	}
	result = recurse(left - 1, leaf);
	__asm__ volatile("" : : "r"(left), "r"(&result) : "memory");
	return result + 1;
}

/* What is left of it: one call in the middle of recurse, but for the innermost; and its root. */
static void check_cut(uint32_t id)
{
	const struct thag_shm_trace *entries = traces();
	uint32_t site = 0, depth = 0;

	check(id != 0);
	for (; entries[id].parent; id = entries[id].parent, depth++) {
		if (depth == 3)
			site = entries[id].site;
		check(depth <= 3 || depth >= 900 || entries[id].site == site);
	}
	check(depth + 1 == THAG_TRACE_DEPTH_MAX);
	check(memcmp(thag_process.strings + thag_process.sites[entries[id].site].name_offset,
		     "<truncated>", 11) == 0);
	check(thag_process.sites[entries[id].site].name_bytes == 11);
}

static void *recurse_deep(void *unused)
{
	(void)unused;
	check(thag_thread_attach());
	recurse(RECURSION, leaf_take);
	recursion_ids[0] = last_id;
	check_cut(last_id);
	recurse(RECURSION, leaf_take);
	recursion_ids[1] = last_id;
	recurse(RECURSION - 1, leaf_take);
	recursion_ids[2] = last_id;
	return NULL;
}

static void program_deep(void *unused)
{
	pthread_attr_t attributes;
	pthread_t thread;

	(void)unused;
	begin();
	pthread_attr_init(&attributes);
	check(pthread_attr_setstacksize(&attributes, RECURSION_STACK) == 0);
	check(pthread_create(&thread, &attributes, recurse_deep, NULL) == 0);
	pthread_join(thread, NULL);
	/* cut, they are all alike */
	check(recursion_ids[0] == recursion_ids[1] && recursion_ids[1] == recursion_ids[2]);
}

Test(trace, of_a_recursion_a_million_deep_is_cut, .timeout = 120)
{
	cr_assert_eq(run(program_deep), 0);
}

static void program_around_the_limit(void *unused)
{
	(void)unused;
	begin();
	/* whole up to the limit, and cut from there on, whatever was taken before */
	for (int round = 0; round < 3; round++)
		for (long depth = 900; depth < 1100; depth += 1 + round) {
			struct stack *stack = malloc(sizeof(*stack));
			uint32_t root;

			recurse(depth, leaf_take);
			for (root = last_id; traces()[root].parent; root = traces()[root].parent)
				;
			if (thag_process.sites[traces()[root].site].name_bytes) {
				check_cut(last_id);
			} else {
				read_trace(last_id, stack);
				check(stack->depth > depth && stack->depth <= THAG_TRACE_DEPTH_MAX);
			}
			free(stack);
		}
}

Test(trace, is_whole_up_to_the_limit)
{
	cr_assert_eq(run(program_around_the_limit), 0);
}

/* --- frames that are found by other registers than the stack and the frame pointer --- */

#if defined(__x86_64__)
long odd_next(struct trace_plan *plan);
long odd_register(struct trace_plan *plan);
long odd_expression(struct trace_plan *plan);
void odd_trap(void);

NOINLINE long odd_next(struct trace_plan *plan)
{
	if (plan->left == 0) {
		plan->leaf();
		return 1;
	}
	plan->left--;
	return trace_shapes[*plan->steps++](plan) + 1;
}

/* As the dynamic linker's resolver does it: the CFA is RBX + 16. */
#define ODD(name, cfa) \
	__asm__(".text\n.type " name ", @function\n.globl " name "\n" name ":\n" \
		".cfi_startproc\npushq %rbx\n.cfi_def_cfa_offset 16\n.cfi_offset rbx, -16\n" \
		"movq %rsp, %rbx\n" cfa "\nandq $-64, %rsp\nsubq $64, %rsp\ncall odd_next\n" \
		"movq %rbx, %rsp\n.cfi_def_cfa rsp, 16\npopq %rbx\n.cfi_def_cfa_offset 8\n" \
		"ret\n.cfi_endproc\n.size " name ", . - " name "\n")
ODD("odd_register", ".cfi_def_cfa_register rbx");
ODD("odd_expression", ".cfi_escape 0x0f, 0x04, 0x73, 0x00, 0x23, 0x10");

/* Interrupted where the CFA is R10, which no call keeps. */
__asm__(".text\n.type odd_trap, @function\n.globl odd_trap\nodd_trap:\n.cfi_startproc\n"
	"leaq 8(%rsp), %r10\n.cfi_def_cfa r10, 0\nandq $-64, %rsp\nint3\n"
	"leaq -8(%r10), %rsp\n.cfi_def_cfa rsp, 8\nret\n.cfi_endproc\n.size odd_trap, . - "
	"odd_trap\n");

static void program_odd(void *unused)
{
	(void)unused;
	begin();
	for (uint32_t i = 0; i < 256; i += 8) {
		trace_shapes[i] = odd_register;
		trace_shapes[i + 3] = odd_expression;
	}
	call_trees(6, 2000, 40, probe);
	set_handler(SIGTRAP, handle, 0);
	call_trees(7, 200, 20, odd_trap);
}

Test(trace, goes_by_whatever_register_there_is, .timeout = 120)
{
	cr_assert_eq(run(program_odd), 0);
}

/*
 * In the epilogue of a function that aligned its stack, GCC's unwind information goes on saying
 * where the registers were kept, by a frame pointer that is the caller's again: it may be anything.
 * The stack pointer is found by another register. So is it here, and RBX is said to lie at 0.
 */
void call_with_wrong_register(void (*leaf)(void));
__asm__(".text\n"
	".type call_with_wrong_register, @function\n"
	"call_with_wrong_register:\n"
	".cfi_startproc\n"
	"pushq %r12\n"
	".cfi_def_cfa_offset 16\n"
	".cfi_offset %r12, -16\n"
	"leaq 16(%rsp), %r12\n"
	".cfi_def_cfa %r12, 0\n"
	".cfi_escape 0x10, 0x03, 0x01, 0x30\n" /* DW_CFA_expression, rbx, one byte: DW_OP_lit0 */
	"call *%rdi\n"
	"popq %r12\n"
	".cfi_restore %rbx\n"
	".cfi_def_cfa %rsp, 8\n"
	"ret\n"
	".cfi_endproc\n"
	".size call_with_wrong_register, . - call_with_wrong_register\n");

static void program_wrong_register(void *unused)
{
	(void)unused;
	begin();
	for (int i = 0; i < 3; i++)
		call_with_wrong_register(probe);
}

Test(trace, goes_on_where_a_register_cannot_be_read)
{
	cr_assert_eq(run(program_wrong_register), 0);
}
#endif

/* --- the tree of all stacks --- */

#define MANY 100000

static uint32_t many_ids[MANY];

/* More callees of one caller than lie near each other, found again, and each with an id of its own.
 */
static void program_wide(void *unused)
{
	struct thag_trace_tree *tree;
	uint32_t root, other;

	(void)unused;
	begin();
	tree = thag_tree_get();
	check(tree);
	root = thag_tree_find(tree, 0, 1);
	other = thag_tree_find(tree, root, 7);
	for (uint32_t i = 0; i < MANY; i++)
		many_ids[i] = thag_tree_find(tree, root, i * 7 + 14);
	for (uint32_t i = 0; i < MANY; i++) {
		check(many_ids[i] > other && (i == 0 || many_ids[i] > many_ids[i - 1]));
		check(thag_tree_find(tree, root, i * 7 + 14) == many_ids[i]);
		check(tree->traces[many_ids[i]].parent == root);
		check(tree->traces[many_ids[i]].site == i * 7 + 14);
	}
	check(thag_tree_find(tree, root, 7) == other);
}

Test(trace, tree_holds_a_caller_of_many)
{
	cr_assert_eq(run(program_wide), 0);
}
