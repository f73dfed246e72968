/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "help.h"

const char thag_help_instrument[] =
	"Usage: thag instrument [OPTION]… [FILE]… [-- FLAG…]     (also thag-instrument)\n"
	"Marks functions to be profiled; 'thag remove' gives the source back to the byte.\n"
	"Without FILE stdin goes to stdout. FLAGs are added to the compiler's.\n"
	"  -i, --in-place       change FILEs, and sources in folders\n"
	"      --backup[=END]   keep what a file was as FILE.orig, or FILE and END\n"
	"  -d, --diff           print a patch;  -c, --check: exit 1 if there were one\n"
	"  -p, --build DIR      where compile_commands.json is; default: above FILE\n"
	"  -x, --lang c|c++     what stdin and files of unknown names are; default: c\n"
	"      --only REGEX, --skip REGEX    functions by name; main only by --skip\n"
	"      --min-lines N    functions whose bodies have N lines or more\n"
	"      --path GLOB, --exclude GLOB   files by path\n"
	"      --headers        headers in folders, too\n"
	"      --lambdas        lambdas, too\n"
	"      --profile KIND   what main switches on: time (default), memory, both,\n"
	"                       runtime or no\n"
	"  -v, --report         list what got no mark, and why;  --json: all, as JSON\n"
	"  -q, --quiet          no summary\n"
	"  -h, --help           print this and exit\n"
	"Exit status: 0 done; 1 failure, or --check would change a file; 2 wrong usage.\n";

const char thag_help_remove[] =
	"Usage: thag remove [OPTION]… [FILE]…     (also thag-remove)\n"
	"Takes out of sources what 'thag instrument' put in, to the byte. Without FILE\n"
	"stdin goes to stdout.\n"
	"\n"
	"  -a, --all            take out marks made by hand as well\n"
	"  -i, --in-place       change FILEs, and sources and headers in folders\n"
	"      --backup[=END]   keep what a file was as FILE.orig, or FILE and END\n"
	"  -d, --diff           print a patch;  -c, --check: exit 1 if there were one\n"
	"      --path GLOB, --exclude GLOB   files by path\n"
	"      --json           what was done, as JSON\n"
	"  -q, --quiet          no summary\n"
	"  -h, --help           print this and exit\n"
	"\n"
	"Exit status: 0 done; 1 failure, or --check would change a file; 2 wrong usage.\n";
