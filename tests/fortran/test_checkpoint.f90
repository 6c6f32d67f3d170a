! SPDX-License-Identifier: MIT
!> Checkpoints: what is kept, and what is refused.
module checkpoint_cases
  use, intrinsic :: iso_c_binding, only: c_associated, c_null_char
  use, intrinsic :: iso_fortran_env, only: int64, real64
  use ftorch
  use model_files, only: model_file
  use testing, only: check, check_close, check_equal, check_status
  implicit none
  private
  public :: texts, sections, put_again, kinds_are_checked, names, missing_names, empty_checkpoints, assignments
  public :: failed_load, empty_objects, released

  real(real64), parameter :: exact = 0

contains

  subroutine texts()
    type(torch_checkpoint) :: c
    type(torch_status) :: status
    character(len=:), allocatable :: text
    character(len=*), parameter :: odd = 'a "quoted" \ line' // new_line('a') // c_null_char // ' Wärme '

    call c%put('text', odd)
    call c%put('empty', '')
    call torch_checkpoint_save(c, 'texts.safetensors')
    call torch_delete(c)
    call torch_checkpoint_load(c, 'texts.safetensors')
    call c%get('text', text)
    call check(text == odd .and. len(text) == len(odd), 'text')
    call c%get('empty', text)
    call check_equal(len(text), 0, 'length of an empty text')
    call c%put('text', char(255), status)
    call check_status(status, torch_invalid_argument, 'torch_checkpoint%put: the text is not UTF-8')
    call c%get('text', text)
    call check(text == odd, 'the old text is kept')
  end subroutine texts

  !> Sections with strides of either sign, and expressions.
  subroutine sections()
    type(torch_checkpoint) :: c
    real(real64) :: a(4, 3), b(4, 3)
    integer :: i

    a = reshape([(real(i, real64), i = 1, 12)], [4, 3])
    b = 0
    call c%put('rows', a(4:1:-2, :))
    call c%put('expression', 2 * a(:, 2) + 1)
    call c%get('rows', b(1:2, :))
    call check_close([b(1, :), b(2, :)], [a(4, :), a(2, :)], exact, 'rows')
    call c%get('rows', b(4:3:-1, :))
    call check_close([b(4, :), b(3, :)], [a(4, :), a(2, :)], exact, 'into a section')
    call c%get('expression', b(:, 1))
    call check_close(b(:, 1), 2 * a(:, 2) + 1, exact, 'expression')
    call c%put('none', a(1:0, :))
    call c%get('none', a(1:0, :))
  end subroutine sections

  subroutine put_again()
    type(torch_checkpoint) :: c
    character(len=:), allocatable :: text
    integer :: step

    call c%put('step', 1)
    call c%put(' step ', 2)
    step = 0
    call c%get('step  ', step)
    call check_equal(step, 2, 'the second')
    call c%put('step', 'two')
    call c%get('step', text)
    call check(text == 'two', 'another kind')
    call torch_checkpoint_save(c, 'again.safetensors')
    call torch_checkpoint_load(c, 'again.safetensors')
    call c%get('step', text)
    call check(text == 'two', 'in the file')
  end subroutine put_again

  subroutine kinds_are_checked()
    type(torch_checkpoint) :: c
    type(torch_model) :: model
    type(torch_tensor) :: t
    type(torch_status) :: status
    character(len=:), allocatable :: text
    integer :: step

    step = 5
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call c%put('model', model)
    call c%put('text', 'a text')
    call c%put('step', 1)
    call c%get('model', step, status)
    call check_status(status, torch_invalid_argument, "torch_checkpoint%get: 'model' is of kind model, not tensor")
    call c%get('text', t, status)
    call check_status(status, torch_invalid_argument, "'text' is of kind text, not tensor")
    call check(.not. c_associated(t%p), 'nothing is made')
    call c%get('step', text, status)
    call check_status(status, torch_invalid_argument, "'step' is of kind tensor, not text")
    call check(.not. allocated(text), 'no text')
    call c%get('step', model, status)
    call check_status(status, torch_invalid_argument, "'step' is of kind tensor, not model")
    call check_equal(step, 5, 'unchanged')
  end subroutine kinds_are_checked

  subroutine names()
    type(torch_checkpoint) :: c
    type(torch_status) :: status

    call c%put('', 1, status)
    call check_status(status, torch_invalid_argument, 'torch_checkpoint%put: the name is empty')
    call c%put('   ', 1, status)
    call check_status(status, torch_invalid_argument, 'the name is empty')
    call c%put('a.b', 1, status)
    call check_status(status, torch_invalid_argument, "'a.b' is no name: letters, digits, _ and - make one")
    call c%put('a b', 'text', status)
    call check_status(status, torch_invalid_argument, "'a b' is no name")
    call c%put('a' // c_null_char // 'b', 1, status)
    call check_status(status, torch_invalid_argument, 'is no name')
    call c%put('kind:a', 1, status)
    call check_status(status, torch_invalid_argument, "'kind:a' is no name")
    call check(.not. c_associated(c%p), 'no checkpoint was made')
    call c%put('A_name-2', 1, status)
    call check(status%ok(), 'a name')
  end subroutine names

  subroutine missing_names()
    type(torch_checkpoint) :: c
    type(torch_status) :: status
    integer :: i
    character(len=2) :: name

    i = 3
    call c%put('text', 'a')
    call c%put('step', 1)
    call c%get('steps', i, status)
    call check_status(status, torch_invalid_argument, &
                      "torch_checkpoint%get: there is no 'steps'; the checkpoint holds 'text' (text), 'step' (tensor)")
    call check_equal(i, 3, 'unchanged')
    do i = 10, 40
      write (name, '(i0)') i
      call c%put(name, i)
    end do
    call c%get('', i, status)
    call check_status(status, torch_invalid_argument, "'27' (tensor) and 13 more")
  end subroutine missing_names

  subroutine empty_checkpoints()
    type(torch_checkpoint) :: c
    type(torch_status) :: status
    logical :: exists
    integer :: i

    call c%get('step', i, status)
    call check_status(status, torch_invalid_argument, 'the checkpoint is empty: nothing was put into it')
    call torch_checkpoint_save(c, 'empty.safetensors', status)
    call check_status(status, torch_invalid_argument, 'torch_checkpoint_save: the checkpoint is empty')
    inquire (file='empty.safetensors', exist=exists)
    call check(.not. exists, 'no file')
  end subroutine empty_checkpoints

  !> Each variable is a checkpoint of its own.
  subroutine assignments()
    type(torch_checkpoint) :: first, second, nothing
    type(torch_checkpoint), allocatable :: several(:)
    integer :: step

    call first%put('step', 1)
    second = first
    call second%put('step', 2)
    allocate (several(2))
    several(1) = first
    several(2) = second
    several = several([2, 1])
    call several(1)%get('step', step)
    call check_equal(step, 2, 'exchanged')
    call several(1)%put('step', 3)
    call first%get('step', step)
    call check_equal(step, 1, 'the first')
    call second%get('step', step)
    call check_equal(step, 2, 'the second')
    second = second
    call second%get('step', step)
    call check_equal(step, 2, 'itself')
    second = nothing
    call check(.not. c_associated(second%p), 'nothing')
  end subroutine assignments

  subroutine failed_load()
    type(torch_checkpoint) :: c
    type(torch_status) :: status
    integer :: step, unit

    call c%put('step', 1)
    call torch_checkpoint_load(c, 'no such file', status)
    call check_status(status, torch_io_error, "torch_checkpoint_load: 'no such file': it cannot be read: No such file")
    open (newunit=unit, file='no checkpoint', action='write')
    write (unit, '(a)') 'this is a text, not a checkpoint'
    close (unit)
    call torch_checkpoint_load(c, 'no checkpoint', status)
    call check_status(status, torch_io_error, 'it is no safetensors file')
    call torch_checkpoint_load(c, model_file('weights.pt'), status)
    call check_status(status, torch_io_error, 'it is no safetensors file')
    call c%get('step', step)
    call check_equal(step, 1, 'the checkpoint is as it was')
    call torch_checkpoint_save(c, 'no/such/folder', status)
    call check_status(status, torch_io_error, "torch_checkpoint_save: 'no/such/folder': it cannot be written")
  end subroutine failed_load

  subroutine empty_objects()
    type(torch_checkpoint) :: c
    type(torch_model) :: model, empty
    type(torch_tensor) :: t
    type(torch_status) :: status

    call c%put('model', empty, status)
    call check_status(status, torch_invalid_argument, 'the object holds nothing')
    call c%put('tensor', t, status)
    call check_status(status, torch_invalid_argument, 'the object holds nothing')
    call torch_model_load(model, model_file('mlp_float64.pt'), torch_kCPU)
    call c%put('model', model)
    call c%get('model', empty, status)
    call check_status(status, torch_invalid_argument, 'the object holds nothing: make it, or load it, before')
  end subroutine empty_objects

  subroutine released()
    type(torch_checkpoint) :: c(2)
    type(torch_status) :: status
    integer(int64) :: before
    integer :: i

    before = torch_live_checkpoints()
    call c(1)%put('a', 1)
    call c(2)%put('a', 1)
    call check_equal(int(torch_live_checkpoints() - before), 2, 'alive')
    call torch_checkpoint_delete(c(1))
    call torch_delete(c)
    call check_equal(int(torch_live_checkpoints() - before), 0, 'released')
    call c(1)%get('a', i, status)
    call check_status(status, torch_invalid_argument, 'the checkpoint is empty')
  end subroutine released

end module checkpoint_cases

program test_checkpoint
  use checkpoint_cases
  use testing, only: add_case, run_cases
  implicit none

  call add_case('texts', texts)
  call add_case('sections', sections)
  call add_case('put_again', put_again)
  call add_case('kinds_are_checked', kinds_are_checked, 'models')
  call add_case('names', names)
  call add_case('missing_names', missing_names)
  call add_case('empty_checkpoints', empty_checkpoints)
  call add_case('assignments', assignments)
  call add_case('failed_load', failed_load, 'models')
  call add_case('empty_objects', empty_objects, 'models')
  call add_case('released', released)
  call run_cases()
end program test_checkpoint
