"""From a recipe to a dense and then to a sparse network, stage by stage."""

import copy

import torch

from model.fake_quant import rounded_weights
from model.network import Selection, Spikformer
from model.on_device import on_device
from model.prune import PruneConfig, lottery_ticket
from model.recalibrate import recalibrate
from model.recipe import Cycle, Recipe
from model.snapshot import load_snapshot
from model.stages import Run
from model.ticket import Ticket, save_ticket
from model.train import Masks
from sparsespike.contract.errors import ContractError

CALIBRATION_IMAGES = 12_800
CALIBRATION_BATCH = 128
EARLY, TICKET = "early.pt", "ticket.safetensors"


def dense_stages(recipe: Recipe) -> dict[str, Cycle]:
    """Names and cycles of the stages that `train_dense` runs, in order."""
    return {f"dense{index}": cycle for index, cycle in enumerate(recipe.dense)}


def sparse_stages(recipe: Recipe) -> dict[str, Cycle]:
    """Names and cycles of the stages that `train_sparse` runs, in order."""
    rounds = len(_prune_config(recipe).rounds())
    stages = {f"round{index}": recipe.prune.cycle for index in range(rounds)}
    last = {
        "settle": recipe.prune.settle,
        "select": recipe.select,
        "finish": recipe.finish,
        "tune": recipe.tune,
    }
    return stages | {name: cycle for name, cycle in last.items() if cycle is not None}


def measured_selection(stage: str) -> Selection:
    """How the network of a stage drops tokens where it is measured: as in hardware, or not yet."""
    return "top" if stage in ("select", "finish", "tune") else "all"


def train_dense(run: Run) -> Spikformer:
    """A dense network by the recipe's dense cycles, in evaluation mode.

    The weights that tickets rewind to are left in the run's folder. ContractError if the last
    dense cycle ends before their epoch.
    """
    recipe = run.recipe
    rewind, last = recipe.prune.rewind_epoch, recipe.dense[-1]
    if rewind >= last.epochs:
        raise ContractError(
            f"recipe {recipe.name}: prune.rewind_epoch is {rewind}, but the last dense cycle has "
            f"{last.epochs} epochs; it must be smaller"
        )
    torch.manual_seed(run.seed)
    network = Spikformer(recipe.network)
    for name, cycle in dense_stages(recipe).items():
        keep = (rewind, run.folder / EARLY) if cycle is last else None
        run.stage(name, network, cycle, keep=keep)
    calibrate(run, network, dropped=False)
    return network


def train_sparse(run: Run, dense: Spikformer) -> Spikformer:
    """A sparse network that drops tokens, from the trained `dense` one, in evaluation mode.

    Rounds of pruning; then the selectors learn by Gumbel decisions; then the network settles with
    tokens really dropped, at last with rounded weights; from the selectors on the dense network
    teaches. The ticket is left in the run's folder. ContractError if the dense training left no
    early weights there.
    """
    network, masks = teach_selectors(run, dense)
    finish, tune = run.recipe.finish, run.recipe.tune
    if finish is not None:
        run.stage("finish", network, finish, selection="top", masks=masks, teacher=dense)
    if tune is not None:
        with rounded_weights(network, run.pixels):
            run.stage("tune", network, tune, selection="top", masks=masks, teacher=dense)
    calibrate(run, network, dropped=True)
    return network


def teach_selectors(run: Run, dense: Spikformer) -> tuple[Spikformer, Masks]:
    """The pruned network whose selectors have learnt, and its masks; `dense` teaches."""
    network, select = copy.deepcopy(dense), run.recipe.select
    masks = find_ticket(run, network)
    if select is not None:
        run.stage("select", network, select, selection="sample", masks=masks, teacher=dense)
    return network, masks


def find_ticket(run: Run, network: Spikformer) -> Masks:
    """Prune and retrain the dense `network` in place, round by round; returns the last masks."""
    early = load_snapshot(run.folder / EARLY)
    if early is None:
        raise ContractError(
            f"{run.folder / EARLY}: no early weights to rewind to; "
            "run `sparsespike train` into this folder first"
        )

    def retrain(index: int, masks: Masks) -> None:
        run.stage(f"round{index}", network, run.recipe.prune.cycle, masks=masks)

    masks = lottery_ticket(network, early, _prune_config(run.recipe), retrain)
    save_ticket(Ticket(early, masks), run.folder / TICKET)
    if run.recipe.prune.settle is not None:
        run.stage("settle", network, run.recipe.prune.settle, masks=masks)
    return masks


def calibrate(run: Run, network: Spikformer, *, dropped: bool) -> None:
    """Batch-norm statistics of the finished network, tokens dropped or not."""
    images = run.data.first(min(CALIBRATION_IMAGES, len(run.data.images)))
    batch = min(CALIBRATION_BATCH, len(images.images))
    with on_device(network, run.machine.device) as placed:
        recalibrate(placed, images, run.pixels, "top" if dropped else "all", batch=batch)


def _prune_config(recipe: Recipe) -> PruneConfig:
    prune = recipe.prune
    return PruneConfig(
        prune.sparsity, prune.rate, prune.floor, prune.small_floor, prune.rewind, prune.score
    )
