#!/bin/bash
# goproxy.sh FOLDER: a Go module proxy in a folder, with the one module that bindings for Go need.
#
# The tests build the Go rules where no module proxy can be reached, while cargo's registry can: the generator's own crate
# carries the module that the code it generates asks for. Use the folder with
#
#     GOPROXY=file://$FOLDER GOSUMDB=off GOTOOLCHAIN=local
set -euo pipefail

GENERATOR=0.61.1 # of wit-bindgen-go; its generated go.mod asks for MODULE at VERSION
MODULE=go.bytecodealliance.org/pkg
VERSION=v0.2.3

[ $# = 1 ] || { echo "usage: goproxy.sh FOLDER" >&2; exit 2; }
mkdir -p "$1/$MODULE/@v"
versions=$(cd "$1/$MODULE/@v" && pwd)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A package that depends on the crate is all that cargo needs to fetch it and to say where it lies.
mkdir "$scratch/src"
touch "$scratch/src/lib.rs"
cat >"$scratch/Cargo.toml" <<EOF
[package]
name = "goproxy"
edition = "2021"

[dependencies]
wit-bindgen-go = "=$GENERATOR"

[workspace]
EOF
manifest=$(cargo metadata --quiet --format-version 1 --manifest-path "$scratch/Cargo.toml" | python3 -c '
import json, sys
packages = json.load(sys.stdin)["packages"]
print(next(it["manifest_path"] for it in packages if it["name"] == "wit-bindgen-go"))')
crate=$(dirname "$manifest")
grep -rqF "\"$VERSION\"" "$crate/src" --include=*.rs ||
  { echo "wit-bindgen-go $GENERATOR does not ask for $VERSION of $MODULE" >&2; exit 1; }

# The layout of a proxy (https://go.dev/ref/mod#goproxy-protocol), and of a module's archive, which holds files alone.
python3 - "$crate/src/pkg" "$MODULE@$VERSION" "$versions/$VERSION.zip" <<'EOF'
import pathlib, sys, zipfile
source, root, archive = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            out.write(path, f"{root}/{path.relative_to(source)}")
EOF
cp "$crate/src/pkg/go.mod" "$versions/$VERSION.mod"
echo "{\"Version\":\"$VERSION\"}" >"$versions/$VERSION.info"
echo "$VERSION" >"$versions/list"
