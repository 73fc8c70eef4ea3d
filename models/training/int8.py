"""
Whether 8-bit weights are worth it: the same graph with them, beside itself, in one run. Offered where it loses less than 0.2 points and is more than
1.5 times as fast. Run by itself, it says so of a model that is there.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic

from dataset import Dataset, load

MOST_LOST = 0.2  # points: hundredths of the share of rows that are called right, each class counting the same
LEAST_GAINED = 1.5
BATCH = 32  # as the detector's
# LSTM would become DynamicQuantizeLSTM, an operator of ONNX Runtime's own, which the detector's closed list refuses.
OPERATORS = ["Conv", "Gemm", "MatMul"]


@dataclass(frozen=True)
class Compared:
    graph: bytes  # with 8-bit weights
    sizes: tuple[int, int]  # bytes: float, 8-bit
    lost: float  # points
    gain: float  # how many times as fast

    @property
    def worth_it(self) -> bool:
        return self.lost < MOST_LOST and self.gain > LEAST_GAINED

    def __str__(self) -> str:
        return (f"8-bit weights: {self.lost:+.2f} points lost (less than {MOST_LOST} are allowed), {self.gain:.2f} times as fast (more than {LEAST_GAINED} are asked for), "
                f"{self.sizes[1]} bytes instead of {self.sizes[0]}: {'they are worth it' if self.worth_it else 'not worth it, 32-bit weights stay'}")

    def summary(self) -> dict:
        return {"pointsLost": round(self.lost, 3), "timesAsFast": round(self.gain, 3), "bytes": self.sizes[1], "used": self.worth_it}


def quantized(graph: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "before.onnx", Path(folder) / "after.onnx"
        before.write_bytes(graph)
        quantize_dynamic(before, after, op_types_to_quantize=OPERATORS, weight_type=QuantType.QInt8, per_channel=False)
        made = onnx.load(after)
    # Rounding brings a domain of its own along, of which nothing is used.
    for unused in [one for one in made.opset_import if one.domain not in {node.domain for node in made.graph.node}]:
        made.opset_import.remove(unused)
    return made.SerializeToString()


def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def right_share(asked: onnxruntime.InferenceSession, data: Dataset) -> float:
    """The share of rows whose likeliest class is the true one; the mean over classes."""
    said = np.concatenate([asked.run(["probabilities"], {"tensor": data.tensors[at:at + 4096], "context": data.contexts[at:at + 4096]})[0].argmax(axis=1) for at in range(0, len(data), 4096)])
    return float(np.mean([(said[data.label == number] == number).mean() for number in np.unique(data.label)]))


def seconds(asked: onnxruntime.InferenceSession, feeds: list[dict[str, np.ndarray]]) -> float:
    started = time.perf_counter()
    for feed in feeds:
        asked.run(["probabilities"], feed)
    return time.perf_counter() - started


def compare(graph: bytes, data: Dataset, rounds: int = 15) -> Compared:
    """On rows of `data`, all of them for what is right, and in turns for the time, of which each side keeps its best."""
    smaller = quantized(graph)
    both = session(graph), session(smaller)
    rows = np.linspace(0, len(data) - 1, 100 * BATCH).astype(int).reshape(-1, BATCH)
    feeds = [{"tensor": data.tensors[chosen], "context": data.contexts[chosen]} for chosen in rows]
    times = [min(each) for each in zip(*[[seconds(one, feeds) for one in both] for _ in range(rounds)])]
    before, after = (right_share(one, data) for one in both)
    return Compared(smaller, (len(graph), len(smaller)), 100 * (before - after), times[0] / times[1])


def main() -> None:
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=here / "dataset")
    parser.add_argument("--model", type=Path, default=here.parent / "model.onnx")
    given = parser.parse_args()
    print(compare(given.model.read_bytes(), load(given.data)))


if __name__ == "__main__":
    main()
