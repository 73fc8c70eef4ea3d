"""
Examples of what a model was trained on, for the explanation of a detection: the medoids of each class and tool (attacks) or scenario (benign traffic),
by what the model reads of a tensor (`describe`, the same as src/core/explain/nearest.ts). Also what is usual in the context of benign rows.

`prototypes.py [--data DIR] [--model DIR]` makes them for a model that is there; the graph stays as it is. A signature ends by it: sign again.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from dataset import Dataset, load

FILE = "prototypes.json"
LIMIT = 5.0  # as the graph clamps
PER_TOOL = 4
PER_SCENARIO = 16  # benign traffic is of many kinds, which have no name of their own
PER_CELL = 12  # rows of one run, kind and step: they are much alike
MAX_ROWS = 700  # of one class and tool: all distances between them are held
MAX_EXAMPLES = 4096
NAME_LENGTH = 100


class Scales:
    """How a graph scales what it reads: by its own constants."""

    def __init__(self, graph: bytes):
        constants = {one.name: numpy_helper.to_array(one) for one in onnx.load_from_string(graph).graph.initializer}
        self.tensor, self.context = ((constants[f"{name}_mean"].astype(np.float64), constants[f"{name}_scale"].astype(np.float64)) for name in ("tensor", "context"))

    def describe(self, tensors: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        """[n, 12 means + 12 maxima over the windows that are not silent + context columns], scaled."""
        scaled, active = _scaled(tensors, self.tensor), tensors.any(axis=2)[:, :, None]
        mean = (scaled * active).sum(axis=1) / np.maximum(active.sum(axis=1), 1)
        return np.hstack([mean, np.where(active, scaled, -LIMIT).max(axis=1), _scaled(contexts, self.context)])


def _scaled(values: np.ndarray, scale: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return np.clip((np.log1p(np.maximum(values, 0)) - scale[0]) * scale[1], -LIMIT, LIMIT)


def made_by(data: Dataset) -> np.ndarray:
    """What made each row: the tool of its attack, or the scenario of its run."""
    names = []
    for run, label, attack in zip(data.samples["run"], data.label, data.samples["attack"]):
        entry = data.runs[run]
        attacks = entry.get("attacks", [])
        names.append(attacks[attack]["tool"] if label > 0 and 0 <= attack < len(attacks) else entry.get("scenario", entry["source"]))
    return np.array(names)


def usual_context(data: Dataset) -> dict[str, list[float]]:
    """Of benign rows, by "kind/step in ms": medians, and means of shares, which must go on adding up to one."""
    columns = data.index["contextColumns"]
    shares = np.array([name.startswith(("port_", "share_")) for name in columns])
    usual = {}
    for kind, kind_name in enumerate(data.index["kinds"]):
        for step, step_ms in enumerate(data.index["stepsMs"]):
            rows = data.contexts[(data.label == 0) & (data.samples["kind"] == kind) & (data.samples["step"] == step)]
            if len(rows) > 0:
                usual[f"{kind_name}/{step_ms}"] = [round(float(value), 4) for value in np.where(shares, rows.mean(axis=0), np.median(rows, axis=0))]
    return usual


def sample(data: Dataset, groups: np.ndarray, random: np.random.Generator) -> list[np.ndarray]:
    """Row numbers of each group: few of each run, kind and step, and not more in all than distances are held of."""
    cell = np.stack([groups, *(data.samples[name] for name in ("run", "kind", "step"))], axis=1)
    _, cells = np.unique(cell, axis=0, return_inverse=True)
    order = random.permutation(len(groups))
    by_cell = order[np.argsort(cells.ravel()[order], kind="stable")]
    starts = np.flatnonzero(np.diff(cells.ravel()[by_cell], prepend=-1))
    place = np.arange(len(by_cell)) - np.repeat(starts, np.diff(np.append(starts, len(by_cell))))
    kept = by_cell[place < PER_CELL]
    return [np.sort(random.permutation(kept[groups[kept] == group])[:MAX_ROWS]) for group in range(groups.max() + 1)]


def medoids(at: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the rows that lie in the middle (BUILD of PAM, then alternating), and each row's distance to the nearest of them."""
    squares = (at ** 2).sum(axis=1)
    apart = np.sqrt(np.maximum(squares[:, None] + squares - 2 * at @ at.T, 0) / at.shape[1])
    np.fill_diagonal(apart, 0)
    chosen = [int(apart.sum(axis=1).argmin())]
    while len(chosen) < min(count, len(at)):
        nearest = apart[:, chosen].min(axis=1)
        if nearest.max() < 1e-6:
            break  # the others are repetitions
        chosen.append(int(np.minimum(nearest[:, None], apart).sum(axis=0).argmin()))
    middle = np.array(chosen)
    for _ in range(20):
        owner = apart[:, middle].argmin(axis=1)
        members = [np.flatnonzero(owner == number) for number in range(len(middle))]
        better = np.array([rows[apart[np.ix_(rows, rows)].sum(axis=0).argmin()] if len(rows) > 0 else old for rows, old in zip(members, middle)])
        if (better == middle).all():
            break
        middle = better
    return middle, apart[:, middle].min(axis=1)


