// SPDX-License-Identifier: MIT
// Any operator of LibTorch, by its name.

#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "core/guard.h"
#include "core/text.h"
#include "tensor/call_arguments.h"
#include "tensor/convert.h"
#include "tensor/overloads.h"
#include "tensor/plain.h"
#include "tensor/results.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

using Results = std::vector<at::Tensor>;

/// A name that can be told.
std::string checked_name(const char* name, int64_t size) {
  const std::string text(required(name, "name"), static_cast<std::size_t>(std::max<int64_t>(size, 0)));
  const bool is_plain = std::all_of(text.begin(), text.end(), [](char one) {
    return (one >= 'a' && one <= 'z') || (one >= 'A' && one <= 'Z') || (one >= '0' && one <= '9') || one == '_' ||
           one == ':' || one == '.';
  });
  if (!is_plain) fail(ft_invalid_argument, "name has characters that no name of an operator has");
  return text;
}

at::Tensor tensor_of_number(const c10::IValue& number) {
  const at::ScalarType dtype = number.isInt()             ? at::kLong
                               : number.isBool()          ? at::kBool
                               : number.isComplexDouble() ? at::kComplexDouble
                                                          : at::kDouble;
  return at::scalar_tensor(number.toScalar(), at::TensorOptions(dtype));
}

/// A result as tensors: lists one after the other, numbers as tensors of rank 0, None as an undefined one.
void flatten(const c10::IValue& value, Results& results) {
  if (value.isNone()) results.emplace_back();
  else if (value.isTensor()) results.push_back(value.toTensor());
  else if (value.isScalar()) results.push_back(tensor_of_number(value));
  else if (value.isList()) {
    for (const c10::IValue& one : value.toListRef()) flatten(one, results);
  } else if (value.isTuple()) {
    for (const c10::IValue& one : value.toTupleRef().elements()) flatten(one, results);
  } else {
    fail(ft_invalid_argument, "a result is a " + value.tagKind() + ", no tensor");
  }
}

/// What a result shares with an argument or another result becomes a copy, in the graph.
void separate(Results& results, const CallArguments& arguments) {
  std::unordered_set<const c10::StorageImpl*> seen;
  for (at::Tensor& result : results) {
    if (!result.defined()) continue;
    check_plain(result);
    if (arguments.has_memory(result) || !seen.insert(result.storage().unsafeGetStorageImpl()).second)
      result = result.clone();
  }
}

void check_count(std::size_t results, int64_t outputs) {
  if (static_cast<int64_t>(results) != outputs)
    fail(ft_invalid_argument, "the operator returns " + std::to_string(results) + " results, but outputs has " +
                                  std::to_string(outputs) + " elements");
}

bool has_lists(const c10::FunctionSchema& schema) {
  for (const c10::Argument& result : schema.returns()) {
    if (result.type()->kind() == c10::TypeKind::ListType || result.type()->kind() == c10::TypeKind::TupleType)
      return true;
  }
  return false;
}

Results run(const Overloads& overloads, CallArguments& arguments, int64_t outputs) {
  torch::jit::Stack stack;
  const BoxedOperator& chosen = overloads.match(arguments.values(), stack);
  // Before random numbers are drawn.
  if (!has_lists(chosen.schema())) check_count(chosen.schema().returns().size(), outputs);
  chosen.call(stack);
  Results results;
  for (const c10::IValue& value : stack) flatten(value, results);
  stack.clear();
  check_count(results.size(), outputs);
  separate(results, arguments);
  arguments.keep_apart();
  return results;
}

/// An output that receives no tensor is empty.
void check_can_be_empty(const Tensor& output) {
  if (output.attached.defined() || output.parameter)
    fail(ft_invalid_argument, "the operator returns no tensor, but the output names memory that receives numbers");
}

/// Writes all results, or none.
void write_results(Results& results, ft_handle* outputs) {
  std::vector<std::unique_ptr<PendingWrite>> writes(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Context context("outputs", static_cast<int64_t>(i));
    if (!outputs[i]) continue;
    Tensor& output = tensor(outputs[i], "the tensor");
    if (results[i].defined()) writes[i] = std::make_unique<PendingWrite>(output, results[i], Write::result);
    else check_can_be_empty(output);
  }
  for (const auto& write : writes) {
    if (write) write->prepare();
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (writes[i]) {
      writes[i]->commit();
      outputs[i] = tensors.renew(outputs[i]);
    } else if (results[i].defined()) {
      outputs[i] = new_temporary(std::move(results[i]));
    } else {
      tensors.release(std::exchange(outputs[i], nullptr));
    }
  }
}

}  // namespace

int ft_call(const char* name, int64_t name_size, const ft_argument* arguments, int64_t arguments_size,
            ft_handle* outputs, int64_t outputs_size) {
  return guard(ft_invalid_argument, [&] {
    const std::string text = checked_name(name, name_size);
    const Context context(text.c_str());
    const Overloads& overloads = Overloads::find(text);
    check_apart("outputs", find_targets("outputs", outputs, outputs_size));
    CallArguments given(arguments, arguments_size);
    Results results = run(overloads, given, outputs_size);
    write_results(results, outputs);
  });
}
