# SPDX-License-Identifier: MIT
"""The tables of the catalog page: headers and rows of Markdown cells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import exported_models

from catalog import devices, dtypes, functions, losses, optimizers, schedulers, statuses

Table = tuple[Sequence[str], Iterable[Sequence[str]]]


def code(text: object) -> str:
    """Return `text` as Markdown code, or nothing for nothing."""
    return f"`{text}`" if text not in (None, "") else ""


def dtype_table() -> Table:
    """Element types."""
    header = ("PyTorch", "Enumerator", "Value", "Fortran array", "Meaning")
    return header, (
        (code(row.name), code(row.constant), str(row.code), code(row.fortran) or "none", row.doc)
        for row in dtypes.DTYPES
    )


def device_table() -> Table:
    """Device types."""
    header = ("PyTorch", "Enumerator", "Value", "Meaning")
    return header, (
        (code(row.name), code(row.constant), str(row.code), row.doc) for row in devices.DEVICES
    )


def function_table() -> Table:
    """Functions in their forms."""
    header = ("Function", "Operator or intrinsic", "PyTorch", "Meaning")
    return header, (
        (code(usage(row)), operator_of(row), code(row.reference), row.doc)
        for row in functions.FUNCTIONS
    )


def usage(row: functions.Function) -> str:
    """Return the call of a function; of a subroutine where there are several results."""
    arguments = ", ".join(
        f"[{one.name}]" if one.is_optional else one.name for one in row.arguments
    )
    if row.results:
        return f"call torch_{row.name}({', '.join(row.results)}, {arguments})"
    return f"torch_{row.name}({arguments})"


def operator_of(row: functions.Function) -> str:
    """Return the use of a function as an operator, or its name in ftorch_intrinsics."""
    if row.symbol:
        return code(f"x {row.symbol} y" if len(row.arguments) == 2 else f"{row.symbol} x")
    return code(row.intrinsic)


def optimizer_table() -> Table:
    """Hyperparameters of all optimizers, one to a row."""
    header = ("Procedure", "Argument", "Default", "`torch.optim`", "Meaning")
    return header, (
        (
            code(f"torch_optim_{row.name}") if argument is row.hyperparameters[0] else "",
            code(argument.name),
            fortran_value(argument.default),
            code(argument.python),
            argument.doc
            + ("" if argument.upper_bound is None else f" Below {argument.upper_bound:g}."),
        )
        for row in optimizers.OPTIMIZERS
        for argument in row.hyperparameters
    )


def fortran_value(value: float | bool | str | None) -> str:
    """Return a default as Fortran writes it."""
    if value is None:
        return "must be given"
    if isinstance(value, str):
        return code(f"'{value}'")
    return code(f".{str(value).lower()}.") if isinstance(value, bool) else code(f"{value:g}")


def optimizer_method_table() -> Table:
    """What each optimizer computes, and with which kernel."""
    header = ("Procedure", "Method", "State, one tensor per parameter", "LibTorch")
    return header, (
        (
            code(f"torch_optim_{row.name}"),
            row.doc,
            ", ".join(code(one.name) for one in row.state),
            code(f"at::{row.kernel}")
            if row.is_fused
            else "evaluates the loss itself: `optim%step(closure)`"
            if row.needs_closure
            else code("at::_foreach_*"),
        )
        for row in optimizers.OPTIMIZERS
    )


def scheduler_table() -> Table:
    """Schedulers and their arguments."""
    header = ("Procedure", "Meaning", "Arguments", "PyTorch")
    return header, (
        (
            code(f"torch_scheduler_{row.name}"),
            row.doc,
            " ".join(
                f"{code(one.name)} ({fortran_value(one.default)}): {one.doc}"
                for one in row.arguments
            ),
            code(f"torch.optim.lr_scheduler.{row.name}"),
        )
        for row in schedulers.SCHEDULERS
    )


def loss_table() -> Table:
    """Losses."""
    header = ("Procedure", "Meaning", "Arguments", "Input and target", "PyTorch")
    return header, (
        (
            code(f"torch_loss_{row.name}"),
            row.doc,
            " ".join(
                [
                    f"{code(one.name)} ({fortran_value(None) if one.is_required else 'none'}):"
                    f" {one.doc}"
                    for one in row.tensors
                ]
                + [
                    f"{code(one.name)} ({fortran_value(one.default)}): {one.doc}"
                    for one in row.arguments
                ]
            ),
            "same shape and dtype" if row.same_shape else "see meaning",
            code(f"torch.nn.functional.{row.reference}"),
        )
        for row in losses.LOSSES
    )


def reduction_table() -> Table:
    """How a loss is reduced to a number."""
    return ("Enumerator", "Value", "PyTorch"), (
        (code(constant), str(value), code(f'reduction="{name}"'))
        for constant, value, name in losses.REDUCTIONS
    )


def status_table() -> Table:
    """What a call can report."""
    return ("Code", "Value", "Meaning"), (
        (code(f"torch_{row.name}"), str(row.code), row.doc) for row in statuses.STATUSES
    )


TABLES = {
    "exported": exported_models.corpus_table,
    "exported by packages": exported_models.third_party_table,
    "dtypes": dtype_table,
    "devices": device_table,
    "functions": function_table,
    "optimizers": optimizer_table,
    "optimizer_methods": optimizer_method_table,
    "schedulers": scheduler_table,
    "losses": loss_table,
    "reductions": reduction_table,
    "statuses": status_table,
}
