# SPDX-License-Identifier: MIT
"""Functions that networks apply between layers."""

from __future__ import annotations

from functools import partial

from .function import NUMBER, Function, FunctionArgument, dim, tensor

activation = partial(Function, family="activations", arguments=(tensor(),), domain=(-2.9, 2.9))

ROWS = (
    *(
        activation(name=name, doc=doc, reference=reference)
        for name, doc, reference in (
            ("sigmoid", "Logistic function.", "torch.sigmoid(x)"),
            ("relu", "The positive part.", "torch.relu(x)"),
            (
                "elu",
                "`x` where it is positive, its exponential minus one elsewhere.",
                "torch.nn.functional.elu(x)",
            ),
            (
                "gelu",
                "`x` times the normal distribution's function of it.",
                "torch.nn.functional.gelu(x)",
            ),
            ("silu", "`x` times its logistic function.", "torch.nn.functional.silu(x)"),
            (
                "softplus",
                "Logarithm of one plus the exponential; `x` itself above 20.",
                "torch.nn.functional.softplus(x)",
            ),
        )
    ),
    activation(
        name="leaky_relu",
        arguments=(
            tensor(),
            FunctionArgument(name="slope", role=NUMBER, is_optional=True, default=0.01),
        ),
        doc="`x` where it is positive, `slope` times `x` elsewhere.",
        reference="torch.nn.functional.leaky_relu(x, slope)",
        samples=({}, {"slope": 0.25}),
    ),
    activation(
        name="softmax",
        arguments=(tensor(), dim()),
        doc="Exponentials divided by their sum along a dimension.",
        reference="torch.softmax(x, dim)",
    ),
    activation(
        name="log_softmax",
        arguments=(tensor(), dim()),
        doc="Logarithm of `softmax`, without its overflow.",
        reference="torch.log_softmax(x, dim)",
    ),
)
