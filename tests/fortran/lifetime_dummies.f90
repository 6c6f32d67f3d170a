! SPDX-License-Identifier: MIT
!> Dummies with the attribute `value`, and types that extend ours: what the compiler copies as it likes.
module lifetime_dummies
  use, intrinsic :: iso_fortran_env, only: real32
  use ftorch
  use lifetime_objects, only: expect, fill, make, value
  use recorder, only: last_error, record_errors
  use testing, only: check, check_close
  implicit none
  private
  public :: value_dummy, value_dummy_written, extended_type, extended_component

  type, extends(torch_tensor) :: field
    integer :: number = 0
  end type field

  type :: holder
    type(field) :: f
  end type holder

contains

  subroutine value_dummy()
    type(torch_tensor) :: t
    integer :: i

    call fill(t, 2.0)
    do i = 1, 3
      call use_value(t)
    end do
    call expect(t, 2.0)

  contains

    subroutine use_value(x)
      type(torch_tensor), value :: x
      type(torch_tensor) :: y

      y = x * x
      call expect(y, 4.0)
    end subroutine use_value
  end subroutine value_dummy

  !> The caller's tensor is what it was, or is an error.
  subroutine value_dummy_written()
    type(torch_tensor) :: t
    type(torch_status) :: status
    real(real32) :: numbers(1)
    integer :: how

    do how = 1, 4
      call fill(t, 2.0)
      call write_value(t, how)
      numbers = 2
      call torch_tensor_to_array(t, numbers, status)
      call check_close(numbers(1), 2.0, 0.0, 'the caller''s')
      call check(status%ok() .or. index(status%message, 'was released') > 0, 'status')
      t = make(4.0)
      call expect(t, 4.0)
    end do

  contains

    subroutine write_value(x, how)
      type(torch_tensor), value :: x
      integer, intent(in) :: how

      select case (how)
      case (1)
        x = x * 10.0
      case (2)
        call torch_tensor_zero(x)
      case (3)
        call torch_tensor_mul(x, x, 10.0)
      case (4)
        call torch_delete(x)
      end select
    end subroutine write_value
  end subroutine value_dummy_written

  subroutine extended_type()
    type(field) :: a, b
    type(torch_tensor) :: t

    call fill(a%torch_tensor, 2.0)
    a%number = 7
    call fill(b%torch_tensor, 3.0)
    b = a
    call expect_refused()
    call expect(b%torch_tensor, 3.0)
    b%torch_tensor = a%torch_tensor * b
    call expect(b%torch_tensor, 6.0)
    t = a
    call expect(t, 2.0)
  end subroutine extended_type

  !> gfortran copies the number itself and assigns the tensor alone, flang assigns the component, which is refused.
  subroutine extended_component()
    type(holder) :: a, b

    call fill(a%f%torch_tensor, 2.0)
    a%f%number = 7
    b = a
    if (last_error%ok()) then
      call expect(b%f%torch_tensor, 2.0)
      call check(b%f%number == 7, 'number')
    else
      call expect_refused()
    end if
  end subroutine extended_component

  subroutine expect_refused()
    call check(last_error%code == torch_invalid_argument, 'no error')
    call check(index(last_error%message, 'extends torch_tensor') > 0, 'message')
    call record_errors()
  end subroutine expect_refused

end module lifetime_dummies
