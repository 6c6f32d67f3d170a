// SPDX-License-Identifier: MIT
// What a run needs to go on: states by name, and the random generators.
#pragma once

#include <memory>
#include <string>

#include "core/handle.h"
#include "files/safetensors.h"
#include "tensor/state_dict.h"

namespace ftorch {

class Checkpoint {
 public:
  /// Keeps a copy of a state of a kind, in place of what has the name, and the states of the random generators.
  void put(const std::string& name, const std::string& kind, const StateDict& state);
  /// The state of a kind under a name. In a file that no checkpoint wrote, each tensor and text is one, and what begins with
  /// "name." is a state of any kind.
  StateDict get(const std::string& name, const std::string& kind) const;

  /// What a file holds of it; tensors are shared.
  SafeTensors content() const;
  explicit Checkpoint(SafeTensors content);
  Checkpoint() = default;

  void save(const std::string& filename) const;
  /// Sets the random generators too, once nothing can fail any more.
  static Checkpoint load(const std::string& filename);

 private:
  struct Entry {
    std::string kind;
    StateDict state;
  };

  /// Where the part of a name before a dot leads; `name` becomes the name there.
  StateDict& place_of(std::string& name);
  /// What a file that no checkpoint wrote has for a kind under a name.
  StateDict other(const std::string& name, const std::string& kind) const;
  [[noreturn]] void fail_missing(const std::string& name) const;

  NamedValues<Entry> entries_;
  /// Of a file that no checkpoint wrote: by the part of the names before a dot, under whole names.
  NamedValues<StateDict> others_;
  StateDict generators_;
};

/// What messages and files call the kinds of what has no handle.
inline constexpr const char* tensor_kind = "tensor";
inline constexpr const char* text_kind = "text";

inline constinit Slab<std::shared_ptr<Checkpoint>, Kind::checkpoint> checkpoints;

}  // namespace ftorch
