"""The plot shows every epoch, layer and stage that the log has."""

import numpy as np
import pandas as pd
import pytest

from reports.training_plot import plot_training

LAYERS = ("conv0", "block.0.attn", "head")


def log(stages, test=True):
    epochs, layers = [], []
    for stage, count in stages.items():
        for epoch in range(count):
            key = {"stage": stage, "epoch": epoch}
            accuracy = 0.5 if test else None
            epochs.append({**key, "loss": 1.0, "accuracy_train": 0.4, "accuracy_test": accuracy})
            for layer in LAYERS:
                firing = None if layer == "head" else 0.1 * (epoch + 1)
                density = None if layer == "block.0.attn" else 0.5
                layers.append({**key, "layer": layer, "firing_rate": firing, "density": density})
    return pd.DataFrame(epochs), pd.DataFrame(layers)


def test_panels(tmp_path):
    figure = plot_training(*log({"dense0": 3, "round0": 2}))
    loss, accuracy, firing, density = figure.axes[:4]
    assert [
        len(line.get_xdata())
        for line in loss.lines
        if len(line.get_xdata()) != 2 or line.get_xdata()[0] != line.get_xdata()[1]
    ] == [3, 2]
    assert [text.get_text() for text in loss.texts] == ["dense0", "round0"]
    labels = [text.get_text() for text in accuracy.get_legend().get_texts()]
    assert labels == ["training", "test"]
    assert [label.get_text() for label in firing.get_yticklabels()] == ["conv0", "block.0.attn"]
    assert [label.get_text() for label in density.get_yticklabels()] == ["conv0", "head"]
    shown = np.asarray(firing.collections[0].get_array())
    np.testing.assert_allclose(shown[0], [0.1, 0.2, 0.3, 0.1, 0.2])
    figure.savefig(tmp_path / "a.svg", metadata={"Date": None})
    assert (tmp_path / "a.svg").stat().st_size > 10_000


@pytest.mark.parametrize("stages", [{"dense0": 1}, {"dense0": 300, "select": 1}])
def test_short_and_long_trainings_are_drawn(tmp_path, stages):
    plot_training(*log(stages, test=False)).savefig(tmp_path / "a.png")


def test_an_epoch_without_layers_leaves_a_gap(tmp_path):
    epochs, layers = log({"dense0": 3})
    layers = layers[layers["epoch"] != 1]
    figure = plot_training(epochs, layers)
    shown = np.ma.filled(figure.axes[2].collections[0].get_array(), np.nan)
    assert np.isnan(shown[0]).tolist() == [False, True, False]
    figure.savefig(tmp_path / "a.png")
