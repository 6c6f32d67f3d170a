// SPDX-License-Identifier: MIT
// One file given to the loader of models.
#pragma once

#include <string_view>

/// Loads a model from a file of these bytes; whether it is one or is refused, the process must stay sound.
void load_model(std::string_view bytes);
