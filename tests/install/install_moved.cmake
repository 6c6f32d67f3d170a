# SPDX-License-Identifier: MIT
# Installs BUILD and moves the result to PREFIX, so that whatever uses it shows that it can be moved.
cmake_minimum_required(VERSION 3.21)
file(REMOVE_RECURSE ${PREFIX} ${PREFIX}.installed)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${PREFIX}.installed --config ${CONFIG}
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${PREFIX}.installed ${PREFIX})
