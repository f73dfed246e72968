# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# thag --help, thag help

# fits NAME: what is in `out` fits a screen of 80 columns and 24 lines.
fits() {
  python3 - "$1" <<'PY' || fail "$1's help: $(cat out)"
import sys
lines = open("out", encoding="utf-8").read().splitlines()
assert len(lines) <= 24, f"{sys.argv[1]}: {len(lines)} lines"
for line in lines:
    assert len(line) <= 80, f"{sys.argv[1]}: {line}"
PY
}

test_help_of_everything_fits_a_screen() {
  local command
  expect_status 0 thag --help
  fits thag
  expect_status 0 "$THAG_BUILD/daemon/thagd" --help
  fits thagd
  for command in $(thag __complete ''); do
    expect_status 0 thag help "$command"
    fits "$command"
    cp out help
    [[ $command == help ]] || {
      expect_status 0 thag "$command" --help
      cmp help out || fail "$command --help says something else"
    }
    thag --help | grep -qE "(^ +|, )${command}[ ,]" || fail "$command isn't in the overview"
  done
}
