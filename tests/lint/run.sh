#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# House rules over everything git tracks. Prints a line a check and "N passed, N failed".
# Needs a configured build (THAG_BUILD, build/) for its compile commands.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

build=${THAG_BUILD:-$PWD/build}
file_lines_max=600
passed=0 failed=0

tracked() { git ls-files -- "$@"; }

# check NAME COMMAND...: prints what the command said only when it failed.
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "ok $name"
    passed=$((passed + 1))
  else
    echo "not ok $name"
    printf '%s\n' "$output" | head -n 60 | sed 's/^/  /'
    failed=$((failed + 1))
  fi
}

# Prints the lines it read, and fails if there were any.
none() {
  ! grep .
}

# git grep, for which finding nothing is no failure.
search() { git grep -nI "$@" || [[ $? == 1 ]]; }

# The samples of the instrumenter's tests are written in every way there is.
check_format() {
  tracked '*.c' '*.h' '*.cpp' '*.hpp' ':!tests/instrument/functions.*' |
    xargs -r clang-format --dry-run -Werror
}

# How many states of a function the analyzer looks at, at most: its own limit, three times that,
# takes three times as long, too, and is what TIDY_STATES is for.
states=${TIDY_STATES:-75000}

# tidy_one COMMANDS-DIRECTORY STATES SOURCE
tidy_one() {
  local output
  output=$(clang-tidy --quiet -p "$1" --extra-arg=-Wno-unknown-warning-option \
    --extra-arg=-Wno-ignored-optimization-argument --extra-arg=-Qunused-arguments \
    --extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang \
    --extra-arg="max-nodes=$2" "$3" 2>/dev/null) ||
    { grep -E '(error|warning): ' <<<"$output"; return 1; }
}
export -f tidy_one

# The build's flags are gcc's: those that clang doesn't know are left out. What is compiled several
# times, for a static and a shared library say, is looked at once.
check_tidy() {
  local commands=$build/tidy
  mkdir -p "$commands" || return 1
  python3 - "$build/compile_commands.json" <<'END' >"$commands/compile_commands.json" || return 1
import json, re, sys
once = {}
for entry in json.load(open(sys.argv[1])):
    flags = r" -f(no-(partial-inlining|ipa-[a-z]+)|instrument-functions-exclude[^ \"]*)"
    once.setdefault(entry["file"], {**entry, "command": re.sub(flags, "", entry["command"])})
json.dump(list(once.values()), sys.stdout)
END
  compiled_sources |
    xargs -r -P "$(nproc)" -n 1 bash -c "tidy_one '$commands' '$states' \"\$0\""
}

# The tracked C and C++ sources that the build compiles.
compiled_sources() {
  local source
  tracked '*.c' '*.cpp' | while read -r source; do
    ! grep -qF "/$source\"" "$build/compile_commands.json" || echo "$source"
  done
}

scripts() {
  tracked '*.sh'
  git ls-files | while read -r file; do
    case $file in
    *.sh) ;;
    *) ! head -c 64 "$file" | head -n 1 | grep -qaE '^#!.*[ /](ba)?sh$' || echo "$file" ;;
    esac
  done
}

check_shell() { scripts | xargs -r shellcheck; }

check_manuals() { tracked 'docs/man/*.[1-9]' | xargs -r mandoc -T lint -W style; }

check_types() {
  [[ -e $build/web/tsconfig.json ]] || return 0
  web/node_modules/.bin/tsc --noEmit -p "$build/web"
}

include_flags() {
  grep -oE -- '-I[^ "]+' "$build/compile_commands.json" | sort -u
}

# header_alone HEADER COMPILER FLAG...: it compiles with nothing before it.
header_alone() {
  local header=$1
  shift
  (cd "$build" && printf '#include "%s"\n' "$OLDPWD/$header" | "$@" -fsyntax-only -D_GNU_SOURCE -) || {
    echo "$header doesn't compile alone ($1)"
    return 1
  }
}
export -f header_alone
export build

# headers_alone COMPILER FLAG...: those that it reads the names of.
headers_alone() {
  local flags
  read -rd '' -a flags < <(include_flags && pkg-config --cflags jansson libuv libwebsockets)
  xargs -r -P "$(nproc)" -I HEADER bash -c 'header_alone "$@"' _ HEADER "$@" "${flags[@]}"
}

public_headers() { tracked 'libclient/include/*.h' 'proto/thag/words.h'; }

check_headers() { tracked '*.h' ':!bench/peers/' | headers_alone gcc -std=gnu11 -Wall -Wextra -Werror -x c; }
check_public_c() { public_headers | headers_alone clang -std=c11 -Wall -Wextra -Werror -x c; }
cpp_headers() { public_headers; tracked 'libclient/include/*.hpp' | grep -v coroutine; }
# All headers by C++17, and those for coroutines, too, by C++20.
cpp_alone() {
  cpp_headers | headers_alone "$1" -std=c++17 -Wall -Wextra -Werror -x c++ &&
    tracked 'libclient/include/*.hpp' | headers_alone "$1" -std=c++20 -Wall -Wextra -Werror -x c++
}
check_public_cpp() { cpp_alone g++; }
check_public_clang_cpp() { cpp_alone clang++; }

check_length() {
  tracked '*.c' '*.h' '*.cpp' '*.hpp' '*.ts' '*.py' '*.sh' dev | xargs -r wc -l |
    awk -v max=$file_lines_max '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }' | none
}

check_licence() {
  tracked '*.c' '*.h' '*.cpp' '*.hpp' '*.ts' '*.css' '*.py' '*.sh' dev .ci/run |
    xargs -r grep -L 'SPDX-License-Identifier: MIT OR Apache-2.0' | none
}

check_marks() {
  search -wE 'TO''DO|FIX''ME|XX''X|HA''CK' -- ':!*.lock' ':!*package-lock.json' | none
}

check_space() {
  search -E '[[:blank:]]+$' -- ':!*.md' ':!LICENSE-*' ':!tests/**/corpus/*' | none
}

for name in format tidy shell manuals types headers public_c public_cpp public_clang_cpp \
  length licence marks space; do
  check "$name" "check_$name"
done
echo "$passed passed, $failed failed"
((failed == 0))
