"""What a net makes of tools, services or rates that it was never trained on: trains once for each split, and counts only what was held out."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dataset import Dataset, fold_of_runs, load
from fit import Settings, probabilities, train
from report import table
from splits import BY, Split, attacked_services, faults, splits, traits
from verdict import attack_peaks, benign_peaks, choose_thresholds

PRICE = 30.0
FOLDS = 5


def held_attacks(data: Dataset, split: Split, by: str) -> set[tuple[int, int]]:
    """(run, attack) of the attacks to be judged that have what is held out: all of them where whole runs are."""
    return {(number, at) for number in np.flatnonzero(split.test) for at, attack in enumerate(data.runs[number]["attacks"])
            if by == "run" or traits({"attacks": [attack], "benign": []}, by, attacked_services(data)) & split.held}


def judge(data: Dataset, split: Split, by: str, settings: Settings) -> list[object]:
    run = data.samples["run"]
    # Thresholds and the end of training come from runs beside those that are counted.
    validation = split.training & (fold_of_runs(data, FOLDS, settings.seed + 1) == 0)
    training, chosen, test = data.subset((split.training & ~validation)[run]), data.subset(validation[run]), data.subset(split.test[run])
    net = train(training, chosen, settings).net
    limit = np.asarray(choose_thresholds(chosen, probabilities(net, chosen), PRICE))
    said = probabilities(net, test)
    attacks, benign = attack_peaks(test, said), benign_peaks(test, said)
    held = held_attacks(data, split, by)
    found = right = 0
    seen = set()
    for row, peak in zip(attacks.first_row, attacks.peak):
        one = (int(test.samples["run"][row]), int(test.samples["attack"][row]))
        if one not in held:
            continue
        seen.add(one)
        over = peak[1:] >= limit[1:]
        found += int(over.any())
        right += int(over[int(test.label[row]) - 1])
    alarmed = int((benign.peak[:, 1:] >= limit[1:]).any(axis=1).sum())
    return [split.name[:80], f"{found} of {len(held)}", f"{right} of {len(held)}", len(held) - len(seen), f"{alarmed} of {len(benign.ids)}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parent / "dataset")
    parser.add_argument("--by", choices=BY, default="tool")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--most", type=int, default=None, help="splits to try; all of them if it is not given")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    data = load(given.data)
    rows = []
    for split in list(splits(data, given.by))[:given.most]:
        wrong = faults(data, split, given.by)
        if wrong:
            raise SystemExit(f"the split that holds out {split.name} would lie: {'; '.join(wrong)}")
        rows.append(judge(data, split, given.by, replace(Settings(), epochs=given.epochs)))
        print(table(["held out", "found", "right class", "too little of it in any tensor", "benign keys alarmed"], rows), flush=True)


if __name__ == "__main__":
    main()
