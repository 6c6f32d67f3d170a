#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command that sees just the GPUs that ctest has given it, numbered from 0, in ctest's variables too.
group=0
next=0
mask=
set -f
while [ "$group" -lt "${CTEST_RESOURCE_GROUP_COUNT:-0}" ]; do
  eval "given=\${CTEST_RESOURCE_GROUP_${group}_GPUS-}"
  renumbered=
  IFS=';'
  for allocation in $given; do
    number=${allocation#id:}
    number=${number%%,*}
    eval "mask=\${mask:+\$mask,}\$FTORCH_TEST_GPU_$number"
    renumbered="${renumbered:+$renumbered;}id:$next,${allocation#*,}"
    next=$((next + 1))
  done
  unset IFS
  [ -z "$given" ] || export "CTEST_RESOURCE_GROUP_${group}_GPUS=$renumbered"
  group=$((group + 1))
done
export "$FTORCH_TEST_GPU_VARIABLE=$mask"
exec "$@"
