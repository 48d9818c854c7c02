"""Muon for the matrices of the layers, AdamW for everything else.

Muon turns a matrix's momentum into the nearest orthogonal matrix (a few Newton-Schulz steps, in bfloat16: their result
need not be exact) before it is taken as the step. Matrices of one shape are handled together.
"""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """matrices [count, rows, columns] → the same with all singular values near one."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if tall else matrices
    x = (x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(steps):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.transpose(1, 2) if tall else x).float()


def shared(matrices: Tensor) -> Tensor:
    """The orthogonalised matrices; each worker does its part of them and gets the rest from the others."""
    if not distributed.is_initialized():
        return orthogonalise(matrices)
    mine = slice(distributed.get_rank(), None, distributed.get_world_size())
    done = torch.zeros_like(matrices)
    done[mine] = orthogonalise(matrices[mine])
    distributed.all_reduce(done)
    return done


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; the learning rate is the size of a step relative to the matrix."""

    def __init__(
        self, matrices: list[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.01
    ) -> None:
        shapes = sorted({tuple(m.shape) for m in matrices})
        groups = [{"params": [m for m in matrices if tuple(m.shape) == shape]} for shape in shapes]
        super().__init__(groups, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            parameters = group["params"]
            update = shared(torch.stack([self.direction(p, group["momentum"]) for p in parameters]))
            rows, columns = parameters[0].shape
            scale = group["lr"] * max(1.0, rows / columns) ** 0.5
            for parameter, direction in zip(parameters, update, strict=True):
                parameter.mul_(1 - group["lr"] * group["decay"])
                parameter.add_(direction, alpha=-scale)

    def direction(self, parameter: nn.Parameter, momentum: float) -> Tensor:
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum)


def make_optimizers(network: nn.Module, muon_lr: float, adam_lr: float) -> list[torch.optim.Optimizer]:
    matrices = [p for name, p in network.named_parameters() if p.ndim == 2 and not name.startswith("embed")]
    others = [p for name, p in network.named_parameters() if p.ndim != 2 or name.startswith("embed")]
    # With a smaller eps a seldom seen token would drift as fast as a frequent one learns, and all of them the same way.
    adam = torch.optim.AdamW(others, adam_lr, betas=(0.9, 0.95), eps=1e-5, weight_decay=0.0)
    return [Muon(matrices, muon_lr), adam]
