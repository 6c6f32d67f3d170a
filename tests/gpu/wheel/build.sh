#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Usage: build.sh <source> <work folder> <Fortran compiler> <ON for a shared library, OFF for a static one>
#
# Builds and installs FTorch with a CUDA build of PyTorch and no CUDA toolkit, and runs a program of a user on it.
# FTORCH_TEST_CUDA_PYTHON names the Python that has this PyTorch.
set -euo pipefail
source=$1 work=$2 compiler=$3 shared=$4
python=${FTORCH_TEST_CUDA_PYTHON-}
if [[ -z $python ]]; then
  echo "SKIP: FTORCH_TEST_CUDA_PYTHON names no Python that has a CUDA build of PyTorch"
  exit 77
fi
packages=$("$python" -c 'import os; from importlib.util import find_spec; print(os.path.dirname(find_spec("torch").submodule_search_locations[0]))')
[[ -f $packages/torch/lib/libtorch_cuda.so ]] || { echo "the PyTorch of $python is no CUDA build"; exit 1; }

# No toolkit: neither its variables nor its compiler.
unset CUDA_HOME CUDA_PATH CUDACXX CUDAToolkit_ROOT
folders=()
IFS=: read -ra all <<<"$PATH"
for folder in "${all[@]}"; do
  [[ -e $folder/nvcc ]] || folders+=("$folder")
done
cmake=$(command -v cmake)
fypp=$(command -v fypp)
json=$("$(dirname "$fypp")/python" -c 'import nlohmann_json; print(nlohmann_json.__path__[0])')/include
ninja=$(command -v ninja || true)
PATH=$(IFS=:; echo "${folders[*]}")
generator=${ninja:+-GNinja -DCMAKE_MAKE_PROGRAM=$ninja}

rm -rf "$work/prefix" "$work/user"
# shellcheck disable=SC2086 # two options
"$cmake" -S "$source" -B "$work/build" $generator -DCMAKE_BUILD_TYPE=Release -DCMAKE_Fortran_COMPILER="$compiler" \
  -DBUILD_SHARED_LIBS="$shared" -DFTORCH_MAX_RANK=1 -DFTORCH_BUILD_TESTS=OFF -DFTORCH_BUILD_EXAMPLES=OFF \
  -DPython3_EXECUTABLE="$python" -DLibTorch_ROOT="$packages/torch" -DFTORCH_FYPP_EXECUTABLE="$fypp" -DFTORCH_JSON_INCLUDE_DIR="$json" \
  -DCMAKE_INSTALL_PREFIX="$work/prefix"
"$cmake" --build "$work/build"
"$cmake" --install "$work/build" >/dev/null
# shellcheck disable=SC2086
"$cmake" -S "$source/tests/gpu/wheel" -B "$work/user" $generator -DCMAKE_Fortran_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix"
"$cmake" --build "$work/user"

needed=$(ldd "$work/user/ask")
grep -q "libtorch_cuda.so => .*torch/lib" <<<"$needed" || { echo "the program does not load CUDA"; exit 1; }
# Every library of CUDA is the one that came with PyTorch.
while read -r name _ path _; do
  [[ $path != not && $(realpath "$path") == "$(realpath "$packages")"/* ]] || { echo "$name is from $path"; exit 1; }
done < <(grep -E '^\s*lib(cu|nv)' <<<"$needed")
"$work/user/ask"
