# SPDX-License-Identifier: MIT
"""What may take the place of an array in a session."""

from __future__ import annotations

import networks
import numpy as np
import pytest
import torch
from sessions import bind, fortran, make, rebind, run

from shim import ShimError, section, wrap

__all__ = ["make"]


def test_an_array_does_not_take_the_place_of_one_in_another_order(make) -> None:
    model = make(networks.Scaling(), torch.zeros(2, 2))
    x, y = np.full((2, 2), 1, np.float32, order="C"), fortran([2, 2])
    session = bind(model, [section(x)], [wrap(y)])
    with pytest.raises(ShimError, match=r"inputs\(1\): what is bound there has its dimensions in"):
        rebind(session, 1, fortran([2, 2], np.float32, 3))
    rebind(session, 1, np.full((2, 2), 2, np.float32, order="C"))
    rebind(session, 1, section(np.full((2, 2), 2, np.float32, order="C")))
    rebind(session, 1, wrap(fortran([2, 2], np.float32, 3)))
    rebind(session, 1, fortran([2, 2], np.float32, 4))
    run(session)
    assert (y == 8).all()
