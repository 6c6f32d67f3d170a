// SPDX-License-Identifier: MIT
// A parser for the part of Python's grammar in which sizes and conditions are written.

#include "model/exported/expression.h"

#include <c10/util/SmallVector.h>

#include <array>
#include <cctype>
#include <charconv>

#include "core/error.h"

namespace ftorch::exported {

namespace {

constexpr int deepest_expression = 200;
/// Evaluation goes as deep as an expression has parts.
constexpr std::size_t most_parts = 2000;

/// Binary operators by rising precedence; `**`, which binds to the right, is apart.
constexpr std::array<std::string_view, 6> levels[] = {
    {"or"}, {"and"}, {"==", "!=", "<=", ">=", "<", ">"}, {"|"}, {"&"}, {"+", "-"}, {"*", "//", "/", "%"},
};
constexpr int comparison_level = 2;
constexpr int last_level = static_cast<int>(std::size(levels));

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

}  // namespace

class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, const Expression::Variables& variables, Expression& expression)
      : text_(text), rest_(text), variables_(variables), expression_(expression) {}

  std::uint32_t all() {
    const std::uint32_t root = binary(0);
    skip_blanks();
    if (!rest_.empty()) fail_unknown();
    return root;
  }

 private:
  using Index = std::uint32_t;

  [[noreturn]] void fail_unknown() const {
    fail(ft_model_error, "the expression '" + std::string(text_.substr(0, 200)) + "' is not known, from '" +
                             std::string(rest_.substr(0, 40)) + "' on");
  }

  void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n\t"), rest_.size())); }

  bool next_is(std::string_view token) {
    skip_blanks();
    if (!rest_.starts_with(token)) return false;
    const bool is_longer = rest_.size() > token.size();
    if (is_word(token[0])) return !(is_longer && is_word(rest_[token.size()]));
    // `*` is not the beginning of `**`, nor `<` that of `<<`.
    return !(is_longer && (token == "*" || token == "<" || token == ">" || token == "/") &&
             rest_[token.size()] == token[0]);
  }

  bool accept(std::string_view token) {
    if (!next_is(token)) return false;
    rest_.remove_prefix(token.size());
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) fail_unknown();
  }

  Index add(Expression::Node node) {
    if (expression_.nodes_.size() == most_parts) fail_unknown();
    expression_.nodes_.push_back(std::move(node));
    return static_cast<Index>(expression_.nodes_.size() - 1);
  }

  Index constant(Number value) { return add({nullptr, value, -1, {}}); }

  Index call(std::string_view name, std::vector<Index> arguments) {
    const Function* const function = find_function(name);
    if (!function || arguments.size() < function->least || arguments.size() > function->most) fail_unknown();
    return add({function, 0, -1, std::move(arguments)});
  }

  Index variable(std::string_view name) {
    const auto number = variables_(name);
    if (!number) fail_unknown();
    return add({nullptr, 0, static_cast<std::int64_t>(*number), {}});
  }

  Index binary(int level) {
    if (++depth_ > deepest_expression) fail_unknown();
    Index left = level == last_level ? unary() : binary(level + 1);
    while (level < last_level) {
      std::string_view token;
      for (const std::string_view candidate : levels[level]) {
        if (token.empty() && !candidate.empty() && accept(candidate)) token = candidate;
      }
      if (token.empty()) break;
      left = call(token, {left, binary(level + 1)});
      if (level == comparison_level) break;
    }
    --depth_;
    return left;
  }

  Index unary() {
    if (accept("not")) return call("not", {binary(comparison_level)});
    if (accept("-")) return call("negative", {nested_unary()});
    if (accept("+")) return nested_unary();
    const Index base = primary();
    return accept("**") ? call("**", {base, nested_unary()}) : base;
  }

  Index nested_unary() {
    if (++depth_ > deepest_expression) fail_unknown();
    const Index result = unary();
    --depth_;
    return result;
  }

  Index primary() {
    skip_blanks();
    if (accept("(")) {
      const Index inner = binary(0);
      expect(")");
      return inner;
    }
    if (rest_.empty()) fail_unknown();
    if (std::isdigit(static_cast<unsigned char>(rest_[0])) || rest_[0] == '.') return number(rest_);
    if (rest_.starts_with("L[")) return source();
    return named();
  }

  /// A number at the beginning of a text, which is taken off.
  Index number(std::string_view& text) {
    std::int64_t integer = 0;
    double real = 0;
    const char* const end = text.data() + text.size();
    const auto as_integer = std::from_chars(text.data(), end, integer);
    const auto as_real = std::from_chars(text.data(), end, real);
    const bool is_integer = as_integer.ec == std::errc() && as_integer.ptr == as_real.ptr;
    if (as_real.ec != std::errc()) fail_unknown();
    text.remove_prefix(static_cast<std::size_t>(as_real.ptr - text.data()));
    return is_integer ? constant(integer) : constant(real);
  }

  /// `L['x'][0].size()[1]`, as far as it goes.
  Index source() {
    std::size_t size = 1;
    while (size < rest_.size()) {
      std::size_t part = 0;
      if (rest_[size] == '[') part = rest_.find(']', size) + 1;
      else if (rest_[size] == '.') {
        part = size + 1;
        while (part < rest_.size() && is_word(rest_[part])) ++part;
        if (rest_.substr(part, 2) == "()") part += 2;
      }
      if (part <= size) break;
      size = part;
    }
    const std::string_view name = rest_.substr(0, size);
    const Index result = variable(name);
    rest_.remove_prefix(size);
    return result;
  }

  std::string_view word() {
    std::size_t size = 0;
    while (size < rest_.size() && (is_word(rest_[size]) || (size > 0 && rest_[size] == '.'))) ++size;
    if (size == 0) fail_unknown();
    const std::string_view name = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return name;
  }

  std::string_view quoted() {
    expect("'");
    const std::size_t size = rest_.find('\'');
    if (size == rest_.npos) fail_unknown();
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size + 1);
    return text;
  }

  Index named() {
    const std::string_view name = word();
    if (!accept("(")) {
      if (name == "True" || name == "true") return constant(1);
      if (name == "False" || name == "false") return constant(0);
      return find_function(name) ? call(name, {}) : variable(name);
    }
    if (name == "Symbol" || name == "Dummy") {
      const Index symbol = variable(quoted());
      skip_assumptions();
      return symbol;
    }
    if (name == "Float") {
      std::string_view text = quoted();
      const Index value = number(text);
      skip_assumptions();
      return value;
    }
    return call(name, arguments());
  }

  /// `, positive=True, integer=True)`
  void skip_assumptions() {
    const std::size_t end = rest_.find(')');
    if (end == rest_.npos) fail_unknown();
    rest_.remove_prefix(end + 1);
  }

  std::vector<Index> arguments() {
    std::vector<Index> list;
    while (!accept(")")) {
      if (!list.empty()) expect(",");
      list.push_back(binary(0));
    }
    return list;
  }

  std::string_view text_;
  std::string_view rest_;
  const Expression::Variables& variables_;
  Expression& expression_;
  int depth_ = 0;
};

Expression::Expression(std::string_view text, const Variables& variables) {
  root_ = ExpressionParser(text, variables, *this).all();
}

std::optional<std::uint32_t> Expression::variable() const {
  const std::int64_t variable = nodes_[root_].variable;
  return variable < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(variable));
}

Number Expression::evaluate(std::uint32_t index, Numbers variables) const {
  const Node& node = nodes_[index];
  if (!node.function) return node.variable < 0 ? node.constant : variables[node.variable];
  c10::SmallVector<Number, 4> arguments;
  for (const std::uint32_t argument : node.arguments) arguments.push_back(evaluate(argument, variables));
  return node.function->evaluate(arguments.data(), arguments.size());
}

}  // namespace ftorch::exported
