"""Work of a network's layers when nothing is skipped, from its shape alone."""

import pandas as pd

from sparsespike.contract.network import NetworkConfig


def layer_work(network: NetworkConfig) -> pd.DataFrame:
    """One row per layer: layer, kind, tokens, macs, taps, steps, outputs.

    macs: multiply-accumulates of one time step, borders of convolutions included, as profilers
    count them; taps: those whose input lies inside the map. steps: how often a frame does them (the
    papers' rule: the first layer once, head and selector on sums over T once, all others T times).
    outputs: neurons of one step. Tokens are those that the selectors leave. Attention is counted as
    (Q K^T) V, as the papers do; the engine does the cheaper Q (K^T V).
    """
    rows = [_row(network, name) for name in network.layer_names()]
    columns = ["layer", "kind", "tokens", "macs", "taps", "steps", "outputs"]
    return pd.DataFrame(rows, columns=columns)


def dense_operations(network: NetworkConfig) -> int:
    """Dense multiply-accumulates x T of a frame, without selectors, as the papers count GFLOPs.

    The first layer is counted T times, and all tokens are kept.
    """
    full = network.model_copy(update={"selector_blocks": (), "keep_ratio": 1.0})
    work = layer_work(full)
    repeated = work["kind"].isin(["conv", "linear", "attention"])
    return int(work.loc[repeated, "macs"].sum()) * network.time_steps


def _row(network: NetworkConfig, name: str) -> tuple[str, str, int, int, int, int, int]:
    kind, steps = network.layer_kind(name), network.time_steps
    if kind == "conv":
        size = network.grid() if name == "rpe" else network.feature_sizes()[int(name[4:])][0]
        out, channels, *_ = network.weight_shape(name)
        pairs, inside = out * channels, (3 * size - 2) ** 2
        once = 1 if name == "conv0" else steps
        return name, kind, size**2, 9 * size**2 * pairs, inside * pairs, once, size**2 * out
    tokens = _tokens(network, name)
    if kind == "attention":
        macs = 2 * tokens**2 * network.dim
        return name, kind, tokens, macs, macs, steps, tokens * network.dim
    out, channels = network.weight_shape(name)
    if kind == "head":
        return name, kind, tokens, out * channels, out * channels, 1, out
    macs = tokens * out * channels
    return name, kind, tokens, macs, macs, 1 if kind == "selector" else steps, tokens * out


def _tokens(network: NetworkConfig, name: str) -> int:
    """Tokens that the layer called `name` walks."""
    kept = network.kept_tokens()
    if name == "head":
        return kept[-1]
    index = int(name.split(".")[1])
    if name.startswith("selector."):
        block = network.selector_blocks[index]
        return kept[block - 1] if block else network.tokens()
    return kept[index]
