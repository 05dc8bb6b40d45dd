import numpy as np
import pytest

from sparsespike.contract import derived
from sparsespike.contract.config import load_engine
from sparsespike.contract.errors import ContractError
from sparsespike.contract.network import NetworkConfig
from sparsespike.contract.program import Descriptor, Layer
from sparsespike.contract.tensors import blank, gather_tokens, natural_tensor, stored_rows


def _network(time_steps):
    return NetworkConfig(time_steps=time_steps, image_size=4, dim=8, depth=1, heads=1)


def _layer(slot_channel, tokens, rows):
    field = Descriptor(
        operation=1, tokens=tokens, groups=1, time_steps=1, layer=0, destination_rows=rows
    )
    return Layer(
        name="conv1", descriptor=field, slot_channel=np.array(slot_channel), tensor_tokens=tokens
    )


def test_by_hand():
    # 3 lanes: pitch 4. Two adders, three steps: two groups. One token, one row, channels 1, -, 0.
    engine, network = load_engine("small", lanes=3, time_steps=2), _network(3)
    layer = _layer([1, -1, 0, -1], tokens=1, rows=1)
    rows = blank(layer, engine, network)
    assert rows.shape == (1, 2, 1, 4, 2)
    rows[0, 0, 0, 0] = [1, 0]  # channel 1, steps 0 and 1
    rows[0, 1, 0, 0] = [1, 1]  # step 2, and one past T
    rows[0, 0, 0, 2] = [0, 1]  # channel 0
    rows[0, 0, 0, 1] = [1, 1]  # no channel
    assert natural_tensor(layer, engine, network, rows).tolist() == [
        [[0, 1]],
        [[1, 0]],
        [[0, 1]],
    ]


@pytest.mark.parametrize("lanes", [1, 3, 8, 16])
@pytest.mark.parametrize("adders, steps", [(4, 4), (3, 7), (1, 2), (8, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_inverse(lanes, adders, steps, dtype):
    rng = np.random.default_rng(lanes * adders)
    engine, network = load_engine("small", lanes=lanes, time_steps=adders), _network(steps)
    slots = np.full(5 * derived.lane_pitch(engine), -1)
    slots[rng.permutation(slots.size)[:5]] = rng.permutation(5)
    layer = _layer(slots, tokens=6, rows=5)
    tensor = rng.integers(0, 11, (steps, 6, 5)).astype(dtype)
    rows = stored_rows(layer, engine, network, tensor)
    assert rows.shape == blank(layer, engine, network).shape
    assert rows.dtype == dtype
    assert np.array_equal(natural_tensor(layer, engine, network, rows), tensor)
    assert rows.sum() == tensor.sum()


def test_kept_tokens_come_in_the_order_of_the_list():
    tensor = np.arange(12).reshape(1, 6, 2)
    assert gather_tokens(tensor, np.array([1, 4])).tolist() == [[[2, 3], [8, 9]]]


def test_a_layer_that_stores_nothing_is_named():
    layer = _layer([], tokens=0, rows=0)
    with pytest.raises(ContractError, match="layer conv1 stores no rows"):
        blank(layer, load_engine("small"), _network(4))


def test_wrong_shapes_are_refused():
    engine, network = load_engine("small"), _network(4)
    layer = _layer(np.arange(8), tokens=2, rows=1)
    with pytest.raises(ContractError, match=r"rows are \(1,\), not \(2, 1, 1, 8, 4\)"):
        natural_tensor(layer, engine, network, np.zeros(1))
    with pytest.raises(ContractError, match=r"tensor is \(1, 2, 8\), not \(4, 2, 8\)"):
        stored_rows(layer, engine, network, np.zeros((1, 2, 8)))
