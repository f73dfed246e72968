# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag completion

# Each shell is the real one, and calls this thag.
export_path() { export PATH=$THAG_BUILD/tools:$PATH; }

# in_bash WORD…: what bash offers for the last one, sorted.
in_bash() {
  # shellcheck disable=SC2016 # for the inner shell
  bash --norc -c 'eval "$(thag completion bash)"; COMP_WORDS=(thag "$@"); COMP_CWORD=$#
    _thag; printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | LC_ALL=C sort | paste -sd' '
}

in_fish() {
  # shellcheck disable=SC2016
  fish --no-config -c 'thag completion fish | source; complete -C "$argv"' -- "thag $*" | cut -f 1 |
    LC_ALL=C sort | paste -sd' '
}

in_zsh() {
  # shellcheck disable=SC2016
  zsh -f -c 'compdef() { }; eval "$(thag completion zsh)"
    _describe() { shift; for f in "${(@P)1}"; do print -r -- "${f%%:*}"; done }; _files() { print FILES; }
    words=(thag "$@"); CURRENT=$#words; _thag' zsh "$@" | LC_ALL=C sort | paste -sd' '
}

test_completion_in_each_shell() {
  export_path
  local shell
  for shell in bash fish zsh; do
    command -v "$shell" >/dev/null || { echo "  no $shell here"; continue; }
    [[ $("in_$shell" st) == 'stat stop' ]] || fail "$shell st: $("in_$shell" st)"
    [[ $("in_$shell" stat --without) == '--without --without-own' ]] ||
      fail "$shell --without: $("in_$shell" stat --without)"
    [[ $("in_$shell" diff a b --sort re) == relative ]] || fail "$shell: $("in_$shell" diff a b --sort re)"
    [[ $("in_$shell" export --metric al) == 'allocated allocations' ]] || fail "$shell metric"
  done
  touch some.folded
  [[ $(in_bash stat so) == some.folded ]] || fail "files: $(in_bash stat so)"
  [[ $(in_bash diff --sort = re) == relative ]] || fail "=: $(in_bash diff --sort = re)"
  expect_status 2 thag completion tcsh
}

test_completion_knows_sessions() {
  export_path
  start_with_session
  [[ $(in_bash export '') == '1 latest' ]] || fail "$(in_bash export '')"
  thag stop >/dev/null
  [[ -z $(in_bash export '') ]] || fail "without thagd: $(in_bash export '')"
}

# options_of COMMAND: those that its help lists in its left column.
options_of() {
  thag help "$1" | grep -E '^ +-' | sed -E 's/^ *//; s/  .*//' | grep -oE -- '(^|[ ,])--?[a-z][a-z-]*' |
    tr -d ' ,' | LC_ALL=C sort -u
}

test_completion_has_every_option_of_every_command() {
  local command count=0
  for command in $(thag __complete ''); do
    thag __complete "$command" - | cut -f 1 | LC_ALL=C sort -u >found
    options_of "$command" >expected
    [[ -z $(comm -23 expected found) ]] || fail "$command: lacks $(comm -23 expected found | paste -sd' ')"
    count=$((count + $(wc -l <found)))
  done
  ((count > 100)) || fail "only $count options"
}

test_completion_offers_only_what_is_taken() {
  start_with_session
  local command option word
  for command in stat diff export; do
    for option in --sort --format --measure --metric; do
      thag __complete "$command" "$option" | grep -q . || continue
      for word in $(thag __complete "$command" "$option" ''); do
        [[ $command != diff ]] || word="$word latest"
        # shellcheck disable=SC2086 # words
        thag "$command" latest $option $word >/dev/null 2>err
        (($? != 2)) || fail "$command $option $word: $(cat err)"
      done
    done
  done
}
