/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "trace_full.h"

#include <string.h>
#include <ucontext.h>

#include "trace_code.h"
#include "trace_expression.h"

#if defined(__x86_64__)
#define RBP THAG_CFI_RBP
#define RSP THAG_CFI_RSP
#define RA THAG_CFI_RA

struct full {
	struct thag_walk walk; /* says what can be read */
	struct thag_walk_stack *stack;
	uintptr_t registers[THAG_CFI_REGISTERS]; /* RA: as struct thag_walk's */
};

static bool load(void *context, uintptr_t at, uintptr_t *value)
{
	struct full *full = context;

	if (!thag_walk_can_read(&full->walk, at, 8) && !thag_walk_is_red(full->walk.sp, at))
		return false;
	*value = thag_walk_load(at);
	return true;
}

static bool evaluate(struct full *full, const struct thag_cfi_section *section, int32_t expression,
		     const uintptr_t *cfa, uintptr_t *result)
{
	uint32_t bytes;
	const uint8_t *code = thag_cfi_expression(section, expression, &bytes);
	uintptr_t registers[THAG_CFI_REGISTERS];

	memcpy(registers, full->registers, sizeof(registers));
	registers[RA]--;
	return code && thag_expression_evaluate(code, bytes, registers, cfa, load, full, result);
}

static bool find_cfa(struct full *full, const struct thag_cfi_section *section,
		     const struct thag_cfi_row *row, uintptr_t *cfa)
{
	if (row->cfa.how == THAG_CFI_IS_RESULT)
		return evaluate(full, section, row->cfa.value, NULL, cfa);
	if (row->cfa.how != THAG_CFI_REGISTER)
		return false;
	*cfa = full->registers[row->cfa.value] + (uintptr_t)(intptr_t)row->cfa_offset;
	return true;
}

/* Leaves *value as it is where it can't be found. */
static bool find_register(struct full *full, const struct thag_cfi_section *section,
			  const struct thag_cfi_place *place, uintptr_t cfa, uintptr_t *value)
{
	uintptr_t at = cfa + (uintptr_t)(intptr_t)place->value;

	switch (place->how) {
	case THAG_CFI_SAME:
	case THAG_CFI_UNDEFINED:
		return true;
	case THAG_CFI_AT:
		return load(full, at, value);
	case THAG_CFI_IS:
		*value = at;
		return true;
	case THAG_CFI_REGISTER:
		if (place->value < 0 || place->value >= THAG_CFI_REGISTERS)
			return false;
		*value = full->registers[place->value];
		return true;
	case THAG_CFI_AT_RESULT:
		return evaluate(full, section, place->value, &cfa, &at) && load(full, at, value);
	case THAG_CFI_IS_RESULT:
		return evaluate(full, section, place->value, &cfa, value);
	}
	return false;
}

/* All that the kernel saved. */
static bool step_signal(struct full *full)
{
	static const uint8_t from[THAG_CFI_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI, REG_RBP, REG_RSP, REG_R8,
		REG_R9,	 REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
	};
	const ucontext_t *context = (const ucontext_t *)full->registers[RSP];

	if (!thag_walk_can_read(&full->walk, full->registers[RSP], sizeof(*context)))
		return false;
	for (uint32_t i = 0; i < THAG_CFI_REGISTERS; i++)
		full->registers[i] = (uintptr_t)context->uc_mcontext.gregs[from[i]];
	full->registers[RA]++;
	full->walk.sp = full->registers[RSP];
	return thag_walk_find_end(&full->walk, full->stack);
}

static bool step(struct full *full)
{
	struct thag_cfi_section section;
	struct thag_cfi_row row;
	uintptr_t cfa, registers[THAG_CFI_REGISTERS];

	if (!thag_code_row(full->registers[RA] - 1, &section, &row))
		return false;
	if (row.is_signal)
		return step_signal(full);
	if (row.registers[RA].how == THAG_CFI_UNDEFINED || !find_cfa(full, &section, &row, &cfa))
		return false;
	memcpy(registers, full->registers, sizeof(registers));
	registers[RSP] = cfa;
	/* one that can't be read may not matter, as in an epilogue, where it was restored */
	for (uint32_t i = 0; i < RA; i++)
		(void)find_register(full, &section, &row.registers[i], cfa, &registers[i]);
	if (!find_register(full, &section, &row.registers[RA], cfa, &registers[RA]))
		return false;
	if (registers[RSP] <= full->registers[RSP] || registers[RA] == 0)
		return false;
	memcpy(full->registers, registers, sizeof(registers));
	full->walk.sp = registers[RSP];
	return true;
}

/* The registers that calls keep, as they are in the function that this is expanded in. */
#define SAVE_REGISTERS(registers) \
	__asm__ volatile("movq %%rbx, 24(%0)\n\tmovq %%rbp, 48(%0)\n\tmovq %%rsp, 56(%0)\n\t" \
			 "movq %%r12, 96(%0)\n\tmovq %%r13, 104(%0)\n\tmovq %%r14, 112(%0)\n\t" \
			 "movq %%r15, 120(%0)\n\tleaq 1f(%%rip), %%rax\n1:\tmovq %%rax, 128(%0)" \
			 : \
			 : "r"(registers) \
			 : "rax", "memory")

__attribute__((noinline)) bool thag_walk_step_full(struct thag_walk *walk,
						   struct thag_walk_stack *stack)
{
	struct full full = { .walk.is_own = true, .stack = stack };

	SAVE_REGISTERS(full.registers);
	full.registers[RA]++;
	full.walk.sp = full.registers[RSP];
	if (!thag_walk_find_end(&full.walk, stack))
		return false;
	while (full.registers[RSP] != walk->sp || full.registers[RA] != walk->ra)
		if (!step(&full))
			return false;
	if (!step(&full))
		return false;
	*walk = (struct thag_walk){ .ra = full.registers[RA],
				    .sp = full.registers[RSP],
				    .fp = full.registers[RBP],
				    .high = full.walk.high };
	return true;
}
#endif
