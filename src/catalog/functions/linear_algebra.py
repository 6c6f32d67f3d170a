# SPDX-License-Identifier: MIT
"""Linear algebra."""

from __future__ import annotations

from functools import partial

from .function import TENSORS, TEXT, Function, FunctionArgument, tensor

algebra = partial(Function, family="linear_algebra")
SQUARE = {"x": (4, 4)}

ROWS = (
    algebra(
        name="matmul",
        arguments=(tensor("x"), tensor("y")),
        doc="Matrix product; leading dimensions beyond two are batches, as in PyTorch.",
        reference="torch.matmul(x, y)",
        intrinsic="matmul",
        fortran="matmul(x, y)",
        shapes={"x": (3, 4), "y": (4, 2)},
    ),
    algebra(
        name="dot_product",
        arguments=(tensor("x"), tensor("y")),
        call="at::vdot(x, y)",
        doc="Scalar product of two vectors, conjugating the first.",
        reference="torch.vdot(x, y)",
        intrinsic="dot_product",
        fortran="dot_product(x, y)",
        shapes={"x": (5,), "y": (5,)},
    ),
    algebra(
        name="transpose",
        arguments=(tensor(),),
        call="transpose(x)",
        doc="A matrix with its dimensions exchanged.",
        reference="x.t()",
        intrinsic="transpose",
        fortran="transpose(x)",
    ),
    algebra(
        name="solve",
        arguments=(tensor("x"), tensor("y")),
        call="at::linalg_solve(x, y)",
        doc="Solution of `x` times the result is `y`.",
        reference="torch.linalg.solve(x, y)",
        shapes={"x": (4, 4), "y": (4, 2)},
    ),
    algebra(
        name="inverse",
        arguments=(tensor(),),
        call="at::linalg_inv(x)",
        doc="Inverse of a square matrix.",
        reference="torch.linalg.inv(x)",
        shapes=SQUARE,
    ),
    algebra(
        name="det",
        arguments=(tensor(),),
        call="at::linalg_det(x)",
        doc="Determinant of a square matrix.",
        reference="torch.linalg.det(x)",
        shapes=SQUARE,
    ),
    algebra(
        name="cholesky",
        prepared="x @ x.T + torch.eye(4, dtype=x.dtype)",
        arguments=(tensor(),),
        call="at::linalg_cholesky(x)",
        doc="Lower triangular factor of a positive definite matrix, of which the lower part is"
        " read.",
        reference="torch.linalg.cholesky(x)",
        shapes=SQUARE,
    ),
    algebra(
        name="qr",
        arguments=(tensor(),),
        call="at::linalg_qr(x)",
        results=("q", "r"),
        doc="Reduced QR decomposition.",
        reference="torch.linalg.qr(x)",
        shapes={"x": (4, 3)},
    ),
    algebra(
        name="svd",
        arguments=(tensor(),),
        call="at::linalg_svd(x, false)",
        results=("u", "s", "vh"),
        doc="Reduced singular value decomposition: `x` is `u` times the diagonal of `s` times"
        " `vh`.",
        reference="torch.linalg.svd(x, full_matrices=False)",
        shapes={"x": (4, 3)},
    ),
    algebra(
        name="eigh",
        prepared="x + x.T",
        arguments=(tensor(),),
        call="at::linalg_eigh(x)",
        results=("eigenvalues", "eigenvectors"),
        doc="Eigenvalues in ascending order, and eigenvectors as columns, of a symmetric or"
        " Hermitian matrix, of which the lower part is read.",
        reference="torch.linalg.eigh(x)",
        shapes=SQUARE,
    ),
    algebra(
        name="einsum",
        arguments=(
            FunctionArgument(name="equation", role=TEXT),
            FunctionArgument(name="tensors", role=TENSORS),
        ),
        doc="Sum of products by Einstein's convention, such as `'ij,jk->ik'`.",
        reference="torch.einsum(equation, tensors)",
        shapes={"tensors": (4, 4)},
        samples=({"equation": "ij,jk->ik"}, {"equation": "ij,ij->"}),
    ),
)
