/* SPDX-License-Identifier: MIT */
/* Reads the descriptor of an array for a session. */

#include <stddef.h>

#include "session/session_view.h"

int ft_session_rebind_array(ft_handle session, int is_output, int64_t index, ft_array *array, const void *last,
                            int dtype)
{
  if (array == NULL) return ft_fail(ft_invalid_argument, "array is a null pointer");
  const ft_view view = ft_view_of(array, last);
  return ft_session_rebind_view(session, is_output, index, &view, dtype);
}
