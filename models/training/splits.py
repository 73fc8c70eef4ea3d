"""Splits that do not lie: whole runs are on one side, and whole tools, services or bands of rates are kept from training."""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dataset import Dataset, fold_of_runs, load

BY = ("run", "tool", "service", "rate")


@dataclass(frozen=True)
class Split:
    name: str
    training: np.ndarray  # [runs] bool
    test: np.ndarray  # [runs] bool
    held: frozenset[str]  # what no run for training has


def attacked_services(data: Dataset) -> frozenset[str]:
    return frozenset(attack["service"] for run in data.runs for attack in run["attacks"]) - {"any"}


def traits(run: dict, by: str, attacked: frozenset[str]) -> set[str]:
    """
    What a run has of what is held out: tools of its attacks, decades of its attacks' rates, services that its attacks are on. A service that nobody
    attacks is held out with its ordinary traffic; that of the others is in nearly every run.
    """
    attacks = run["attacks"]
    if by == "tool":
        return {f"{attack['class']} {attack['tool']}" for attack in attacks}
    if by == "service":
        return ({attack["service"] for attack in attacks} - {"any"}) | ({load["service"] for load in run["benign"]} - attacked - {"any"})
    return {decade(attack["rate"]) for attack in attacks if attack["rate"]}


def decade(rate: float) -> str:
    power = math.floor(math.log10(rate))
    return f"{10.0 ** power:g} to {10.0 ** (power + 1):g} a second"


def splits(data: Dataset, by: str, folds: int = 5, seed: int = 1) -> Iterator[Split]:
    """By run and by tool: `folds` of them. By service and by rate: one for each. Runs without an attack are dealt out by run."""
    fold = fold_of_runs(data, folds, seed)
    if by == "run":
        for number in range(folds):
            yield Split(f"fold {number + 1}", fold != number, fold == number, frozenset())
        return
    attacked = attacked_services(data)
    of_run = [traits(run, by, attacked) for run in data.runs]
    everything = sorted(set().union(*of_run))
    groups = [frozenset(everything[number::folds]) for number in range(folds)] if by == "tool" else [frozenset({name}) for name in everything]
    for number, held in enumerate(groups):
        has = np.array([bool(names & held) for names in of_run])
        quiet = np.array([not run["attacks"] for run in data.runs])
        test = has | (quiet & (fold == number % folds))
        yield Split(", ".join(sorted(held)), ~test, test, held)


def faults(data: Dataset, split: Split, by: str) -> list[str]:
    """Why a split would lie or could not be used; nothing where it is sound."""
    found = []
    if (split.training & split.test).any():
        found.append("a run is on both sides")
    attacked = attacked_services(data)
    for number in np.flatnonzero(split.training):
        shared = traits(data.runs[number], by, attacked) & split.held if by != "run" else set()
        if shared:
            found.append(f"run {data.runs[number]['name']} is trained on and has {', '.join(sorted(shared))}")
    names = [run["name"] for run in data.runs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        found.append(f"two runs are called {', '.join(sorted(twice))}")
    if not split.training.any() or not split.test.any():
        found.append("one side is empty")
    return found


def count(data: Dataset, runs: np.ndarray) -> str:
    chosen = [data.runs[number] for number in np.flatnonzero(runs)]
    return f"{len(chosen)} runs, {sum(len(run['attacks']) for run in chosen)} attacks"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parent / "dataset")
    parser.add_argument("--by", choices=BY, nargs="*", default=list(BY))
    given = parser.parse_args()
    data = load(given.data)
    lies = 0
    for by in given.by:
        for split in splits(data, by):
            wrong = faults(data, split, by)
            lies += len(wrong)
            print(f"by {by}, held out {split.name[:100]}: {count(data, split.training)} to train on, {count(data, split.test)} to judge" + "".join(f"\n  WRONG: {text}" for text in wrong))
    raise SystemExit(1 if lies else 0)


if __name__ == "__main__":
    main()
