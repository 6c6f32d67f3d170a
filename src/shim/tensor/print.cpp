// SPDX-License-Identifier: MIT
// Tensors as text, for people.

#include "tensor/print.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <numeric>
#include <sstream>
#include <type_traits>
#include <vector>

#include "tensor/convert.h"

namespace ftorch {
namespace {

constexpr std::size_t line_width = 80;
/// As PyTorch's printoptions: of more elements than this, so many at each edge are shown.
constexpr int64_t threshold = 1000;
constexpr int64_t edge = 3;

template <class T>
std::string element_text(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "T" : "F";
  } else if constexpr (std::is_arithmetic_v<T>) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
  } else {
    std::string text = element_text(value.real());
    return text.insert(0, 1, '(').append(",").append(element_text(value.imag())).append(")");
  }
}

/// The elements, the first dimension fastest.
template <class T>
std::vector<std::string> texts_of(const at::Tensor& tensor) {
  const T* const elements = tensor.const_data_ptr<T>();
  std::vector<std::string> texts;
  std::transform(elements, elements + tensor.numel(), std::back_inserter(texts), element_text<T>);
  return texts;
}

std::vector<std::string> element_texts(const at::Tensor& tensor) {
  std::vector<int64_t> backwards(static_cast<std::size_t>(tensor.dim()));
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  const at::Tensor ordered = tensor.to(at::kCPU).resolve_conj().resolve_neg().permute(backwards).contiguous();
  switch (ordered.scalar_type()) {
    case at::kBool: return texts_of<bool>(ordered);
    case at::kByte: return texts_of<uint8_t>(ordered);
    case at::kChar: return texts_of<int8_t>(ordered);
    case at::kShort: return texts_of<int16_t>(ordered);
    case at::kInt: return texts_of<int32_t>(ordered);
    case at::kLong: return texts_of<int64_t>(ordered);
    case at::kFloat: return texts_of<float>(ordered);
    case at::kComplexFloat: return texts_of<c10::complex<float>>(ordered);
    case at::kComplexDouble: return texts_of<c10::complex<double>>(ordered);
    // Half precision and the like.
    default: return texts_of<double>(ordered.to(at::kDouble));
  }
}

/// Which elements along a dimension are shown: all, or the first and the last few.
struct Shown {
  int64_t extent;
  bool has_gap;

  int64_t count() const { return has_gap ? 2 * edge : extent; }
  /// The place, from 1, of number i of those shown.
  int64_t place(int64_t i) const { return 1 + (has_gap && i >= edge ? extent - 2 * edge + i : i); }
  bool is_after_gap(int64_t i) const { return has_gap && i == edge; }
};

std::vector<Shown> shown_of(const at::Tensor& tensor, bool is_full) {
  const bool is_long = !is_full && tensor.numel() > threshold;
  std::vector<Shown> shown;
  for (const int64_t extent : tensor.sizes()) shown.push_back({extent, is_long && extent > 2 * edge});
  return shown;
}

/// The elements that are shown.
at::Tensor edges_of(at::Tensor tensor, const std::vector<Shown>& shown) {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto dim = static_cast<int64_t>(i);
    if (shown[i].has_gap)
      tensor = at::cat({tensor.narrow(dim, 0, edge), tensor.narrow(dim, shown[i].extent - edge, edge)}, dim);
  }
  return tensor;
}

/// The heading of the section with number `section`, counted from 0: "(:,:,2,1) =", after dots where sections are left out.
void print_heading(std::ostream& out, const std::vector<Shown>& shown, int64_t section) {
  std::string places;
  bool is_first = true;
  for (std::size_t i = 2; i < shown.size(); ++i) {
    const int64_t index = section % shown[i].count();
    if (is_first && shown[i].is_after_gap(index)) out << "...\n";
    is_first = is_first && index == 0;
    places += ',' + std::to_string(shown[i].place(index));
    section /= shown[i].count();
  }
  out << "(:,:" << places << ") =\n";
}

/// Columns side by side, as many as a line takes.
void print_matrix(std::ostream& out, const std::string* texts, const Shown& rows, const Shown& columns,
                  std::size_t width) {
  const int64_t beside = std::max<int64_t>(1, static_cast<int64_t>(line_width / (width + 2)));
  for (int64_t first = 0; first < columns.count(); first += beside) {
    const int64_t last = std::min(first + beside, columns.count());
    if (beside < columns.count())
      out << "columns " << columns.place(first) << " to " << columns.place(last - 1) << '\n';
    for (int64_t i = 0; i < rows.count(); ++i) {
      if (rows.is_after_gap(i)) out << " ...\n";
      for (int64_t j = first; j < last; ++j) {
        const std::string& text = texts[i + rows.count() * j];
        if (columns.is_after_gap(j)) out << (j > first ? "  ..." : " ...");
        out << (j > first || columns.is_after_gap(j) ? "  " : " ") << std::string(width - text.size(), ' ') << text;
      }
      out << '\n';
    }
  }
}

/// "[ CPUFloatType{2,3} ] float32, shape [2, 3], cpu, requires_grad".
void print_form(std::ostream& out, const at::Tensor& tensor) {
  out << "[ " << tensor.toString() << '{';
  for (int64_t i = 0; i < tensor.dim(); ++i) out << (i > 0 ? "," : "") << tensor.size(i);
  out << "} ] " << dtype_name(tensor.scalar_type()) << ", shape " << shape_text(tensor.sizes()) << ", "
      << tensor.device().str() << (tensor.requires_grad() ? ", requires_grad" : "");
}

}  // namespace

std::string text_of(const at::Tensor& tensor, bool is_full) {
  at::NoGradGuard no_grad;
  std::ostringstream out;
  std::vector<Shown> shown = shown_of(tensor, is_full);
  const std::vector<std::string> texts = element_texts(edges_of(tensor, shown));
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, text.size());
  while (shown.size() < 2) shown.push_back({1, false});
  const int64_t section = shown[0].count() * shown[1].count();
  const auto size = static_cast<int64_t>(texts.size());
  for (int64_t first = 0; first < size; first += section) {
    if (shown.size() > 2) print_heading(out, shown, first / section);
    print_matrix(out, texts.data() + first, shown[0], shown[1], width);
  }
  print_form(out, tensor);
  return std::move(out).str();
}

}  // namespace ftorch
