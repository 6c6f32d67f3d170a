// SPDX-License-Identifier: MIT
// A file in memory, loaded through the C interface.

#include "load.h"

#include <ftorch.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

void load_model(std::string_view bytes) {
  const int file = memfd_create("model", 0);
  if (file < 0 || write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  ft_options options{};
  options.requires_grad = -1;
  ft_handle model = 0;
  for (const int is_training : {0, 1}) {
    if (ft_model_load(("/proc/self/fd/" + std::to_string(file)).c_str(), &options, is_training, &model) == 0)
      ft_release(model);
  }
  close(file);
}
