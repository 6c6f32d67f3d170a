# SPDX-License-Identifier: MIT
"""Each row of the catalog is complete, documented, and tested without a line of its own."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import catalog_rows
import pytest
import torch

from catalog import cases, devices, dtypes, functions, losses, optimizers

TABLES = {
    "dtypes": dtypes.DTYPES,
    "devices": devices.DEVICES,
    "functions": functions.FUNCTIONS,
    "optimizers": optimizers.OPTIMIZERS,
    "losses": losses.LOSSES,
}
PROCEDURES = {
    "functions": [
        f"{'torch' if row.results else 'torch_tensor'}_{row.name}(" for row in functions.FUNCTIONS
    ],
    "losses": [f"torch_loss_{row.name}(" for row in losses.LOSSES],
    "optimizers": [f"torch_optim_{row.name}(" for row in optimizers.KERNELS],
}


def expand(root, template):
    """A template as the build expands it."""
    source = root / "src"
    command = [sys.executable, "-m", "fypp", "-M", str(source), "-m", "catalog", "-DMAX_RANK=7"]
    command += ["-I", str(source / "fypp"), "-DLIFETIME='type'", str(root / template)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("table", TABLES)
def test_rows_have_one_sentence_and_one_name(table):
    rows = TABLES[table]
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[A-Z`].*\.", row.doc), f"{row.name}: {row.doc!r}"


@pytest.mark.parametrize("table", TABLES)
def test_fields_are_given_by_name(table):
    kind = type(TABLES[table][0])
    with pytest.raises(TypeError, match="positional"):
        kind("name")


def test_functions_have_arguments_of_known_roles():
    for row in functions.FUNCTIONS:
        assert {one.role for one in row.arguments} <= functions.ROLES, row.name
        assert row.symbol is None or row.fortran, f"{row.name}: an operator without an expression"


def test_functions_are_called_in_tests_with_each_argument():
    for row in functions.FUNCTIONS:
        called = {
            one.name for case in cases.FUNCTION_CASES if case.row is row for one, _ in case.actual
        }
        assert called == {one.name for one in row.arguments}, row.name


def test_every_hyperparameter_is_used():
    for row in optimizers.OPTIMIZERS:
        expressions = [one.condition for one in (*row.state, *row.rules)]
        expressions += [str(one.initial) for one in row.state]
        words = set(re.findall(r"\w+", " ".join([row.arguments, *expressions])))
        if not row.needs_closure:
            assert {one.name for one in row.hyperparameters} <= words, row.name


def test_state_begins_at_a_number_or_a_hyperparameter():
    for row in optimizers.OPTIMIZERS:
        names = {one.name for one in row.hyperparameters}
        for state in row.state:
            assert isinstance(state.initial, float) or state.initial in names, state.name


def test_targets_of_losses_are_of_known_kinds():
    for row in losses.LOSSES:
        assert row.targets, row.name
        assert set(row.targets) <= cases.TARGETS.keys(), row.name
        assert not (row.same_shape and losses.CLASSES in row.targets), row.name


def test_dtype_codes_are_those_of_pytorch():
    for row in dtypes.DTYPES:
        assert isinstance(getattr(torch, row.name), torch.dtype)
    assert len({row.code for row in dtypes.DTYPES}) == len(dtypes.DTYPES)


def test_hyperparameter_defaults_are_those_of_pytorch():
    for row in optimizers.OPTIMIZERS:
        defaults = inspect.signature(getattr(torch.optim, row.name)).parameters
        for argument in row.hyperparameters:
            keyword, _, index = argument.python.rstrip("]").partition("[")
            expected = defaults[keyword].default
            expected = expected[int(index)] if index else expected
            is_absent = expected is None and argument.default_value == 0
            assert is_absent or argument.default == expected, f"{row.name}: {argument.name}"


@pytest.mark.parametrize("family", PROCEDURES)
def test_rows_are_compared_with_pytorch(family, root):
    driver = expand(root, f"tests/reference/reference_{family}.f90.fypp")
    assert not [name for name in PROCEDURES[family] if name not in driver]


def test_array_kinds_are_tested(root):
    program = expand(root, "tests/fortran/test_from_array.f90.fypp")
    for row in dtypes.ARRAYS:
        for rank in range(8):
            assert f"call array_{row.name}_{rank}()\n" in program


def test_scalar_kinds_are_tested(root):
    program = expand(root, "tests/fortran/test_scalars.f90.fypp")
    for row in dtypes.SCALARS:
        assert f"subroutine scalar_{row.name}()" in program
    for row in (row for row in functions.FUNCTIONS if row.symbol and row.family == "arithmetic"):
        if not row.takes_numbers:
            continue
        assert f"c = a {row.symbol} s" in program
        assert f"c = s {row.symbol} a" in program


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_in_the_tables_of_the_documentation(table):
    pytest.importorskip("sphinx", reason="the documentation's tools are not installed: ci/docs")
    import catalog_tables

    text = "\n".join(" ".join(line) for line in catalog_tables.TABLES[table]()[1])
    for row in TABLES[table]:
        spelled = {
            "functions": f"torch_{row.name}",
            "optimizers": f"torch_optim_{row.name}",
            "losses": f"torch_loss_{row.name}",
        }
        assert spelled.get(table, row.name) in text


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_on_the_page(table, root):
    page = (root / "docs" / "reference" / "catalog.md").read_text()
    assert f"```{{catalog}} {table}\n" in page


def test_page_shows_words_and_no_python_objects():
    for name, table in catalog_rows.TABLES.items():
        header, rows = table()
        for row in rows:
            assert len(row) == len(header), name
            words = " ".join(row).replace(" < ", " ").replace(" <= ", " ")
            if name != "functions":
                assert not re.search(r"\w+\(\w+='|<|\bNone\b", words), (name, row)
            assert not re.search(r"<\w+|\w+\(name='", words), (name, row)
