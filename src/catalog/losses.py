# SPDX-License-Identifier: MIT
"""Losses: ATen function, what it asks of shapes, and the PyTorch function to compare with."""

from __future__ import annotations

from dataclasses import dataclass

from .argument import Argument

PROBABILITIES = "probabilities"
"""Kind of targets: rows with a sum of one."""
COUNTS = "counts"
"""Kind of targets: whole numbers from 0."""
SIGNS = "signs"
"""Kind of targets: 1 or -1."""
CLASSES = "classes"
"""Kind of targets: an int64 number of a class for each row of the input."""
ROW_SIGNS = "row_signs"
"""Kind of targets: 1 or -1 for each row of the input."""

EACH_CLASS = "each_class"
"""Kind of further tensors: a positive number for each column of the input."""
EACH_ELEMENT = "each_element"
"""Kind of further tensors: a positive number for each element of the input."""


@dataclass(frozen=True, kw_only=True)
class TensorArgument:
    """A tensor that a loss takes beside input and target."""

    name: str
    """Name of the Fortran argument."""
    doc: str
    """One sentence for the reference."""
    python: str
    """Keyword in PyTorch."""
    kind: str
    """What it is in tests."""
    is_required: bool = False
    """False where it may be left out."""


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One loss: `torch_loss_<name>(loss, input, target, <arguments>, reduction_type)`."""

    name: str
    """Name of the procedure."""
    aten: str | None
    """ATen function; none where loss_functions.h has one."""
    call: str
    """C++ call in `input`, `target`, `reduction` and the other arguments by name."""
    reference: str
    """Function in `torch.nn.functional`."""
    doc: str
    """One sentence for the reference."""
    tensors: tuple[TensorArgument, ...] = ()
    """Tensors after the target, in the order of the Fortran interface."""
    arguments: tuple[Argument, ...] = ()
    """Arguments after these."""
    reduction_is_fourth: bool = False
    """True where programs give `reduction_type` right after the target, by its position."""
    check: str = ""
    """C++ call that refuses wrong numbers, in the same names as `call`."""
    input_keyword: str = "input"
    """Keyword of the input in PyTorch."""
    same_shape: bool = True
    """True when input and target must agree in shape and dtype."""
    domain: tuple[float, float] = (-2.0, 2.0)
    """Interval of the input in tests."""
    targets: tuple[str, ...] = (PROBABILITIES,)
    """Kinds of targets in tests."""


CLASS_WEIGHT = TensorArgument(
    name="weight",
    doc="A factor for each class, [C].",
    python="weight",
    kind=EACH_CLASS,
)
IGNORE_INDEX = Argument(
    name="ignore_index",
    default=-100,
    python="ignore_index",
    doc="Class number of samples that do not count.",
)
BINARY_WEIGHT = TensorArgument(
    name="weight",
    doc="A factor for each element, of a shape that broadcasts to that of the input.",
    python="weight",
    kind=EACH_ELEMENT,
)

LOSSES = (
    Loss(
        name="mse",
        aten="mse_loss",
        call="at::mse_loss(input, target, reduction)",
        reference="mse_loss",
        doc="Mean squared error.",
    ),
    Loss(
        name="l1",
        aten="l1_loss",
        call="at::l1_loss(input, target, reduction)",
        reference="l1_loss",
        doc="Mean absolute error.",
    ),
    Loss(
        name="cross_entropy",
        aten="cross_entropy_loss",
        call="at::cross_entropy_loss(input, target, weight, reduction, ignore_index,"
        " label_smoothing)",
        reference="cross_entropy",
        doc="Cross entropy of logits [N, C, ...] with int64 class numbers from 0, [N, ...],"
        " or with probabilities.",
        same_shape=False,
        targets=(PROBABILITIES, CLASSES),
        tensors=(CLASS_WEIGHT,),
        arguments=(
            IGNORE_INDEX,
            Argument(
                name="label_smoothing",
                default=0.0,
                python="label_smoothing",
                doc="Part of each target that is spread evenly over all classes, 0 to 1.",
                samples=(0.2,),
            ),
        ),
        reduction_is_fourth=True,
        check="check_cross_entropy(input, target, weight, ignore_index, label_smoothing)",
    ),
    Loss(
        name="smooth_l1",
        aten="smooth_l1_loss",
        # As torch.nn.functional, since this gradient of ATen is wrong at equal elements.
        call="beta == 0 ? at::l1_loss(input, target, reduction)"
        " : at::smooth_l1_loss(input, target, reduction, beta)",
        reference="smooth_l1_loss",
        doc="Absolute error, squared below `beta`.",
        arguments=(
            Argument(
                name="beta",
                default=1.0,
                python="beta",
                doc="Where the square ends.",
                samples=(0.3, 0.0),
            ),
        ),
    ),
    Loss(
        name="huber",
        aten="huber_loss",
        call="at::huber_loss(input, target, reduction, delta)",
        reference="huber_loss",
        doc="Squared error, linear above `delta`.",
        arguments=(
            Argument(
                name="delta",
                default=1.0,
                python="delta",
                doc="Where the square ends, above 0.",
                samples=(0.3,),
            ),
        ),
    ),
    Loss(
        name="kl_div",
        aten="kl_div",
        call="at::kl_div(input, target, reduction, log_target)",
        reference="kl_div",
        doc="Kullback-Leibler divergence of the target from the input, which holds logarithms."
        " The mean is that over elements, PyTorch's `mean`; there is no `batchmean`.",
        domain=(-2.0, -0.1),
        arguments=(
            Argument(
                name="log_target",
                default=False,
                python="log_target",
                doc="The target holds logarithms too.",
                samples=(True,),
            ),
        ),
    ),
    Loss(
        name="poisson_nll",
        aten="poisson_nll_loss",
        call="at::poisson_nll_loss(input, target, log_input, full, eps, reduction)",
        reference="poisson_nll_loss",
        doc="Negative logarithm of the likelihood of counts with a Poisson distribution.",
        domain=(0.1, 2.0),
        targets=(COUNTS, PROBABILITIES),
        arguments=(
            Argument(
                name="log_input",
                default=True,
                python="log_input",
                doc="The input holds logarithms of the rates.",
                samples=(False,),
            ),
            Argument(
                name="full",
                default=False,
                python="full",
                doc="Add the Stirling approximation of the factorial.",
                samples=(True,),
            ),
            Argument(
                name="eps",
                default=1e-8,
                python="eps",
                doc="Term added to rates in a logarithm.",
                samples=(0.5,),
            ),
        ),
    ),
    Loss(
        name="nll",
        aten="nll_loss_nd",
        call="at::nll_loss_nd(input.contiguous(), target, weight, reduction, ignore_index)",
        reference="nll_loss",
        doc="Negative logarithm of the likelihood: logarithms [N, C, ...] with int64 class"
        " numbers from 0, [N, ...].",
        same_shape=False,
        domain=(-2.0, -0.1),
        targets=(CLASSES,),
        tensors=(CLASS_WEIGHT,),
        arguments=(IGNORE_INDEX,),
        check="check_classes(input, target, weight, ignore_index)",
    ),
    Loss(
        name="bce",
        aten="binary_cross_entropy",
        call="at::binary_cross_entropy(input, target, expanded(weight, input), reduction)",
        reference="binary_cross_entropy",
        doc="Cross entropy of probabilities, 0 to 1, with probabilities.",
        domain=(0.05, 0.95),
        tensors=(BINARY_WEIGHT,),
        check="check_probabilities(input, target)",
    ),
    Loss(
        name="bce_with_logits",
        aten="binary_cross_entropy_with_logits",
        call="at::binary_cross_entropy_with_logits(input, target, expanded(weight, input),"
        ' expanded(pos_weight, input, "pos_weight"), reduction)',
        reference="binary_cross_entropy_with_logits",
        doc="The same of logits, whose sigmoid is the probability.",
        tensors=(
            BINARY_WEIGHT,
            TensorArgument(
                name="pos_weight",
                doc="A factor for the positive part, of a shape that broadcasts to the input's.",
                python="pos_weight",
                kind=EACH_CLASS,
            ),
        ),
    ),
    Loss(
        name="gaussian_nll",
        aten=None,
        call="gaussian_nll_loss(input, target, variance, full, eps, reduction)",
        reference="gaussian_nll_loss",
        doc="Negative logarithm of the likelihood of a normal distribution: mean and variance.",
        tensors=(
            TensorArgument(
                name="variance",
                doc="Variance of each element, with the shape of the input.",
                python="var",
                kind=EACH_ELEMENT,
                is_required=True,
            ),
        ),
        arguments=(
            Argument(
                name="full",
                default=False,
                python="full",
                doc="Add the constant term.",
                samples=(True,),
            ),
            Argument(
                name="eps",
                default=1e-6,
                python="eps",
                doc="Least variance that counts.",
                samples=(0.5,),
            ),
        ),
        check="check_variance(input, variance, eps)",
    ),
    Loss(
        name="cosine_embedding",
        aten="cosine_embedding_loss",
        call="at::cosine_embedding_loss(input, other, target, margin, reduction)",
        reference="cosine_embedding_loss",
        doc="Angle between rows of input and `other`, [N, C], which are alike where the target,"
        " [N], is 1, and not where it is -1.",
        same_shape=False,
        input_keyword="input1",
        targets=(ROW_SIGNS,),
        tensors=(
            TensorArgument(
                name="other",
                doc="What the input is compared with, of its shape.",
                python="input2",
                kind=EACH_ELEMENT,
                is_required=True,
            ),
        ),
        arguments=(
            Argument(
                name="margin",
                default=0.0,
                python="margin",
                doc="Cosine up to which rows are not alike.",
                samples=(0.3,),
            ),
        ),
        check="check_cosine(input, target, other)",
    ),
)

REDUCTIONS = (("torch_kNone", 0, "none"), ("torch_kMean", 1, "mean"), ("torch_kSum", 2, "sum"))
"""Public enumerator, value as in `at::Reduction`, name in PyTorch."""
