// SPDX-License-Identifier: MIT
// Entries for sessions.

#include "core/guard.h"
#include "core/thread.h"
#include "session/session.h"
#include "session/session_view.h"
#include "tensor/convert.h"

using namespace ftorch;

namespace {

std::vector<ft_handle> handles_of(const ft_handle* handles, int64_t size, const char* name) {
  if (size > 0) required(handles, name);
  return {handles, handles + size};
}

std::shared_ptr<Session> session_of(ft_handle model, const ft_handle* inputs, int64_t inputs_size,
                                    const ft_handle* outputs, int64_t outputs_size, int threads) {
  return std::make_shared<Session>(models.get(model, "the model"), handles_of(inputs, inputs_size, "inputs"),
                                   handles_of(outputs, outputs_size, "outputs"), checked_thread_count(threads));
}

Side side_of(int is_output) { return is_output ? Side::outputs : Side::inputs; }

}  // namespace

int ft_session_create(ft_handle model, const ft_handle* inputs, int64_t inputs_size, const ft_handle* outputs,
                      int64_t outputs_size, int threads, ft_handle* out) {
  return guard(ft_model_error, [&] {
    required(out, "out");
    *out = sessions.acquire(session_of(model, inputs, inputs_size, outputs, outputs_size, threads));
  });
}

int ft_session_copy(ft_handle session, ft_handle* out) {
  return guard<true>(ft_internal_error,
                     [&] { *required(out, "out") = sessions.acquire(sessions.get(session, "the session")); });
}

int ft_session_run(ft_handle session) {
  return guard(ft_model_error, [&] { sessions.get(session, "the session")->run(); });
}

int ft_session_rebind(ft_handle session, int is_output, int64_t index, ft_handle tensor) {
  return guard(ft_invalid_argument,
               [&] { sessions.get(session, "the session")->rebind(side_of(is_output), index, tensor); });
}

int ft_session_rebind_view(ft_handle session, int is_output, int64_t index, const ft_view* view, int dtype) {
  return guard(ft_invalid_argument, [&] {
    sessions.get(session, "the session")->rebind(side_of(is_output), index, *view, dtype_of(dtype));
  });
}

int ft_model_warmup(ft_handle model, const ft_handle* inputs, int64_t inputs_size, const ft_handle* outputs,
                    int64_t outputs_size) {
  return guard(ft_model_error, [&] { session_of(model, inputs, inputs_size, outputs, outputs_size, 0); });
}
