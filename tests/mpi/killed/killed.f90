! SPDX-License-Identifier: MIT
!> Does one thing over and over on all ranks, until one of them is killed: `killed STAGE VICTIM DELAY TIMEOUT FOLDER MODEL`.
!>
!> STAGE: `create`, `load`, `broadcast`, `average`, `early` or `forward`. Rank VICTIM ends by SIGKILL, DELAY microseconds after all
!> have come so far. The others write `FOLDER/rank.<n>`: seconds in the call that failed, code, message.
program killed
  use, intrinsic :: iso_c_binding, only: c_funloc, c_funptr, c_int, c_long, c_null_ptr, c_ptr
  use, intrinsic :: iso_fortran_env, only: int64, real32, real64
  use ftorch
  use ftorch_mpi
  use mpi_f08, only: MPI_Barrier, MPI_Comm_rank, MPI_COMM_WORLD, MPI_Init, MPI_Wtime
  implicit none
  integer(c_int), parameter :: alarm_signal = 14, kill_signal = 9, real_time = 0
  integer, parameter :: width = 8, rows = 5

  interface
    integer(c_int) function set_timer(which, value, old) bind(c, name='setitimer')
      import :: c_int, c_long, c_ptr
      integer(c_int), value :: which
      integer(c_long), intent(in) :: value(4)
      type(c_ptr), value :: old
    end function set_timer
    type(c_funptr) function on_signal(number, handler) bind(c, name='signal')
      import :: c_funptr, c_int
      integer(c_int), value :: number
      type(c_funptr), value :: handler
    end function on_signal
    integer(c_int) function send_signal(process, number) bind(c, name='kill')
      import :: c_int
      integer(c_int), value :: process, number
    end function send_signal
    integer(c_int) function own_process() bind(c, name='getpid')
      import :: c_int
    end function own_process
  end interface

  real(real32), target :: x(width, rows), y(4, rows)
  type(torch_communicator) :: communicator
  type(torch_model) :: model
  type(torch_status) :: status
  type(torch_tensor) :: input(1), output(1), weights(2), loss
  character(len=:), allocatable :: stage
  real(real64) :: begin
  integer :: rank, unit

  call MPI_Init()
  call MPI_Comm_rank(MPI_COMM_WORLD, rank)
  stage = text(1)
  call prepare()
  call MPI_Barrier(MPI_COMM_WORLD)
  if (rank == 0) then
    open (newunit=unit, file=text(5)//'/begun', action='write')
    close (unit)
  end if
  if (rank == int(number(2))) call die_later(int(number(3), c_long))
  do
    begin = MPI_Wtime()
    call act()
    if (.not. status%ok()) exit
  end do
  begin = MPI_Wtime() - begin
  open (newunit=unit, file=text(5)//'/rank.'//achar(iachar('0') + rank), action='write')
  write (unit, '(f0.3, 1x, i0, 1x, a)') begin, status%code, status%message
  close (unit)
  stop 3

contains

  function text(i)
    integer, intent(in) :: i
    character(len=:), allocatable :: text
    integer :: length

    call get_command_argument(i, length=length)
    allocate (character(len=length) :: text)
    call get_command_argument(i, text)
  end function text

  real(real64) function number(i)
    integer, intent(in) :: i
    character(len=:), allocatable :: word

    word = text(i)
    read (word, *) number
  end function number

  subroutine prepare()
    integer :: i

    call torch_communicator_create(communicator, MPI_COMM_WORLD, timeout=number(4))
    call torch_model_load(model, text(6), torch_kCPU)
    x = 0.5
    call torch_tensor_from_array(input(1), x, torch_kCPU, permute_dims=[2, 1])
    call torch_tensor_from_array(output(1), y, torch_kCPU, permute_dims=[2, 1])
    do i = 1, size(weights)
      call torch_tensor_randn(weights(i), 2, [200_int64, 200_int64], torch_kFloat32, torch_kCPU, requires_grad=.true.)
    end do
  end subroutine prepare

  subroutine die_later(microseconds)
    integer(c_long), intent(in) :: microseconds
    type(c_funptr) :: earlier

    earlier = on_signal(alarm_signal, c_funloc(die))
    if (set_timer(real_time, [0_c_long, 0_c_long, microseconds/1000000, mod(microseconds, 1000000_c_long)], c_null_ptr) /= 0) &
      error stop 'no timer'
  end subroutine die_later

  subroutine die(signal_number) bind(c)
    integer(c_int), value :: signal_number

    if (signal_number > 0) signal_number = send_signal(own_process(), kill_signal)
  end subroutine die

  subroutine act()
    type(torch_communicator) :: another

    select case (stage)
    case ('create')
      call torch_communicator_create(another, MPI_COMM_WORLD, timeout=number(4), status=status)
      if (status%ok()) call torch_communicator_delete(another, status)
    case ('load')
      call torch_mpi_load(model, text(6), torch_kCPU, communicator, status=status)
    case ('broadcast')
      call torch_mpi_broadcast(communicator, weights(1), status=status)
    case ('average', 'early')
      loss = torch_mean(torch_tanh(torch_matmul(weights(1), weights(2))))
      if (stage == 'early') call torch_mpi_average_gradients_start(communicator, weights, status=status)
      call torch_tensor_backward(loss)
      if (stage == 'early' .and. status%ok()) call torch_mpi_average_gradients_wait(communicator, status)
      if (stage == 'average') call torch_mpi_average_gradients(communicator, weights, status=status)
    case ('forward')
      call torch_mpi_forward_start(communicator, model, input, output, status)
      if (status%ok()) call torch_mpi_forward_wait(communicator, status)
    end select
  end subroutine act

end program killed
