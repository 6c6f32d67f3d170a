# SPDX-License-Identifier: MIT
"""Writes root_zone.pt2: a network of three weights, as an exported program."""

import torch


class RootZone(torch.nn.Module):
    """Moisture of the root zone, (columns, 1), from that of three layers of soil, (columns, 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.share_of_roots = torch.nn.Linear(3, 1, bias=False)

    def forward(self, moisture: torch.Tensor) -> torch.Tensor:
        """Weigh each layer by the share of roots that it has."""
        weighted: torch.Tensor = self.share_of_roots(moisture)
        return weighted


torch.set_default_dtype(torch.float64)
network = RootZone()
network.load_state_dict({"share_of_roots.weight": torch.tensor([[0.5, 0.3, 0.2]])})
columns = torch.export.Dim("columns")  # any number of them
program = torch.export.export(network, (torch.zeros(4, 3),), dynamic_shapes=({0: columns},))
torch.export.save(program, "root_zone.pt2")
