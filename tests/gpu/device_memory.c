/* SPDX-License-Identifier: MIT */
/* Memory of a device that LibTorch did not allocate, from the device's own runtime, which is asked for by name so that
   no toolkit is needed to build this. Each function returns 0 after success. */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>

enum { stand_in = 20, between_any = 4 /* cudaMemcpyDefault */ };

typedef union {
  void *address;
  int (*set_device)(int);
  int (*allocate)(void **, size_t);
  int (*copy)(void *, const void *, size_t, int);
  int (*release)(void *);
} runtime_function;

/* The function of the device's runtime, such as cudaMalloc; null where there is none. */
static runtime_function find(int device_type, const char *name)
{
  const char *const prefixes[] = {device_type == stand_in ? "standIn" : "cuda", "hip"};
  runtime_function found = {NULL};
  char symbol[64];
  for (int i = 0; i < 2 && found.address == NULL; ++i) {
    snprintf(symbol, sizeof(symbol), "%s%s", prefixes[i], name);
    found.address = dlsym(RTLD_DEFAULT, symbol);
  }
  return found;
}

/* Loads the library that brings a device along. */
int device_load(const char *library)
{
  if (dlopen(library, RTLD_NOW | RTLD_GLOBAL) != NULL) return 0;
  fprintf(stderr, "%s\n", dlerror());
  return 1;
}

int device_allocate(int device_type, int device_index, size_t size, void **address)
{
  const runtime_function set = find(device_type, "SetDevice");
  const runtime_function allocate = find(device_type, "Malloc");
  if (set.address == NULL || allocate.address == NULL) return -1;
  const int status = set.set_device(device_index);
  return status != 0 ? status : allocate.allocate(address, size);
}

/* Copies between host and device in either direction, and waits. */
int device_copy(int device_type, void *to, const void *from, size_t size)
{
  const runtime_function copy = find(device_type, "Memcpy");
  return copy.address == NULL ? -1 : copy.copy(to, from, size, between_any);
}

int device_free(int device_type, void *address)
{
  const runtime_function release = find(device_type, "Free");
  return release.address == NULL ? -1 : release.release(address);
}
