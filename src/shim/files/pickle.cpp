// SPDX-License-Identifier: MIT
// A stack machine for the pickles of state dictionaries. It runs nothing of Python's.

#include "files/pickle.h"

#include <c10/core/ScalarType.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <string_view>
#include <variant>

#include "core/error.h"
#include "files/archive.h"
#include "files/pickled_storage.h"

namespace ftorch {
namespace {

[[noreturn]] void fail_pickle(const std::string& what) {
  fail(ft_model_error, what + "; save the dictionary alone: torch.save(model.state_dict(), file)");
}

/// Called for the dtypes that have no class of storages.
constexpr std::string_view rebuild_new_dtype = "torch._utils._rebuild_tensor_v3";

/// What Python would call for a state dictionary.
constexpr std::string_view functions[] = {"collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
                                          "torch._utils._rebuild_parameter", rebuild_new_dtype};

struct Value;
using Sequence = std::vector<Value>;
using Dict = std::vector<std::pair<Value, Value>>;
struct None {};
struct Mark {};
/// A class or function of Python, by its name.
struct Global {
  std::string name;
};

/// Containers belong to the Unpickler: the pickle fills them after it has put them elsewhere, even into themselves.
struct Value : std::variant<None, Mark, bool, std::int64_t, double, std::string, Global, PickledStorage, at::Tensor,
                            Sequence*, Dict*> {
  using variant::variant;

  template <class T>
  const T& as(const char* what) const {
    const T* const value = std::get_if<T>(this);
    if (!value) fail_pickle(std::string("the pickle has something else where ") + what + " should be");
    return *value;
  }
};

std::vector<std::int64_t> integers(const Value& value) {
  std::vector<std::int64_t> list;
  for (const Value& one : *value.as<Sequence*>("a shape")) list.push_back(one.as<std::int64_t>("an extent"));
  return list;
}

class Unpickler {
 public:
  Unpickler(std::string_view bytes, PickledStorages& storages) : rest_(bytes), storages_(storages) {}

  /// Containers in it live as long as the Unpickler.
  Value run() {
    while (step()) {
    }
    return pop();
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) fail_pickle("the pickle is cut short");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  /// A number of T's bytes, the lowest first.
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string line() {
    const std::size_t end = rest_.find('\n');
    if (end == rest_.npos) fail_pickle("the pickle is cut short");
    const std::string text(take(end));
    take(1);
    return text;
  }

