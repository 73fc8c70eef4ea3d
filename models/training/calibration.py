"""Whether probabilities mean what they say: the expected calibration error, and the reliability diagram as SVG."""

from dataclasses import dataclass

import numpy as np

BINS = 15


@dataclass(frozen=True)
class Reliability:
    """By bin: the mean probability of the class that was held likeliest, how often it was right, and how many rows there were."""

    confidence: np.ndarray
    accuracy: np.ndarray
    rows: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean of |said - true| over rows."""
        return float((np.abs(self.confidence - self.accuracy) * self.rows).sum() / self.rows.sum())


def reliability(probabilities: np.ndarray, label: np.ndarray, bins: int = BINS) -> Reliability:
    """`probabilities` [n, classes], `label` [n]. Bins hold equally many rows, so that few rows say little nowhere (Nguyen and O'Connor 2015)."""
    top = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == label
    parts = [part for part in np.array_split(np.argsort(top, kind="stable"), bins) if len(part)]
    return Reliability(np.array([top[part].mean() for part in parts]), np.array([right[part].mean() for part in parts]), np.array([len(part) for part in parts]))


def diagram(title: str, measured: Reliability) -> str:
    """SVG: what was said along, how often it was true upwards; a model that means what it says lies on the line."""
    size, left, top = 300, 50, 34
    x = lambda value: f"{left + size * value:.1f}"  # noqa: E731
    y = lambda value: f"{top + size * (1 - value):.1f}"  # noqa: E731
    dots = "".join(f'<circle cx="{x(said)}" cy="{y(true)}" r="4" fill="#2c6fb4"><title>{count} rows: said {said:.3f}, true {true:.3f}</title></circle>'
                   for said, true, count in zip(measured.confidence, measured.accuracy, measured.rows))
    ticks = "".join(f'<text x="{x(at)}" y="{top + size + 16}" text-anchor="middle">{at:g}</text><text x="{left - 6}" y="{y(at)}" text-anchor="end">{at:g}</text>' for at in (0, 0.25, 0.5, 0.75, 1))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + size + 20}" height="{top + size + 44}" font-family="sans-serif" font-size="11" fill="#333">'
            f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="18" font-weight="bold">{title}: expected calibration error {measured.error:.3f}</text>'
            f'<rect x="{left}" y="{top}" width="{size}" height="{size}" fill="none" stroke="#999"/><path d="M{x(0)} {y(0)}L{x(1)} {y(1)}" stroke="#999" stroke-dasharray="4"/>'
            f'{dots}{ticks}<text x="{left + size / 2}" y="{top + size + 34}" text-anchor="middle">probability of the likeliest class</text></svg>\n')
