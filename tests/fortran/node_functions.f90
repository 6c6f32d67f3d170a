! SPDX-License-Identifier: MIT
!> Functions of tensors with their adjoints, written in Fortran, right and wrong ones.
module node_functions
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  implicit none
  private
  public :: cube, affine, two_outputs, faulty, counted, ended, stateful, integer_output, nested, single

  integer, parameter :: dp = real64
  !> Copies of counted functions that were ended.
  integer, save :: ended = 0

  !> factor*x**3, element by element, of a vector.
  type, extends(torch_function) :: cube
    real(dp) :: factor = 1
  contains
    procedure :: forward => cube_forward
    procedure :: backward => cube_backward
  end type cube

  !> matmul(w, x) + b with arrays of its own for w.
  type, extends(torch_function) :: affine
    real(dp), allocatable :: w(:, :)
  contains
    procedure :: forward => affine_forward
    procedure :: backward => affine_backward
  end type affine

  !> x*y and x + y of matrices.
  type, extends(torch_function) :: two_outputs
  contains
    procedure :: forward => two_forward
    procedure :: backward => two_backward
  end type two_outputs

  !> Does something wrong.
  type, extends(torch_function) :: faulty
    character(len=24) :: fault = ''
  contains
    procedure :: forward => faulty_forward
    procedure :: backward => faulty_backward
  end type faulty

  !> A cube that counts its ends.
  type, extends(cube) :: counted
    real(dp), allocatable :: ballast(:)
  contains
    final :: count_end
  end type counted

  !> Keeps in forward what backward needs.
  type, extends(torch_function) :: stateful
    real(dp), allocatable :: kept(:)
  contains
    procedure :: forward => stateful_forward
    procedure :: backward => stateful_backward
  end type stateful

  !> Rounded values beside the cubes.
  type, extends(cube) :: integer_output
  contains
    procedure :: forward => integer_forward
    procedure :: backward => integer_backward
  end type integer_output

  !> The cube of the cube, by functions in a function.
  type, extends(torch_function) :: nested
  contains
    procedure :: forward => nested_forward
    procedure :: backward => nested_backward
  end type nested

  !> A square in single precision, through operators of tensors.
  type, extends(torch_function) :: single
  contains
    procedure :: forward => single_forward
    procedure :: backward => single_backward
  end type single

