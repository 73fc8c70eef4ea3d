"""
What the net is held against: a gradient-boosted tree and logistic regression, on the same rows with the same weights.

Both read one flat row of columns: each of the 20 windows, the mean and the maximum of each feature over them, which neither could easily make for
itself, and the context. The features that the net is kept from reading are left out here, too.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from torch.nn import functional

from dataset import Dataset, weights

LIMIT = 5.0  # as the net clamps
MOST_TREES = 60  # rounds, of one tree a class
LEAVES = 15
LEARNING_RATE = 0.15
ROWS = 40_000  # drawn by weight, with replacement, as the net's epochs of 24,000 are
BINS = 127  # in which a column's values are kept


class Fitted(Protocol):
    def logits(self, columns: np.ndarray) -> np.ndarray:
        """[n, columns] raw -> [n, classes], not calibrated."""

    def parts(self, temperature: float, prior: np.ndarray) -> dict:
        """What a file holds of it, with the calibration folded in: models/evaluation/yardstick-file.ts reads it."""


def columns_of(data: Dataset, silenced: tuple[str, ...]) -> np.ndarray:
    """[n, 20 x read features + 2 x read features + context], raw, as float64: windows oldest first, means, maxima, context."""
    read = [column for column, name in enumerate(data.index["features"]) if name not in silenced]
    windows = data.tensors[:, :, read].astype(np.float64)
    return np.hstack([windows.reshape(len(data), -1), windows.mean(axis=1), windows.max(axis=1), data.contexts])


@dataclass(frozen=True)
class Trees:
    model: HistGradientBoostingClassifier
    rounds: int

    def logits(self, columns: np.ndarray) -> np.ndarray:
        for number, raw in enumerate(self.model.staged_decision_function(columns), 1):
            if number == self.rounds:
                return raw
        raise ValueError(f"the trees have fewer than {self.rounds} rounds")

    def parts(self, temperature: float, prior: np.ndarray) -> dict:
        trees = [[_tree(predictor.nodes, temperature) for predictor in one] for one in self.model._predictors[: self.rounds]]
        return {"base": _plain(self.model._baseline_prediction[0] / temperature + prior), "rounds": trees}


def _tree(nodes: np.ndarray, temperature: float) -> dict:
    """Nodes, each before its left side and that before its right: the column that is asked (-1: a leaf), its limit or the leaf's value, and where the right side begins."""
    column, value, right = [], [], []

    def lay(at: int) -> None:
        node, place = nodes[at], len(column)
        leaf = bool(node["is_leaf"])
        column.append(-1 if leaf else int(node["feature_idx"]))
        value.append(float(f"{node['value'] / temperature:.6g}") if leaf else float(node["num_threshold"]))
        right.append(0)
        if not leaf:
            lay(int(node["left"]))
            right[place] = len(column)
            lay(int(node["right"]))

    lay(0)
    return {"column": column, "value": value, "right": right}


@dataclass(frozen=True)
class Linear:
    model: LogisticRegression
    mean: np.ndarray
    scale: np.ndarray

    def logits(self, columns: np.ndarray) -> np.ndarray:
        return self.model.decision_function(_scaled(columns, self.mean, self.scale))

    def parts(self, temperature: float, prior: np.ndarray) -> dict:
        return {"mean": _plain(self.mean), "scale": _plain(self.scale), "limit": LIMIT,
                "weights": [_plain(row / temperature) for row in self.model.coef_], "bias": _plain(self.model.intercept_ / temperature + prior)}


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{value:.7g}") for value in values]


def _scaled(columns: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    return np.clip((np.log1p(np.maximum(columns, 0)) - mean) * scale, -LIMIT, LIMIT)


def _check(found: np.ndarray, training: Dataset) -> None:
    absent = [label for number, label in enumerate(training.classes) if number not in found]
    if absent or len(training.classes) < 3:
        raise SystemExit(f"yardsticks are fitted to three classes or more, and each must be among the rows of every fold: {', '.join(absent) or 'a class'} is missing; use fewer --folds, or more runs")


def _loss(raw: np.ndarray, held: Dataset) -> float:
    each = functional.cross_entropy(torch.from_numpy(raw), torch.from_numpy(held.label.astype(np.int64)), reduction="none").numpy()
    return float(np.average(each, weights=weights(held)))


def fit_trees(training: Dataset, held: Dataset | None, silenced: tuple[str, ...], seed: int, rounds: int = MOST_TREES) -> Trees:
    """To ROWS rows drawn by weight. As many rounds as fit the rows held back best; without them, `rounds`."""
    model = HistGradientBoostingClassifier(learning_rate=LEARNING_RATE, max_iter=rounds, max_leaf_nodes=LEAVES, max_bins=BINS, l2_regularization=1.0, early_stopping=False, random_state=seed)
    chance = weights(training).astype(np.float64)
    drawn = np.random.default_rng(seed).choice(len(training), ROWS, p=chance / chance.sum())
    model.fit(columns_of(training.rows(drawn), silenced), training.label[drawn])
    _check(model.classes_, training)
    if held is not None:
        losses = [_loss(raw, held) for raw in model.staged_decision_function(columns_of(held, silenced))]
        rounds = 1 + int(np.argmin(losses))
    return Trees(model, rounds)


def fit_linear(training: Dataset, silenced: tuple[str, ...], strength: float = 0.01) -> Linear:
    """`strength` is scikit-learn's C."""
    columns = columns_of(training, silenced)
    logged = np.log1p(np.maximum(columns, 0))
    deviation = logged.std(axis=0)
    mean, scale = logged.mean(axis=0), np.where(deviation > 1e-6, 1 / np.maximum(deviation, 1e-6), 0)
    model = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
    model.fit(_scaled(columns, mean, scale), training.label, sample_weight=weights(training))
    _check(model.classes_, training)
    return Linear(model, mean, scale)
