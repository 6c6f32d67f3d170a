! SPDX-License-Identifier: MIT
!> What the programs of the routes have in common: the samples, and what they print.
module routes
  use, intrinsic :: iso_fortran_env, only: real32, real64
  implicit none
  private
  public :: argument, print_results, sample

contains

  !> The number at a place of the command line.
  function argument(place) result(number)
    integer, intent(in) :: place
    integer :: number
    character(len=32) :: text

    call get_command_argument(place, text)
    read (text, *) number
  end function argument

  !> Inputs of a batch, one sample in each column, and room for the results.
  subroutine sample(x, y, batch)
    real(real32), allocatable, intent(out) :: x(:, :), y(:, :)
    integer, intent(in) :: batch
    integer :: i

    allocate (x(8, batch), y(4, batch))
    x = reshape([(sin(0.1_real32 * i), i=1, size(x))], shape(x))
    y = 0
  end subroutine sample

  subroutine print_results(y)
    real(real32), intent(in) :: y(:, :)

    print '(2es16.7)', sum(real(y, real64)), sum(real(y, real64)**2)
  end subroutine print_results

end module routes
