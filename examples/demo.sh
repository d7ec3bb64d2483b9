#!/bin/bash
# Scans an image and shows the report, in the best of three ways that this
# machine allows, and says which it took:
#   1. a public image, with advisories straight from their publishers;
#   2. an image made of Debian packages, without a container engine, with
#      advisories from a mirror ($ASSAY_MIRROR, else ../shared/feeds);
#   3. the small image and the made-up advisories that lie beside this script.
# DEMO_WAY=2 or 3 begins there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
assay=${ASSAY:-$here/../bin/assay}
public=registry:docker.io/library/debian:11-slim
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
way=${DEMO_WAY:-1}

say() { printf '\n>>> %s\n' "$*"; }
why() { sed -n '1,3p' "$work/err" | cut -c1-160 | sed 's/^/    /'; }

# scan REFERENCE [FLAG ...]: shows the report when there is one.
scan() {
  "$assay" image --ignore-unfixed --show-layers "$@" >"$work/report" 2>"$work/err" || return 1
  cat "$work/report"
}

if [ "$way" -le 1 ]; then
  if env -u ASSAY_MIRROR "$assay" image --timeout 10m --ignore-unfixed --show-layers "$public" >"$work/report" 2>"$work/err"; then
    cat "$work/report"
    say "way 1 of 3: a public image ($public), advisories straight from their publishers"
    exit 0
  fi
  say "way 1, a public image with advisories from their publishers, is not possible here:"
  why
fi

mirror=${ASSAY_MIRROR:-}
[ -n "$mirror" ] || { [ -d "$here/../../shared/feeds" ] && mirror=$(cd "$here/../../shared/feeds" && pwd); }
if [ "$way" -le 2 ] && [ -n "$mirror" ]; then
  if command -v apt-get >/dev/null && "$here/debian-image.sh" "$work/image" >"$work/err" 2>&1 \
      && ASSAY_MIRROR=$mirror scan --cache-dir "$work/cache" --input "$work/image"; then
    say "way 2 of 3: an image made of Debian packages, advisories from the mirror $mirror"
    exit 0
  fi
  say "way 2, an image of Debian packages with advisories from a mirror, is not possible here:"
  why
fi

"$here/layout.sh" "$work/example" "demo" "$here/image"
ASSAY_MIRROR=$here/advisories scan --cache-dir "$work/cache" --input "$work/example"
say "way 3 of 3: the small image and the made-up advisories in examples/"
