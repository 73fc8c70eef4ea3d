"""Reads what export.ts wrote: labelled tensors of many runs, and which run, key and attack each belongs to."""

import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model import FEATURES, WINDOWS

SAMPLE_COLUMNS = ("run", "label", "kind", "step", "key", "attack", "attack_packets")


@dataclass(frozen=True)
class Dataset:
    index: dict
    tensors: np.ndarray  # [n, 20, 12] raw
    contexts: np.ndarray  # [n, k] raw
    samples: dict[str, np.ndarray]  # a column of int32 [n] for each of SAMPLE_COLUMNS; attack is -1 where there is none

    def __len__(self) -> int:
        return len(self.tensors)

    @property
    def classes(self) -> list[str]:
        return self.index["classes"]

    @property
    def techniques(self) -> dict[str, dict[str, str]]:
        """ATT&CK techniques (id, name) that were named for classes of one's own; sets of an older version have none."""
        return self.index.get("techniques", {})

    @property
    def runs(self) -> list[dict]:
        return self.index["runs"]

    @property
    def label(self) -> np.ndarray:
        return self.samples["label"]

    def subset(self, chosen: np.ndarray) -> "Dataset":
        """The rows where `chosen` is true."""
        return self.rows(np.flatnonzero(chosen))

    def rows(self, chosen: np.ndarray) -> "Dataset":
        """The rows with these numbers, each as often as it is named."""
        return Dataset(self.index, self.tensors[chosen], self.contexts[chosen], {name: column[chosen] for name, column in self.samples.items()})

    def key_ids(self) -> np.ndarray:
        """One number a key of a run and a kind, over all steps: what a person would call one conversation."""
        return (self.samples["run"].astype(np.int64) << 32) | (self.samples["kind"].astype(np.int64) << 28) | self.samples["key"]


def load(folder: Path) -> Dataset:
    index = json.loads((folder / "index.json").read_text())
    if tuple(index["sampleColumns"]) != SAMPLE_COLUMNS:
        raise SystemExit(f"{folder}/index.json has sample columns {index['sampleColumns']}, this program reads {list(SAMPLE_COLUMNS)}: export the data set again")
    count = index["count"]

    def array(name: str, dtype: str, width: int) -> np.ndarray:
        # Stored with the bytes of equal significance together, which halves the compressed size.
        raw = np.frombuffer(gzip.decompress((folder / name).read_bytes()), dtype=np.uint8)
        return np.ascontiguousarray(raw.reshape(4, count * width).T).view(dtype).reshape(count, width)

    samples = array("samples.i32.gz", "<i4", len(SAMPLE_COLUMNS))
    return Dataset(
        index,
        array("tensors.f32.gz", "<f4", WINDOWS * FEATURES).reshape(count, WINDOWS, FEATURES),
        array("contexts.f32.gz", "<f4", len(index["contextColumns"])),
        {name: samples[:, column] for column, name in enumerate(SAMPLE_COLUMNS)},
    )


def with_seen_classes(data: Dataset) -> tuple[Dataset, list[str]]:
    """The data with BENIGN and those classes alone that some row is of, and the names of the others: a model must not say that it knows what it never saw."""
    seen = np.union1d([0], data.label).astype(np.int64)
    number = np.zeros(len(data.classes), dtype=np.int32)
    number[seen] = np.arange(len(seen))
    index = data.index | {"classes": [data.classes[old] for old in seen]}
    unseen = [name for name in data.classes if name not in index["classes"]]
    return Dataset(index, data.tensors, data.contexts, data.samples | {"label": number[data.label]}), unseen


def load_all(folders: list[Path]) -> Dataset:
    """One data set of several folders. Classes are united by name; all else of what their columns mean must be the same."""
    return united([load(folder) for folder in folders], [str(folder) for folder in folders])


def united(parts: list[Dataset], names: list[str]) -> Dataset:
    """Runs keep their names where no earlier part has them, and come after a part's number otherwise: two laboratories number their runs alike."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0].index
    for part, name in zip(parts, names):
        for what in ("featureSchema", "features", "contextColumns", "kinds", "stepsMs"):
            if part.index[what] != first[what]:
                raise SystemExit(f"{name} and {names[0]} differ in {what}: {part.index[what]} and {first[what]}; export both with one version of models/training/export.ts")
    for number, part in enumerate(parts):
        for other in range(number):
            if part.runs == parts[other].runs and len(part) == len(parts[other]):
                raise SystemExit(f"{names[other]} and {names[number]} hold the same runs: a run would be on both sides of a split; give each folder once")
    classes = list(dict.fromkeys(label for part in parts for label in part.classes))
    techniques: dict[str, dict[str, str]] = {}
    for part, name in zip(parts, names):
        for label, technique in part.techniques.items():
            if techniques.setdefault(label, technique) != technique:
                raise SystemExit(f"{name} has the technique {technique['id']} {technique['name']} for {label}, and a folder before it {techniques[label]['id']} {techniques[label]['name']}; export both with the same --class")
    runs: list[dict] = []
    columns: dict[str, list[np.ndarray]] = {name: [] for name in SAMPLE_COLUMNS}
    for number, part in enumerate(parts):
        taken = {run["name"] for run in runs}
        samples = part.samples | {"run": part.samples["run"] + len(runs), "label": np.array([classes.index(label) for label in part.classes], dtype=np.int32)[part.label]}
        for name in SAMPLE_COLUMNS:
            columns[name].append(samples[name].astype(np.int32))
        runs += [run | {"name": f"{number + 1}/{run['name']}"} if run["name"] in taken else run for run in part.runs]
    return Dataset(
        first | {"classes": classes, "techniques": techniques, "runs": runs, "count": sum(len(part) for part in parts)},
        np.concatenate([part.tensors for part in parts]), np.concatenate([part.contexts for part in parts]),
        {name: np.concatenate(each) for name, each in columns.items()},
    )


def fold_of_runs(data: Dataset, folds: int, seed: int) -> np.ndarray:
    """A fold for each run. Whole runs go to one fold, and the runs of one scenario are spread evenly, so that no run is on both sides of a split."""
    random = np.random.default_rng(seed)
    by_scenario: dict[str, list[int]] = {}
    for number, run in enumerate(data.runs):
        by_scenario.setdefault(run["scenario"], []).append(number)
    fold = np.zeros(len(data.runs), dtype=np.int64)
    following = 0
    for scenario in sorted(by_scenario):
        for number in random.permutation(by_scenario[scenario]):
            fold[number] = following % folds
            following += 1
    return fold


def weights(data: Dataset) -> np.ndarray:
    """
    A weight a row. A key with a thousand windows is one observation seen often, not a thousand: its rows share the square root of their number.
    What is alike then shares in the same way: classes, and in a class the sources, or one collection of captures would be most of what is learned of it.
    """
    weight = np.ones(len(data))
    source_names = sorted({run["source"] for run in data.runs})
    source = np.array([source_names.index(run["source"]) for run in data.runs])[data.samples["run"]]
    for group in (data.key_ids() * 4 + data.samples["step"], data.label * len(source_names) + source, data.label):
        _, inverse = np.unique(group, return_inverse=True)
        weight /= np.sqrt(np.bincount(inverse, weights=weight))[inverse]
    return (weight / weight.mean()).astype(np.float32)
