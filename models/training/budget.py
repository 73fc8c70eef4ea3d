"""Thresholds by how many false alarms a key may raise in a day, and how much benign time there is to say so by."""

from dataclasses import dataclass

import numpy as np

from dataset import Dataset
from verdict import attack_peaks, benign_peaks

DAY_S = 86_400
# export.ts keeps rows 0 to 5 of a benign key and step, then those that are powers of two or every 20th.
FIRST_ROWS, EVERY = 6, 20
# Readings of one run with another clock: the same time again.
READINGS = 3


def windows_behind(kept: int) -> int:
    """The fewest windows of which export.ts keeps so many rows."""
    at = left = 0
    while True:
        left += at < FIRST_ROWS or at & (at - 1) == 0 or at % EVERY == 0
        at += 1
        if left >= kept:
            return at if kept > 0 else 0


def benign_key_days(data: Dataset) -> float:
    """
    Days times benign keys that the rows stand for, at least: by key the step that shows most, without the silence between windows. Rows of a step
    were read READINGS times, those of a recording's shortest step once; where nobody can tell, they count as repetitions.
    """
    benign = data.label == 0
    groups, counts = np.unique(np.stack([data.key_ids()[benign], data.samples["step"][benign]]), axis=1, return_counts=True)
    most = int(counts.max(initial=0))
    windows = np.array([windows_behind(kept) for kept in range(most + 1)])
    seconds = windows[-(-counts // READINGS)] * np.asarray(data.index["stepsMs"])[groups[1]] / 1000
    _, key = np.unique(groups[0], return_inverse=True)
    longest = np.zeros(key.max(initial=-1) + 1)
    np.maximum.at(longest, key, seconds)
    return float(longest.sum() / DAY_S)


def most_of(alarms: int) -> float:
    """How many alarms so much time has in the long run, at most, where it had `alarms`: the exact bound of Poisson's law at 95 % (Garwood 1936)."""
    low, high = float(alarms), 5.0 * alarms + 10
    for _ in range(60):
        middle = (low + high) / 2
        terms = np.cumprod(np.concatenate([[1.0], middle / np.arange(1, alarms + 1)]))
        low, high = (middle, high) if np.exp(-middle) * terms.sum() > 0.05 else (low, middle)
    return high


@dataclass(frozen=True)
class Budget:
    """Thresholds by class, each class with a budget of its own; BENIGN's is 1."""

    per_key_and_day: float
    key_days: float
    thresholds: list[float]
    alarmed: list[int]  # benign keys of these rows over the threshold, by class
    met: list[bool]  # false where even the highest threshold that is allowed alarms more

    @property
    def allowed(self) -> int:
        """Benign keys that a class may alarm among these rows."""
        return int(self.per_key_and_day * self.key_days)

    def summary(self) -> dict:
        """For the manifest."""
        return {
            "falseAlarmsPerKeyAndDay": self.per_key_and_day, "benignKeyDays": round(self.key_days, 3), "allowed": self.allowed,
            "byClass": [{"alarmed": count, "perKeyAndDayAtMost": round(most_of(count) / self.key_days, 3), "met": met} for count, met in zip(self.alarmed, self.met)],
        }


def thresholds_within(data: Dataset, probabilities: np.ndarray, per_key_and_day: float, floor: float = 0.5, ceiling: float = 0.9995) -> Budget:
    """
    By class the lowest threshold at which it alarms no more benign keys than the budget allows in the time that these rows stand for; half way to the next
    score below, as in `choose_thresholds`. `probabilities` must be of runs that were not trained on. A key counts once, since its detection stays open.
    """
    days = benign_key_days(data)
    allowed = int(per_key_and_day * days)
    benign, attacks = benign_peaks(data, probabilities), attack_peaks(data, probabilities)
    thresholds, alarmed, met = [1.0], [0], [True]
    for number in range(1, len(data.classes)):
        touched = np.sort(benign.peak[:, number])[::-1]
        # The highest benign score that must stay below, and the lowest attack's above it.
        highest = float(touched[allowed]) if allowed < len(touched) else 0.0
        above = np.concatenate([touched[:allowed], attacks.peak[data.label[attacks.first_row] == number, number], [ceiling]])
        next_above = float(above[above > highest].min(initial=ceiling))
        chosen = round(min(max((highest + next_above) / 2, floor), ceiling), 4)
        count = int((touched >= chosen).sum())
        thresholds.append(chosen)
        alarmed.append(count)
        met.append(count <= allowed)
    return Budget(per_key_and_day, days, thresholds, alarmed, met)
