// SPDX-License-Identifier: MIT
// Comparing what code was compiled for with the machine and the LibTorch of this process.

#include "model/aoti/target.h"

#include <torch/version.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <sstream>
#include <vector>

#if __has_include(<elf.h>)
#include <elf.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include <sys/utsname.h>

#include "core/error.h"

namespace ftorch::aoti {
namespace {

constexpr const char* remedy = "; export the model there, with ftorch-export --format aoti";

std::string machine_name() {
  struct utsname names{};
  return ::uname(&names) == 0 ? names.machine : "";
}

/// True for a version that differs from that of this LibTorch, which is that of the build, in its last number alone.
bool is_of_this_torch(const std::string& version) {
  return version.rfind(std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) + ".", 0) == 0;
}

#if defined(__x86_64__)
bool has_tiles() {
  constexpr unsigned leaf = 7, bit = 24;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(leaf, 0, &a, &b, &c, &d) != 0 && (d >> bit & 1U) != 0;
}
#endif

struct Feature {
  const char* name;
  bool is_there;
};
using Features = std::vector<Feature>;

/// Features of this type of processor that a name stands for, one of GCC's -march or of AOTInductor's sets of instructions; none
/// for an unknown name.
std::optional<Features> features_of(std::string_view name) {
  if (name == "INVALID_VEC_ISA") return Features();
#if defined(__x86_64__)
  __builtin_cpu_init();
  const Features avx2{{"AVX2", __builtin_cpu_supports("avx2") != 0},
                      {"FMA", __builtin_cpu_supports("fma") != 0},
                      {"BMI2", __builtin_cpu_supports("bmi2") != 0}};
  Features avx512(avx2);
  avx512.insert(avx512.end(), {{"AVX512F", __builtin_cpu_supports("avx512f") != 0},
                               {"AVX512BW", __builtin_cpu_supports("avx512bw") != 0},
                               {"AVX512CD", __builtin_cpu_supports("avx512cd") != 0},
                               {"AVX512DQ", __builtin_cpu_supports("avx512dq") != 0},
                               {"AVX512VL", __builtin_cpu_supports("avx512vl") != 0}});
  if (name == "x86-64-v3" || name == "AVX2") return avx2;
  if (name == "x86-64-v4" || name == "AVX512") return avx512;
  if (name == "AVX512_VNNI") return Features{{"AVX512_VNNI", __builtin_cpu_supports("avx512vnni") != 0}};
  if (name == "AMX_TILE") return Features{{"AMX_TILE", has_tiles()}};
#elif defined(__aarch64__)
  if (name == "armv8-a" || name == "ASIMD") return Features();
#endif
  return std::nullopt;
}

void check_processor(const std::string& name) {
  const auto features = features_of(name);
  if (!features)
    fail(ft_model_error, "it was compiled for the processor '" + name + "', which this FTorch does not know for " +
                             machine_name() + remedy);
  const auto missing = std::find_if(features->begin(), features->end(),
                                    [](const Feature& one) { return !one.is_there; });
  if (missing != features->end())
    fail(ft_model_error, "it was compiled for processors of type " + name + "; this one has no " + missing->name +
                             "; export the model for it, with --march of ftorch-export");
}

}  // namespace

void check_target(const Target& target) {
  const std::string machine = machine_name();
  if (target.machine != machine)
    fail(ft_model_error,
         "it was compiled for machines of type " + target.machine + "; this one is " + machine + remedy);
  if (!is_of_this_torch(target.torch))
    fail(ft_model_error, "it was compiled for LibTorch " + target.torch +
                             "; this is LibTorch " TORCH_VERSION
                             "; export the model with that one, by ftorch-export --format aoti");
  check_processor(target.march);
  std::istringstream names(target.instructions);
  for (std::string name; names >> name;) check_processor(name);
}

#if __has_include(<elf.h>)
void check_library(std::string_view bytes) {
#if defined(__aarch64__)
  constexpr int this_machine = EM_AARCH64;
#else
  constexpr int this_machine = EM_X86_64;
#endif
  Elf64_Ehdr head;
  if (bytes.size() < sizeof head || bytes.compare(0, SELFMAG, ELFMAG) != 0)
    fail(ft_model_error, std::string("its code is no library for Linux") + remedy);
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_machine != this_machine)
    fail(ft_model_error, "its code is for another type of machine than " + machine_name() + remedy);
}
#else
void check_library(std::string_view) {}
#endif

}  // namespace ftorch::aoti
