/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The scripts that shells complete with: all they do is to ask `thag __complete`. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static int run(int argc, char **argv);

const struct thag_command thag_command_completion = {
	.name = "completion",
	.help = "Usage: thag completion bash|zsh|fish\n"
		"Prints what the shell completes command lines of thag with. An installed thag\n"
		"has put it where shells look; else:\n"
		"\n"
		"  bash  eval \"$(thag completion bash)\"       in ~/.bashrc\n"
		"  zsh   eval \"$(thag completion zsh)\"        in ~/.zshrc, behind compinit\n"
		"  fish  thag completion fish | source        in ~/.config/fish/config.fish\n"
		"\n"
		"  -h, --help  print this and exit\n",
	.run = run,
	.usage_status = THAG_EXIT_USAGE,
};

static const struct {
	const char *shell;
	const char *script;
} scripts[] = {
	{ "bash",
	  "# thag completion bash\n"
	  "_thag() {\n"
	  "  local line word cur=${COMP_WORDS[COMP_CWORD]}\n"
	  "  local words=(\"${COMP_WORDS[@]:1:COMP_CWORD}\")\n"
	  "  # bash parts words at =\n"
	  "  if [[ $cur == = ]]; then cur=; words[-1]=; fi\n"
	  "  if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[COMP_CWORD - 1]} == = ]]; then\n"
	  "    unset 'words[-2]'; words=(\"${words[@]}\")\n"
	  "  fi\n"
	  "  COMPREPLY=()\n"
	  "  while IFS= read -r line; do\n"
	  "    word=${line%%$'\\t'*}\n"
	  "    if [[ $word == :files ]]; then\n"
	  "      compopt -o filenames 2>/dev/null\n"
	  "      while IFS= read -r word; do COMPREPLY+=(\"$word\"); done < <(compgen -f -- "
	  "\"$cur\")\n"
	  "    elif [[ $word == \"$cur\"* ]]; then\n"
	  "      COMPREPLY+=(\"$word\")\n"
	  "    fi\n"
	  "  done < <(\"${COMP_WORDS[0]}\" __complete \"${words[@]}\" 2>/dev/null)\n"
	  "}\n"
	  "complete -F _thag thag\n" },
	{ "zsh",
	  "#compdef thag\n"
	  "_thag() {\n"
	  "  local line\n"
	  "  local -a found\n"
	  "  for line in \"${(@f)$(\"${words[1]}\" __complete \"${(@)words[2,CURRENT]}\" "
	  "2>/dev/null)}\"; do\n"
	  "    [[ -n $line ]] || continue\n"
	  "    if [[ $line == :files* ]]; then\n"
	  "      _files\n"
	  "    else\n"
	  "      found+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
	  "    fi\n"
	  "  done\n"
	  "  ((${#found})) && _describe thag found\n"
	  "}\n"
	  "if [[ ${funcstack[1]} == _thag ]]; then _thag \"$@\"; else compdef _thag thag; fi\n" },
	{ "fish", "# thag completion fish\n"
		  "function __thag_complete\n"
		  "  set -l words (commandline -opc) (commandline -ct)\n"
		  "  for line in ($words[1] __complete $words[2..-1] 2>/dev/null)\n"
		  "    if string match -q -- ':files*' $line\n"
		  "      __fish_complete_path (commandline -ct)\n"
		  "    else\n"
		  "      echo $line\n"
		  "    end\n"
		  "  end\n"
		  "end\n"
		  "complete -c thag -f -a '(__thag_complete)'\n" },
};

static int run(int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, 'h' }, { 0 } };
	int option = getopt_long(argc, argv, ":h", options, NULL);

	if (option == 'h')
		return thag_command_print_help(&thag_command_completion);
	if (option != -1)
		return thag_command_bad_option(&thag_command_completion, option, argv);
	if (optind + 1 != argc)
		return thag_command_bad_usage(&thag_command_completion,
					      "for which shell? bash, zsh or fish");
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (strcmp(argv[optind], scripts[i].shell) == 0) {
			fputs(scripts[i].script, stdout);
			return thag_command_end_output(&thag_command_completion);
		}
	return thag_command_bad_usage(&thag_command_completion, "no shell '%s': bash, zsh, fish",
				      argv[optind]);
}
