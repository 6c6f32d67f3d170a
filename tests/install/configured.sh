#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: configured.sh <cmake> <python> <FTorch> <folder to build in> <argument of cmake>...
# Configures FTorch with Fypp as a module of Python alone and nothing built but benchmarks, whose test must exist; then
# again with a LibTorch_ROOT that holds nothing, which must not be hidden by what the first configuration found.
set -eu
cmake=$1 python=$2 source=$3 folder=$4
shift 4
if [ -x /usr/bin/fypp ] || [ -x /bin/fypp ]; then
  echo "SKIP: the system has the command fypp"
  exit 77
fi
rm -rf "$folder"
mkdir -p "$folder/bin"
# A Python without the command fypp beside it.
printf '#!/bin/sh\nexec %s "$@"\n' "$python" >"$folder/bin/python3"
chmod +x "$folder/bin/python3"
configure() {
  PATH=/usr/bin:/bin "$cmake" -S "$source" -B "$folder/build" -DPython3_EXECUTABLE="$folder/bin/python3" "$@"
}
configure -DFTORCH_BUILD_TESTS=OFF -DFTORCH_BUILD_EXAMPLES=OFF -DFTORCH_BUILD_BENCHMARKS=ON "$@" >/dev/null
grep -q '^FTORCH_FYPP_EXECUTABLE:.*NOTFOUND' "$folder/build/CMakeCache.txt"
"$(dirname "$cmake")/ctest" --test-dir "$folder/build" -N -R '^benchmark.memory$' | grep 'Total Tests: 1'
if configure -DLibTorch_ROOT=/no/libtorch "$@" 2>"$folder/error"; then
  echo "a LibTorch_ROOT that holds nothing was accepted"
  exit 1
fi
grep 'LibTorch_ROOT: /no/libtorch' "$folder/error"
