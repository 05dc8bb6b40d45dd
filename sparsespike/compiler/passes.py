"""`compile_network`: the passes of the compiler, one after the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sparsespike.compiler.dataflow import IMAGE, dataflow
from sparsespike.compiler.image import memory_image
from sparsespike.compiler.limits import check_limits
from sparsespike.compiler.lower import Lowering
from sparsespike.compiler.mapping import channel_cycles
from sparsespike.compiler.plan import plan_tensors
from sparsespike.contract.config import EngineConfig
from sparsespike.contract.network import IntegerNetwork
from sparsespike.contract.program import Program


def compile_network(
    net: IntegerNetwork,
    engine: EngineConfig,
    *,
    activity: Mapping[str, NDArray[np.float64]] | None = None,
    bands: Mapping[str, int] | None = None,
    ordered: bool = True,
) -> Program:
    """The program that computes `net` on `engine`, the same for the same input.

    activity: layer name -> (in,) matches that a non-zero weight of an input meets at a position, as
    profiled on images; else all inputs of a layer count as equally active.
    bands: layer name -> bands of positions, where the best choice is not wanted. ordered: channels
    of like work share a tile; else they stay in the network's order, for comparison. Raises
    ContractError, one line with layer, buffer and remedy, if the engine is too small.
    """
    check_limits(engine, net.config)
    flows = dataflow(net.config)
    known = activity or {}
    cycles = {
        flow.name: channel_cycles(engine, flow, net.layer(flow.name).weight, known.get(flow.name))
        for flow in flows
        if flow.kind != "attention"
    }
    plan = plan_tensors(net, engine, flows, cycles, ordered=ordered)
    lowering = Lowering(net, engine, plan, cycles, bands or {})
    layers, packets = zip(*(lowering.lower(i, flow) for i, flow in enumerate(flows)), strict=True)
    image = memory_image(
        engine,
        layers,
        b"".join(packets),
        pixels=net.config.image_size**2,
        pixel_base=plan.base[IMAGE],
    )
    return Program(
        engine=engine,
        network=net.config,
        network_hash=net.content_hash(),
        layers=layers,
        image=image,
        pixel_pad=net.pixel_pad,
    )
