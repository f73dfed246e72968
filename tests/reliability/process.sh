# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck disable=SC2154 # what lib.sh sets
# What programs do with processes, threads, signals and limits.

ok 'start' start_thagd
ok '18 recursion a million deep' scene recursion
ok '19 threads born and gone' scene short-threads
for name in fork fork-threads fork-raw exec spawn; do
  ok "21 processes: $name" scene "$name"
done
ok '22 every descriptor closed' scene close-all
ok '25 a library loaded again' scene reload
for name in exceptions cancel; do
  ok "26 frames left: $name" scene "$name"
done
for name in small-stack small-stack-jump; do
  ok "27 signals: $name" scene "$name"
done
if ! sanitized; then
  ok '24 limits: limit-as' scene limit-as
  for name in limit-fsize limit-nofile limit-as-tight; do
    ok "24 limits: $name" scene_unprofiled "$name"
  done
fi
