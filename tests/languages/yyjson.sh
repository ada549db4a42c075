#!/bin/bash
# yyjson.sh FOLDER: the two files of yyjson, which the C rules read JSON with.
#
# The tests build them where its repository cannot be reached, while PyPI can: the sources of the Python binding carry
# both files. Use the folder with `make YYJSON=$FOLDER`.
set -euo pipefail

BINDING=4.0.6 # carries yyjson 0.10.0

[ $# = 1 ] || { echo "usage: yyjson.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$scratch" "yyjson==$BINDING"
tar -xzf "$scratch/yyjson-$BINDING.tar.gz" -C "$scratch"
cp "$scratch/yyjson-$BINDING/yyjson/"yyjson.[ch] "$1"
