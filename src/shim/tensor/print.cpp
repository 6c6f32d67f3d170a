// SPDX-License-Identifier: MIT
// Tensors as text, for people.

#include "tensor/print.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <numeric>
#include <sstream>
#include <type_traits>
#include <vector>

namespace ftorch {
namespace {

constexpr std::size_t line_width = 80;

template <class T>
std::string number_text(T value) {
  if constexpr (std::is_same_v<T, bool>) {
    return value ? "T" : "F";
  } else if constexpr (std::is_arithmetic_v<T>) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
  } else {
    std::string text = number_text(value.real());
    return text.insert(0, 1, '(').append(",").append(number_text(value.imag())).append(")");
  }
}

/// The elements, the first dimension fastest.
template <class T>
std::vector<std::string> texts_of(const at::Tensor& tensor) {
  const T* const elements = tensor.const_data_ptr<T>();
  std::vector<std::string> texts;
  std::transform(elements, elements + tensor.numel(), std::back_inserter(texts), number_text<T>);
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

/// The heading of the section with number `section`, counted from 0: "(:,:,2,1) =".
void print_heading(std::ostream& out, at::IntArrayRef shape, int64_t section) {
  out << "(:,:";
  for (std::size_t i = 2; i < shape.size(); ++i) {
    out << ',' << section % shape[i] + 1;
    section /= shape[i];
  }
  out << ") =\n";
}

/// Columns side by side, as many as a line takes.
void print_matrix(std::ostream& out, const std::string* texts, int64_t rows, int64_t columns, std::size_t width) {
  const int64_t beside = std::max<int64_t>(1, static_cast<int64_t>(line_width / (width + 2)));
  for (int64_t first = 0; first < columns; first += beside) {
    const int64_t last = std::min(first + beside, columns);
    if (beside < columns) out << "columns " << first + 1 << " to " << last << '\n';
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = first; j < last; ++j) {
        const std::string& text = texts[i + rows * j];
        out << (j > first ? "  " : " ") << std::string(width - text.size(), ' ') << text;
      }
      out << '\n';
    }
  }
}

}  // namespace

std::string text_of(const at::Tensor& tensor) {
  at::NoGradGuard no_grad;
  std::ostringstream out;
  const std::vector<std::string> texts = element_texts(tensor);
  std::size_t width = 0;
  for (const std::string& text : texts) width = std::max(width, text.size());
  const at::IntArrayRef shape = tensor.sizes();
  const int64_t rows = shape.empty() ? 1 : shape[0];
  const int64_t columns = shape.size() < 2 ? 1 : shape[1];
  const int64_t size = static_cast<int64_t>(texts.size());
  for (int64_t first = 0; first < size; first += rows * columns) {
    if (shape.size() > 2) print_heading(out, shape, first / (rows * columns));
    print_matrix(out, texts.data() + first, rows, columns, width);
  }
  out << "[ " << tensor.toString() << '{';
  for (std::size_t i = 0; i < shape.size(); ++i) out << (i > 0 ? "," : "") << shape[i];
  out << "} ]";
  return std::move(out).str();
}

}  // namespace ftorch
