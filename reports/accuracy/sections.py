"""The parts of the page that tell of one network's accuracy, weights and tokens."""

from reports.accuracy.confidence import wilson_interval
from reports.accuracy.density_charts import EMPTY
from reports.accuracy.markdown import count, percent, picture, table
from reports.accuracy.results import NetworkResults

Lines = list[str]

ZOO = "model/zoo"
"""Where the sources of the page's figures lie."""


def accuracy_section(net: NetworkResults) -> Lines:
    """Float and integer accuracy: the card's on the test split, ours on the images at hand."""
    done, own = net.measured, str(net.config.weight_bits)
    total = len(done.images)
    rows = []
    for key, correct in done.correct.items():
        words = "float" if key == "float" else f"integer, {key} bit weights"
        low, high = wilson_interval(correct, total)
        rows.append(
            (
                f"{words} (shipped)" if key in ("float", own) else words,
                percent(_from_card(net, key)),
                percent(correct / total),
                count(correct),
                f"{100 * low:.1f} to {100 * high:.1f} %",
            )
        )
    header = ("weights", f"card: {count(net.card['images'])} test images")
    again = (f"again: {count(total)} images", "right", "95 % interval")
    source = (
        f"second column: `{ZOO}/{net.name}.json`, written when the network was made; the others: "
        f"this page's command on {done.data}, Wilson's interval."
    )
    return [
        "### Accuracy",
        "",
        "The integer network is what the hardware computes, bit for bit.",
        "",
        *table((*header, *again), rows, source),
    ]


def _from_card(net: NetworkResults, key: str) -> float | None:
    """Accuracy 0..1 of "float" or of some weight bits, None if the card has none."""
    found: float | None = net.card.get("accuracy_by_bits", {}).get(key)
    if key == "float":
        found = net.card["accuracy_float"]
    elif key == str(net.config.weight_bits):
        found = net.card["accuracy_integer"]
    return found


def weights_section(net: NetworkResults) -> Lines:
    """Non-zero weights of every tensor."""
    density = net.density
    rows = [
        (layer, count(weights), count(nonzero), percent(nonzero / weights))
        for layer, weights, nonzero in density.itertuples(index=False)
    ]
    weights, nonzero = int(density["weights"].sum()), int(density["nonzero"].sum())
    total = ("**all**", count(weights), count(nonzero), percent(nonzero / weights))
    source = f"`{ZOO}/{net.name}.safetensors`, tensors of two or more dimensions."
    return [
        "### Weights",
        "",
        f"{percent(net.weight_sparsity())} of the weights are zero; after rounding to "
        f"{net.config.weight_bits} bits {percent(net.card['weight_sparsity_integer'])}.",
        "",
        *picture(f"figures/{net.name}-density.svg", "Share of non-zero weights by layer", source),
        *table(("layer", "weights", "non-zero", "density"), [*rows, total], source),
    ]


def floor_section(net: NetworkResults) -> Lines:
    """What global magnitude pruning does with and without a density floor."""
    title = ["### What the density floor is for", ""]
    dense = f"{ZOO}/{net.name}-dense.safetensors"
    if net.floor is None:
        return [*title, f"Not shown: needs the dense checkpoint `{dense}`, which is absent.", ""]
    least = float(net.floor["floor"].max())
    wide = net.floor.pivot(index="layer", columns="floor", values="nonzero")
    weights = net.floor.drop_duplicates("layer").set_index("layer")["weights"]
    rows = [
        (
            layer,
            count(weights[layer]),
            count(wide.at[layer, 0.0]),
            percent(wide.at[layer, 0.0] / weights[layer]),
            count(wide.at[layer, least]),
            percent(wide.at[layer, least] / weights[layer]),
        )
        for layer in weights.index
    ]
    header = ("layer", "weights", "no floor", "density", f"floor {100 * least:g} %", "density")
    emptied = [layer for layer in weights.index if wide.at[layer, 0.0] < EMPTY * weights[layer]]
    source = (
        f"`{dense}`, masks of `model.prune.magnitude_masks` in one step; the shipped mask was "
        "found in rounds with retraining between them."
    )
    found = (
        f"these keep less than {percent(EMPTY, 0)} of their weights without a floor (one weight "
        f"always stays): {', '.join(emptied)}."
        if emptied
        else f"no layer of this network keeps less than {percent(EMPTY, 0)} of its weights."
    )
    return [
        *title,
        "Global magnitude pruning ranks all weights together, so a layer of small weights can lose "
        f"all but a few. At {percent(net.weight_sparsity(), 1)} zeros {found}",
        "",
        *picture(
            f"figures/{net.name}-floor.svg", "Weights kept by layer, without and with floor", source
        ),
        *table(header, rows, source),
    ]


def tokens_section(net: NetworkResults) -> Lines:
    """How many tokens are kept, and which."""
    config, done = net.config, net.measured
    every = config.tokens()
    title = ["### Tokens", ""]
    if not config.selector_blocks:
        return [*title, f"This network has no selector: all {every} tokens stay.", ""]
    kept = config.kept_tokens()
    rows = [
        (f"block {block}", "yes" if block in config.selector_blocks else "no", str(tokens),
         percent(tokens / every))
        for block, tokens in enumerate(kept)
    ]  # fmt: skip
    mean = (
        "**mean of blocks**",
        "",
        f"{sum(kept) / len(kept):g}",
        percent(sum(kept) / len(kept) / every),
    )
    shown = min(12, len(done.images))
    return [
        *title,
        f"A selector keeps max(1, int({every} x {config.keep_ratio:g}^k)) tokens, k = 1 for the "
        "first; the others are gone for good. Every token stands for "
        f"{config.image_size // config.grid()} x {config.image_size // config.grid()} pixels.",
        "",
        *table(
            ("works on", "selector before it", "tokens", f"share of {every}"),
            [*rows, mean],
            f"shape of `{ZOO}/{net.name}.int8.npz`.",
            words=(0, 1),
        ),
        *picture(
            f"figures/{net.name}-tokens.png",
            "Images above the same images with dropped tokens greyed",
            f"the first {shown} of {done.data}, tokens and answers of the integer network; dropped "
            "tokens are greyed. They were not picked by hand.",
        ),
        *picture(
            f"figures/{net.name}-kept.svg",
            "How often each of the tokens is kept",
            f"integer network on {done.data}; percent of the images.",
        ),
    ]
