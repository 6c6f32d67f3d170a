// SPDX-License-Identifier: MIT
// The entry for users' metadata: texts by key, in an extra file of a model's archive.

#include "core/guard.h"
#include "core/similar.h"
#include "core/text.h"
#include "model/exported/json.h"
#include "model/model.h"

using namespace ftorch;

namespace {

exported::Json texts_of(const Model& model) {
  if (model.metadata().empty()) return exported::Json::object();
  Context context(metadata_name);
  exported::Json texts = exported::parse_json(model.metadata());
  if (!texts.is_object()) exported::fail_ill_typed(texts, "an object");
  return texts;
}

}  // namespace

int ft_model_metadata(ft_handle handle, const char* text, int64_t size) {
  return guard(ft_model_error, [&] {
    const std::string key(required(text, "key"), static_cast<std::size_t>(size));
    const exported::Json texts = texts_of(*models.get(handle, "the model"));
    const auto found = texts.find(key);
    if (found != texts.end()) return set_text(found->is_string() ? found->get<std::string>() : found->dump());
    std::vector<std::string> keys;
    for (const auto& one : texts.items()) keys.push_back(one.key());
    fail(ft_invalid_argument, "the model has no metadata '" + key + "'; it has " + most_similar(key, std::move(keys)));
  });
}
