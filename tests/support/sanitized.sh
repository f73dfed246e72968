# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# For suites that run with sanitizers, too.

# Whether the build that is tested has one in it. A sanitizer has a malloc of its own, so no program's
# memory is recorded then; and it keeps what is freed for a while, so only what leaks for good is seen.
sanitized() { grep -qaE '__(asan|tsan)_init' "${build:-$THAG_BUILD}/daemon/thagd"; }
