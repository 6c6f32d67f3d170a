/* SPDX-License-Identifier: MIT */
/* The C interface of FTorch over LibTorch: what can fail returns a status, none throws, and none but ft_last_words prints or
   ends the process. */
#ifndef FTORCH_H
#define FTORCH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Alone visible from outside the library. */
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

/* Status of every entry; the text that belongs to it is given by ft_text(). */
enum {
  ft_ok = 0,
  ft_invalid_argument = 1,
  ft_shape_mismatch = 2,
  ft_dtype_mismatch = 3,
  ft_device_unavailable = 4,
  ft_io_error = 5,
  ft_model_error = 6,
  ft_autograd_error = 7,
  ft_out_of_memory = 8,
  ft_internal_error = 9
};

/* An owned object: index, generation and kind in one word, never dereferenced; null holds nothing. Each handle has one
   owner, who releases it. A second release does nothing; the use of a released handle is ft_invalid_argument. */
typedef void *ft_handle;

/* A number of any Fortran kind. */
typedef struct {
  double real;
  int64_t integer;
  int32_t is_real;
} ft_scalar;

/* A place for elements: dtype and device codes of the catalog, and whether gradients are wanted. */
typedef struct {
  int32_t dtype;
  int32_t device_type;
  int32_t device_index;
  int32_t requires_grad;
} ft_options;

/* The descriptor of a Fortran array, CFI_cdesc_t of the Fortran compiler at hand. */
typedef struct CFI_cdesc_t ft_array;

/* Text of the last failure or of the last ft_*_text entry on this thread; valid until the next entry. Returns its length. */
int64_t ft_text(const char **text);
/* Sets the text of a failure that the caller found itself; returns status. */
int ft_fail(int status, const char *message);
/* Around the call of an error handler, which was told text. Not ft_ok when this thread is in a handler already, which
   failed itself. */
int ft_handler_enter(const char *text, int64_t length);
void ft_handler_leave(void);
/* Called before `error stop`, which waits forever inside an I/O statement, and destroys what other threads use: keeps those
   out of all entries, writes text to standard error without the Fortran runtime, and ends the process in two seconds if it
   still runs. Of several threads the first alone returns. */
void ft_last_words(const char *text, int64_t length);

/* Ends an object of any kind; one that is shared lives on behind its other handles. */
int ft_release(ft_handle object);
/* The same at the end of a variable, which a statement may bring about while its temporaries still name the object: an
   assignment can read it until this thread's next entry that is no assignment or release. */
int ft_retire(ft_handle object);

/* Tensors. Results go to *out, which becomes a handle of the caller's; *out is left alone on failure.
   An entry that writes into an existing tensor takes ft_handle *target: it fills the object behind the handle and gives
   it a new handle, or makes one when *target is null. The old handle is that of a released object, so that copies of it
   never see what was written. */
int ft_tensor_create(int fill /* 0 empty, 1 zeros, 2 ones */, int ndims, const int64_t *shape, int64_t shape_size,
                     const ft_options *options, ft_handle *out);
int ft_tensor_from_blob(void *data, int ndims, const int64_t *shape, int64_t shape_size, const int32_t *layout,
                        int64_t layout_size, const ft_options *options, ft_handle *out);
/* The same for memory that lies on a device already; nothing is copied. data is the address on the device. */
int ft_tensor_from_device_pointer(void *data, int ndims, const int64_t *shape, int64_t shape_size,
                                  const int32_t *layout, int64_t layout_size, const ft_options *options,
                                  ft_handle *out);
/* Wraps the array in place. layout: order of dimensions in memory (permutation from 1 to rank) or null; permute_dims:
   order in which the dimensions are taken, with their strides, or null. last: address of the array's last element, with
   which strides are checked and mended, or null. */
int ft_tensor_from_array(ft_array *array, const void *last, const int32_t *layout, int64_t layout_size,
                         const int32_t *permute_dims, int64_t permute_dims_size, const ft_options *options,
                         ft_handle *out);
/* Copies the numbers out; the shape must agree but for dimensions of one, and the dtype keep every number. last: as
   above. */
int ft_tensor_to_array(ft_handle tensor, ft_array *array, const void *last, int dtype);
/* Marks a temporary as a variable: assignment copies it from now on and no scope frees it. */
int ft_tensor_keep(ft_handle tensor);
int64_t ft_tensor_live(void);
/* For the assignment to a bit copy whose original stands at *home: where the compiler has copied the bits of a tensor to
   that place before, *source becomes that tensor. Otherwise *home becomes null. */
