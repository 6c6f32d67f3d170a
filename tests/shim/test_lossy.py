# SPDX-License-Identifier: MIT
"""Conversions between dtypes: those that can lose a number are refused unless asked for."""

import warnings

import numpy as np
import pytest
import torch

from shim import ShimError, call, create, wrap

NAMES = [
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "float32",
    "float64",
    "complex64",
    "complex128",
]


def extremes(name: str) -> torch.Tensor:
    """Numbers that only dtypes which hold all others of this one hold too."""
    dtype = getattr(torch, name)
    if name == "bool":
        return torch.tensor([False, True])
    if not dtype.is_floating_point and not dtype.is_complex:
        limits = torch.iinfo(dtype)
        return torch.tensor([limits.min, limits.max, limits.max - 1, 1], dtype=dtype)
    real = torch.finfo(dtype)
    parts = torch.tensor([real.max, 1 + real.eps, real.tiny, -1.5], dtype=dtype)
    return parts + 1j * parts if dtype.is_complex else parts


def keeps(source: torch.Tensor, dtype: torch.dtype) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = source.to(dtype)
        back = there.to(source.dtype)
    # The largest int64 becomes 2**63, which comes back saturated.
    is_saturated = source.dtype == torch.int64 and (dtype.is_floating_point or dtype.is_complex)
    return not is_saturated and bool((back == source).all())


@pytest.mark.parametrize("to", NAMES)
@pytest.mark.parametrize("origin", NAMES)
def test_refused_when_it_can_lose(origin: str, to: str) -> None:
    values = extremes(origin)
    source = wrap(values.numpy().copy())
    # Attached to an array, and not.
    for target in (wrap(np.ones(values.shape, to)), create(list(values.shape), to)):
        before = target.numpy().tolist()
        if keeps(values, getattr(torch, to)):
            call("ft_tensor_to", source.handle, target.target, 0, 0)
            assert target.numpy().tolist() == values.to(getattr(torch, to)).tolist()
        else:
            with pytest.raises(ShimError) as failure:
                call("ft_tensor_to", source.handle, target.target, 0, 0)
            assert failure.value.status == "ft_dtype_mismatch"
            for part in (
                f"source_tensor has dtype {origin}",
                f"target_tensor {to}",
                "lossy=.true.",
            ):
                assert part in str(failure.value)
            assert target.numpy().tolist() == before


def test_asked_for() -> None:
    source, target = wrap(np.array([2.7, -2.7, 3])), wrap(np.zeros(3, "i4"))
    call("ft_tensor_to", source.handle, target.target, 0, 1)
    assert target.array.tolist() == [2, -2, 3]
    source, target = wrap(np.array([1e300, 0.1])), wrap(np.zeros(2, "f4"))
    call("ft_tensor_to", source.handle, target.target, 0, 1)
    assert target.array.tolist() == [np.inf, np.float32(0.1)]


def test_complex_numbers_are_true_as_in_pytorch() -> None:
    numbers = np.array([0, 1j, 1, 1 + 1j])
    source, target = wrap(numbers), wrap(np.zeros(4, "?"))
    call("ft_tensor_to", source.handle, target.target, 0, 1)
    assert target.array.tolist() == torch.from_numpy(numbers).to(torch.bool).tolist()


def test_real_parts_have_a_gradient() -> None:
    z = wrap(np.array([1 + 2j, 3 - 4j]), requires_grad=True)
    target = wrap(np.zeros(2, "f4"))
    call("ft_tensor_to", z.handle, target.target, 0, 1)
    assert target.array.tolist() == [1, 3]
    target.backward()
    assert z.gradient().numpy().tolist() == [1, 1]
