#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: pkg_config.sh <prefix> <folder for the program> <Fortran compiler> [option of pkg-config]
# Compiles and runs total.f90 with what the installed ftorch.pc says.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
prefix=$1 folder=$2 compiler=$3
shift 3

command -v pkg-config >/dev/null || { echo "SKIP: pkg-config is not installed"; exit 77; }
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ftorch.pc)")
export PKG_CONFIG_PATH
mkdir -p "$folder"
cd "$folder"
# shellcheck disable=SC2046 # the flags are words
"$compiler" $(pkg-config "$@" --cflags ftorch) "$here/total.f90" -o total $(pkg-config "$@" --libs ftorch)
./total
