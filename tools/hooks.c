/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "hooks.h"

#include "preload.h"

int thag_hooks_preload(const struct thag_command *command)
{
	return thag_preload(command, "libthag-cyg.so.0");
}

void thag_hooks_advise(const struct thag_command *command, const char *name,
		       const struct thag_program *program)
{
	/* a script's interpreter may run programs that are instrumented */
	if (!program->is_elf || program->is_script)
		return;
	if (program->is_static)
		thag_command_complain(command,
				      "'%s' is linked statically: link it with -lthag-cyg and libc "
				      "dynamically instead",
				      name);
	else if (!thag_program_has_hooks(name))
		thag_command_complain(command,
				      "'%s' isn't compiled with -finstrument-functions; only "
				      "libraries that are will be profiled",
				      name);
}
