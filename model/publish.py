"""Writing a trained network as the zoo holds it: checkpoint, integer network, measured card."""

import json
from pathlib import Path

from model.checkpoint import Checkpoint, save_checkpoint
from model.data import ImageSet
from model.evaluate import Progress, evaluate_float, evaluate_integer
from model.prune import weight_sparsity
from model.quantize import quantize
from sparsespike.contract.files import save_atomically, write_atomically
from sparsespike.contract.network import WEIGHT_BITS


def publish(
    checkpoint: Checkpoint,
    name: str,
    folder: Path,
    test: ImageSet,
    *,
    seed: int,
    note: str,
    progress: Progress | None = None,
) -> dict[str, object]:
    """Write `name`.safetensors, .intB.npz of B bits and .json; returns the card.

    Its accuracies are over `test`, also those of the weights rounded to fewer bits. note: how the
    network was trained, in a sentence. No file is ever half-written; the card is the last.
    """
    network = checkpoint.network.eval()
    integer = quantize(network, checkpoint.pixels)
    score = evaluate_integer(integer, test, progress=progress)
    own = network.config.weight_bits
    by_bits: dict[int, float] = {own: score.accuracy}
    for bits in (bits for bits in reversed(WEIGHT_BITS) if bits < own):
        coarser = quantize(network, checkpoint.pixels, bits)
        by_bits[bits] = evaluate_integer(coarser, test, progress=progress).accuracy
    card = {
        "name": name,
        "accuracy_float": evaluate_float(network, checkpoint.pixels, test),
        "accuracy_integer": score.accuracy,
        "accuracy_by_bits": {str(bits): accuracy for bits, accuracy in by_bits.items()},
        "images": len(test.images),
        "weight_sparsity": weight_sparsity(network),
        "weight_sparsity_integer": integer.weight_sparsity(),
        "keep_ratio": network.config.keep_ratio,
        "synops_per_image": score.synops_per_image,
        "macs_per_image": score.macs_per_image,
        "seed": seed,
        "note": note,
        "integer_sha256": integer.content_hash(),
    }
    save_atomically(folder / f"{name}.safetensors", lambda path: save_checkpoint(checkpoint, path))
    save_atomically(folder / f"{name}.int{own}.npz", integer.save)
    write_atomically(folder / f"{name}.json", (json.dumps(card, indent=2) + "\n").encode())
    return card
