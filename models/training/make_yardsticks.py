"""Fits what `npm run eval` shows beside the model, by the rows, folds, calibration and thresholds of train.py, and writes it for models/evaluation."""

import argparse
import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from dataset import Dataset, fold_of_runs, load_all
from fit import Settings, calibrate
from release import golden_rows
from report import outcome_text, summary
from verdict import choose_thresholds, outcome
from yardsticks import Fitted, columns_of, fit_linear, fit_trees

HERE = Path(__file__).resolve().parent
SILENCED = Settings().silenced_features


def trees(data: Dataset, fold: np.ndarray, seed: int) -> tuple[np.ndarray, Fitted]:
    """As train.py does with epochs: each fold's trees stop where the fold is fitted best, and those for all rows after the median."""
    logits, rounds = np.zeros((len(data), len(data.classes))), []
    for number in np.unique(fold):
        held = data.subset(fold == number)
        fitted = fit_trees(data.subset(fold != number), held, SILENCED, seed)
        logits[fold == number] = fitted.logits(columns_of(held, SILENCED))
        rounds.append(fitted.rounds)
        print(f"boosted trees, fold {number + 1}: {fitted.rounds} rounds", flush=True)
    return logits, fit_trees(data, None, SILENCED, seed, round(float(np.median(rounds))))


def linear(data: Dataset, fold: np.ndarray, _: int) -> tuple[np.ndarray, Fitted]:
    logits = np.zeros((len(data), len(data.classes)))
    for number in np.unique(fold):
        logits[fold == number] = fit_linear(data.subset(fold != number), SILENCED).logits(columns_of(data.subset(fold == number), SILENCED))
        print(f"logistic regression, fold {number + 1}", flush=True)
    return logits, fit_linear(data, SILENCED)


def softmax(logits: np.ndarray) -> np.ndarray:
    return torch.softmax(torch.from_numpy(logits), dim=1).numpy()


def document(name: str, kind: str, data: Dataset, fitted: Fitted, logits: np.ndarray, price: float) -> dict:
    calibration = calibrate(torch.from_numpy(logits).float(), torch.from_numpy(data.label.astype(np.int64)))
    temperature, prior = float(calibration.temperature), calibration.prior.numpy().astype(np.float64)
    judged = softmax(logits / temperature + prior)
    thresholds = choose_thresholds(data, judged, price)
    result = outcome(data, judged, thresholds)
    print(outcome_text(name, result, data.classes, thresholds), flush=True)
    rows = golden_rows(data)
    chosen = np.isin(np.arange(len(data)), rows)
    golden = data.subset(chosen)
    probabilities = softmax(fitted.logits(columns_of(golden, SILENCED)) / temperature + prior)
    return {
        "apiVersion": "autoshield.dev/v1alpha1",
        "kind": "Yardstick",
        "name": name,
        "featureSchema": data.index["featureSchema"],
        "features": [feature for feature in data.index["features"] if feature not in SILENCED],
        "contextColumns": data.index["contextColumns"],
        "classes": data.classes,
        "thresholds": thresholds,
        kind: fitted.parts(temperature, prior),
        "golden": [{"tensor": [float(value) for value in tensor.reshape(-1)], "context": [float(value) for value in context], "probabilities": [round(float(value), 6) for value in given]}
                   for tensor, context, given in zip(golden.tensors, golden.contexts, probabilities)],
        "crossValidation": summary(result),
    }


def write(path: Path, made: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a time of its own, so that the same rows give the same file.
    path.write_bytes(gzip.compress(json.dumps(made, separators=(",", ":")).encode(), mtime=0))
    print(f"wrote {path} ({path.stat().st_size} bytes)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", default=None, help="may be given again, for all of them together")
    parser.add_argument("--out", type=Path, default=HERE.parent / "evaluation" / "yardsticks")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seed", type=int, default=Settings().seed)
    parser.add_argument("--price", type=float, default=30.0, help="as of train.py: by it thresholds are chosen")
    parser.add_argument("--only", nargs="*", default=None, help="names of yardsticks")
    given = parser.parse_args()
    data = load_all(given.data or [HERE / "dataset"])
    fold = fold_of_runs(data, given.folds, given.seed)[data.samples["run"]]
    ways: dict[str, tuple[str, Callable[[Dataset, np.ndarray, int], tuple[np.ndarray, Fitted]]]] = {"logistic regression": ("linear", linear), "boosted trees": ("trees", trees)}
    for name, (kind, way) in ways.items():
        if given.only and name not in given.only:
            continue
        logits, fitted = way(data, fold, given.seed)
        write(given.out / f"{name.replace(' ', '-')}.json.gz", document(name, kind, data, fitted, logits, given.price))


if __name__ == "__main__":
    main()
