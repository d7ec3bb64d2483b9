#!/bin/bash
# Makes an image of a few packages of Debian 11 as an OCI layout, with apt and
# dpkg-deb but without a container engine, and without root: debian-image.sh OUT
set -euo pipefail
out=$1 suite=bullseye
packages=(base-files bash openssl libssl1.1 zlib1g libexpat1 curl libcurl4 git perl-base tar gzip)
mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -v security | head -n 1)}
[ -n "$mirror" ] || { echo "no Debian mirror: set DEBIAN_MIRROR"; exit 1; }
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
mkdir -p "$t"/{lists/partial,cache/archives/partial,etc,debs,root/var/lib/dpkg/status.d,root/etc}
echo "deb $mirror $suite main" >"$t/etc/sources.list"
apt=(-qq -o Dir::Etc::sourcelist="$t/etc/sources.list" -o Dir::Etc::sourceparts=/nonexistent -o Dir::State::lists="$t/lists"
  -o Dir::Cache="$t/cache" -o Dir::State::status="$t/etc/status" -o APT::Sandbox::User="$(id -un)" -o Acquire::Check-Valid-Until=false)
: >"$t/etc/status"
apt-get "${apt[@]}" update
(cd "$t/debs" && apt-get "${apt[@]}" download "${packages[@]}")
for deb in "$t"/debs/*.deb; do
  name=$(dpkg-deb -f "$deb" Package)
  dpkg-deb -f "$deb" >"$t/root/var/lib/dpkg/status.d/$name"
  dpkg-deb -x "$deb" "$t/root"
done
mv "$t/root" "$t/debian-packages"
"$(dirname "$0")/layout.sh" "$out" debian-demo "$t/debian-packages"
