! SPDX-License-Identifier: MIT
!> Pointers to the numbers of tensors.
module pointer_cases
  use, intrinsic :: iso_c_binding, only: c_bool
  use, intrinsic :: iso_fortran_env, only: int8, int16, int32, int64, real32, real64
  use ftorch
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: made, every_kind, every_rank, array, sections, scalar, empty, refused, expanded, graph, saved, leaf, parameter_of_model
  public :: recorded_after, shared_by_sum, row_major, no_temporaries, conjugate

  integer, parameter :: dp = real64

contains

  !> Written and read in place.
  subroutine made()
    type(torch_tensor) :: t, s
    real(dp), pointer :: p(:, :)
    real(dp) :: values(2, 3)
    type(torch_status) :: status

    call torch_tensor_zeros(t, 2, [2_int64, 3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(t, p, status)
    call check(status%ok(), 'status')
    call check(all(shape(p) == [2, 3]) .and. all(lbound(p) == 1), 'shape')
    p = reshape([1, 2, 3, 4, 5, 6], [2, 3])
    call torch_tensor_to_array(t, values)
    call check_close(reshape(values, [6]), [1, 2, 3, 4, 5, 6] * 1.0_dp, 0.0_dp, 'written')
    call torch_tensor_sum(s, t)
    call check_close(sum(p(:, 2:3)), 18.0_dp, 0.0_dp, 'read')
  end subroutine made

  !> LibTorch's own memory runs the last dimension fastest, which the strides say.
  subroutine row_major()
    type(torch_tensor) :: t
    real(real32), pointer :: p(:, :)
    integer(int64) :: stride(2)

    call torch_tensor_zeros(t, 2, [2_int64, 3_int64], torch_kFloat32, torch_kCPU)
    stride = t%get_stride()
    call torch_tensor_to_pointer(t, p)
    call check(stride(1) == 3 .and. .not. is_contiguous(p), 'strides')
    p(2, :) = [4, 5, 6]
    p(1, 3) = 3
    call check(all(abs(p(:, 3) - [3, 6]) < 1.0e-6_real32), 'column')
  end subroutine row_major

  subroutine every_kind()
    integer(int8), pointer :: i1(:)
    integer(int16), pointer :: i2(:)
    integer(int32), pointer :: i4(:)
    integer(int64), pointer :: i8(:)
    real(real32), pointer :: r4(:)
    real(real64), pointer :: r8(:)
    complex(real32), pointer :: z4(:)
    complex(real64), pointer :: z8(:)
    logical(c_bool), pointer :: l(:)
    type(torch_tensor) :: t

    t = ones(torch_kInt8)
    call torch_tensor_to_pointer(t, i1)
    t = ones(torch_kInt16)
    call torch_tensor_to_pointer(t, i2)
    call check_equal(int(sum(i2)), 3, 'int16')
    t = ones(torch_kInt32)
    call torch_tensor_to_pointer(t, i4)
    call check_equal(int(sum(i4)), 3, 'int32')
    t = ones(torch_kInt64)
    call torch_tensor_to_pointer(t, i8)
    call check_equal(int(sum(i8)), 3, 'int64')
    t = ones(torch_kFloat32)
    call torch_tensor_to_pointer(t, r4)
    call check_close(real(sum(r4), dp), 3.0_dp, 0.0_dp, 'real32')
    t = ones(torch_kFloat64)
    call torch_tensor_to_pointer(t, r8)
    call check_close(sum(r8), 3.0_dp, 0.0_dp, 'real64')
    t = ones(torch_kComplexFloat)
    call torch_tensor_to_pointer(t, z4)
    call check(abs(sum(z4) - 3) < 1.0e-6, 'complex of real32')
    t = ones(torch_kComplexDouble)
    call torch_tensor_to_pointer(t, z8)
    call check(abs(sum(z8) - 3) < 1.0e-12_dp, 'complex of real64')
    t = ones(torch_kBool)
    call torch_tensor_to_pointer(t, l)
    call check_equal(count(l), 3, 'logical')
    l(2) = .false.
    call check_equal(count(l), 2, 'logical written')
  end subroutine every_kind

  subroutine every_rank()
    real(dp), pointer :: p1(:), p3(:, :, :), p4(:, :, :, :), p7(:, :, :, :, :, :, :)
    type(torch_tensor) :: t
    real(dp), target :: x(2, 1, 3, 2, 1, 2, 2)

    call random_number(x)
    call torch_tensor_from_array(t, x, torch_kCPU)
    call torch_tensor_to_pointer(t, p7)
    call check(associated(p7, x), 'rank 7 is the array')
    call torch_tensor_zeros(t, 1, [3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(t, p1)
    call check(is_contiguous(p1), 'rank 1')
    call torch_tensor_ones(t, 3, [2_int64, 1_int64, 2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(t, p3)
    p3(2, 1, 1) = 5
    call check_close(sum(p3), 8.0_dp, 0.0_dp, 'rank 3')
    call torch_tensor_ones(t, 4, [2_int64, 3_int64, 2_int64, 5_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(t, p4)
    p4(:, 2, :, 5) = 0
    call check_close(sum(p4), 56.0_dp, 0.0_dp, 'rank 4')
  end subroutine every_rank

  !> That of an array is the array.
  subroutine array()
    real(dp), target :: x(2, 3)
    real(dp), pointer :: p(:, :)
    type(torch_tensor) :: t

    x = 1
    call torch_tensor_from_array(t, x, torch_kCPU)
    call torch_tensor_to_pointer(t, p)
    call check(associated(p, x), 'association')
    t = t * 2
    call check_close(p(2, 3), 2.0_dp, 0.0_dp, 'follows')
  end subroutine array

  subroutine sections()
    real(real32), target :: x(6, 5)
    real(real32), pointer :: p(:, :), q(:), part(:, :), row(:)
    type(torch_tensor) :: t

    call random_number(x)
    part => x(2:6:2, 1:5:3)
    call torch_tensor_from_array(t, part, torch_kCPU)
    call torch_tensor_to_pointer(t, p)
    call check(associated(p, part), 'section')
    row => x(3, :)
    call torch_tensor_from_array(t, row, torch_kCPU)
    call torch_tensor_to_pointer(t, q)
    call check(associated(q, row), 'row')
    q(2) = 7
    call check(abs(x(3, 2) - 7) < 1.0e-6, 'written')
  end subroutine sections

  subroutine scalar()
    real(dp), target :: x
    real(dp), pointer :: p
    complex(real32), pointer :: z
    type(torch_tensor) :: t, s, c

    x = 3
    call torch_tensor_from_array(t, x, torch_kCPU)
    call torch_tensor_to_pointer(t, p)
    call check(associated(p, x), 'array')
    call torch_tensor_sum(s, ones(torch_kFloat64))
    call torch_tensor_to_pointer(s, p)
    call check_close(p, 3.0_dp, 0.0_dp, 'sum')
    call torch_tensor_sum(c, ones(torch_kComplexFloat))
    call torch_tensor_to_pointer(c, z)
    call check(abs(z - 3) < 1.0e-6, 'complex')
  end subroutine scalar

  subroutine empty()
    real(dp), pointer :: p(:, :)
    type(torch_tensor) :: t

    call torch_tensor_zeros(t, 2, [0_int64, 3_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(t, p)
    call check(associated(p) .or. size(p) == 0, 'association')
    call check_equal(size(p, 1), 0, 'first')
    call check_equal(size(p, 2), 3, 'second')
  end subroutine empty

  subroutine refused()
    real(dp), pointer :: p(:), q(:, :)
    real(real32), pointer :: r(:)
    type(torch_tensor) :: t, none
    type(torch_status) :: status

    t = ones(torch_kFloat64)
    call torch_tensor_to_pointer(none, p, status)
    call check_status(status, torch_invalid_argument, 'torch_tensor_to_pointer: the tensor holds nothing')
    call check(.not. associated(p), 'no pointer')
    call torch_tensor_to_pointer(t, q, status)
    call check_status(status, torch_shape_mismatch, 'the tensor has shape [3] of rank 1, the pointer rank 2')
    call check(.not. associated(q), 'no pointer of another rank')
    call torch_tensor_to_pointer(t, r, status)
    call check_status(status, torch_dtype_mismatch, 'the tensor has dtype float64, the pointer float32')
    call check(.not. associated(r), 'no pointer of another kind')
  end subroutine refused

  !> Of a gradient that LibTorch expands, elements are its own.
  subroutine expanded()
    real(dp), target :: x(3)
    real(dp), pointer :: p(:)
    type(torch_tensor) :: t, s(1), g(1)

    x = 1
    call torch_tensor_from_array(t, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_sum(s(1), t)
    call torch_grad(g, s, [t])
    call torch_tensor_to_pointer(g(1), p)
    p(2) = 5
    call check_close(p, [1.0_dp, 5.0_dp, 1.0_dp], 0.0_dp, 'elements')
  end subroutine expanded

  !> A result in a graph that saved it: what is written changes later results, not the graph.
  subroutine graph()
    real(dp), target :: x(2)
    real(dp), pointer :: p(:)
    type(torch_tensor) :: a, b, c, d, g

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    b = a * 2
    c = b * b
    call torch_tensor_to_pointer(b, p)
    call check_close(p, [4.0_dp, 6.0_dp], 0.0_dp, 'read')
    p = 100
    d = b * a
    call torch_tensor_backward(c)
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), 8 * x, 0.0_dp, 'the graph has the old numbers')
    call check_close(values(d), 100 * x, 0.0_dp, 'the tensor has the new ones')
  end subroutine graph

  !> A constant that a graph saved.
  subroutine saved()
    real(dp), target :: x(2)
    real(dp), pointer :: p(:)
    type(torch_tensor) :: a, w, c, g

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(w, 1, [2_int64], torch_kFloat64, torch_kCPU)
    c = a * w
    call torch_tensor_to_pointer(w, p)
    p = 100
    call torch_tensor_backward(c)
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [1.0_dp, 1.0_dp], 0.0_dp, 'gradient')
  end subroutine saved

  !> What is written between forward and backward through a pointer from before is not in the graph either.
  subroutine recorded_after()
    real(dp), target :: x(2)
    real(dp), pointer :: p(:)
    type(torch_tensor) :: a, w, c, g

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(w, 1, [2_int64], torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(w, p)
    c = a * w
    p = 100
    call torch_tensor_backward(c)
    call torch_tensor_get_gradient(g, a)
    call check_close(values(g), [1.0_dp, 1.0_dp], 0.0_dp, 'gradient')
    call check_close(values(w), [100.0_dp, 100.0_dp], 0.0_dp, 'written')
  end subroutine recorded_after

  !> A leaf stays where it is; a pass that needs the old numbers fails.
  subroutine leaf()
    real(dp), target :: x(2)
    real(dp), pointer :: p(:)
    type(torch_tensor) :: a, w, c
    type(torch_status) :: status

    x = [2, 3]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_ones(w, 1, [2_int64], torch_kFloat64, torch_kCPU, requires_grad=.true.)
    call torch_tensor_to_pointer(w, p)
    p = 5
    c = a * w
    call torch_tensor_to_pointer(w, p)
    p = 100
    call torch_tensor_backward(c, status=status)
    call check_status(status, torch_autograd_error, 'modified by an inplace operation')
    call check(w%requires_grad(), 'leaf')
    c = a * w
    call torch_tensor_backward(c)
    call torch_tensor_get_gradient(c, a)
    call check_close(values(c), [100.0_dp, 100.0_dp], 0.0_dp, 'gradient')
  end subroutine leaf

  subroutine parameter_of_model()
    use model_files, only: model_file
    real(real32), pointer :: p(:)
    real(real32), target :: x(2), y(2)
    real(real32) :: before(2)
    type(torch_tensor) :: parameters(1), a, b
    type(torch_model) :: model

    x = [1, 2]
    call torch_model_load(model, model_file('scaling.pt'), torch_kCPU)
    call torch_model_parameters(model, parameters)
    call torch_tensor_to_pointer(parameters(1), p)
    call torch_tensor_from_array(a, x, torch_kCPU)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_model_forward(model, [a], [b])
    before = y
    p = 10 * p
    call torch_model_forward(model, [a], [b])
    call check_close(y, 10 * before, 1.0e-6_real32, 'the model has them')
  end subroutine parameter_of_model

  !> Another tensor that has the same memory keeps its numbers.
  subroutine shared_by_sum()
    real(dp), pointer :: p(:)
    real(dp), target :: x(2)
    type(torch_tensor) :: a, s(1), g(2)

    x = 1
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    s(1) = a + a
    call torch_grad(g(1:1), s, [a], retain_graph=.true.)
    g(2) = g(1)
    call torch_tensor_to_pointer(g(1), p)
    p = 9
    call check_close(values(g(2)), [2.0_dp, 2.0_dp], 0.0_dp, 'other')
  end subroutine shared_by_sum

  subroutine conjugate()
    complex(dp), target :: x(2), y(2)
    complex(dp), pointer :: p(:)
    type(torch_tensor) :: a, b, g

    x = [(1, 2), (3, 4)]
    y = [(0, 1), (2, 0)]
    call torch_tensor_from_array(a, x, torch_kCPU, requires_grad=.true.)
    call torch_tensor_from_array(b, y, torch_kCPU)
    call torch_vjp(g, a * b, a, b)
    call torch_tensor_to_pointer(g, p)
    call check(all(abs(p - y * conjg(y)) < 1.0e-14_dp), 'numbers')
  end subroutine conjugate

  subroutine no_temporaries()
    real(dp), pointer :: p(:)
    type(torch_tensor) :: t
    integer(int64) :: before
    integer :: i

    t = ones(torch_kFloat64)
    before = torch_live_tensors()
    do i = 1, 1000
      call torch_tensor_to_pointer(t, p)
      p(1) = p(1) + 1
    end do
    call check_equal(int(torch_live_tensors() - before), 0, 'live tensors')
    call check_close(values(t), [1001.0_dp, 1.0_dp, 1.0_dp], 0.0_dp, 'numbers')
  end subroutine no_temporaries

  function ones(dtype) result(tensor)
    integer, intent(in) :: dtype
    type(torch_tensor) :: tensor

    call torch_tensor_ones(tensor, 1, [3_int64], dtype, torch_kCPU)
  end function ones

  function values(tensor) result(numbers)
    type(torch_tensor), intent(in) :: tensor
    real(dp), allocatable :: numbers(:)

    allocate (numbers(product(tensor%get_shape())))
    call torch_tensor_to_array(tensor, numbers)
  end function values

end module pointer_cases

program test_pointers
  use pointer_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('made', made)
  call add_case('row_major', row_major)
  call add_case('every_kind', every_kind)
  call add_case('every_rank', every_rank)
  call add_case('array', array)
  call add_case('sections', sections)
  call add_case('scalar', scalar)
  call add_case('empty', empty)
  call add_case('refused', refused)
  call add_case('expanded', expanded)
  call add_case('graph', graph)
  call add_case('saved', saved)
  call add_case('recorded_after', recorded_after)
  call add_case('leaf', leaf)
  call add_case('parameter_of_model', parameter_of_model, 'models')
  call add_case('shared_by_sum', shared_by_sum)
  call add_case('conjugate', conjugate)
  call add_case('no_temporaries', no_temporaries)
  call run_cases()
end program test_pointers
