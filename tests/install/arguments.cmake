# SPDX-License-Identifier: MIT
# Sets `arguments` to what follows -- on the command line of a script.
set(arguments)
set(number 0)
while(number LESS CMAKE_ARGC AND NOT CMAKE_ARGV${number} STREQUAL "--")
  math(EXPR number "${number} + 1")
endwhile()
math(EXPR number "${number} + 1")
while(number LESS CMAKE_ARGC)
  list(APPEND arguments ${CMAKE_ARGV${number}})
  math(EXPR number "${number} + 1")
endwhile()
