#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs one process of an MPI program, and writes below the folder that comes first with what status it ended.
folder=$1
shift
"$@"
status=$?
echo $status > "$folder/$(uname -n)-$$.status"
exit $status
