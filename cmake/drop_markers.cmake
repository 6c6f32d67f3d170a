# SPDX-License-Identifier: MIT
# Drops line markers between the lines of a continued statement in FILE: flang does not take them inside parentheses.
cmake_minimum_required(VERSION 3.21)
file(READ "${FILE}" text)
set(before "")
while(NOT text STREQUAL before)
  set(before "${text}")
  string(REGEX REPLACE "&[ \t]*\n# [0-9]+ \"[^\"\n]*\"\n" "&\n" text "${text}")
endwhile()
file(WRITE "${FILE}" "${text}")
