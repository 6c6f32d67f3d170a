// SPDX-License-Identifier: MIT
// The most memory of tensors that a pass holds beyond what is there before it, in bytes, as an exported program, as TorchScript and
// in eager mode: `model_memory NETWORK FOLDER SIZES SIZES`.
#include <ATen/core/grad_mode.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <unordered_map>

#include "../../src/shim/tensor/array.h"
#include "eager.h"

namespace {

std::size_t now = 0;
std::size_t most_at_once = 0;
std::unordered_map<void *, std::size_t> sizes;

/// LibTorch's allocator, which counts. oneDNN wants the memory itself as what is released.
class Counting final : public c10::Allocator {
 public:
  explicit Counting(c10::Allocator &plain) : plain_(plain) {}

  at::DataPtr allocate(std::size_t size) override {
    void *const data = plain_.raw_allocate(size);
    if (!data) return {nullptr, nullptr, &release, at::kCPU};
    sizes[data] = size;
    now += size;
    most_at_once = std::max(most_at_once, now);
    return {data, data, &release, at::kCPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *to, const void *from, std::size_t size) const override { default_copy_data(to, from, size); }

 private:
  static void release(void *data) {
    if (!data) return;
    now -= sizes.at(data);
    sizes.erase(data);
    c10::GetDefaultCPUAllocator()->raw_deallocate(data);
  }

  c10::Allocator &plain_;
};

void require(int status) {
  if (status == ft_ok) return;
  const char *text = "";
  ft_text(&text);
  std::fprintf(stderr, "%s\n", text);
  std::exit(1);
}

/// A tensor over numbers, the last dimension contiguous.
ft_handle handle_of(std::vector<float> &numbers, const std::vector<int64_t> &sizes) {
  ft_view view{reinterpret_cast<char *>(numbers.data()), sizeof(float), static_cast<int>(sizes.size()), {}, {}};
  int64_t stride = sizeof(float);
  for (std::size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) {
    view.extents[i] = sizes[i];
    view.strides[i] = stride;
  }
  const ft_options options{6, 0, -1, 0};
  ft_handle tensor = nullptr;
  require(ft_view_wrap(&view, nullptr, 0, nullptr, 0, &options, &tensor));
  return tensor;
}

ft_handle load(const std::string &filename) {
  const ft_options options{-1, 0, -1, -1};
  ft_handle model = nullptr;
  require(ft_model_load(filename.c_str(), &options, 0, &model));
  return model;
}

}  // namespace

int main(int, char **arguments) {
  const std::string name = arguments[1], file = std::string(arguments[2]) + "/" + name + ".pt";
  const std::vector<int64_t> from = sizes_of(arguments[3]), to = sizes_of(arguments[4]);
  std::vector<float> numbers = sample(from), result = sample(to);
  static Counting counting(*c10::GetDefaultCPUAllocator());
  c10::SetCPUAllocator(&counting);
  const at::Tensor x = wrap(numbers, from), y = wrap(result, to);
  const ft_handle input = handle_of(numbers, from), output = handle_of(result, to);
  const auto network = eager_network(name, file);
  const auto eager = [&] {
    at::NoGradGuard no_grad;
    y.copy_(network(x));
  };
  const auto pass_of = [&](const std::string &filename) {
    return [model = load(filename), input, output] {
      require(ft_model_forward(model, &input, 1, &output, 1, 0, nullptr));
    };
  };
  const auto exported = pass_of(file + "2"), scripted = pass_of(file);
  const auto most = [&](const auto &pass) {
    for (int i = 0; i < 3; ++i) pass();
    const std::size_t before = most_at_once = now;
    pass();
    return most_at_once - before;
  };
  std::printf("%zu %zu %zu\n", most(exported), most(scripted), most(eager));
}
