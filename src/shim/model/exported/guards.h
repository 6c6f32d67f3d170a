// SPDX-License-Identifier: MIT
// Conditions on the sizes of inputs that were assumed when a program was made.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "model/exported/extents.h"
#include "model/exported/schema.h"

namespace ftorch::exported {

class Guards {
 public:
  Guards() = default;
  /// `names` are those of the inputs of the user, `places` what Python calls them in a guard.
  Guards(const Program& program, const std::vector<std::string>& names, const std::vector<std::string>& places);

  /// Fails unless all hold.
  void check(at::TensorList given) const;

 private:
  /// What a guard reads of an input.
  struct Source {
    enum class Kind { size, stride, offset, number };
    std::size_t input;
    Kind kind;
    std::int64_t dimension;
    std::string text;
  };
  struct Guard {
    Expression expression;
    std::string text;
  };

  std::optional<std::uint32_t> source(std::string_view text, const std::vector<std::string>& names,
                                      const std::vector<std::string>& places);
  static Number read(const Source& source, const at::Tensor& tensor);
  [[noreturn]] void fail_guard(const Guard& guard, const Variables& values) const;

  std::vector<Source> sources_;
  std::vector<Guard> guards_;
};

}  // namespace ftorch::exported