def make(data: Dataset, graph: bytes, seed: int = 0) -> dict:
    scales, random = Scales(graph), np.random.default_rng(seed)
    tools = made_by(data)
    names, groups, counts = np.unique([f"{label} {tool}" for label, tool in zip(data.label, tools)], return_inverse=True, return_counts=True)
    most = max(1, MAX_EXAMPLES // len(names))
    sampled = sample(data, groups, random)
    examples = []
    for group in sorted(np.argsort(-counts, kind="stable")[:MAX_EXAMPLES]):
        rows = sampled[group]
        at = scales.describe(data.tensors[rows], data.contexts[rows])
        middle, apart = medoids(at, min(most, PER_TOOL if data.label[rows[0]] > 0 else PER_SCENARIO))
        for number in middle:
            run = data.runs[data.samples["run"][rows[number]]]
            examples.append({"class": data.classes[data.label[rows[0]]], "tool": str(tools[rows[0]])[:NAME_LENGTH], "run": run.get("name", run["source"])[:NAME_LENGTH],
                             "usualDistance": round(float(np.quantile(apart, 0.9)), 4), "at": [round(float(value), 3) for value in at[number]]})
    return {
        "apiVersion": "autoshield.dev/v1alpha1",
        "kind": "ModelPrototypes",
        **{f"{name}Scaling": {"mean": [float(value) for value in mean], "scale": [float(value) for value in scale]} for name, (mean, scale) in (("tensor", scales.tensor), ("context", scales.context))},
        "usualContext": usual_context(data),
        "examples": examples,
    }


def write(folder: Path, data: Dataset, graph: bytes) -> dict:
    """Writes the file; gives what the manifest says of it."""
    made = make(data, graph)
    lines = ",\n".join(json.dumps(example, ensure_ascii=False, separators=(",", ":")) for example in made.pop("examples"))
    text = f'{json.dumps(made, separators=(",", ":"))[:-1]},"examples":[\n{lines}\n]}}\n'.encode()
    (folder / FILE).write_bytes(text)
    return {"file": FILE, "bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}


def main() -> None:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Make the examples of a model that is there; its graph stays as it is.")
    parser.add_argument("--data", type=Path, default=here / "dataset", help="the data set that it was trained on")
    parser.add_argument("--model", type=Path, default=here.parent, help="folder of model.onnx and manifest.json")
    given = parser.parse_args()
    path = given.model / "manifest.json"
    manifest = json.loads(path.read_text())
    graph = (given.model / manifest["file"]).read_bytes()
    if hashlib.sha256(graph).hexdigest() != manifest["sha256"]:
        raise SystemExit(f"{given.model}/{manifest['file']} is not the file of {path}: restore both from one release")
    data = load(given.data)
    if manifest["classes"] != data.classes:
        raise SystemExit(f"{given.data} has the classes {data.classes}, {path} has {manifest['classes']}: give the data set that the model was trained on with --data")
    if manifest.pop("signature", None) is not None:
        print("the signature is taken away, for the manifest changes: sign it again with `autoshield model sign`")
    manifest["prototypes"] = write(given.model, data, graph)
    path.write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"wrote {given.model}/{FILE} ({manifest['prototypes']['bytes']} bytes)")


if __name__ == "__main__":
    main()
