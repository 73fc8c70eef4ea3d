"""Training from Python, on arrays of one's own: ModelTrainer(...).train(X_train, y_train, X_val, y_val), then .export(folder)."""

import datetime
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import release
from calibration import reliability
from dataset import SAMPLE_COLUMNS, Dataset
from fit import Settings, calibrate, logits_of, rows_of, train
from model import FEATURES, MODEL_TYPES, WINDOWS, Net

SHIPPED = Path(__file__).resolve().parent.parent / "manifest.json"


class ModelTrainer:
    """
    `model_config`: hidden_size, dropout_rate, num_classes (or `classes`, their names, the first being BENIGN) and `techniques`, of classes of one's own
    their ATT&CK technique as {"id": "T1071.001", "name": "Web Protocols"}; `settings`: fields of fit.Settings.
    What is trained reads the windows alone: contexts are not asked for, and the graph ignores those that it is given.
    """

    def __init__(self, model_type: str = "cnn_lstm", model_config: dict | None = None, **settings):
        config = {"hidden_size": 64, "dropout_rate": 0.15} | (model_config or {})
        unknown = set(config) - {"hidden_size", "dropout_rate", "num_classes", "classes", "techniques"}
        if unknown:
            raise ValueError(f"model_config has no {', '.join(sorted(unknown))}; it has hidden_size, dropout_rate, num_classes, classes and techniques")
        if model_type not in MODEL_TYPES:
            raise ValueError(f"there is no model type {model_type!r}; there are {', '.join(MODEL_TYPES)}")
        self._shipped = json.loads(SHIPPED.read_text())
        self.classes = list(config.get("classes") or _names(self._shipped["classes"], config.get("num_classes", len(self._shipped["classes"]))))
        self.techniques = dict(config.get("techniques") or {})
        if "num_classes" in config and config["num_classes"] != len(self.classes):
            raise ValueError(f"num_classes is {config['num_classes']}, but classes names {len(self.classes)}")
        self.settings = replace(Settings(), model_type=model_type, hidden=config["hidden_size"], dropout=config["dropout_rate"],
                                silenced_context=tuple(self._shipped["contextColumns"]), **settings)
        self.net: Net | None = None

    def train(self, X_train: np.ndarray, y_train: np.ndarray, X_val: np.ndarray, y_val: np.ndarray) -> dict:
        """
        X are raw features [n, 20, 12], oldest window first; y class numbers or names [n]. Stops when the validation rows are not fitted better any
        more. Gives the best epoch, the share of validation rows that are right, and the expected calibration error there.
        """
        seen, held = self._dataset("X_train", X_train, y_train), self._dataset("X_val", X_val, y_val)
        fitted = train(seen, held, self.settings)
        logits, label = logits_of(fitted.net, rows_of(held)), torch.from_numpy(held.label.astype(np.int64))
        calibration = calibrate(logits, label)
        fitted.net.temperature.copy_(calibration.temperature)
        fitted.net.prior.copy_(calibration.prior)
        probabilities = torch.softmax(fitted.net.calibrated(logits), dim=1).numpy()
        self.net, self._seen = fitted.net, seen
        return {
            "best_epoch": fitted.best_epoch,
            "accuracy": float((probabilities.argmax(axis=1) == held.label).mean()),
            "expected_calibration_error": reliability(probabilities, held.label).error,
            "temperature": float(fitted.net.temperature),
        }

    def export(self, folder: str | Path, version: str | None = None, thresholds: list[float] | None = None) -> None:
        """Writes model.onnx and manifest.json, for `autoshield model install`. Thresholds, one a class, are 0.9 where none are given; BENIGN's is 1."""
        if self.net is None:
            raise RuntimeError("nothing has been trained yet: call train first")
        given = thresholds or [1.0] + [0.9] * (len(self.classes) - 1)
        if len(given) != len(self.classes):
            raise ValueError(f"there are {len(given)} thresholds for {len(self.classes)} classes")
        release.write(Path(folder), self.net, self._seen, version or f"{datetime.date.today().isoformat()}-own", given, {}, [{"source": "own arrays", "licence": "own", "note": f"{len(self._seen)} rows"}])

    def _dataset(self, name: str, values: np.ndarray, labels: np.ndarray) -> Dataset:
        tensors = np.ascontiguousarray(values, dtype=np.float32)
        if tensors.ndim != 3 or tensors.shape[1:] != (WINDOWS, FEATURES):
            raise ValueError(f"{name} has the shape {tensors.shape}; it must be [rows, {WINDOWS} windows, {FEATURES} features]")
        if not np.isfinite(tensors).all() or (tensors < 0).any():
            raise ValueError(f"{name} has values that are negative or no numbers: features are raw, not scaled")
        label = np.array([self._number(one) for one in labels])
        if len(label) != len(tensors):
            raise ValueError(f"{name} has {len(tensors)} rows, and {len(label)} labels")
        samples = {column: np.zeros(len(label), dtype=np.int32) for column in SAMPLE_COLUMNS} | {"label": label.astype(np.int32), "key": np.arange(len(label), dtype=np.int32)}
        index = {key: self._shipped[key] for key in ("featureSchema", "features", "contextColumns")} | {"classes": self.classes, "techniques": self.techniques, "kinds": [], "stepsMs": [], "runs": [{"source": "own"}]}
        return Dataset(index, tensors, np.zeros((len(label), len(index["contextColumns"])), dtype=np.float32), samples)

    def _number(self, label: object) -> int:
        number = self.classes.index(label) if label in self.classes else label
        if not isinstance(number, (int, np.integer)) or not 0 <= number < len(self.classes):
            raise ValueError(f"{label!r} is no class: there are {', '.join(self.classes)}, or their numbers from 0 on")
        return int(number)


def _names(known: list[str], count: int) -> list[str]:
    """The shipped classes, and CUSTOM_ATTACK_1 and so on beyond them."""
    return [*known[:count], *(f"CUSTOM_ATTACK_{number + 1}" for number in range(count - len(known)))]
