// SPDX-License-Identifier: MIT
// The object behind a model's handle, whatever its file format.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/handle.h"
#include "tensor/state_dict.h"

namespace ftorch {

/// Inputs or results of a pass; a few need no memory.
using PassTensors = c10::SmallVector<at::Tensor, 4>;
using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

/// What a forward pass may do beside computing results.
struct Effects {
  /// Inputs are kept, or written in place.
  bool touches_inputs;
  /// Tensors of the model are replaced, so that those which it has now need not be those that it was loaded with.
  bool has_state;
};

/// Sizes that a dimension may have; the largest number where there is no limit.
struct SizeRange {
  std::int64_t least;
  std::int64_t most;
};

/// What a tensor is that a program takes or returns.
struct Form {
  at::ScalarType dtype;
  std::vector<SizeRange> sizes;
};

enum class Side { inputs, outputs };

/// The extra file of an archive with the user's metadata, a JSON object.
inline constexpr const char* metadata_name = "ftorch_metadata.json";

/// A model with the inputs of passes to come, made ready for them. Of one thread at a time; it lives no longer than the model.
class BoundModel {
 public:
  virtual ~BoundModel() = default;
  /// Fails unless the model takes these inputs, whose numbers and memory may change from pass to pass.
  virtual void bind(at::TensorList inputs) = 0;
  /// Adds the results of a pass without gradients, as `forward` returns them. The model must be pure.
  virtual void run(PassTensors& results) = 0;
};

class Model {
 public:
  virtual ~Model() = default;
  /// The result, a tensor or tensors in tuples, lists and dicts, in order. The number of inputs is checked.
  virtual PassTensors forward(at::TensorList inputs) = 0;
  /// The model whose `forward` is another procedure of the program, with the same parameters; it lives as long as this one.
  virtual Model& method(const std::string& name);
  /// How many tensors a result has, if the program says so.
  virtual std::optional<std::size_t> result_count() const = 0;
  /// What puts back the tensors that a forward pass may change in the model; null if there are none.
  virtual std::function<void()> saved_state() const = 0;
  virtual void train(bool is_training) = 0;
  virtual bool is_training() const = 0;
  virtual Effects effects() const = 0;
  /// True if a pass, in the mode at hand, does nothing but compute results.
  virtual bool is_pure() const { return false; }
  /// For passes that repeat; by default each is `forward`.
  virtual std::unique_ptr<BoundModel> bound();
  /// How many passes it takes until the next one is as fast as all that follow.
  virtual int warmup_passes() const { return 1; }
  /// The names of what the program takes and returns; results that only a pass can count are one.
  virtual std::vector<std::string> input_names() const = 0;
  virtual std::vector<std::string> output_names() const = 0;
  /// Fails unless the file says it.
  virtual std::vector<Form> forms(Side side) const;
  /// The parameters themselves under all their names, in the order of Python's named_parameters().
  virtual NamedTensors named_parameters() const = 0;
  virtual NamedTensors named_buffers() const = 0;
  /// Fails if parameters and buffers are parts of the program that cannot be got at.
  virtual void require_state() const {}
  /// False for machine code, which makes no graph.
  virtual bool has_gradients() const { return true; }
  /// Computes with parameters and buffers of the other model from now on, in the other's memory.
  virtual void share_state(const Model& other);
  /// A tensor that is neither, but that the program keeps under a name; undefined if there is none.
  virtual at::Tensor attribute(const std::string& name) const;
  /// The parameters, each once.
  NamedTensors parameters() const;
  /// Parameters and buffers under all their names, as Python's state_dict() has them.
  NamedTensors named_state() const;
  /// A model of its own with the same state, without gradients.
  virtual std::shared_ptr<Model> clone() const = 0;
  /// Parameters and buffers themselves. What has several names has the first of them in the alphabet, and each other name is
  /// a text that says so, as safetensors.torch.save_model does.
  StateDict state_dict() const;
  /// Fails, with a list of all that is wrong, if `found` cannot be loaded. Of several names of one tensor, one is enough.
  void check_state_dict(const StateDict& found, Names names = Names::equal) const;
  /// Copies the tensors of `found`, which was checked, into the memory of the model.
  void load_state_dict(const StateDict& found) const;
  /// True when the tensor lies in memory of the model, such as that of a parameter, buffer or attribute.
  virtual bool owns(const at::Tensor& tensor) const = 0;
  /// What `metadata_name` holds in the file that the model was read from, or nothing.
  const std::string& metadata() const { return metadata_; }
  void set_metadata(std::string text) { metadata_ = std::move(text); }
  /// Hands the bytes of a file to `write`, which must not fail.
  virtual void save(const std::function<void(const void*, std::size_t)>& write) const = 0;

 private:
  std::string metadata_;
};

inline constinit Slab<std::shared_ptr<Model>, Kind::model> models;

/// Reads the file of a model onto a device, by its content.
std::shared_ptr<Model> load_model(const std::string& filename, at::Device device);

/// Writes the file whole or not at all.
void save_model(const Model& model, const std::string& filename);

}  // namespace ftorch
