/* SPDX-License-Identifier: MIT */
/* Counts what the library asks of MPI: its calls come here first, and go on by their names of the profiling interface. */

#include <mpi.h>
#include <stdint.h>

static int64_t calls, bytes;

/* Calls that move data, and bytes that this rank hands in, since the last time. */
void message_count_take(int64_t *calls_taken, int64_t *bytes_taken);

void message_count_take(int64_t *calls_taken, int64_t *bytes_taken)
{
  *calls_taken = calls;
  *bytes_taken = bytes;
  calls = bytes = 0;
}

static void note(int count, MPI_Datatype type)
{
  int size;
  PMPI_Type_size(type, &size);
  ++calls;
  bytes += (int64_t)count * size;
}

int MPI_Iallreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm,
                   MPI_Request *request)
{
  note(count, type);
  return PMPI_Iallreduce(from, to, count, type, op, comm, request);
}

int MPI_Allreduce(const void *from, void *to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
  note(count, type);
  return PMPI_Allreduce(from, to, count, type, op, comm);
}

int MPI_Ibcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm, MPI_Request *request)
{
  note(count, type);
  return PMPI_Ibcast(data, count, type, root, comm, request);
}

int MPI_Igather(const void *from, int from_count, MPI_Datatype from_type, void *to, int to_count, MPI_Datatype to_type,
                int root, MPI_Comm comm, MPI_Request *request)
{
  note(from_count, from_type);
  return PMPI_Igather(from, from_count, from_type, to, to_count, to_type, root, comm, request);
}

int MPI_Igatherv(const void *from, int from_count, MPI_Datatype from_type, void *to, const int to_counts[],
                 const int places[], MPI_Datatype to_type, int root, MPI_Comm comm, MPI_Request *request)
{
  note(from_count, from_type);
  return PMPI_Igatherv(from, from_count, from_type, to, to_counts, places, to_type, root, comm, request);
}

int MPI_Iscatterv(const void *from, const int from_counts[], const int places[], MPI_Datatype from_type, void *to,
                  int to_count, MPI_Datatype to_type, int root, MPI_Comm comm, MPI_Request *request)
{
  note(to_count, to_type);
  return PMPI_Iscatterv(from, from_counts, places, from_type, to, to_count, to_type, root, comm, request);
}
