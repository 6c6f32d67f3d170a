/* SPDX-License-Identifier: MIT */
/* The MPI of the tests, for Fortran compilers that cannot read its modules. */

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Begins MPI, and gives the Fortran handle of its world. */
int world_begin(void);
/* This rank, and the number of all. */
int world_rank(void);
int world_size(void);
/* A communicator that was freed. */
int world_freed(void);
/* The half of all ranks that this one is in. */
int world_half(void);
/* Lets this rank take that many bytes more, or as many as there are if negative. */
void world_limit_memory(long bytes);
/* Whether communicators of this rank check all calls. */
void world_check_calls(int checks);
void world_end(void);

int world_begin(void)
{
  MPI_Init(0, 0);
  return MPI_Comm_c2f(MPI_COMM_WORLD);
}

int world_rank(void)
{
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

int world_size(void)
{
  int size;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return size;
}

int world_freed(void)
{
  MPI_Comm copy;
  MPI_Comm_dup(MPI_COMM_WORLD, &copy);
  const int handle = MPI_Comm_c2f(copy);
  MPI_Comm_free(&copy);
  return handle;
}

int world_half(void)
{
  MPI_Comm half;
  MPI_Comm_split(MPI_COMM_WORLD, 2 * world_rank() / world_size(), world_rank(), &half);
  return MPI_Comm_c2f(half);
}

void world_limit_memory(long bytes)
{
  struct rlimit limit;
  long pages = 0;
  getrlimit(RLIMIT_AS, &limit);
  FILE *const file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%ld", &pages) != 1) exit(1);
  fclose(file);
  limit.rlim_cur = bytes < 0 ? limit.rlim_max : (rlim_t)(pages * sysconf(_SC_PAGESIZE) + bytes);
  setrlimit(RLIMIT_AS, &limit);
}

void world_check_calls(int checks) { setenv("FTORCH_MPI_CHECK_CALLS", checks ? "1" : "0", 1); }

void world_end(void) { MPI_Finalize(); }
