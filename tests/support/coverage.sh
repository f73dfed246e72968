# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Which branches of the ring and of what reads bytes from outside the tests take; for dev, beside
# suites.sh. Counted by gcc and gcovr, on a build that isn't optimised.
: "${logs:?}"
coverage_packages=(gcovr)

# What is counted: "NAME FILE...", files by regular expressions from the source's root.
coverage_of() {
  cat <<'END'
ring libclient/src/(room|cold)\.c libclient/include/thag/emit\.h core/thag_(ring|stream|thread|tasks)\.c
recordings core/thag_(chunk_decode|chunk_tree_store|profile_store|slices_store|openings)\.c core/recording/.*_(block|index|journal|pack|reader|remains|resume|table|tables)\.c
folded core/thag_(folded_read|folded_pair|framing)\.c
imports core/import/.*\.c
symbols core/symbols/thag_(dwarf|dwarf_units|object|symbol_table|demangle)\.c
control daemon/(handshake|hello|control|sites|request)\.c
web daemon/(gate|http|routes|ws|ws_asks|ws_charts|ws_record|upload)\.c
sources tools/instrument/(scan|marks|remove|place|edits)\.c
END
}

# cmd_coverage [SUITE]...: a line for each of these, branches taken and all; files below it.
cmd_coverage() {
  local suite name files args=()
  (($# > 0)) || set -- daemon recording cli instrument reliability
  ensure_test_tools
  ensure_packages "${coverage_packages[@]}"
  # what a test kills has counted nothing: more is taken than is shown
  try_build build-coverage -Db_coverage=true -Doptimization=0 \
    "${standin/Dc_args=/Dc_args=-include $PWD/tests/support/coverage.h -fprofile-update=atomic }" || return 0
  find build-coverage -name '*.gcda' -delete
  begin_results
  meson_tests unit build-coverage --no-rebuild
  for suite in "$@"; do
    THAG_BUILD=$PWD/build-coverage run_logged "$suite" "tests/$suite/run.sh"
  done
  finish_results >&2 || true
  while read -r name files; do
    read -ra args <<<"$files"
    echo
    echo "$name:"
    gcovr --root . --object-directory build-coverage --branches \
      "${args[@]/#/--filter=}" build-coverage | grep -vE '^-+$|^ *GCC|^Directory|^$'
  done < <(coverage_of) | tee "$logs/coverage"
}
