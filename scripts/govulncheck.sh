#!/bin/bash
# Looks for known vulnerabilities in what assay itself is built of. Without a
# network it asks the copy of the Go vulnerability database beside the
# repository, where there is one: govulncheck.sh TOOL@VERSION SHARED
set -euo pipefail
tool=$1 zip=$2/feeds/vuln.go.dev/vulndb.zip
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
if go run "$tool" ./... 2>"$dir/errors"; then exit 0; fi
if ! grep -q 'fetching vulnerabilities' "$dir/errors"; then
  cat "$dir/errors" >&2
  exit 1
fi
if [ ! -f "$zip" ]; then
  echo "govulncheck: vuln.go.dev is not reached and there is no copy of it: not checked"
  exit 0
fi
python3 - "$zip" "$dir" <<'PY'
# The copy may lack the index that the tool reads first:
# https://go.dev/security/vuln/database#api
import json, os, sys, zipfile
source, out = sys.argv[1:]
os.makedirs(out + "/ID"); os.makedirs(out + "/index")
modules, newest = {}, ""
with zipfile.ZipFile(source) as z:
    for name in z.namelist():
        if not name.startswith("ID/GO-"):
            continue
        raw = z.read(name)
        open(os.path.join(out, "ID", os.path.basename(name)), "wb").write(raw)
        entry = json.loads(raw)
        newest = max(newest, entry["modified"])
        for path in {a["package"]["name"] for a in entry.get("affected", [])}:
            modules.setdefault(path, []).append({"id": entry["id"], "modified": entry["modified"]})
json.dump({"modified": newest}, open(out + "/index/db.json", "w"))
json.dump([{"path": p, "vulns": v} for p, v in sorted(modules.items())], open(out + "/index/modules.json", "w"))
PY
echo "govulncheck: with the copy of the database in $zip"
go run "$tool" -db "file://$dir" ./...
