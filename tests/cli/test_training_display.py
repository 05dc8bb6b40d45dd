"""One line an epoch on stderr, with the time that is left."""

import pytest

from model.recipe import Cycle
from model.train import EpochResult
from sparsespike.cli.training_display import TrainingDisplay, duration

STAGES = {
    "dense0": Cycle(epochs=3, rate=1e-3, time_steps=1),
    "finish": Cycle(epochs=2, rate=1e-3),
}


@pytest.fixture
def moved():
    return []


@pytest.fixture
def display(moved):
    return TrainingDisplay(STAGES, 4, lambda *words: moved.append(words))


def test_epochs_cost_by_their_time_steps(display, capsys):
    display.epoch("dense0", EpochResult(0, 1.5, 0.25, 30.0), 0.5)
    display.epoch("finish", EpochResult(0, 0.5, 0.75, 120.0), None)
    display.epoch("finish", EpochResult(1, 0.5, 0.75, 120.0), None)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "dense0  epoch 1/3  loss 1.5000  train 25.00%  test 50.00%  30.0 s  5 min left",
        "finish  epoch 1/2  loss 0.5000  train 75.00%  120.0 s  2 min left",
        "finish  epoch 2/2  loss 0.5000  train 75.00%  120.0 s  0 s left",
    ]


def test_a_stage_beside_the_plan_has_no_time_left(display, capsys):
    display.epoch("control-ticket-0", EpochResult(0, 1.0, 0.5, 3.0), None)
    assert capsys.readouterr().err == (
        "control-ticket-0  epoch 1  loss 1.0000  train 50.00%  3.0 s\n"
    )


def test_the_bar_says_which_stage_of_how_many(display, moved):
    display.step("finish", 3, 8)
    display.step("control-ticket-0", 1, 2)
    assert moved == [(3, 8, "finish (2/2)"), (1, 2, "control-ticket-0")]


@pytest.mark.parametrize(
    "seconds, text",
    [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (3599, "1 h 0 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
