#!/bin/bash
# Installs the programs that tests start or compare with. On a machine that is
# not Debian, or without root, it says what is missing; those tests are skipped.
set -euo pipefail
declare -A package=(
  [docker-registry]=docker-registry [dockerd]=docker.io [podman]=podman [containerd]=containerd [runc]=runc
  [newuidmap]=uidmap [rpm]=rpm [dpkg]=dpkg [mmdebstrap]=mmdebstrap [pigz]=pigz [zstd]=zstd [python3]=python3
  [php]=php-cli [ruby]=ruby [mvn]=maven [javac]=default-jdk-headless
  [skopeo]=skopeo [umoci]=umoci
  [git]=git [xmllint]=libxml2-utils [sqlite3]=sqlite3 [mke2fs]=e2fsprogs [mkfs.xfs]=xfsprogs [sfdisk]=fdisk [qemu-img]=qemu-utils
)
missing=()
for program in "${!package[@]}"; do
  command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing+=("${package[$program]}")
done
# The libraries of package managers, with which tests compare versions and ranges.
declare -A library=(
  [/usr/share/php/Composer/Semver]=php-composer-semver [/usr/lib/python3/dist-packages/packaging]=python3-packaging
  [/usr/share/nodejs/semver]=node-semver
)
for directory in "${!library[@]}"; do
  [ -d "$directory" ] || missing+=("${library[$directory]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  echo "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "${missing[@]}" >/dev/null
else
  echo "not installed, so some tests will be skipped: ${missing[*]}"
fi
