"""
Two questions that a model must not be able to answer: what it was taught at random, and which run a tensor is from.

`shuffled`: labels are dealt out anew among the keys, and a net is trained on that. On runs that it never saw, with their true labels, it must do no
better than chance, over several nets (each by itself may lie far on either side): what it finds all the same would be found by the way in which
runs are cut and counted, not by what they hold.

`capture`: a net is trained to name the run of a tensor, from half of the run's pairs, and asked about the other half, among runs of one source. What
goes on in a run tells it from others, so it does better than chance; where it does much better, the input holds what all of a capture has in common
(its clock, its addresses, how it was taken). That none of these is an input at all, test/models/inputs.test.ts shows.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dataset import Dataset, load
from fit import Settings, probabilities, train
from splits import splits

HERE = Path(__file__).resolve().parent


def area_under_curve(score: np.ndarray, positive: np.ndarray) -> float:
    """The chance that a row with `positive` has a higher score than one without (Mann and Whitney); ties count half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positives = int(positive.sum())
    others = len(positive) - positives
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * others))


def with_labels(data: Dataset, label: np.ndarray, classes: list[str]) -> Dataset:
    return Dataset(data.index | {"classes": classes}, data.tensors, data.contexts, data.samples | {"label": label.astype(np.int32)})


def shuffled_by_key(data: Dataset, seed: int) -> Dataset:
    """All rows of a key take over what another key was called."""
    _, first, key = np.unique(data.key_ids(), return_index=True, return_inverse=True)
    peak = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(peak, key, data.label)
    return with_labels(data, np.random.default_rng(seed).permutation(peak)[key], data.classes)


def probe_labels(data: Dataset, settings: Settings, times: int, limit: float) -> bool:
    areas = []
    for number, split in zip(range(times), splits(data, "run")):
        run = data.samples["run"]
        training, test = data.subset(split.training[run]), data.subset(split.test[run])
        net = train(shuffled_by_key(training, settings.seed + number), None, settings).net
        areas.append(area_under_curve(1 - probabilities(net, test)[:, 0], test.label > 0))
    middle = float(np.mean(areas))
    print(f"shuffled labels: area under the curve {middle:.3f} (of {', '.join(f'{area:.3f}' for area in areas)}), chance is 0.5, at most {limit} is allowed")
    return middle <= limit


def probe_capture(data: Dataset, settings: Settings, most: int, limit: float) -> bool:
    pairs = data.subset((data.samples["kind"] == 0) & (data.label == 0))
    key = pairs.key_ids()
    sources = [run["source"] for run in data.runs]
    source = max(set(sources), key=sources.count)
    runs = [run for run in np.unique(pairs.samples["run"]) if sources[run] == source and len(np.unique(key[pairs.samples["run"] == run])) >= 6]
    runs = list(np.random.default_rng(settings.seed).permutation(runs)[:most])
    pairs = pairs.subset(np.isin(pairs.samples["run"], runs))
    names = [data.runs[run]["name"] for run in runs]
    asked = with_labels(pairs, np.array([runs.index(run) for run in pairs.samples["run"]]), names)
    keys = np.unique(asked.key_ids())
    learned = np.isin(asked.key_ids(), np.random.default_rng(settings.seed).permutation(keys)[: len(keys) // 2])
    net = train(asked.subset(learned), None, settings).net
    test = asked.subset(~learned)
    right = probabilities(net, test).argmax(axis=1) == test.label
    accuracy = float(np.mean([right[test.label == number].mean() for number in np.unique(test.label)]))
    print(f"which capture: {accuracy:.3f} of the tensors of pairs that it never saw are named right, of {len(runs)} runs; chance is {1 / len(runs):.3f}, at most {limit / len(runs):.3f} is allowed")
    return accuracy <= limit / len(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=HERE / "dataset")
    parser.add_argument("--only", choices=("shuffled", "capture"), default=None)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--times", type=int, default=3, help="nets that are trained on shuffled labels")
    parser.add_argument("--runs", type=int, default=30, help="runs among which the capture is to be named")
    parser.add_argument("--shuffled-limit", type=float, default=0.65, help="area under the curve above which the probe fails")
    parser.add_argument("--capture-limit", type=float, default=6.0, help="how many times what chance would name right makes the probe fail")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load(given.data)
    settings = replace(Settings(), epochs=given.epochs)
    sound = True
    if given.only != "capture":
        sound &= probe_labels(data, settings, given.times, given.shuffled_limit)
    if given.only != "shuffled":
        sound &= probe_capture(data, settings, given.runs, given.capture_limit)
    raise SystemExit(0 if sound else 1)


if __name__ == "__main__":
    main()
