#!/bin/bash
# Builds test images with the shared script: images.sh SHARED OUT [NAMES]
set -euo pipefail
shared=$1 out=$2 names=${3:-}
if [ ! -x "$shared/images/build-images.sh" ] && [ ! -f "$shared/images/build-images.sh" ]; then
  echo "no $shared/images/build-images.sh: tests on real images will be skipped"
  exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "test images are built on Debian, as root: tests on them will be skipped"
  exit 0
fi
mkdir -p "$out"
# The hostile archive that unpacks to 10 GiB is as hostile with 4.
BOMB_GIB=${BOMB_GIB:-4} bash "$shared/images/build-images.sh" --out "$out" ${names:+--only "$names"}
