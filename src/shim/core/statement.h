// SPDX-License-Identifier: MIT
// Failures of operators in a statement of the host's, of which its handler is told once.
#pragma once

namespace ftorch {

/// True from the first failure of an operator on this thread to the end of the statement: the next entry of another kind.
inline thread_local bool has_failed_operator = false;
/// True when this thread's last failure is that an entry was given the result of an operator that had failed.
inline thread_local bool is_consequence = false;

}  // namespace ftorch