contains

  subroutine cube_forward(self, outputs, inputs, status)
    class(cube), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(dp), pointer :: x(:), y(:)

    call torch_tensor_to_pointer(inputs(1), x, status)
    if (.not. status%ok()) return
    call torch_tensor_empty(outputs(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(outputs(1), y, status)
    y = self%factor * x**3
  end subroutine cube_forward

  subroutine cube_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(cube), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(dp), pointer :: x(:), g(:), y(:), gx(:)

    call torch_tensor_to_pointer(inputs(1), x, status)
    call torch_tensor_to_pointer(outputs(1), y)
    call torch_tensor_to_pointer(output_gradients(1), g)
    call torch_tensor_empty(input_gradients(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(input_gradients(1), gx)
    gx = 3 * self%factor * x**2 * g
    if (any(abs(y - self%factor * x**3) > 1.0e-12_dp * abs(y))) then
      status%code = torch_internal_error
      status%message = 'outputs are others'
    end if
  end subroutine cube_backward

  subroutine affine_forward(self, outputs, inputs, status)
    class(affine), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(dp), pointer :: x(:), b(:)
    real(dp), target :: y(size(self%w, 1))
    type(torch_tensor) :: sum_of_both

    call torch_tensor_to_pointer(inputs(1), x, status)
    call torch_tensor_to_pointer(inputs(2), b, status)
    y = matmul(self%w, x) + b
    ! The array goes away with this procedure, so that the output is a copy.
    call torch_tensor_from_array(sum_of_both, y, torch_kCPU, status=status)
    outputs(1) = sum_of_both
  end subroutine affine_forward

  subroutine affine_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(affine), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(dp), pointer :: g(:), gx(:)

    call torch_tensor_to_pointer(output_gradients(1), g, status)
    if (size(outputs) /= 1) status%code = torch_internal_error
    if (inputs(1)%requires_grad()) then
      call torch_tensor_empty(input_gradients(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
      call torch_tensor_to_pointer(input_gradients(1), gx)
      gx = matmul(g, self%w)
    end if
    if (inputs(2)%requires_grad()) input_gradients(2) = output_gradients(1)
  end subroutine affine_backward

  subroutine two_forward(self, outputs, inputs, status)
    class(two_outputs), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status

    self%thread_safe = .true.
    call torch_tensor_mul(outputs(1), inputs(1), inputs(2), status)
    call torch_tensor_add(outputs(2), inputs(1), inputs(2), status)
  end subroutine two_forward

  subroutine two_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(two_outputs), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    type(torch_tensor) :: part

    if (.not. self%thread_safe .or. size(outputs) /= 2) status%code = torch_internal_error
    part = output_gradients(1) * inputs(2)
    input_gradients(1) = part + output_gradients(2)
    input_gradients(2) = output_gradients(1) * inputs(1) + output_gradients(2)
  end subroutine two_backward

  subroutine faulty_forward(self, outputs, inputs, status)
    class(faulty), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    type(torch_tensor) :: none

    select case (self%fault)
    case ('forward fails')
      status%code = torch_model_error
      status%message = 'the pressure is negative'
    case ('forward without message')
      status%code = torch_io_error
    case ('forward calls wrongly')
      call torch_tensor_sum(outputs(1), none, status)
    case ('no output')
      continue
    case ('region left open')
      call torch_no_grad_begin()
      outputs(1) = inputs(1) * 2
    case default
      outputs(1) = inputs(1) * 2
    end select
  end subroutine faulty_forward

  subroutine faulty_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(faulty), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status

    if (size(outputs) == 0 .or. size(inputs) == 0) status%code = torch_internal_error
    select case (self%fault)
    case ('backward fails')
      status%code = torch_model_error
      status%message = 'the adjoint does not converge'
    case ('no gradient')
      continue
    case ('wrong shape')
      call torch_tensor_ones(input_gradients(1), 1, [3_int64], torch_kFloat64, torch_kCPU)
    case ('wrong dtype')
      call torch_tensor_ones(input_gradients(1), 1, [2_int64], torch_kFloat32, torch_kCPU)
    case ('end without begin')
      call torch_no_grad_end(status)
      input_gradients(1) = output_gradients(1) * 2
    case ('wrong adjoint')
      input_gradients(1) = output_gradients(1) * 2.5
    case default
      input_gradients(1) = output_gradients(1) * 2
    end select
  end subroutine faulty_backward

  impure elemental subroutine count_end(self)
    type(counted), intent(inout) :: self

    if (allocated(self%ballast)) ended = ended + 1
  end subroutine count_end

  subroutine stateful_forward(self, outputs, inputs, status)
    class(stateful), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    real(dp), pointer :: x(:), y(:)

    call torch_tensor_to_pointer(inputs(1), x, status)
    call torch_tensor_empty(outputs(1), 1, inputs(1)%get_shape(), torch_kFloat64, torch_kCPU)
    call torch_tensor_to_pointer(outputs(1), y)
    y = sin(x)
    self%kept = cos(x)
  end subroutine stateful_forward

  subroutine stateful_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(stateful), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status
    real(dp), pointer :: g(:)

    if (size(outputs) + size(inputs) /= 2) status%code = torch_internal_error
    input_gradients(1) = output_gradients(1) * 1
    call torch_tensor_to_pointer(input_gradients(1), g)
    g = g * self%kept
  end subroutine stateful_backward

  subroutine integer_forward(self, outputs, inputs, status)
    class(integer_output), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    integer, pointer :: rounded(:)
    real(dp), pointer :: x(:)

    call torch_tensor_to_pointer(inputs(1), x)
    call torch_tensor_empty(outputs(1), 1, inputs(1)%get_shape(), torch_kInt32, torch_kCPU)
    call torch_tensor_to_pointer(outputs(1), rounded)
    rounded = nint(x)
    call cube_forward(self%cube, outputs(2:2), inputs, status)
  end subroutine integer_forward

  subroutine integer_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(integer_output), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status

    call cube_backward(self%cube, input_gradients, output_gradients(2:2), inputs, outputs(2:2), status)
  end subroutine integer_backward

  subroutine nested_forward(self, outputs, inputs, status)
    class(nested), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status
    type(torch_tensor) :: inner(1)
    type(cube) :: f  ! flang 19 does not compile `cube()` here

    self%thread_safe = .false.
    call torch_apply(inner, f, inputs, status)
    if (status%ok()) call torch_apply(outputs, f, inner, status)
  end subroutine nested_forward

  !> Another graph is made and differentiated within the pass.
  subroutine nested_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(nested), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status

    if (self%thread_safe .or. size(outputs) /= 1) status%code = torch_internal_error
    input_gradients(1) = 9.0_dp * inputs(1)**8 * output_gradients(1)
  end subroutine nested_backward

  subroutine single_forward(self, outputs, inputs, status)
    class(single), intent(inout) :: self
    type(torch_tensor), intent(inout) :: outputs(:)
    type(torch_tensor), intent(in) :: inputs(:)
    type(torch_status), intent(out) :: status

    self%thread_safe = .false.
    call torch_tensor_mul(outputs(1), inputs(1), inputs(1), status)
  end subroutine single_forward

  subroutine single_backward(self, input_gradients, output_gradients, inputs, outputs, status)
    class(single), intent(inout) :: self
    type(torch_tensor), intent(inout) :: input_gradients(:)
    type(torch_tensor), intent(in) :: output_gradients(:), inputs(:), outputs(:)
    type(torch_status), intent(out) :: status

    if (self%thread_safe .or. size(outputs) /= 1) status%code = torch_internal_error
    input_gradients(1) = 2 * inputs(1) * output_gradients(1)
  end subroutine single_backward

end module node_functions
