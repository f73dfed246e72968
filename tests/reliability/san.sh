#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The reliability suite with sanitized builds of everything: fewer kills, and no limits, which
# the sanitizers themselves don't survive.
cd "$(dirname "$0")" || exit 1
export KILLS=${KILLS:-50} DAEMON_KILLS=${DAEMON_KILLS:-10} WORDS=100 NO_LIMITS=1
# TSan's runtime knows nothing of some ways to end and of memory that is spoiled on purpose, and under
# it most else takes ten times as long.
groups=(death ring process clock files limits web)
[[ -z ${TSAN_OPTIONS:-} ]] || groups=(death process)
exec ./run.sh "${groups[@]}"
