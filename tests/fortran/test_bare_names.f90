! SPDX-License-Identifier: MIT
!> A bare `use ftorch` takes no name of Fortran's: a program may have variables of these names.
module bare_names_cases
  use ftorch
  use testing, only: check_close, check_equal
  implicit none
  private
  public :: variables

contains

  subroutine variables()
    integer :: sum, max, size, scale, spread, index, shape, min, count, real
    real, target :: x(2)
    real :: got(2)
    type(torch_tensor) :: a, exp

    sum = 1
    max = 2
    size = 3
    scale = 4
    spread = 5
    index = 6
    shape = 7
    min = 8
    count = 9
    real = 10
    x = [1.0, 2.0]
    call torch_tensor_from_array(a, x, torch_kCPU)
    exp = torch_exp(a * max)
    got = exp
    call check_close(got, [7.389056, 54.59815], 1.0e-6, 'torch_exp beside a variable exp')
    call check_equal(sum + max + size + scale + spread + index + shape + min + count + real, 55, 'variables')
  end subroutine variables

end module bare_names_cases

program test_bare_names
  use bare_names_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('variables', variables)
  call run_cases()
end program test_bare_names
