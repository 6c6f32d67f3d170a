// SPDX-License-Identifier: MIT
// Checkpoints from one process to others: the head of the file that they would be, then the memory of their tensors.

#include <string>

#include "core/guard.h"
#include "core/text.h"
#include "storage/checkpoint.h"

using namespace ftorch;

namespace {

void check(int status) {
  if (status == ft_ok) return;
  const char* text = nullptr;
  const auto size = static_cast<std::size_t>(ft_text(&text));
  fail(status, std::string(text, size));
}

/// What f returns, once all processes have succeeded.
template <class F>
auto agreed(const ft_channel& channel, const F& f) {
  decltype(f()) result;
  const int status = guard(ft_internal_error, [&] { result = f(); });
  check(channel.agree(channel.context, status));
  return result;
}

void move(const ft_channel& channel, void* bytes, int64_t size) {
  if (size > 0) check(channel.move(channel.context, bytes, size));
}

}  // namespace

int ft_checkpoint_send(ft_handle handle, const ft_channel* channel) {
  return guard(ft_internal_error, [&] {
    SafeTensors content;
    std::string head = agreed(*required(channel, "channel"), [&] {
      content = checkpoints.get(handle, "the checkpoint")->content();
      return settle(content);
    });
    auto size = static_cast<int64_t>(head.size());
    move(*channel, &size, sizeof(size));
    move(*channel, head.data(), size);
    check(channel->agree(channel->context, ft_ok));
    for (const auto& [name, tensor] : content.tensors) move(*channel, bytes_of(tensor).data, bytes_of(tensor).size);
  });
}

int ft_checkpoint_receive(const ft_channel* channel, ft_handle* handle) {
  return guard(ft_internal_error, [&] {
    const auto target = agreed(*required(channel, "channel"), [&] {
      required(handle, "checkpoint");
      return *handle ? checkpoints.get(*handle, "the checkpoint") : std::make_shared<Checkpoint>();
    });
    int64_t size = 0;
    move(*channel, &size, sizeof(size));
    std::string head(static_cast<std::size_t>(size), '\0');
    move(*channel, head.data(), size);
    SafeTensors content = agreed(*channel, [&] { return from_head(head); });
    for (const auto& [name, tensor] : content.tensors) move(*channel, bytes_of(tensor).data, bytes_of(tensor).size);
    *target = Checkpoint(std::move(content));
    if (!*handle) *handle = checkpoints.acquire(target);
  });
}
