"""The recipe of the shipped `nano` network: `python -m model.recipe --help`.

Stages: dense, rounds of global magnitude pruning with learning-rate rewinding (Renda et al.,
ICLR 2020), in one of them the token selector, learnt by Gumbel decisions (SparseSpikformer, section
3.1), then the last round with the tokens really dropped, as the hardware drops them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch

from model.checkpoint import Checkpoint
from model.data import ImageSet, load_images
from model.network import Selection, Spikformer
from model.pixels import CIFAR_PIXELS
from model.prune import magnitude_masks, weight_sparsity
from model.publish import publish
from model.recalibrate import recalibrate
from model.train import EpochResult, Masks, TrainConfig, hold_zeros, train
from sparsespike.contract.network import NetworkConfig

NANO = NetworkConfig(
    time_steps=4, image_size=32, dim=64, depth=2, heads=4, selector_blocks=(1,), keep_ratio=0.7
)


CALIBRATION_IMAGES = 12_800


@dataclass(frozen=True)
class Stage:
    """One stage: weights are pruned to `sparsity`, then trained for `epochs`."""

    name: str
    sparsity: float
    epochs: int
    rate: float
    selection: Selection = "all"


NANO_STAGES = (
    Stage("dense", 0.0, 3, 3e-3),
    Stage("prune60", 0.6, 1, 2e-3),
    Stage("select90", 0.902, 1, 2e-3, "sample"),
    Stage("final90", 0.902, 1, 1e-3, "top"),
)


def run_stages(
    network: Spikformer,
    data: ImageSet,
    stages: tuple[Stage, ...],
    folder: Path,
    *,
    seed: int,
    compiled: bool,
) -> None:
    """Train `network` in place through `stages`; each resumes from its file in `folder`."""
    masks: Masks = {}
    for index, stage in enumerate(stages):
        if stage.sparsity and stage.sparsity != stages[index - 1].sparsity:
            masks = magnitude_masks(network, stage.sparsity)
            hold_zeros(network, masks)
        config = TrainConfig(
            epochs=stage.epochs,
            rate=stage.rate,
            selection=stage.selection,
            seed=seed + index,
            low_precision=True,
            compiled=compiled,
        )

        def report(result: EpochResult, name: str = stage.name) -> None:
            print(
                f"{name} epoch {result.epoch}: loss {result.loss:.3f}, accuracy "
                f"{result.accuracy:.4f}, {result.seconds:.0f} s",
                flush=True,
            )

        def progress(done: int, total: int, name: str = stage.name) -> None:
            if done % 20 == 0:
                print(f"{name}: step {done} of {total}", end="\r", flush=True)

        train(
            network,
            data,
            CIFAR_PIXELS,
            config,
            masks=masks,
            report=report,
            progress=progress,
            checkpoint=folder / f"{stage.name}.pt",
        )
        print(f"{stage.name}: sparsity {weight_sparsity(network):.4f}", flush=True)


def main() -> None:
    """Train nano, measure it, and write what the zoo ships into the output folder."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=("example: python -m model.recipe --data ../shared/data/cifar10 --out build/nano"),
    )
    parser.add_argument("--data", type=Path, required=True, help="CIFAR-10, any known format")
    parser.add_argument("--out", type=Path, default=Path("build/nano"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compile", action="store_true", help="torch.compile: faster, needs g++")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    network = Spikformer(NANO)
    data = load_images(arguments.data, "train")
    run_stages(
        network, data, NANO_STAGES, arguments.out, seed=arguments.seed, compiled=arguments.compile
    )
    recalibrate(network, data.first(CALIBRATION_IMAGES), CIFAR_PIXELS)
    stages = ", ".join(f"{s.name} {s.epochs} epochs" for s in NANO_STAGES)
    card = publish(
        Checkpoint(network, CIFAR_PIXELS),
        "nano",
        arguments.out,
        load_images(arguments.data, "test"),
        seed=arguments.seed,
        note=stages,
    )
    print(card)


if __name__ == "__main__":
    main()
