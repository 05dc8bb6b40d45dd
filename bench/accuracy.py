"""The page docs/accuracy.md and its pictures, from the zoo and what is measured on images.

`python -m bench.accuracy` takes the shipped sample images, `--data PATH` any labelled set. The same
command gives the same bytes on the same machine. Exit code 2 if a record is not usable.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from bench.accuracy_measure import measure, trained_networks
from model import zoo
from model.data import ImageSet, load_images
from model.flops import gflops, parameter_count
from reports.accuracy.control_chart import control_chart
from reports.accuracy.density_charts import density_chart, floor_chart
from reports.accuracy.page import accuracy_page
from reports.accuracy.published import PUBLISHED, Published
from reports.accuracy.results import NetworkResults
from reports.accuracy.token_charts import kept_chart, token_pictures
from reports.accuracy.work_chart import work_chart
from reports.class_names import CIFAR10
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig

PICTURED = 12


def main(arguments: list[str] | None = None) -> int:
    """Measures, draws and writes; 0, or 2 with one line if something cannot be read."""
    options = _parse(arguments)
    torch.set_num_threads(1)  # Float sums in one order, however many cores there are.
    try:
        data, words = _data(options.data, options.images)
        networks = [measure(name, data, words) for name in trained_networks()]
    except ContractError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for path in write_page(networks, options.out):
        print(path)
    for net in networks:
        shares = {
            "float" if key == "float" else f"{key} bit": right / len(data.images)
            for key, right in net.measured.correct.items()
        }
        print(f"{net.name}: " + ", ".join(f"{key} {share:.2%}" for key, share in shares.items()))
    return 0


def write_page(networks: list[NetworkResults], out: Path) -> list[Path]:
    """Write accuracy.md and figures/ into the folder `out`; returns what was written."""
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    paths = [path for net in networks for path in _draw(net, figures)]
    page = out / "accuracy.md"
    page.write_text(accuracy_page(networks, {row: _shape(row) for row in PUBLISHED}))
    return [page, *paths]


def _draw(net: NetworkResults, figures: Path) -> list[Path]:
    """Every picture of one network; an old picture that no longer has a record goes away."""
    done = net.measured
    total = len(done.images)
    paths = {
        kind: figures / f"{net.name}-{kind}.{'png' if kind == 'tokens' else 'svg'}"
        for kind in ("density", "floor", "tokens", "kept", "work", "controls")
    }
    for path in paths.values():
        path.unlink(missing_ok=True)
    density_chart(net.density, paths["density"], f"{net.name}: weights that are left, by layer")
    if net.floor is not None:
        zeros = f"{net.weight_sparsity():.1%}".replace("%", " %")
        floor_chart(
            net.floor, paths["floor"], f"{net.name}, dense: magnitude masks of {zeros} zeros"
        )
    if done.kept:
        some = {name: maps[:PICTURED] for name, maps in done.kept.items()}
        token_pictures(done.images[:PICTURED], some, _labels(net)[:PICTURED], paths["tokens"])
        kept_chart(
            done.kept,
            paths["kept"],
            f"{net.name}: how often each token is kept (% of {total} images)",
        )
    work_chart(done.layers, total, paths["work"], f"{net.name}: spikes and operations, by layer")
    if net.controls is not None:
        control_chart(
            net.controls, paths["controls"], f"{net.name}: what a ticket and a selector are worth"
        )
    return [path for path in paths.values() if path.exists()]


def _labels(net: NetworkResults) -> list[str]:
    """What each image is and what the network took it for."""
    names = CIFAR10 if net.config.classes == len(CIFAR10) else range(net.config.classes)
    return [
        f"{names[label]}\n{'recognised' if label == answer else f'read as {names[answer]}'}"
        for label, answer in zip(net.measured.labels, net.measured.predicted, strict=True)
    ]


def _shape(row: Published) -> tuple[int, float]:
    """Parameters and GFLOPs of a published network, by its shape."""
    config = NetworkConfig(
        time_steps=4,
        image_size=32,
        dim=row.dim,
        depth=row.depth,
        heads=12 if row.dim == 384 else 8,
        selector_blocks=(1, 2, 3) if row.keep_ratio < 1 else (),
        keep_ratio=row.keep_ratio,
    )
    return parameter_count(config), gflops(config)


def _data(path: Path | None, count: int | None) -> tuple[ImageSet, str]:
    """The images and what to call them."""
    data = zoo.sample_images() if path is None else load_images(path)
    data = data if count is None else data.first(count)
    number = f"{len(data.images):,}"
    if path is None:
        return data, f"{number} sample images (`model/zoo/sample_images.npz`, of the test split)"
    return data, f"{number} images of `{path.name}`"


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.accuracy")
    parser.add_argument("--data", type=Path, help="labelled images; default: the shipped sample")
    parser.add_argument("--images", type=int, help="the first N of them; default: all")
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of the page")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
