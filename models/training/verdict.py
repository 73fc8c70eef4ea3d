"""From probabilities of rows to what matters: which attacks are found, which benign keys are alarmed, and the thresholds between."""

from dataclasses import dataclass

import numpy as np

from dataset import Dataset


@dataclass(frozen=True)
class Peaks:
    """The highest probability of each class over all rows of one thing."""

    ids: np.ndarray  # [m]
    first_row: np.ndarray  # [m] a row of it, for looking up what it is
    peak: np.ndarray  # [m, classes]


def peaks(ids: np.ndarray, rows: np.ndarray, probabilities: np.ndarray) -> Peaks:
    unique, first, inverse = np.unique(ids[rows], return_index=True, return_inverse=True)
    peak = np.zeros((len(unique), probabilities.shape[1]))
    np.maximum.at(peak, inverse, probabilities[rows])
    return Peaks(unique, rows[first], peak)


def attack_peaks(data: Dataset, probabilities: np.ndarray) -> Peaks:
    ids = data.samples["run"].astype(np.int64) * 1000 + data.samples["attack"]
    return peaks(ids, np.flatnonzero(data.label > 0), probabilities)


def benign_peaks(data: Dataset, probabilities: np.ndarray) -> Peaks:
    return peaks(data.key_ids(), np.flatnonzero(data.label == 0), probabilities)


def choose_thresholds(data: Dataset, probabilities: np.ndarray, price: float, floor: float = 0.5, ceiling: float = 0.995) -> list[float]:
    """
    By class: the threshold with the best balance of the share of attacks that are found, less `price` times the share of benign keys that are
    alarmed. Where nothing lies between two scores, half way between them, because runs that nobody has seen are worse on both sides.
    BENIGN is never a detection: 1.
    """
    attacks, benign = attack_peaks(data, probabilities), benign_peaks(data, probabilities)
    attack_class = data.label[attacks.first_row]
    thresholds = [1.0]
    for number in range(1, len(data.classes)):
        own, touched = attacks.peak[attack_class == number, number], benign.peak[:, number]
        scores = np.unique(np.concatenate([own, touched, [floor, ceiling]]))
        candidates = (scores[1:] + scores[:-1]) / 2
        candidates = candidates[(candidates >= floor) & (candidates <= ceiling)]
        balance = [(own >= at).mean() - price * (touched >= at).mean() if len(own) else -at for at in candidates]
        thresholds.append(round(float(candidates[int(np.argmax(balance))]), 4))
    return thresholds


@dataclass(frozen=True)
class Outcome:
    """What a model does to one data set at given thresholds."""

    found: dict[str, tuple[int, int]]  # class -> (found, all)
    found_by_tool: dict[tuple[str, str], tuple[int, int]]  # (class, tool) -> (found, all)
    alarmed: dict[tuple[str, str], int]  # (class, key kind) -> benign keys alarmed
    benign_keys: dict[str, int]  # key kind -> benign keys
    benign_runs_alarmed: tuple[int, int]  # runs without an attack: alarmed, all
    confusion: np.ndarray  # [class of attack, class said or BENIGN] over attacks, by the strongest class above its threshold


def outcome(data: Dataset, probabilities: np.ndarray, thresholds: list[float]) -> Outcome:
    limit = np.asarray(thresholds)
    classes = data.classes
    attacks, benign = attack_peaks(data, probabilities), benign_peaks(data, probabilities)

    found: dict[str, tuple[int, int]] = {name: (0, 0) for name in classes[1:]}
    by_tool: dict[tuple[str, str], tuple[int, int]] = {}
    confusion = np.zeros((len(classes), len(classes)), dtype=int)
    for row, peak in zip(attacks.first_row, attacks.peak):
        number = int(data.label[row])
        name = classes[number]
        tool = data.runs[data.samples["run"][row]]["attacks"][data.samples["attack"][row]]["tool"]
        hit = int(peak[number] >= limit[number])
        found[name] = (found[name][0] + hit, found[name][1] + 1)
        before = by_tool.get((name, tool), (0, 0))
        by_tool[name, tool] = (before[0] + hit, before[1] + 1)
        over = np.where(peak[1:] >= limit[1:], peak[1:], 0)
        confusion[number, 1 + int(over.argmax()) if over.any() else 0] += 1

    kinds = data.index["kinds"]
    kind_of = data.samples["kind"][benign.first_row]
    over = benign.peak[:, 1:] >= limit[1:]
    alarmed = {(classes[1 + number], kinds[kind]): int((over[:, number] & (kind_of == kind)).sum())
               for number in range(len(classes) - 1) for kind in range(len(kinds))}
    attacked = {int(run) for run in np.unique(data.samples["run"][data.label > 0])}
    run_of = data.samples["run"][benign.first_row]
    quiet = [int(run) for run in np.unique(run_of) if int(run) not in attacked]
    touched = sum(bool(over[run_of == run].any()) for run in quiet)
    return Outcome(found, by_tool, alarmed, {kinds[kind]: int((kind_of == kind).sum()) for kind in range(len(kinds))}, (touched, len(quiet)), confusion)
