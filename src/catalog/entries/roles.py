# SPDX-License-Identifier: MIT
"""Roles of arguments of the C interface: how each is declared in C and in Fortran."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Role:
    """What an argument is, in both languages."""

    c: str
    """Declaration in C; `{}` is the name."""
    fortran: str
    """Attributes of the dummy argument."""
    kind: str
    """What the dummy's type takes from `iso_c_binding` or from the module of the interfaces."""
    suffix: str = ""
    """Shape of the dummy argument."""


ROLES = {
    "handle": Role(c="ft_handle {}", fortran="type(c_ptr), value", kind="c_ptr"),
    "handles": Role(
        c="const ft_handle *{}", fortran="type(c_ptr), intent(in)", kind="c_ptr", suffix="(*)"
    ),
    "handle_out": Role(c="ft_handle *{}", fortran="type(c_ptr), intent(inout)", kind="c_ptr"),
    "handles_out": Role(
        c="ft_handle *{}", fortran="type(c_ptr), intent(inout)", kind="c_ptr", suffix="(*)"
    ),
    "address": Role(c="void *{}", fortran="type(c_ptr), value", kind="c_ptr"),
    "const_address": Role(c="const void *{}", fortran="type(c_ptr), value", kind="c_ptr"),
    "array": Role(c="ft_array *{}", fortran="type(*), intent(in)", kind="", suffix="(..)"),
    "int": Role(c="int {}", fortran="integer(c_int), value", kind="c_int"),
    "int64": Role(c="int64_t {}", fortran="integer(c_int64_t), value", kind="c_int64_t"),
    "int32_out": Role(
        c="int32_t *{}", fortran="integer(c_int32_t), intent(inout)", kind="c_int32_t"
    ),
    "int32s": Role(
        c="const int32_t *{}",
        fortran="integer(c_int32_t), intent(in)",
        kind="c_int32_t",
        suffix="(*)",
    ),
    "int32s_or_null": Role(
        c="const int32_t *{}",
        fortran="integer(c_int32_t), intent(in), optional",
        kind="c_int32_t",
        suffix="(*)",
    ),
    "int64_out": Role(
        c="int64_t *{}", fortran="integer(c_int64_t), intent(inout)", kind="c_int64_t"
    ),
    "int64s": Role(
        c="const int64_t *{}",
        fortran="integer(c_int64_t), intent(in)",
        kind="c_int64_t",
        suffix="(*)",
    ),
    "int64s_out": Role(
        c="int64_t *{}",
        fortran="integer(c_int64_t), intent(inout)",
        kind="c_int64_t",
        suffix="(*)",
    ),
    "double": Role(c="double {}", fortran="real(c_double), value", kind="c_double"),
    "double_out": Role(c="double *{}", fortran="real(c_double), intent(inout)", kind="c_double"),
    "doubles": Role(
        c="const double *{}", fortran="real(c_double), intent(in)", kind="c_double", suffix="(*)"
    ),
    "doubles_out": Role(
        c="double *{}", fortran="real(c_double), intent(inout)", kind="c_double", suffix="(*)"
    ),
    "text": Role(
        c="const char *{}",
        fortran="character(len=1, kind=c_char), intent(in)",
        kind="c_char",
        suffix="(*)",
    ),
    "text_out": Role(c="const char **{}", fortran="type(c_ptr), intent(out)", kind="c_ptr"),
    "scalar": Role(
        c="const ft_scalar *{}", fortran="type(ft_scalar), intent(in)", kind="ft_scalar"
    ),
    "arguments": Role(
        c="const ft_argument *{}",
        fortran="type(ft_argument), intent(in)",
        kind="ft_argument",
        suffix="(*)",
    ),
    "function": Role(
        c="const ft_function *{}", fortran="type(ft_function), intent(in)", kind="ft_function"
    ),
    "channel": Role(c="const ft_channel *{}", fortran="type(c_ptr), value", kind="c_ptr"),
    "callback": Role(
        c="void (*{})(void *context, int64_t index)",
        fortran="type(c_funptr), value",
        kind="c_funptr",
    ),
    "options": Role(
        c="const ft_options *{}", fortran="type(ft_options), intent(in)", kind="ft_options"
    ),
}
