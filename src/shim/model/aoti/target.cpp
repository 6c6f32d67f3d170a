// SPDX-License-Identifier: MIT
// Comparing what code was compiled for with the machine and the LibTorch of this process.

#include "model/aoti/target.h"

#include <torch/version.h>

#include <cstring>

#if __has_include(<elf.h>)
#include <elf.h>
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

/// The first instructions that a processor lacks for a name of -march; empty if it has all.
std::string missing_instructions(const std::string& march) {
  std::string missing;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const auto need = [&](bool has, const char* name) {
    if (!has && missing.empty()) missing = name;
  };
  if (march == "x86-64-v3" || march == "x86-64-v4") {
    need(__builtin_cpu_supports("avx2"), "AVX2");
    need(__builtin_cpu_supports("fma"), "FMA");
    need(__builtin_cpu_supports("bmi2"), "BMI2");
  }
  if (march == "x86-64-v4") {
    need(__builtin_cpu_supports("avx512f"), "AVX512F");
    need(__builtin_cpu_supports("avx512bw"), "AVX512BW");
    need(__builtin_cpu_supports("avx512cd"), "AVX512CD");
    need(__builtin_cpu_supports("avx512dq"), "AVX512DQ");
    need(__builtin_cpu_supports("avx512vl"), "AVX512VL");
  }
#endif
  for (const char* const known : {"x86-64-v3", "x86-64-v4", "armv8-a"}) {
    if (march == known) return missing;
  }
  fail(ft_model_error, "it was compiled for the processor '" + march + "', which this FTorch does not know" + remedy);
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
  const std::string missing = missing_instructions(target.march);
  if (!missing.empty())
    fail(ft_model_error, "it was compiled for processors of type " + target.march + "; this one has no " + missing +
                             "; export the model for it, with --march of ftorch-export");
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
