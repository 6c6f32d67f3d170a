// SPDX-License-Identifier: MIT
// Forms come from what the archive says of each value; dynamic sizes have the ranges of their symbols.

#include "model/exported/forms.h"

#include <limits>

#include "core/error.h"
#include "model/exported/extents.h"

namespace ftorch::exported {
namespace {

using Kind = Argument::Kind;

at::ScalarType dtype_of_number(const Graph& graph, const Argument& value) {
  switch (value.kind) {
    case Kind::truth:
    case Kind::condition: return at::kBool;
    case Kind::integer: return at::kLong;
    case Kind::number: return graph.numbers.count(value.text) > 0 ? at::kLong : at::kDouble;
    case Kind::real: return at::kDouble;
    case Kind::complex: return at::kComplexDouble;
    default: break;
  }
  fail(ft_model_error, "the archive does not say what it is");
}

SizeRange range_of(Symbols& symbols, const Size& size) {
  const Range range = symbols.range(symbols.extent(size, {}));
  return {range.least.value_or(0), range.most.value_or(std::numeric_limits<std::int64_t>::max())};
}

}  // namespace

std::vector<Form> forms_of(const Program& program, const std::vector<Argument>& values) {
  Symbols symbols(program);
  std::vector<Form> forms;
  for (const Argument& value : values) {
    Form& form = forms.emplace_back();
    const auto found = program.graph.tensors.find(value.text);
    if (value.kind != Kind::tensor || found == program.graph.tensors.end()) {
      form.dtype = dtype_of_number(program.graph, value);
      continue;
    }
    form.dtype = found->second.dtype;
    for (const Size& size : found->second.sizes) form.sizes.push_back(range_of(symbols, size));
  }
  return forms;
}

}  // namespace ftorch::exported
