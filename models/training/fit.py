"""Trains a Net: cross entropy over rows drawn by weight, early stopping on runs held back, and its calibration."""

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from augment import vary
from dataset import Dataset, weights
from model import Net, Shape


@dataclass(frozen=True)
class Settings:
    epochs: int = 60
    patience: int = 15
    batch: int = 256
    # Rows are drawn by their weight, with replacement: an epoch is this many, whatever the data set's size.
    rows_an_epoch: int = 24_000
    rows_to_stop_by: int = 4_000
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.15
    hidden: int = 64
    model_type: str = "cnn_lstm"
    # The share of the drawn rows that are changed as other networks would: see augment.py.
    augmented: float = 0.0
    seed: int = 1
    # Columns that the model is kept from reading: see the ablation in models/README.md.
    silenced_features: tuple[str, ...] = ("iat_mean_ms", "iat_std_ms")
    silenced_context: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    tensor: torch.Tensor
    context: torch.Tensor
    label: torch.Tensor
    weight: torch.Tensor


def rows_of(data: Dataset) -> Rows:
    return Rows(torch.from_numpy(data.tensors.copy()), torch.from_numpy(data.contexts.copy()), torch.from_numpy(data.label.astype(np.int64)), torch.from_numpy(weights(data)))


def new_net(data: Dataset, settings: Settings) -> Net:
    """A Net whose scaling fits the data: feature columns over windows that are not silent, context columns over all rows."""
    index = data.index
    net = Net(Shape(context=len(index["contextColumns"]), classes=len(index["classes"]), hidden=settings.hidden, model_type=settings.model_type), settings.dropout)
    windows = data.tensors.reshape(-1, data.tensors.shape[2])
    active = torch.from_numpy(windows[windows.any(axis=1)])
    net.tensor_scaling.fit(active, [index["features"].index(name) for name in settings.silenced_features])
    net.context_scaling.fit(torch.from_numpy(data.contexts.copy()), [index["contextColumns"].index(name) for name in settings.silenced_context])
    return net


def drawn(rows: Rows, count: int) -> Rows:
    """`count` rows, each drawn with the probability that its weight gives it."""
    chosen = torch.multinomial(rows.weight, count, replacement=True)
    return Rows(rows.tensor[chosen], rows.context[chosen], rows.label[chosen], torch.ones(count))


def augmented(rows: Rows, share: float, index: dict) -> Rows:
    """The rows, of which `share` are varied."""
    if share == 0:
        return rows
    chosen = torch.rand(len(rows.label)) < share
    tensor, context = rows.tensor.clone(), rows.context.clone()
    tensor[chosen], context[chosen] = vary(rows.tensor[chosen], rows.context[chosen], index)
    return Rows(tensor, context, rows.label, rows.weight)


@torch.no_grad()
def logits_of(net: Net, rows: Rows, batch: int = 4096) -> torch.Tensor:
    net.eval()
    return torch.cat([net(rows.tensor[at:at + batch], rows.context[at:at + batch]) for at in range(0, len(rows.label), batch)])


def probabilities(net: Net, data: Dataset) -> np.ndarray:
    """[n, classes], calibrated."""
    return torch.softmax(net.calibrated(logits_of(net, rows_of(data))), dim=1).numpy()


@dataclass(frozen=True)
class Fitted:
    net: Net
    best_epoch: int


def train(training: Dataset, validation: Dataset | None, settings: Settings) -> Fitted:
    """Stops when the validation runs have not been fitted better for `patience` epochs, and keeps the best; without them the last epoch is kept."""
    torch.manual_seed(settings.seed)
    net = new_net(training, settings)
    seen, held = rows_of(training), validation and drawn(rows_of(validation), settings.rows_to_stop_by)
    steps = settings.epochs * -(-settings.rows_an_epoch // settings.batch)
    optimiser = torch.optim.AdamW(net.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps, pct_start=0.1)
    best, best_loss, best_epoch = net.state_dict(), float("inf"), 0
    for epoch in range(1, settings.epochs + 1):
        started = time.monotonic()
        loss = one_epoch(net, augmented(drawn(seen, settings.rows_an_epoch), settings.augmented, training.index), optimiser, schedule, settings.batch)
        held_loss = functional.cross_entropy(logits_of(net, held), held.label).item() if held else 0.0
        if held_loss < best_loss or not held:
            best, best_loss, best_epoch = copy.deepcopy(net.state_dict()), held_loss, epoch
        print(f"epoch {epoch:3d}/{settings.epochs}  training loss {loss:.4f}" + (f"  validation loss {held_loss:.4f}  best {best_epoch}" if held else "")
              + f"  {time.monotonic() - started:.1f} s", flush=True)
        if epoch - best_epoch >= settings.patience:
            break
    net.load_state_dict(best)
    net.eval()
    return Fitted(net, best_epoch)


def one_epoch(net: Net, rows: Rows, optimiser: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler, batch: int) -> float:
    net.train()
    total = 0.0
    for chosen in torch.randperm(len(rows.label)).split(batch):
        loss = functional.cross_entropy(net(rows.tensor[chosen], rows.context[chosen]), rows.label[chosen])
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += loss.item() * len(chosen)
    return total / len(rows.label)


@dataclass(frozen=True)
class Calibration:
    """What makes logits mean what they say: softmax(logits / temperature + prior)."""

    temperature: torch.Tensor  # []
    prior: torch.Tensor  # [classes]


def calibrate(logits: torch.Tensor, label: torch.Tensor) -> Calibration:
    """
    The calibration that makes the rows likeliest, each counting once (vector scaling with one slope for all classes: Guo et al. 2017). `logits` [n, classes] must be of rows
    that were not trained on. Training balances the classes; the prior takes that back, so that a probability is one among the rows as they are.
    """
    slope = torch.zeros((), requires_grad=True)
    prior = torch.zeros(logits.shape[1], requires_grad=True)
    optimiser = torch.optim.LBFGS([slope, prior], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        # A class that no row has would be pushed to minus infinity: the small penalty keeps it where it is.
        value = functional.cross_entropy(logits * slope.exp() + prior, label) + 1e-4 * (slope.square() + prior.square().sum())
        value.backward()
        return value

    optimiser.step(loss)
    return Calibration((-slope.detach()).exp(), prior.detach() - prior.detach()[0])
