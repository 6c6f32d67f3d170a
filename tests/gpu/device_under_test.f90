! SPDX-License-Identifier: MIT
!> The device that the cases run on, and memory of it that LibTorch did not allocate.
module device_under_test
  use, intrinsic :: iso_c_binding, only: c_char, c_int, c_loc, c_null_char, c_null_ptr, c_ptr, c_size_t
  use, intrinsic :: iso_fortran_env, only: error_unit, int64, real64
  use ftorch
  use testing, only: skip
  implicit none
  private
  public :: device, need_device, allocate_numbers, write_numbers, read_numbers, device_free

  !> Type of the device; known after need_device.
  integer(c_int), protected :: device = -1

  interface
    function device_load(library) bind(c) result(code)
      import :: c_char, c_int
      implicit none
      character(len=1, kind=c_char), intent(in) :: library(*)
      integer(c_int) :: code
    end function device_load

    function device_allocate(device_type, device_index, bytes, address) bind(c) result(code)
      import :: c_int, c_ptr, c_size_t
      implicit none
      integer(c_int), value :: device_type, device_index
      integer(c_size_t), value :: bytes
      type(c_ptr), intent(out) :: address
      integer(c_int) :: code
    end function device_allocate

    function device_copy(device_type, to, from, bytes) bind(c) result(code)
      import :: c_int, c_ptr, c_size_t
      implicit none
      integer(c_int), value :: device_type
      type(c_ptr), value :: to, from
      integer(c_size_t), value :: bytes
      integer(c_int) :: code
    end function device_copy

    !> Frees memory of the device.
    function device_free(device_type, address) bind(c) result(code)
      import :: c_int, c_ptr
      implicit none
      integer(c_int), value :: device_type
      type(c_ptr), value :: address
      integer(c_int) :: code
    end function device_free
  end interface

contains

  !> Sets `device` from FTORCH_TEST_DEVICE, cuda if that is not set, or ends the case as skipped when there are fewer than
  !> `count` such devices.
  subroutine need_device(count)
    integer, intent(in), optional :: count
    character(len=16) :: name, number
    type(torch_tensor) :: probe
    type(torch_status) :: status
    integer :: wanted

    call get_environment_variable('FTORCH_TEST_DEVICE', name)
    select case (name)
    case ('', 'cuda')
      device = torch_kCUDA
      name = 'CUDA'
    case ('xpu')
      device = torch_kXPU
    case ('cpu')
      device = torch_kCPU
    case ('stand_in')
      device = torch_kPrivateUse1
      call load_stand_in()
    case default
      write (error_unit, '(2a)') 'FTORCH_TEST_DEVICE is none of cuda, xpu, cpu, stand_in: ', name
      stop 2
    end select
    wanted = 1
    if (present(count)) wanted = count
    call torch_tensor_zeros(probe, 0, [integer(int64) ::], torch_kFloat32, device, wanted - 1, status=status)
    if (status%code /= torch_device_unavailable) return
    write (number, '(i0)') wanted - 1
    if (wanted == 1) number = ''
    call skip('no ' // trim(name) // ' device' // trim(' ' // number) // ': ' // status%message)
  end subroutine need_device

  !> The library that brings the stand-in along.
  subroutine load_stand_in()
    character(len=1024) :: library

    call get_environment_variable('FTORCH_TEST_STAND_IN', library)
    if (device_load(trim(library) // c_null_char) /= 0) stop 2
  end subroutine load_stand_in

  !> Memory for `count` numbers of 64 bits on the device.
  function allocate_numbers(count, device_index) result(address)
    integer, intent(in) :: count
    integer, intent(in), optional :: device_index
    type(c_ptr) :: address
    integer(c_int) :: index

    index = 0
    if (present(device_index)) index = device_index
    address = c_null_ptr
    call settle(device_allocate(device, index, 8_c_size_t * count, address), 'allocate')
  end function allocate_numbers

  !> Copies numbers to memory of the device.
  subroutine write_numbers(address, numbers)
    type(c_ptr), intent(in) :: address
    real(real64), intent(in), target, contiguous :: numbers(:)

    call settle(device_copy(device, address, c_loc(numbers), 8_c_size_t * size(numbers)), 'write')
  end subroutine write_numbers

  !> Copies `count` numbers from memory of the device, once all work on the device is done.
  function read_numbers(address, count) result(numbers)
    type(c_ptr), intent(in) :: address
    integer, intent(in) :: count
    real(real64), target :: numbers(count)

    call torch_device_synchronize(device)
    call settle(device_copy(device, c_loc(numbers), address, 8_c_size_t * count), 'read')
  end function read_numbers

  subroutine settle(code, what)
    integer(c_int), intent(in) :: code
    character(len=*), intent(in) :: what

    if (code == 0) return
    write (error_unit, '(3a, i0)') 'cannot ', what, ' memory of the device: ', code
    stop 2
  end subroutine settle

end module device_under_test
