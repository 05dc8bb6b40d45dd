"""What a ticket and a token selector are worth: equal trainings beside random ones.

Tickets (Frankle and Carbin, ICLR 2019, section 2): the same early weights, the same cycle, masks
found by rounds, by one round, or drawn at random with as many weights in every tensor. Tokens: the
same network, the same cycle, tokens chosen by the learnt selector or at random.
"""

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from model.data import ImageSet
from model.evaluate import evaluate_float
from model.network import Selection, Spikformer
from model.on_device import on_device
from model.pipeline import TICKET, calibrate
from model.prune import hold_zeros, magnitude_masks
from model.recipe import Controls, Cycle
from model.stages import Run, retimed
from model.ticket import load_ticket
from model.train import Masks
from sparsespike.contract.errors import ContractError

Arm = Literal["ticket", "one-shot", "random masks", "selector", "random tokens"]

Known = tuple[str, int]
"""Arm and seed of a result that is there already."""


@dataclass(frozen=True)
class ControlResult:
    """Test accuracy 0..1 of one arm trained from one seed for `epochs` of `time_steps`."""

    arm: Arm
    seed: int
    accuracy: float
    epochs: int
    time_steps: int


def compare_masks(
    run: Run, dense: Spikformer, test: ImageSet, seeds: int, known: Collection[Known] = ()
) -> Iterator[ControlResult]:
    """Ticket, one-shot mask and random mask of the same sparsity, each from `seeds` seeds.

    dense: the trained network that one-shot pruning takes its magnitudes from. known: left out.
    """
    cycle = _controls(run).ticket
    ticket = load_ticket(run.folder / TICKET)
    prune = run.recipe.prune
    once = magnitude_masks(dense, prune.sparsity, prune.floor, prune.small_floor, prune.score)
    for seed in range(seeds):
        arms: dict[Arm, Masks] = {
            "ticket": ticket.masks,
            "one-shot": once,
            "random masks": shuffled(ticket.masks, seed),
        }
        for arm, masks in arms.items():
            if (arm, seed) in known:
                continue
            network = Spikformer(run.recipe.network)
            network.load_state_dict(ticket.early)
            hold_zeros(network, masks)
            yield _train_arm(run, network, cycle, test, arm, seed, masks, "all")


def compare_tokens(
    run: Run,
    network: Spikformer,
    masks: Masks,
    test: ImageSet,
    seeds: int,
    known: Collection[Known] = (),
) -> Iterator[ControlResult]:
    """Learnt selection against random selection of as many tokens, each from `seeds` seeds.

    network: the pruned one whose selectors have learnt. known: left out.
    """
    cycle = _controls(run).tokens
    for seed in range(seeds):
        learnt, blind = copy.deepcopy(network), copy.deepcopy(network)
        blind.predictor = nn.ModuleList(RandomPredictor() for _ in blind.predictor)
        kept = {name: mask for name, mask in masks.items() if not name.startswith("predictor.")}
        if ("selector", seed) not in known:
            yield _train_arm(run, learnt, cycle, test, "selector", seed, masks, "top")
        if ("random tokens", seed) not in known:
            yield _train_arm(run, blind, cycle, test, "random tokens", seed, kept, "top")


class RandomPredictor(nn.Module):
    """In place of a token predictor: scores that know nothing of the tokens."""

    def forward(self, x: Tensor) -> Tensor:
        """Counts x (T, B, N, D) to random scores (B, N, 2)."""
        return torch.rand(*x.shape[1:3], 2, device=x.device)


def shuffled(masks: Masks, seed: int) -> Masks:
    """Masks with as many ones in every tensor, at positions drawn at random.

    Tensors draw in the order of their names: a file gives them back in any.
    """
    generator = torch.Generator().manual_seed(seed)
    return {
        name: mask.flatten()[torch.randperm(mask.numel(), generator=generator)].view_as(mask)
        for name, mask in sorted(masks.items())
    }


def _train_arm(
    run: Run,
    network: Spikformer,
    cycle: Cycle,
    test: ImageSet,
    arm: Arm,
    seed: int,
    masks: Masks,
    selection: Selection,
) -> ControlResult:
    steps = cycle.time_steps or network.config.time_steps
    name = f"control-{arm.replace(' ', '-')}-{seed}"
    seeded = replace(run, seed=seed)
    seeded.stage(name, network, cycle, masks=masks, selection=selection)
    measured = network if steps == network.config.time_steps else retimed(network, steps)
    torch.manual_seed(seed)
    calibrate(run, measured, dropped=selection == "top")
    with on_device(measured, run.machine.device) as placed:
        accuracy = evaluate_float(placed, run.pixels, test, selection=selection)
    return ControlResult(arm, seed, accuracy, cycle.epochs, steps)


def _controls(run: Run) -> Controls:
    if run.recipe.controls is None:
        raise ContractError(
            f"recipe {run.recipe.name}: has no [controls]; add its two cycles, ticket and tokens"
        )
    return run.recipe.controls
