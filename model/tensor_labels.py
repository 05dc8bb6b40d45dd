"""Short names of the authors' weight tensors, in the words of the integer network's layers."""

_STEM = {
    "proj_conv": "conv0",
    "proj_conv1": "conv1",
    "proj_conv2": "conv2",
    "proj_conv3": "conv3",
    "rpe_conv": "rpe",
}
_PREDICTOR = {"0": "hidden", "2": "score"}


def tensor_label(tensor: str) -> str:
    """`patch_embed.proj_conv1.weight` is conv1, `block.0.attn.q_linear.weight` block.0.q.

    Of a selector: selector.0.hidden and selector.0.score. ValueError for a name that the network
    does not have.
    """
    match tensor.split("."):
        case ["patch_embed", conv, "weight"] if conv in _STEM:
            return _STEM[conv]
        case ["block", block, "attn" | "mlp", linear, "weight"] if linear.endswith("_linear"):
            return f"block.{block}.{linear.removesuffix('_linear')}"
        case ["predictor", selector, "linear", layer, "weight"] if layer in _PREDICTOR:
            return f"selector.{selector}.{_PREDICTOR[layer]}"
        case ["head", "weight"]:
            return "head"
    raise ValueError(f"{tensor} is not a weight tensor of the network")
