#!/bin/bash
# Makes an OCI image layout of folders, one layer each, with tar, gzip and
# sha256sum only: layout.sh OUT NAME FOLDER [FOLDER ...]
set -euo pipefail
out=$1 name=$2; shift 2
blobs=$out/blobs/sha256
mkdir -p "$blobs"

# blob FILE: moves it to its place and prints its digest and size.
blob() {
  local sum size
  sum=$(sha256sum "$1" | cut -d' ' -f1) size=$(stat -c %s "$1")
  mv "$1" "$blobs/$sum"
  echo "$sum $size"
}
t=$(mktemp -d); trap 'rm -rf "$t"' EXIT
layers='' diffs='' history=''
for folder; do
  tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$t/layer.tar" .
  diff=$(sha256sum "$t/layer.tar" | cut -d' ' -f1)
  gzip -n "$t/layer.tar"
  read -r sum size < <(blob "$t/layer.tar.gz")
  layers+="${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:$sum\",\"size\":$size}"
  diffs+="${diffs:+,}\"sha256:$diff\""
  history+="${history:+,}{\"created_by\":\"COPY ${folder##*/} /\"}"
done
arch=amd64; [ "$(uname -m)" = aarch64 ] && arch=arm64
echo "{\"architecture\":\"$arch\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[$diffs]},\"history\":[$history]}" >"$t/config"
read -r sum size < <(blob "$t/config")
echo "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\",\"digest\":\"sha256:$sum\",\"size\":$size},\"layers\":[$layers]}" >"$t/manifest"
read -r sum size < <(blob "$t/manifest")
echo "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:$sum\",\"size\":$size,\"annotations\":{\"org.opencontainers.image.ref.name\":\"$name\"}}]}" >"$out/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$out/oci-layout"
