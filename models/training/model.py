"""The CNN-LSTM: a convolution over time, an LSTM over what it finds, and the context beside both; and each of the two without the other."""

from dataclasses import dataclass

import torch
from torch import nn

WINDOWS = 20
FEATURES = 12


# What reads the windows: both, the convolution alone (its strongest answer over time), or the LSTM alone.
MODEL_TYPES = ("cnn_lstm", "cnn", "lstm")


@dataclass(frozen=True)
class Shape:
    """What fixes the graph's size; everything else is learned."""

    context: int
    classes: int
    model_type: str = "cnn_lstm"
    filters: int = 32
    hidden: int = 64
    dense: int = 32
    # The convolution reads KERNEL windows and moves on by STRIDE: the LSTM then takes half as many steps, at half the cost.
    kernel: int = 4
    stride: int = 2
    padding: int = 1


class Scaling(nn.Module):
    """log1p of what is not negative, then (x - mean) / deviation, clamped. A deviation of infinity silences a column."""

    def __init__(self, columns: int, limit: float = 5.0):
        super().__init__()
        self.limit = limit
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("inverse_deviation", torch.ones(columns))

    def fit(self, values: torch.Tensor, silenced: list[int]) -> None:
        """`values` is [rows, columns] of training data; constant and silenced columns become zero."""
        logged = torch.log1p(values.double())
        deviation = logged.std(dim=0)
        inverse = torch.where(deviation > 1e-6, 1 / deviation.clamp(min=1e-6), 0.0)
        inverse[silenced] = 0.0
        self.mean.copy_(logged.mean(dim=0))
        self.inverse_deviation.copy_(inverse)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        scaled = (torch.log1p(torch.relu(values)) - self.mean) * self.inverse_deviation
        return scaled.clamp(-self.limit, self.limit)


class Net(nn.Module):
    """tensor [N, 20, 12] and context [N, k], both raw -> logits [N, classes]."""

    def __init__(self, shape: Shape, dropout: float = 0.3):
        super().__init__()
        self.shape = shape
        self.tensor_scaling = Scaling(FEATURES)
        self.context_scaling = Scaling(shape.context)
        if shape.model_type not in MODEL_TYPES:
            raise ValueError(f"there is no model type {shape.model_type!r}; there are {', '.join(MODEL_TYPES)}")
        self.conv = nn.Conv1d(FEATURES, shape.filters, shape.kernel, stride=shape.stride, padding=shape.padding) if shape.model_type != "lstm" else None
        self.lstm = nn.LSTM(shape.filters if self.conv is not None else FEATURES, shape.hidden) if shape.model_type != "cnn" else None
        self.join = nn.Linear((shape.filters if self.lstm is None else shape.hidden) + shape.context, shape.dense)
        self.out = nn.Linear(shape.dense, shape.classes)
        self.dropout = nn.Dropout(dropout)
        # Learned after training, on runs that were not trained on: what makes the probabilities mean what they say.
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("prior", torch.zeros(shape.classes))

    def forward(self, tensor: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        found = self.tensor_scaling(tensor).transpose(1, 2)
        if self.conv is not None:
            found = torch.relu(self.conv(found))
        if self.lstm is None:
            read = found.amax(dim=2)
        else:
            _, (last, _) = self.lstm(self.dropout(found.permute(2, 0, 1)) if self.conv is not None else found.permute(2, 0, 1))
            read = last[0]
        joined = torch.cat([self.dropout(read), self.context_scaling(context)], dim=1)
        return self.out(self.dropout(torch.relu(self.join(joined))))

    def calibrated(self, logits: torch.Tensor) -> torch.Tensor:
        return logits / self.temperature + self.prior

    def probabilities(self, tensor: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        return torch.softmax(self.calibrated(self.forward(tensor, context)), dim=1)
