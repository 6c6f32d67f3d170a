#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: oldest_cmake.sh <python> <folder> <release> <command>...
# Puts that release of CMake into the folder, once, and runs the command.
set -eu
python=$1 folder=$2 release=$3
shift 3
if [ ! -x "$folder/bin/cmake" ]; then
  rm -rf "$folder"
  "$python" -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check "cmake==$release.*" ||
    { rm -rf "$folder"; echo "SKIP: pip cannot install cmake $release"; exit 77; }
fi
"$folder/bin/cmake" --version | grep "cmake version $release"
exec "$@"
