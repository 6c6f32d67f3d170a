#!/bin/sh
# SPDX-License-Identifier: MIT
# Usage: flags.sh <prefix> <folder of the README's program> <folder to build in> <Fortran compiler> <cmake>
#                 pkg-config|ftorch-config [option]
# Compiles and links the README's program with what pkg-config or ftorch-config says, and checks what it prints.
set -eu
prefix=$1 readme=$2 folder=$3 compiler=$4 cmake=$5 tool=$6
shift 6
case $tool in
  pkg-config)
    command -v pkg-config >/dev/null || { echo "SKIP: pkg-config is not installed"; exit 77; }
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name ftorch.pc)")
    export PKG_CONFIG_PATH
    compile=$(pkg-config "$@" --cflags ftorch)
    link=$(pkg-config "$@" --libs ftorch)
    ;;
  ftorch-config)
    compile=$("$prefix/bin/ftorch-config" "$@" --fflags --warnings)
    case $("$compiler" --version) in
      GNU*) [ "$compile" != "${compile% -Warray-temporaries}" ] ;;
      *) [ "$compile" = "$("$prefix/bin/ftorch-config" "$@" --fflags)" ] ;;
    esac
    link=$("$prefix/bin/ftorch-config" "$@" --libs)
    ;;
esac
unset LD_LIBRARY_PATH
mkdir -p "$folder"
# shellcheck disable=SC2086 # the flags are words
(cd "$folder" && "$compiler" $compile "$readme/readme.f90" -o readme $link)
"$cmake" -D PROGRAM="$folder/readme" -P "$readme/check_readme.cmake"
