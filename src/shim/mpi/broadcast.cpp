// SPDX-License-Identifier: MIT
// Objects from one rank to all: they travel as checkpoints, whatever their kind.

#include <string>
#include <utility>

#include "ftorch_mpi.h"
#include "mpi/agreement.h"
#include "mpi/channel.h"
#include "mpi/fingerprint.h"

using namespace ftorch::mpi;

namespace {

constexpr const char* name = "object";
constexpr int64_t name_size = 6;

/// A checkpoint that ends with it.
struct Parcel {
  ft_handle checkpoint = nullptr;
  ~Parcel() { ft_release(checkpoint); }
};

/// Whether the tensor of a checkpoint has the dtype and shape of another.
bool fits(ft_handle checkpoint, ft_handle tensor) {
  ft_handle sent = nullptr;
  check(ft_checkpoint_get_tensor(checkpoint, name, name_size, &sent));
  Fingerprint one, other;
  one.add_form(sent);
  ft_release(sent);
  other.add_form(tensor);
  return one.value() == other.value();
}

void check_root(const Communicator& here, int root) {
  if (root < 0 || root >= here.all.size())
    fail(ft_invalid_argument,
         "root is " + std::to_string(root) + "; ranks go from 0 to " + std::to_string(here.all.size() - 1));
}

enum class Sent : std::uint64_t { object, tensor, checkpoint };

/// Agrees that all are ready, and on the root; `pack` makes what the root sends, `unpack` takes it on the others.
template <class Pack, class Unpack>
void broadcast(ft_handle handle, Sent kind, int root, const Pack& pack, const Unpack& unpack) {
  Communicator& here = communicator(handle);
  const bool is_root = here.all.rank() == root;
  const auto prepare = [&] {
    check_root(here, root);
    pack(is_root);
    return Contribution{static_cast<std::uint64_t>(root) << 2 | static_cast<std::uint64_t>(kind), 0};
  };
  agree_on(here, Call::broadcast, prepare, "root, or the kind of object, is not the same on all ranks");
  unpack(Channel(here, root), is_root, here);
}

}  // namespace

int ft_mpi_broadcast(ft_handle handle, ft_handle object, int root) {
  return guard([&] {
    Parcel parcel;
    broadcast(
        handle, Sent::object, root,
        [&](bool is_root) {
          // Elsewhere for the sake of what fails: an object that is empty, or of no kind that has a state.
          check(ft_checkpoint_put(&parcel.checkpoint, name, name_size, object));
          if (!is_root) ft_release(std::exchange(parcel.checkpoint, nullptr));
        },
        [&](const Channel& channel, bool is_root, Communicator& here) {
          if (is_root) check(ft_checkpoint_send(parcel.checkpoint, channel.get()));
          else check(ft_checkpoint_receive(channel.get(), &parcel.checkpoint));
          succeed_on_all(here, Call::broadcast, [&] {
            if (!is_root) check(ft_checkpoint_get(parcel.checkpoint, name, name_size, object));
          });
        });
  });
}

int ft_mpi_broadcast_tensor(ft_handle handle, ft_handle* tensor, int root) {
  return guard([&] {
    Parcel parcel;
    broadcast(
        handle, Sent::tensor, root,
        [&](bool is_root) {
          if (is_root) check(ft_checkpoint_put(&parcel.checkpoint, name, name_size, *tensor));
        },
        [&](const Channel& channel, bool is_root, Communicator& here) {
          if (is_root) check(ft_checkpoint_send(parcel.checkpoint, channel.get()));
          else check(ft_checkpoint_receive(channel.get(), &parcel.checkpoint));
          // Nothing is written before all can.
          const auto take = [&] { check(ft_checkpoint_get_tensor(parcel.checkpoint, name, name_size, tensor)); };
          succeed_on_all(here, Call::broadcast, [&] {
            if (!is_root && *tensor && !fits(parcel.checkpoint, *tensor)) take();
          });
          if (!is_root) take();
        });
  });
}

int ft_mpi_broadcast_checkpoint(ft_handle handle, ft_handle* checkpoint, int root) {
  return guard([&] {
    broadcast(
        handle, Sent::checkpoint, root,
        [&](bool is_root) {
          if (is_root && !*checkpoint) fail(ft_invalid_argument, "the checkpoint is empty");
        },
        [&](const Channel& channel, bool is_root, Communicator&) {
          if (is_root) check(ft_checkpoint_send(*checkpoint, channel.get()));
          else check(ft_checkpoint_receive(channel.get(), checkpoint));
        });
  });
}
