# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Which branches of the ring, and of what reads bytes from outside, the tests take; for dev, beside
# suites.sh. clang counts, in files that programs map: what is killed has counted until then.
: "${logs:?}" "${standin:?}" "${results:?}"

# coverage_of: "NAME FILE...", what is counted; files by regular expressions from the source's root.
coverage_of() {
  cat <<'END'
ring libclient/src/(room|cold)\.c libclient/include/thag/emit\.h core/thag_(ring|stream|thread|tasks)\.c
recordings core/recording/[^/]*_(block|index|journal|pack|reader|remains|resume|tables?)\.c core/thag_(chunk_decode|chunk_tree_store|profile_store|slices_store|openings)\.c
folded core/thag_(folded_read|folded_pair|framing)\.c
imports core/import/.*\.c
symbols core/symbols/.*\.c
control daemon/(handshake|hello|control|sites|request)\.c
web daemon/(gate|http|routes|ws|ws_asks|ws_charts|ws_record|upload)\.c
sources tools/instrument/(scan|marks|remove|place|edits)\.c
END
}

# What steps through itself takes for ever there, and counts nothing more.
coverage_not=(step heap_step)

# A build that counts.
build_coverage() {
  local counts="-fprofile-instr-generate=$PWD/build-coverage/counts/%m%c.profraw -fcoverage-mapping"
  counts+=' -mllvm -runtime-counter-relocation -Wno-unused-command-line-argument'
  mkdir -p build-coverage/counts
  CC=clang CXX=clang++ try_build build-coverage -Doptimization=0 -Db_lundef=false -Dtests=enabled \
    "$standin $counts" "-Dcpp_args=$counts" "-D"{c,cpp}"_link_args=-fprofile-instr-generate"
  rm -f default.profraw # of what meson tries out
}

# coverage_table: "FILE BRANCHES MISSED", of what was compiled to count.
coverage_table() {
  local objects
  llvm-profdata merge -o build-coverage/counts.profdata build-coverage/counts || return
  mapfile -t objects < <(find build-coverage -type f -perm -u+x -exec grep -l __llvm_covmap {} + |
    sed '2,$s/^/-object=/')
  llvm-cov report --show-branch-summary --instr-profile=build-coverage/counts.profdata \
    "${objects[@]}" 2>"$logs/llvm-cov" |
    awk 'NF > 9 && $1 ~ /\./ { print $1, $(NF - 2), $(NF - 1) }'
}

# coverage_report: a line for each of what is counted, and its files.
coverage_report() {
  local name files
  coverage_table >"$logs/branches" || return
  while read -r name files; do
    awk -v name="$name" -v files="^(${files// /|})\$" '
      function taken(of, missed) { return sprintf("%5.1f%%", of ? 100 * (of - missed) / of : 100) }
      $1 ~ files { of += $2; missed += $3; lines = lines "  " taken($2, $3) sprintf(" of %4d  %s\n", $2, $1) }
      END { printf "%s: %s of %d branches taken\n%s", name, taken(of, missed), of, lines }' "$logs/branches"
  done < <(coverage_of)
}

# cmd_coverage [SUITE]...
cmd_coverage() {
  local suite unit
  (($# > 0)) || set -- daemon recording modes cli symbols tasks timeline instrument reliability web
  ensure_test_tools
  build_coverage || return
  rm -f build-coverage/counts/*
  begin_results
  mapfile -t unit < <(unit_tests build-coverage "${coverage_not[@]}")
  meson_tests unit build-coverage --no-rebuild "${unit[@]}"
  for suite in "$@"; do
    THAG_BUILD=$PWD/build-coverage run_logged "$suite" "tests/$suite/run.sh"
  done
  finish_results >&2 || say "what failed there has counted what it did until then"
  coverage_report | tee "$logs/coverage"
}
