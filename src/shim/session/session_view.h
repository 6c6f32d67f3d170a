/* SPDX-License-Identifier: MIT */
/* An array for a session in plain C: the entry in session_entries.cpp that gets what a descriptor says. */
#ifndef FTORCH_SESSION_VIEW_H
#define FTORCH_SESSION_VIEW_H

#include "tensor/array.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

int ft_session_rebind_view(ft_handle session, int is_output, int64_t index, const ft_view *view, int dtype);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
