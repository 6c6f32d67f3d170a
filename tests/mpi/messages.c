/* SPDX-License-Identifier: MIT */
/* Calls of MPI pass through here, which notes them; and messages and threads of the program's own. */

#include <mpi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { most_sums = 64 };
static double first_numbers[most_sums];
static int lengths[most_sums];
static int sums, gathers, communicators;
static int is_slow;

/* Sums of real64 since the last call, but for those in place: how many, or of the i-th, from 1, its numbers or the first. */
void forget_sums(void);
int sum_count(void);
int sum_length(int i);
double sum_first(int i);
/* Gathered passes so far; from now on each takes longer. */
int gather_count(void);
void slow_gathers(void);
/* Communicators that were made and not freed. */
int communicator_count(void);
/* A message that any other of the program would match: begins to wait for it, says whether it came, ends it. */
void wildcard_post(void);
int wildcard_has_come(void);
int wildcard_end(int number);
/* Calls a procedure from a thread of its own. */
void on_thread(void (*procedure)(void));

void forget_sums(void) { sums = 0; }
int sum_count(void) { return sums; }
int sum_length(int i) { return lengths[i - 1]; }
double sum_first(int i) { return first_numbers[i - 1]; }
int gather_count(void) { return gathers; }
void slow_gathers(void) { is_slow = 1; }
int communicator_count(void) { return communicators; }

int MPI_Iallreduce(const void *given, void *result, int count, MPI_Datatype type, MPI_Op operation, MPI_Comm comm,
                   MPI_Request *request)
{
  if (type == MPI_DOUBLE && given != MPI_IN_PLACE && sums < most_sums) {
    lengths[sums] = count;
    first_numbers[sums++] = *(const double *)given;
  }
  return PMPI_Iallreduce(given, result, count, type, operation, comm, request);
}

int MPI_Igather(const void *given, int given_count, MPI_Datatype given_type, void *result, int count, MPI_Datatype type,
                int root, MPI_Comm comm, MPI_Request *request)
{
  const struct timespec pause = {0, 50000000};
  ++gathers;
  if (is_slow) nanosleep(&pause, NULL);
  return PMPI_Igather(given, given_count, given_type, result, count, type, root, comm, request);
}

int MPI_Comm_idup(MPI_Comm comm, MPI_Comm *made, MPI_Request *request)
{
  ++communicators;
  return PMPI_Comm_idup(comm, made, request);
}

int MPI_Comm_split(MPI_Comm comm, int color, int key, MPI_Comm *made)
{
  if (color != MPI_UNDEFINED) ++communicators;
  return PMPI_Comm_split(comm, color, key, made);
}

int MPI_Comm_split_type(MPI_Comm comm, int type, int key, MPI_Info info, MPI_Comm *made)
{
  ++communicators;
  return PMPI_Comm_split_type(comm, type, key, info, made);
}

int MPI_Comm_free(MPI_Comm *comm)
{
  --communicators;
  return PMPI_Comm_free(comm);
}

int MPI_Finalize(void)
{
  const int code = PMPI_Finalize();
  if (communicators == 0) return code;
  fprintf(stderr, "FAILED: %d communicators are left after MPI_Finalize\n", communicators);
  exit(1);
}

static int arrived;
static MPI_Request wildcard;

void wildcard_post(void) { MPI_Irecv(&arrived, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &wildcard); }

int wildcard_has_come(void)
{
  int is_done = 0;
  MPI_Request_get_status(wildcard, &is_done, MPI_STATUS_IGNORE);
  return is_done;
}

/* What came, after this rank has sent the number to itself. */
int wildcard_end(int number)
{
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Send(&number, 1, MPI_INT, rank, 0, MPI_COMM_WORLD);
  MPI_Wait(&wildcard, MPI_STATUS_IGNORE);
  return arrived;
}

static void *run(void *procedure)
{
  (*(void (**)(void))procedure)();
  return NULL;
}

void on_thread(void (*procedure)(void))
{
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, &procedure) != 0) abort();
  pthread_join(thread, NULL);
}
