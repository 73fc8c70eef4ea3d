"""What each part of the input is worth: trains without it, on several splits, and counts attacks found and benign keys alarmed on the runs held back."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dataset import Dataset, fold_of_runs, load
from fit import Settings, probabilities, train
from report import table
from verdict import choose_thresholds, outcome


FOLDS = 5
PRICE = 30.0


def without_steps(data: Dataset, steps: list[int]) -> Dataset:
    return data.subset(~np.isin(data.samples["step"], steps))


def attacks_by_class(data: Dataset) -> np.ndarray:
    """How many attacks of each class there are, so that one whose rows were all taken away counts as missed."""
    attacked = data.label > 0
    attacks = np.unique(np.stack([data.samples["run"], data.samples["attack"], data.label])[:, attacked], axis=1)
    return np.bincount(attacks[2], minlength=len(data.classes))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parent / "dataset")
    parser.add_argument("--splits", type=int, default=FOLDS)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=None, help="names of variants")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load(given.data)
    context = data.index["contextColumns"]
    base = Settings(epochs=given.epochs)
    gaps = ("iat_mean_ms", "iat_std_ms")
    ports = tuple(name for name in context if name.startswith("port_"))
    counts = ("packets_sent", "packets_received", "mean_payload_sent", "mean_payload_received", "half_open", "unanswered", "distinct_ports", "distinct_peers", "active_windows")
    variants: dict[str, tuple[Settings, list[int]]] = {
        "as shipped": (base, []),
        "with the gaps between packets": (replace(base, silenced_features=()), []),
        "without gaps and duration": (replace(base, silenced_features=(*gaps, "duration_s")), []),
        "without port classes": (replace(base, silenced_context=ports), []),
        "without counts over the span": (replace(base, silenced_context=counts), []),
        "without 0.5 s": (base, [0]),
        "without 15 s": (base, [1]),
        "without 60 s": (base, [2]),
        "0.5 s alone": (base, [1, 2]),
        "15 s alone": (base, [0, 2]),
        "60 s alone": (base, [0, 1]),
    }
    rows = []
    for name, (settings, steps) in variants.items():
        if given.only and name not in given.only:
            continue
        alarmed, benign = 0, 0
        by_class = np.zeros((len(data.classes), 2), dtype=int)
        kept = without_steps(data, steps)
        fold = fold_of_runs(data, FOLDS, base.seed)
        for number in range(given.splits):
            # The runs that are counted chose nothing: stopping and thresholds come from the fold beside theirs.
            part = (fold[kept.samples["run"]] - number) % FOLDS
            test, validation, training = kept.subset(part == 0), kept.subset(part == 1), kept.subset(part > 1)
            net = train(training, validation, settings).net
            thresholds = choose_thresholds(validation, probabilities(net, validation), PRICE)
            result = outcome(test, probabilities(net, test), thresholds)
            everything = attacks_by_class(data.subset((fold[data.samples["run"]] - number) % FOLDS == 0))
            for number_of_class, label in enumerate(data.classes[1:], 1):
                by_class[number_of_class] += (result.found[label][0], everything[number_of_class])
            alarmed += sum(result.alarmed.values())
            benign += sum(result.benign_keys.values())
        rows.append([name, *(f"{hit} of {of}" for hit, of in by_class[1:]), f"{alarmed} of {benign}"])
        print(table(["variant", *data.classes[1:], "benign keys alarmed"], rows), flush=True)


if __name__ == "__main__":
    main()
