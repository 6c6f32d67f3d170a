/* SPDX-License-Identifier: MIT */
/* Makes a tensor of ones and asks for its shape; a wrong argument is a status with a text. */
#include <ftorch.h>
#include <string.h>

enum { ones = 2, float32 = 6 };

int main(void)
{
  const int64_t shape[] = {2, 3};
  const ft_options options = {float32, 0, 0, 0};
  const char *text = "";
  int64_t found[2] = {0, 0};
  ft_handle tensor = 0;

  if (ft_tensor_create(ones, 2, shape, 2, &options, &tensor) != ft_ok) return 1;
  if (ft_tensor_shape(tensor, found) != ft_ok || found[0] != 2 || found[1] != 3) return 2;
  if (ft_release(tensor) != ft_ok || ft_tensor_live() != 0) return 3;
  if (ft_tensor_shape(tensor, found) != ft_invalid_argument) return 4;
  return ft_text(&text) > 0 && strlen(text) > 0 ? 0 : 5;
}
