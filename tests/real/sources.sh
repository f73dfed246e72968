# shellcheck shell=bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Debian source packages by an apt of the test's own: its lists, its cache, its configuration, all
# below $real. The mirror, its keys and the proxy are the machine's; nothing of the machine's
# changes, and no root is needed. Signatures are checked as ever.
: "${real:?where everything is kept}"

# The machine's lists for this release of Debian, in both formats, as lists of sources.
own_lists() {
  local release file
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [[ ! -r $file ]] || awk -v release="$release" '
      /^deb(-src)?[ \t]/ && $0 ~ " (" release "|stable)[-/ a-z]* main" && !/ (cdrom|copy|file):/ {
        sub(/^deb(-src)?/, "deb-src"); print
      }' "$file" | sort -u >"$real/apt/lists/$(basename "$file" .list).list"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [[ ! -r $file ]] || awk -v release="$release" '
      BEGIN { RS = ""; FS = "\n" }
      $0 ~ "(^|\n)Suites:[^\n]* (" release "|stable)" && /(^|\n)Components:[^\n]* main/ &&
          !/(^|\n)Enabled: *no/ {
        sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb-src"); print $0 "\n"
      }' "$file" >"$real/apt/lists/$(basename "$file")"
  done
}

# What the machine does after an update (clean its caches) is not for this one.
own_configuration() {
  cat <<END
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$real/apt/lists";
Dir::State "$real/apt/state";
Dir::Cache "$real/apt/cache";
Acquire::Languages "none";
Acquire::Retries "2";
END
}

own_apt() { apt-get -c "$real/apt/apt.conf" -q "$@"; }

update_own_lists() {
  rm -rf "$real/apt"
  mkdir -p "$real/apt/lists" "$real/apt/state/lists/partial" "$real/apt/cache/archives/partial"
  own_configuration >"$real/apt/apt.conf"
  own_lists
  grep -rqs deb-src "$real/apt/lists" || {
    echo "the machine's apt sources name no mirror of this Debian"
    return 1
  }
  own_apt update && touch "$real/apt/updated"
}

download() {
  rm -rf "$real/source/$1"
  mkdir -p "$real/source/$1"
  (cd "$real/source/$1" && own_apt source --only-source "$1")
}

# fetch PACKAGE: unpacked into $real/source/PACKAGE, patches applied; kept for later runs. The
# lists are kept, too: what they name may be gone, and then they are fetched anew.
fetch() {
  local stamp=$real/source/$1/.fetched
  [[ ! -e $stamp ]] || return 0
  command -v dpkg-source >/dev/null || {
    echo "dpkg-source is missing (package dpkg-dev)"
    return 1
  }
  if [[ ! -e $real/apt/updated ]] || ! download "$1"; then
    if ! update_own_lists || ! download "$1"; then
      echo "no sources of $1: is the mirror that apt uses to be reached?"
      return 1
    fi
  fi
  touch "$stamp"
}

# unpacked PACKAGE: the one directory of its sources.
unpacked() {
  find "$real/source/$1" -mindepth 1 -maxdepth 1 -type d | grep . | head -n 1
}

# version_of PACKAGE: as Debian counts.
version_of() { sed -n 's/^Version: //p' "$real/source/$1"/*.dsc | head -n 1; }
