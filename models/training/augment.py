"""Rows as another network, another hour or another tool would have made them, so that what is learned is not the laboratory's own pace and size."""

import math

import torch

# What is counted grows with the rate of what is done; means, shares and ports do not.
COUNTED = ("flow_count", "bytes_sent", "bytes_received", "syn_count", "ack_count", "rst_count", "fin_count")
COUNTED_CONTEXT = ("packets_sent", "packets_received", "half_open", "unanswered")
BYTES, BYTES_CONTEXT = ("bytes_sent", "bytes_received"), ("mean_payload_sent", "mean_payload_received")
GAPS = ("iat_mean_ms", "iat_std_ms")


def vary(tensor: torch.Tensor, context: torch.Tensor, index: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """
    tensor [n, 20, 12] and context [n, k], raw, are left as they are. Of each row one thing is changed, drawn evenly: its rate (half to twice as
    much of all that is counted, gaps to match), its sizes (half to twice the bytes, the same in all windows), or its past (the oldest windows are gone, as
    where an observer has just begun). Counts are not rounded: the model reads logarithms.
    """
    tensor, context = tensor.clone(), context.clone()
    columns = lambda names, of: [of.index(name) for name in names]  # noqa: E731
    features, names = index["features"], index["contextColumns"]
    count = len(tensor)
    kind = torch.randint(3, (count,))
    factor = torch.exp((torch.rand(count) * 2 - 1) * math.log(2))

    rate = torch.where(kind == 0, factor, 1.0)
    tensor[:, :, columns(COUNTED, features)] *= rate[:, None, None]
    tensor[:, :, columns(GAPS, features)] /= rate[:, None, None]
    context[:, columns(COUNTED_CONTEXT, names)] *= rate[:, None]

    size = torch.where(kind == 1, factor, 1.0)
    tensor[:, :, columns(BYTES, features)] *= size[:, None, None]
    context[:, columns(BYTES_CONTEXT, names)] *= size[:, None]

    used = tensor.any(dim=2).sum(dim=1)
    kept = torch.where(kind == 2, (1 + torch.rand(count) * used).floor().clamp(max=20), 20)
    past = torch.arange(tensor.shape[1])[None] < (tensor.shape[1] - kept)[:, None]
    share = tensor[:, :, 0].masked_fill(past, 0).sum(dim=1) / tensor[:, :, 0].sum(dim=1).clamp(min=1e-6)
    forgets = (kind == 2) & (share > 0)
    tensor[past & forgets[:, None]] = 0
    context[:, columns(COUNTED_CONTEXT, names)] *= torch.where(forgets, share, 1.0)[:, None]
    context[:, names.index("active_windows")] = torch.where(forgets, tensor.any(dim=2).sum(dim=1).float(), context[:, names.index("active_windows")])
    return tensor, context