int ft_tensor_meant(ft_handle *home, ft_handle *source);
/* target = source: a copy, in the graph; a temporary is moved; of an empty source, nothing. An attached target, and one
   that names memory of a model, keep memory, shape and dtype, and refuse an empty source; a leaf with requires_grad
   keeps them for a source without a graph. source_is_copy: the source may stand in a temporary beside copies of other
   handles, such as that of the target; assignments can read what those named until this thread's next entry that is no
   assignment or release. */
int ft_tensor_assign(ft_handle *target, ft_handle source, int source_is_copy);
/* source on target's device and in target's dtype; the target must exist. */
int ft_tensor_to(ft_handle source, ft_handle *target, int non_blocking, int lossy);
/* The target must exist. */
int ft_tensor_zero(ft_handle *target);

int ft_tensor_rank(ft_handle tensor, int32_t *rank);
int ft_tensor_shape(ft_handle tensor, int64_t *shape);
int ft_tensor_strides(ft_handle tensor, int64_t *strides);
int ft_tensor_dtype(ft_handle tensor, int32_t *dtype);
int ft_tensor_device(ft_handle tensor, int32_t *device_type, int32_t *device_index);
int ft_tensor_requires_grad(ft_handle tensor, int32_t *requires_grad);
/* Values as PyTorch prints them, to ft_text(). */
int ft_tensor_text(ft_handle tensor);

/* Functions by their row in the catalog's table. target null: a new temporary; else the result is written to it. */
int ft_tensor_binary(int row, ft_handle a, ft_handle b, ft_handle *target);
int ft_tensor_binary_right(int row, ft_handle a, const ft_scalar *b, ft_handle *target);
int ft_tensor_binary_left(int row, const ft_scalar *a, ft_handle b, ft_handle *target);
int ft_tensor_unary(int row, ft_handle a, ft_handle *target);

/* Temporaries made on this thread since the scope began and not released are freed at its end; with_variables: so are all
   other tensors, whoever holds them. */
int ft_scope_begin(int with_variables);
int ft_scope_end(void);

/* Autograd */
int ft_tensor_backward(ft_handle tensor, ft_handle gradient /* or null: ones */, int retain_graph);
int ft_tensor_gradient(ft_handle tensor, ft_handle *target);
int ft_tensor_zero_gradient(ft_handle tensor);

/* Models. A copied handle shares the model. requires_grad: -1 as stored, else 0 or 1 for all parameters. */
int ft_model_load(const char *filename, const ft_options *options, int is_training, ft_handle *out);
int ft_model_save(ft_handle model, const char *filename);
int ft_model_copy(ft_handle model, ft_handle *out);
int64_t ft_model_live(void);
/* Each output exists already; all are checked, and made ready, before one is written. */
int ft_model_forward(ft_handle model, const ft_handle *inputs, int64_t inputs_size, const ft_handle *outputs,
                     int64_t outputs_size, int requires_grad);
int ft_model_train(ft_handle model, int is_training);
int ft_model_is_training(ft_handle model, int32_t *is_training);
/* Fills outputs with the parameters themselves, each once, in the order of Python's named_parameters(). What is written
   to one is written to the model. */
int ft_model_parameters(ft_handle model, ft_handle *outputs, int64_t outputs_size);
int ft_model_text(ft_handle model);

/* Optimizers by their number in the catalog's table; hyperparameters in the order of its row, logicals as 0 and 1. */
int ft_optim_create(int number, const ft_handle *parameters, int64_t parameters_size, const double *hyperparameters,
                    int64_t hyperparameters_size, ft_handle *out);
int ft_optim_copy(ft_handle optim, ft_handle *out);
int64_t ft_optim_live(void);
int ft_optim_step(ft_handle optim);
int ft_optim_zero_gradient(ft_handle optim);

/* Losses by their number in the catalog's table. */
int ft_loss(int number, ft_handle input, ft_handle target, int reduction, ft_handle *loss);

/* Devices. device_index -1 is the default. */
int ft_device_count(int device_type, int32_t *count);
/* Waits until all that was begun on the device is done. */
int ft_device_synchronize(int device_type, int device_index);
/* Bytes of the device that living tensors take. */
int ft_device_memory_allocated(int device_type, int device_index, int64_t *bytes);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
