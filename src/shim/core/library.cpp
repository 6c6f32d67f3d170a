// SPDX-License-Identifier: MIT
// The entry that loads libraries of extensions.

#include <dlfcn.h>

#include <string>

#include "core/error.h"
#include "core/guard.h"
#include "core/text.h"

using namespace ftorch;

int ft_load_library(const char* filename) {
  return guard(ft_io_error, [&] {
    const std::string subject = std::string("library '") + required(filename, "filename") + "'";
    const Context context(subject.c_str());
    // The loader takes it for the program itself.
    if (!*filename) fail(ft_invalid_argument, "the name is empty");
    // It stays: operators that it registers are called until the end of the process.
    if (dlopen(filename, RTLD_NOW | RTLD_GLOBAL)) return;
    const char* const reason = dlerror();
    fail(ft_io_error, reason ? reason : "it cannot be loaded");
  });
}
