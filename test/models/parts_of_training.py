"""Holds parts of training to what their users rely on, on small data sets made here. Prints nothing but the word ok."""

import sys
from pathlib import Path

import numpy as np

TRAINING = Path(__file__).resolve().parents[2] / "models" / "training"
sys.path.insert(0, str(TRAINING))

from budget import benign_key_days, most_of, thresholds_within, windows_behind  # noqa: E402
from dataset import SAMPLE_COLUMNS, Dataset, united  # noqa: E402

CLASSES = ["BENIGN", "PORT_SCAN"]


def made(rows: list[tuple[int, int, int, int]], classes: list[str] = CLASSES, name: str = "run") -> Dataset:
    """`rows`: run, label, key, attack; of pairs at the step of 15 s."""
    runs = 1 + max(row[0] for row in rows)
    index = {"featureSchema": "s", "features": ["a"], "contextColumns": ["b"], "kinds": ["pair"], "stepsMs": [500, 15_000, 60_000], "classes": classes,
             "runs": [{"name": f"{name}-{number}", "source": "lab", "scenario": "s", "attacks": [{"tool": "t"}]} for number in range(runs)]}
    columns = {"run": 0, "label": 1, "key": 2, "attack": 3}
    samples = {column: np.array([row[columns[column]] if column in columns else int(column == "step") for row in rows], dtype=np.int32) for column in SAMPLE_COLUMNS}
    return Dataset(index, np.arange(len(rows), dtype=np.float32).reshape(-1, 1, 1), np.zeros((len(rows), 1), dtype=np.float32), samples)


def refused(parts: list[Dataset], names: list[str]) -> str:
    try:
        united(parts, names)
    except SystemExit as error:
        return str(error)
    return ""


# The time that rows stand for: never more than there was, and by the rule that export.ts thins by.
kept = [row < 6 or row in (8, 16, 32, 64, 128, 256) or row % 20 == 0 for row in range(400)]
for windows in range(1, 400):
    rows = sum(kept[:windows])
    assert windows_behind(rows) <= windows and sum(kept[:windows_behind(rows)]) == rows, windows
hours = made([(0, 0, key, -1) for key in range(24) for _ in range(3 * sum(kept[:240]))])
assert 0.9 < benign_key_days(hours) <= 1.0, benign_key_days(hours)

# Poisson's bound, from tables.
assert abs(most_of(0) - 2.996) < 0.01 and abs(most_of(1) - 4.744) < 0.01 and abs(most_of(10) - 16.962) < 0.01

# A budget is kept, and no attack is given away that it would have paid for.
benign = np.linspace(0.5, 0.9, 24)
probabilities = np.zeros((len(hours) + 2, 2))
probabilities[:len(hours), 1] = np.repeat(benign, len(hours) // 24)
probabilities[-2:, 1] = (0.85, 0.99)
both = united([hours, made([(0, 1, 0, 0), (1, 1, 0, 0)], name="attack")], ["one", "two"])
for allowed, found in ((0, 1), (2, 1), (4, 2)):
    budget = thresholds_within(both, probabilities, allowed + 0.5)
    assert budget.allowed == allowed and (benign >= budget.thresholds[1]).sum() == budget.alarmed[1] <= allowed and budget.met[1], budget
    assert (probabilities[-2:, 1] >= budget.thresholds[1]).sum() == found, budget
assert not thresholds_within(both, np.ones_like(probabilities), 0.5).met[1]

# Folders together: classes by name, runs apart, what does not fit is refused by name.
one, two = made([(0, 0, 0, -1), (1, 1, 0, 0)]), made([(0, 1, 0, 0), (0, 2, 0, 0), (2, 0, 0, -1)], ["BENIGN", "CUSTOM_ATTACK", "PORT_SCAN"])
all_of_it = united([one, two], ["one", "two"])
assert all_of_it.classes == ["BENIGN", "PORT_SCAN", "CUSTOM_ATTACK"] and all_of_it.label.tolist() == [0, 1, 2, 1, 0]
assert [all_of_it.runs[run]["name"] for run in all_of_it.samples["run"]] == ["run-0", "run-1", "2/run-0", "2/run-0", "run-2"]
assert len(all_of_it.tensors) == len(all_of_it.contexts) == all_of_it.index["count"] == 5
assert refused([one, made([(0, 0, 0, -1), (1, 1, 0, 0)])], ["one", "again"]).startswith("one and again hold the same runs")
other = Dataset(two.index | {"features": ["z"]}, two.tensors, two.contexts, two.samples)
assert refused([one, other], ["one", "other"]).startswith("other and one differ in features")
named = [Dataset(part.index | {"techniques": {"CUSTOM_ATTACK": {"id": "T1071", "name": name}}}, part.tensors, part.contexts, part.samples) for part, name in ((one, "Application Layer Protocol"), (two, "Web Protocols"))]
assert all_of_it.techniques == {} and united([one, named[0].rows(np.array([0]))], ["one", "named"]).techniques == {"CUSTOM_ATTACK": {"id": "T1071", "name": "Application Layer Protocol"}}
assert "T1071 Web Protocols for CUSTOM_ATTACK" in refused(named, ["one", "two"])
print("ok")
