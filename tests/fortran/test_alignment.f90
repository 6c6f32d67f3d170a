! SPDX-License-Identifier: MIT
!> Arrays of complex(real64) at addresses that are no multiple of 16, as components and COMMON members have them.
module alignment_cases
  use, intrinsic :: iso_c_binding, only: c_f_pointer, c_intptr_t, c_loc
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use testing, only: check, check_equal
  implicit none
  private
  public :: operators, follows, section, component, rank_0, gradients, recurrence, stepped
  public :: seed, copied_out, converted, from_blob

  integer, parameter :: n = 257
  real(real64), parameter :: tight = 1.0e-13_real64

contains

  !> n numbers at an address that is 8 more than a multiple of 16, in `memory`.
  subroutine misplace(memory, z)
    real(real64), target, intent(inout) :: memory(2 * n + 2)
    complex(real64), pointer, intent(out) :: z(:)
    integer :: first, i

    first = merge(2, 1, modulo(transfer(c_loc(memory), 0_c_intptr_t), 16_c_intptr_t) == 0)
    call c_f_pointer(c_loc(memory(first)), z, [n])
    z = [(cmplx(i, -2 * i, real64) / n, i=1, n)]
  end subroutine misplace

  subroutine operators()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real64), target :: y(n), r(n)
    type(torch_tensor) :: a, b, c
    integer :: i

    call misplace(memory, z)
    y = [(cmplx(3, i, real64), i=1, n)]
    call torch_tensor_from_array(a, z, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_tensor_from_array(c, r, torch_kCPU)
    c = a + b
    call check_near(r, z + y, 'sum')
    c = b - a
    call check_near(r, y - z, 'difference')
    c = a * b
    call check_near(r, z * y, 'product')
    c = a / b
    call check_near(r, z / y, 'quotient')
    c = 2 * a**2
    call check_near(r, 2 * z**2, 'power')
    c = -a
    call check_near(r, -z, 'negation')
    call torch_tensor_mul(c, a, b)
    call check_near(r, z * y, 'subroutine form')
    b = a
    call check_near(y, z, 'assignment')
  end subroutine operators

  subroutine check_near(got, expected, message)
    complex(real64), intent(in) :: got(:), expected(:)
    character(len=*), intent(in) :: message

    call check(all(abs(got - expected) <= tight * max(1.0_real64, abs(expected))), message)
  end subroutine check_near

  !> The array follows results, and what the program writes is the tensor's value.
  subroutine follows()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real64) :: before(n), r(n)
    type(torch_tensor) :: a, b

    call misplace(memory, z)
    before = z
    call torch_tensor_from_array(a, z, torch_kCPU)
    call torch_tensor_from_array(b, z, torch_kCPU)
    call check_equal(a%get_stride(), [1_int64], 'stride')
    a = a * 2
    call check_near(z, 2 * before, 'result')
    r = b
    call check_near(r, 2 * before, 'another tensor over the array')
    z = before + 1
    a = a * a
    call check_near(z, (before + 1)**2, 'what the program wrote')
    call b%zero()
    call check(all(abs(z) <= 0), 'zero')
    r = a
    call check(all(abs(r) <= 0), 'zero through the other tensor')
  end subroutine follows

  subroutine section()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:), grid(:, :)
    complex(real64) :: r(85), square(2, 3)
    type(torch_tensor) :: a
    complex(real64) :: before(n)

    call misplace(memory, z)
    before = z
    call torch_tensor_from_array(a, z(2:255:3), torch_kCPU)
    r = a
    call check_near(r, z(2:255:3), 'values')
    a = a + 1
    call check_near(z(2:255:3), before(2:255:3) + 1, 'written')
    call check_near(z(1:n:3), before(1:n:3), 'elements beside')
    grid(1:3, 1:4) => z(1:12)
    call torch_tensor_from_array(a, grid(::2, 2:), torch_kCPU)
    square = a
    call check_near(reshape(square, [6]), reshape(grid(::2, 2:), [6]), 'values of rank 2')
    call torch_tensor_from_array(a, grid, [2, 1], torch_kCPU)
    call check_equal(a%get_stride(), [4_int64, 1_int64], 'row-major')
  end subroutine section

  subroutine component()
    type :: spectrum
      integer(int64) :: label = 7
      complex(real64) :: z(7) = (1.0_real64, 2.0_real64)
    end type spectrum
    type(spectrum), target :: spectra(2)
    type(torch_tensor) :: a
    integer :: i

    do i = 1, 2
      call torch_tensor_from_array(a, spectra(i)%z, torch_kCPU)
      a = a * a
      call check_near(spectra(i)%z, spread((-3.0_real64, 4.0_real64), 1, 7), 'square')
      call check(spectra(i)%label == 7, 'the component beside')
    end do
  end subroutine component

  subroutine rank_0()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:), number
    complex(real64) :: got
    type(torch_tensor) :: a

    call misplace(memory, z)
    number => z(1)
    number = (1.0_real64, 2.0_real64)
    call torch_tensor_from_array(a, number, torch_kCPU)
    a = a * a
    call check(abs(number - (-3.0_real64, 4.0_real64)) <= 0, 'result')
    number = (5.0_real64, 6.0_real64)
    got = a
    call check(abs(got - number) <= 0, 'what the program wrote')
  end subroutine rank_0

  !> A leaf: its gradient, and a seed, at such addresses.
  subroutine gradients()
    real(real64), target :: memory(2 * n + 2), seeds(2 * n + 2), results(2 * n + 2)
    complex(real64), pointer :: z(:), s(:), r(:)
    type(torch_tensor) :: a, y, ts, tr
    integer :: i

    call misplace(memory, z)
    call misplace(seeds, s)
    call misplace(results, r)
    call torch_tensor_from_array(a, z, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(ts, s, torch_kCPU)
    call torch_tensor_from_array(tr, r, torch_kCPU)
    do i = 1, 3
      z = z + i
      call a%zero_grad()
      y = a * a
      call torch_tensor_backward(y, ts)
      call torch_tensor_get_gradient(tr, a)
      call check_near(r, s * conjg(2 * z), 'gradient')
    end do
    call check(a%requires_grad(), 'still a leaf')
  end subroutine gradients

  !> The graph keeps the old numbers of a tensor that is overwritten.
  subroutine recurrence()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real64), target :: w(1)
    complex(real64) :: got(1), first(n)
    type(torch_tensor) :: h, tw, y, ones, g
    integer :: i

    call misplace(memory, z)
    first = z
    w = (0.5_real64, 0.25_real64)
    call torch_tensor_from_array(h, z, torch_kCPU)
    call torch_tensor_from_array(tw, w, torch_kCPU, requires_grad=.true.)
    do i = 1, 2
      h = tw * h
    end do
    call check_near(z, w(1)**2 * first, 'the array follows')
    call torch_tensor_sum(y, h)
    ones = y - y + 1
    call torch_tensor_backward(y, ones)
    call torch_tensor_get_gradient(g, tw)
    got = g
    call check_near(got, [conjg(sum(2 * w(1) * first))], 'gradient')
  end subroutine recurrence

  !> Steps of an optimizer, against those on an aligned array; the program changes both in between.
  subroutine stepped()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real64), target :: aligned(n)
    type(torch_tensor) :: a(2), y, ones
    type(torch_optim) :: optim
    integer :: step, i

    call misplace(memory, z)
    aligned = z
    call torch_tensor_from_array(a(1), z, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(a(2), aligned, torch_kCPU, requires_grad=.true.)
    call torch_optim_Adam(optim, a, learning_rate=0.1)
    do step = 1, 4
      call optim%zero_grad()
      do i = 1, 2
        y = a(i) * a(i)
        call torch_tensor_ones(ones, 1, [int(n, int64)], torch_kComplexDouble, torch_kCPU)
        call torch_tensor_backward(y, ones)
      end do
      z = 2 * z
      aligned = 2 * aligned
      call optim%step()
      call check_near(z, aligned, 'step')
    end do
    call check(abs(z(1) - cmplx(1, -2, real64) / n) > 0.01, 'the numbers changed')
  end subroutine stepped

  !> A misplaced seed, and one leaf that is used by two graphs.
  subroutine seed()
    real(real64), target :: memory(2 * n + 2), seeds(2 * n + 2)
    complex(real64), pointer :: z(:), s(:)
    complex(real64), target :: x(n)
    complex(real64) :: got(n)
    type(torch_tensor) :: a, ts, tz, y, g

    call misplace(memory, z)
    call misplace(seeds, s)
    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(ts, s, torch_kCPU)
    call torch_tensor_from_array(tz, z, torch_kCPU)
    y = a * tz
    call torch_tensor_backward(y, ts)
    s = 0
    call torch_tensor_get_gradient(g, a)
    got = g
    call check_near(got, z * conjg(z), 'gradient')
  end subroutine seed

  !> Values copied to an array at such an address.
  subroutine copied_out()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real64), target :: x(n)
    type(torch_tensor) :: a

    call misplace(memory, z)
    x = (4.0_real64, 5.0_real64)
    call torch_tensor_from_array(a, x, torch_kCPU)
    z = a
    call check_near(z, x, 'assignment')
    a = a * 2
    call torch_tensor_to_array(a, z)
    call check_near(z, x, 'torch_tensor_to_array')
    call torch_tensor_to_array(a, z(n:1:-1))
    call check_near(z, x, 'backwards')
  end subroutine copied_out

  !> torch_tensor_to, from and to another dtype.
  subroutine converted()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real32), target :: w(n)
    real(real32), target :: x(n)
    type(torch_tensor) :: a, single, real_part

    call misplace(memory, z)
    call torch_tensor_from_array(a, z, torch_kCPU)
    call torch_tensor_from_array(single, w, torch_kCPU)
    call torch_tensor_from_array(real_part, x, torch_kCPU)
    call torch_tensor_to(a, single, lossy=.true.)
    call check(all(abs(w - cmplx(z, kind=real32)) <= 0), 'to single precision')
    w = (1.0, 2.0)
    call torch_tensor_to(single, a)
    call check_near(z, spread((1.0_real64, 2.0_real64), 1, n), 'from single precision')
    x = 3
    call torch_tensor_to(real_part, a)
    call check_near(z, spread((3.0_real64, 0.0_real64), 1, n), 'from real')
  end subroutine converted

  !> Memory at an address of C.
  subroutine from_blob()
    real(real64), target :: memory(2 * n + 2)
    complex(real64), pointer :: z(:)
    complex(real64) :: before(n)
    type(torch_tensor) :: a

    call misplace(memory, z)
    before = z
    call torch_tensor_from_blob(a, c_loc(z), 2, [1_int64, int(n, int64)], [1, 2], torch_kComplexDouble, torch_kCPU)
    a = a * a
    call check_near(z, before**2, 'square')
  end subroutine from_blob

end module alignment_cases

program test_alignment
  use alignment_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('operators', operators)
  call add_case('follows', follows)
  call add_case('section', section)
  call add_case('component', component)
  call add_case('rank_0', rank_0)
  call add_case('gradients', gradients)
  call add_case('recurrence', recurrence)
  call add_case('stepped', stepped)
  call add_case('seed', seed)
  call add_case('copied_out', copied_out)
  call add_case('converted', converted)
  call add_case('from_blob', from_blob)
  call run_cases()
end program test_alignment
