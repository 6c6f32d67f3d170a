// SPDX-License-Identifier: MIT
// Graphs in JSON.
#pragma once

#include "model/exported/json.h"
#include "model/exported/schema.h"

namespace ftorch::exported {

Graph read_graph(const Json& json);
Argument read_argument(const Json& json);
TensorForm read_form(const Json& json);

}  // namespace ftorch::exported
