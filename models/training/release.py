"""Writes model.onnx, manifest.json and prototypes.json, after ONNX Runtime has given the same probabilities as PyTorch."""

import copy
import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

import int8 as int8_graph
import onnx_graph
import prototypes
from dataset import Dataset
from known import known
from model import Net

MAX_BYTES = 2_000_000
TOLERANCE = 1e-4


def usual(data: Dataset) -> dict[str, list[float]]:
    """Medians of the newest window of benign rows, by "kind/step in ms"."""
    medians = {}
    for kind, kind_name in enumerate(data.index["kinds"]):
        for step, step_ms in enumerate(data.index["stepsMs"]):
            chosen = (data.label == 0) & (data.samples["kind"] == kind) & (data.samples["step"] == step)
            if chosen.any():
                medians[f"{kind_name}/{step_ms}"] = [round(float(value), 4) for value in np.median(data.tensors[chosen, -1], axis=0)]
    return medians


def golden_rows(data: Dataset) -> list[int]:
    """One row of each class: that with the most windows in use."""
    used = data.tensors.any(axis=2).sum(axis=1)
    return [int(np.flatnonzero(data.label == number)[used[data.label == number].argmax()]) for number in range(len(data.classes)) if (data.label == number).any()]


def onnx_probabilities(graph: bytes, tensors: np.ndarray, contexts: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"tensor": tensors, "context": contexts})[0]


@torch.no_grad()
def shuffled(net: Net, seed: int) -> Net:
    """The same net with the values of each learned array in another order: what it then finds, nothing learned has found."""
    other = copy.deepcopy(net)
    order = torch.Generator().manual_seed(seed)
    for values in other.parameters():
        values.copy_(values.flatten()[torch.randperm(values.numel(), generator=order)].reshape(values.shape))
    return other


@torch.no_grad()
def write(folder: Path, net: Net, data: Dataset, version: str, thresholds: list[float], metrics: dict, sources: list[dict], int8: bool = False) -> None:
    """With `int8` the 8-bit graph is written if it is worth it; golden vectors are those of what is written."""
    graph = onnx_graph.build(net, version).SerializeToString()
    some = np.linspace(0, len(data) - 1, 2000).astype(int)
    ours = net.probabilities(torch.from_numpy(data.tensors[some]), torch.from_numpy(data.contexts[some])).numpy()
    apart = float(np.abs(ours - onnx_probabilities(graph, data.tensors[some], data.contexts[some])).max())
    if apart > TOLERANCE:
        raise SystemExit(f"ONNX and PyTorch differ by {apart}, at most {TOLERANCE} is allowed: the graph in onnx_graph.py does not compute what model.py does")
    if int8:
        compared = int8_graph.compare(graph, data)
        print(compared)
        metrics = metrics | {"int8": compared.summary()}
        graph = compared.graph if compared.worth_it else graph
    if len(graph) > MAX_BYTES:
        raise SystemExit(f"the graph has {len(graph)} bytes, at most {MAX_BYTES} are shipped: choose a smaller --hidden-size")

    rows = golden_rows(data)
    probabilities = onnx_probabilities(graph, data.tensors[rows], data.contexts[rows])
    silenced = [name for name, scale in zip(data.index["features"], net.tensor_scaling.inverse_deviation) if scale == 0]
    shown = known(data, silenced)
    techniques = {name: technique for name, technique in data.techniques.items() if name in data.classes}
    manifest = {
        "apiVersion": "autoshield.dev/v1alpha1",
        "kind": "ModelManifest",
        "version": version,
        "file": "model.onnx",
        "bytes": len(graph),
        "sha256": hashlib.sha256(graph).hexdigest(),
        "featureSchema": data.index["featureSchema"],
        "windows": data.tensors.shape[1],
        "features": data.index["features"],
        "contextColumns": data.index["contextColumns"],
        "classes": data.classes,
        **({"techniques": techniques} if techniques else {}),
        "thresholds": thresholds,
        "calibration": {"temperature": round(float(net.temperature), 4), "note": "softmax of the logits over this temperature plus a prior by class, fitted on runs that were not trained on; both are folded into the graph's last layer"},
        "golden": [{"tensor": [float(v) for v in data.tensors[row].reshape(-1)], "context": [float(v) for v in data.contexts[row]],
                    "probabilities": [float(v) for v in given]} for row, given in zip(rows, probabilities)],
        "usual": usual(data),
        **({} if shown is None else {"known": shown}),
        "metrics": metrics | {"onnxDiffersBy": apart},
        "data": sources,
    }
    folder.mkdir(parents=True, exist_ok=True)
    manifest["prototypes"] = prototypes.write(folder, data, graph)
    (folder / "model.onnx").write_bytes(graph)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print(f"wrote {folder}/model.onnx ({len(graph)} bytes) and manifest.json; ONNX and PyTorch differ by {apart:.1e}")
