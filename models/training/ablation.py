"""What each part of the input and of the net is worth: trains without it, or something else, on several splits, and counts attacks found and benign keys alarmed on the runs held back."""

import argparse
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from dataset import Dataset, fold_of_runs, load_all
from fit import Settings, calibrate, probabilities, train
from report import table
from verdict import choose_thresholds, outcome
from yardsticks import Fitted, columns_of, fit_linear, fit_trees

FOLDS = 5
PRICE = 30.0
ROOT = Path(__file__).resolve().parents[2]
GAPS = ("iat_mean_ms", "iat_std_ms")
COUNTS = ("packets_sent", "packets_received", "mean_payload_sent", "mean_payload_received", "half_open", "unanswered", "distinct_ports", "distinct_peers", "active_windows")

# Probabilities of the validation rows and of the test rows, [n, classes] each, by what was fitted to the training rows.
Judge = Callable[[Dataset, Dataset, Dataset], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Variant:
    judge: Judge
    without_steps: tuple[int, ...] = ()
    thresholds: list[float] | None = None  # None: chosen on the validation rows


def net(settings: Settings) -> Judge:
    def judge(training: Dataset, validation: Dataset, test: Dataset) -> tuple[np.ndarray, np.ndarray]:
        fitted = train(training, validation, settings).net
        return probabilities(fitted, validation), probabilities(fitted, test)
    return judge


def yardstick(fit: Callable[[Dataset, Dataset], Fitted], silenced: tuple[str, ...]) -> Judge:
    """Calibrated on the validation rows, since it has none that were trained on at that."""
    def judge(training: Dataset, validation: Dataset, test: Dataset) -> tuple[np.ndarray, np.ndarray]:
        fitted = fit(training, validation)
        seen, asked = (torch.from_numpy(fitted.logits(columns_of(rows, silenced))).float() for rows in (validation, test))
        calibration = calibrate(seen, torch.from_numpy(validation.label.astype(np.int64)))
        return tuple(torch.softmax(logits / calibration.temperature + calibration.prior, dim=1).numpy() for logits in (seen, asked))
    return judge


def by_rules(_: Dataset, validation: Dataset, test: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """The rules of models/evaluation/rules.ts, which know the shipped classes."""
    def asked(data: Dataset) -> np.ndarray:
        program = [ROOT / "node_modules" / ".bin" / "node", ROOT / "models" / "training" / "judge-rows.ts", str(len(data))]
        said = subprocess.run(program, input=data.tensors.tobytes() + data.contexts.tobytes(), stdout=subprocess.PIPE, check=True).stdout
        known = np.frombuffer(said, dtype="<f4").reshape(len(data), -1)
        # Of classes beyond the shipped ones no rule speaks.
        return np.pad(known, ((0, 0), (0, len(data.classes) - known.shape[1])))
    return asked(validation), asked(test)


def variants_of(data: Dataset, base: Settings) -> dict[str, Variant]:
    ports = tuple(name for name in data.index["contextColumns"] if name.startswith("port_"))
    silenced = base.silenced_features
    return {
        "as shipped": Variant(net(base)),
        "the convolution alone": Variant(net(replace(base, model_type="cnn"))),
        "the LSTM alone": Variant(net(replace(base, model_type="lstm"))),
        "boosted trees": Variant(yardstick(lambda training, validation: fit_trees(training, validation, silenced, base.seed), silenced)),
        "logistic regression": Variant(yardstick(lambda training, _: fit_linear(training, silenced), silenced)),
        "fixed thresholds": Variant(by_rules, (), [1.0] + [0.9] * (len(data.classes) - 1)),
        "with the gaps between packets": Variant(net(replace(base, silenced_features=()))),
        "without gaps and duration": Variant(net(replace(base, silenced_features=(*GAPS, "duration_s")))),
        "without port classes": Variant(net(replace(base, silenced_context=ports))),
        "without counts over the span": Variant(net(replace(base, silenced_context=COUNTS))),
        "without 0.5 s": Variant(net(base), (0,)),
        "without 15 s": Variant(net(base), (1,)),
        "without 60 s": Variant(net(base), (2,)),
        "0.5 s alone": Variant(net(base), (1, 2)),
        "15 s alone": Variant(net(base), (0, 2)),
        "60 s alone": Variant(net(base), (0, 1)),
    }


def attacks_by_class(data: Dataset) -> np.ndarray:
    """How many attacks of each class there are, so that one whose rows were all taken away counts as missed."""
    attacked = data.label > 0
    attacks = np.unique(np.stack([data.samples["run"], data.samples["attack"], data.label])[:, attacked], axis=1)
    return np.bincount(attacks[2], minlength=len(data.classes))


def row_of(data: Dataset, variant: Variant, splits: int, seed: int) -> list[str]:
    """By class the attacks found, the benign keys alarmed, and the minutes it took."""
    started = time.monotonic()
    alarmed, benign = 0, 0
    by_class = np.zeros((len(data.classes), 2), dtype=int)
    kept = data.subset(~np.isin(data.samples["step"], variant.without_steps))
    fold = fold_of_runs(data, FOLDS, seed)
    for number in range(splits):
        # The runs that are counted chose nothing: stopping and thresholds come from the fold beside theirs.
        part = (fold[kept.samples["run"]] - number) % FOLDS
        test, validation, training = kept.subset(part == 0), kept.subset(part == 1), kept.subset(part > 1)
        seen, asked = variant.judge(training, validation, test)
        result = outcome(test, asked, variant.thresholds or choose_thresholds(validation, seen, PRICE))
        everything = attacks_by_class(data.subset((fold[data.samples["run"]] - number) % FOLDS == 0))
        for number_of_class, label in enumerate(data.classes[1:], 1):
            by_class[number_of_class] += (result.found[label][0], everything[number_of_class])
        alarmed += sum(result.alarmed.values())
        benign += sum(result.benign_keys.values())
    return [*(f"{hit} of {of}" for hit, of in by_class[1:]), f"{alarmed} of {benign}", f"{(time.monotonic() - started) / 60:.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, action="append", default=None, help="may be given again, for all of them together")
    parser.add_argument("--splits", type=int, default=FOLDS)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=None, help="names of variants")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load_all(given.data or [ROOT / "models" / "training" / "dataset"])
    base = Settings(epochs=given.epochs)
    rows = []
    for name, variant in variants_of(data, base).items():
        if given.only and name not in given.only:
            continue
        rows.append([name, *row_of(data, variant, given.splits, base.seed)])
        print(table(["variant", *data.classes[1:], "benign keys alarmed", "minutes"], rows), flush=True)


if __name__ == "__main__":
    main()
