"""What a model was trained on, as a detector can tell a stranger by it: src/core/drift has the same buckets and the same measure."""

import numpy as np

from dataset import Dataset

BUCKETS = 32
SCALES = {"duration_s": 1000.0, "failed_conn_ratio": 100.0}
STEP_MS = 15_000
# A run with fewer windows has much that is rare by chance.
ENOUGH_WINDOWS = 60
RARE = 0.001
# Runs that are all alike would make a limit of nothing.
LEAST_LIMIT = 0.01


def known(data: Dataset, silenced: list[str]) -> dict | None:
    """Shares by feature and bucket of benign pairs, and the largest share that a run has of what the others hardly have; None where no run has enough windows."""
    features, kinds, steps = (data.index[name] for name in ("features", "kinds", "stepsMs"))
    if STEP_MS not in steps or "pair" not in kinds:
        return None
    read = [column for column, feature in enumerate(features) if feature not in silenced]
    benign = (data.label == 0) & (data.samples["kind"] == kinds.index("pair")) & (data.samples["step"] == steps.index(STEP_MS))
    buckets = bucket_numbers(data.tensors[benign, -1], features)
    run = data.samples["run"][benign]
    unknown = [rare_share(histogram(buckets[run == number]), histogram(buckets[run != number]), read)
               for number in np.unique(run) if (run == number).sum() >= ENOUGH_WINDOWS and (run != number).any()]
    if not unknown:
        return None
    shares = histogram(buckets)
    return {
        "shares": [[round(float(share), 6) for share in np.trim_zeros(shares[column], "b")] if column in read else [] for column in range(len(features))],
        "limit": round(max(*unknown, LEAST_LIMIT), 4),
    }


def bucket_numbers(windows: np.ndarray, features: list[str]) -> np.ndarray:
    """[n, features] raw values -> their buckets, 0 to 31."""
    scales = np.array([SCALES.get(feature, 1.0) for feature in features])
    return np.minimum(BUCKETS - 1, np.floor(np.log2(1 + scales * np.maximum(0, windows.astype(np.float64))))).astype(np.int64)


def histogram(buckets: np.ndarray) -> np.ndarray:
    """[n, features] -> [features, 32] shares."""
    return np.stack([np.bincount(column, minlength=BUCKETS) for column in buckets.T]) / len(buckets)


def rare_share(seen: np.ndarray, shares: np.ndarray, columns: list[int]) -> float:
    """The largest share, over the columns, of what was seen in buckets that `shares` hardly has."""
    return float(np.where(shares < RARE, seen, 0).sum(axis=1)[columns].max())