  std::int64_t long_integer() {
    const std::string_view bytes = take(number<std::uint8_t>());
    if (bytes.size() > sizeof(std::int64_t)) fail_pickle("a number of the pickle is too large");
    const bool is_negative = !bytes.empty() && (bytes.back() & 0x80) != 0;
    std::int64_t value = is_negative ? -1 : 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  double real() {
    std::string bytes(take(sizeof(double)));
    std::reverse(bytes.begin(), bytes.end());
    double value;
    std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }

  void push(Value value) { stack_.push_back(std::move(value)); }

  Value pop() {
    if (stack_.empty()) fail_pickle("the pickle takes more than it has");
    Value value = std::move(stack_.back());
    stack_.pop_back();
    return value;
  }

  Value& top() {
    if (stack_.empty()) fail_pickle("the pickle takes more than it has");
    return stack_.back();
  }

  Sequence pop_to_mark() {
    Sequence values;
    for (Value value = pop(); !std::holds_alternative<Mark>(value); value = pop()) values.push_back(std::move(value));
    std::reverse(values.begin(), values.end());
    return values;
  }

  Sequence pop_several(std::size_t count) {
    Sequence values(count);
    for (std::size_t i = count; i > 0; --i) values[i - 1] = pop();
    return values;
  }

  void push_tuple(Sequence values) { push(&sequences_.emplace_back(std::move(values))); }

  void append(Sequence values) {
    Sequence& list = *top().as<Sequence*>("a list");
    for (Value& value : values) list.push_back(std::move(value));
  }

  void set_items(Sequence values) {
    Dict& dict = *top().as<Dict*>("a dictionary");
    if (values.size() % 2 != 0) fail_pickle("a key of the pickle has no value");
    for (std::size_t i = 0; i < values.size(); i += 2)
      dict.emplace_back(std::move(values[i]), std::move(values[i + 1]));
  }

  void remember(std::uint32_t place) { memo_[place] = top(); }

  void recall(std::uint32_t place) {
    const auto found = memo_.find(place);
    if (found == memo_.end()) fail_pickle("the pickle names what it does not hold");
    push(found->second);
  }

  /// What Python would get by a call of one of `functions`.
  Value called(const std::string& function, const Sequence& arguments) {
    if (function == "collections.OrderedDict" && arguments.empty()) return &dicts_.emplace_back();
    if (function == "torch._utils._rebuild_parameter" && !arguments.empty())
      return arguments[0].as<at::Tensor>("a tensor");
    if (function == "torch._utils._rebuild_tensor_v2" && arguments.size() >= 4) return rebuilt_tensor(arguments);
    if (function == rebuild_new_dtype && arguments.size() > 6)
      fail(ft_dtype_mismatch, "a tensor of the file has dtype " + arguments[6].as<Global>("a dtype").name +
                                  ", which has no torch_k... constant");
    fail_pickle(function + " is called otherwise than for a state dictionary");
  }

  at::Tensor rebuilt_tensor(const Sequence& arguments) {
    at::Tensor tensor = storages_.tensor(arguments[0].as<PickledStorage>("a storage"),
                                         arguments[1].as<std::int64_t>("an offset"), integers(arguments[2]),
                                         integers(arguments[3]));
    constexpr std::size_t flags = 6;
    if (arguments.size() <= flags) return tensor;
    for (const auto& [key, value] : *arguments[flags].as<Dict*>("flags")) {
      const std::string& name = key.as<std::string>("a flag");
      if (name == "conj") tensor._set_conj(value.as<bool>("a flag"));
      else if (name == "neg") tensor._set_neg(value.as<bool>("a flag"));
      else fail_pickle("a tensor of the file has the flag " + name);
    }
    return tensor;
  }

  /// ('storage', class, key, device, number of elements)
  Value storage(const Value& identity) {
    const Sequence& parts = *identity.as<Sequence*>("a storage");
    if (parts.size() != 5) fail_pickle("a storage of the file is none");
    return PickledStorage{parts[1].as<Global>("a class").name, parts[2].as<std::string>("a key"),
                          parts[4].as<std::int64_t>("a size")};
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string global = module + "." + name;
    const bool is_storage = global.starts_with("torch.") && global.ends_with("Storage");
    const bool is_dtype = module == "torch" && c10::getStringToDtypeMap().contains(name);
    if (!is_storage && !is_dtype &&
        std::find(std::begin(functions), std::end(functions), global) == std::end(functions))
      fail_pickle("the file needs " + global + " of Python");
    push(Global{global});
  }

  void reduce() {
    const Value arguments = pop();
    const Value function = pop();
    push(called(function.as<Global>("a function").name, *arguments.as<Sequence*>("arguments")));
  }

  /// One operation; false at the end.
  bool step() {
    const char code = take(1)[0];
    switch (code) {
      case '.': return false;
      case '\x80': take(1); break;
      case '\x95': take(8); break;
      case '(': push(Mark{}); break;
      case '0': pop(); break;
      case 'N': push(None{}); break;
      case '\x88': push(true); break;
      case '\x89': push(false); break;
      case 'J': push(std::int64_t{number<std::int32_t>()}); break;
      case 'K': push(std::int64_t{number<std::uint8_t>()}); break;
      case 'M': push(std::int64_t{number<std::uint16_t>()}); break;
      case '\x8a': push(long_integer()); break;
      case 'G': push(real()); break;
      case 'X': push(std::string(take(number<std::uint32_t>()))); break;
      case '\x8c': push(std::string(take(number<std::uint8_t>()))); break;
      default: step_with_values(code);
    }
    return true;
  }

  /// The operations that make values of others.
  void step_with_values(char code) {
    switch (code) {
      case ')': push_tuple({}); break;
      case ']': push_tuple({}); break;
      case 't': push_tuple(pop_to_mark()); break;
      case '\x85': push_tuple(pop_several(1)); break;
      case '\x86': push_tuple(pop_several(2)); break;
      case '\x87': push_tuple(pop_several(3)); break;
      case 'a': append(pop_several(1)); break;
      case 'e': append(pop_to_mark()); break;
      case '}': push(&dicts_.emplace_back()); break;
      case 's': set_items(pop_several(2)); break;
      case 'u': set_items(pop_to_mark()); break;
      case 'q': remember(number<std::uint8_t>()); break;
      case 'r': remember(number<std::uint32_t>()); break;
      case '\x94': remember(static_cast<std::uint32_t>(memo_.size())); break;
      case 'h': recall(number<std::uint8_t>()); break;
      case 'j': recall(number<std::uint32_t>()); break;
      case 'Q': push(storage(pop())); break;
      case 'R': reduce(); break;
      // Attributes, such as the versions of modules in an OrderedDict.
      case 'b': pop(); break;
      default: step_with_names(code);
    }
  }

  void step_with_names(char code) {
    if (code == 'c') {
      const std::string module = line();
      push_global(module, line());
    } else if (code == '\x93') {
      const Sequence names = pop_several(2);
      push_global(names[0].as<std::string>("a module"), names[1].as<std::string>("a name"));
    } else {
      fail_pickle("the pickle has an operation that state dictionaries need not");
    }
  }

  std::string_view rest_;
  PickledStorages& storages_;
  // All of them, so that none frees others: a file may nest them as deeply as it likes.
  std::deque<Sequence> sequences_;
  std::deque<Dict> dicts_;
  std::vector<Value> stack_;
  std::map<std::uint32_t, Value> memo_;
};

}  // namespace

std::vector<std::pair<std::string, at::Tensor>> read_pickled_tensors(const std::shared_ptr<InputFile>& file) {
  const Archive archive(file);
  if (archive.holds("constants.pkl")) fail_pickle("the file is a TorchScript model, which torch_model_load reads");
  if (!archive.holds("data.pkl")) fail_pickle("the file holds no pickle of torch.save");
  archive.check_records();
  PickledStorages storages(file);
  const std::string pickle = storages.record("data.pkl");
  Unpickler unpickler(pickle, storages);
  const Value dict = unpickler.run();
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  if (!std::holds_alternative<Dict*>(dict)) fail_pickle("the file holds no dictionary");
  for (const auto& [key, value] : *std::get<Dict*>(dict)) {
    if (!std::holds_alternative<std::string>(key)) fail_pickle("a key of the dictionary is no text");
    const std::string& name = std::get<std::string>(key);
    if (!std::holds_alternative<at::Tensor>(value)) fail_pickle("'" + name + "' in the dictionary is no tensor");
    tensors.emplace_back(name, std::get<at::Tensor>(value));
  }
  return tensors;
}

}  // namespace ftorch
