"""Trains the detector's model and ships it. `npm run train -- --help` lists the flags."""

import argparse
import datetime
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

import release
from dataset import Dataset, load, split_by_run
from fit import Settings, probabilities, train
from report import outcome_text, summary
from verdict import choose_thresholds, outcome

HERE = Path(__file__).resolve().parent


def arguments() -> argparse.Namespace:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="npm run train --", description="Train the CNN-LSTM on exported tensors, export it as ONNX with its manifest, and write the report.")
    parser.add_argument("--data", type=Path, default=HERE / "dataset", help="folder that models/training/export.ts wrote (default: the one in the tree)")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder for model.onnx and manifest.json (default: models)")
    parser.add_argument("--shuffled", type=Path, default=None, help="folder for a second model with shuffled weights (test/fixtures/models/shuffled), which must find nothing")
    parser.add_argument("--report", type=Path, default=None, help="Markdown file for the report (default: report.md beside this program; under --out if that is given)")
    parser.add_argument("--epochs", type=int, default=defaults.epochs)
    parser.add_argument("--hidden-size", type=int, default=defaults.hidden)
    parser.add_argument("--dropout", type=float, default=defaults.dropout)
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--validation", type=float, default=0.25, help="share of the runs of each scenario that are held back to stop, calibrate and choose thresholds")
    parser.add_argument("--allowed", type=float, default=0.001, help="share of benign keys that each class may alarm on the validation runs")
    parser.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    parser.add_argument("--silence", nargs="*", default=list(defaults.silenced_features), help="features that the model is kept from reading")
    return parser.parse_args()


def sources(data: Dataset) -> list[dict]:
    """Where the training rows come from, a line a source and licence."""
    runs: dict[tuple[str, str], int] = {}
    for number in np.unique(data.samples["run"]):
        run = data.runs[number]
        runs[run["source"], run["licence"]] = runs.get((run["source"], run["licence"]), 0) + 1
    return [{"source": source, "licence": licence, "note": f"{count} runs"} for (source, licence), count in sorted(runs.items())]


def main() -> None:
    given = arguments()
    torch.set_num_threads(given.threads)
    settings = replace(Settings(), epochs=given.epochs, hidden=given.hidden_size, dropout=given.dropout, seed=given.seed, silenced_features=tuple(given.silence))
    data = load(given.data)
    training, validation = split_by_run(data, given.validation, given.seed)
    for name, part in (("training", training), ("validation", validation)):
        by_class = ", ".join(f"{count} {data.classes[number]}" for number, count in enumerate(np.bincount(part.label, minlength=len(data.classes))))
        print(f"{name}: {len(np.unique(part.samples['run']))} runs, {len(part)} tensors ({by_class})", flush=True)

    net = train(training, validation, settings)
    held = probabilities(net, validation)
    thresholds = choose_thresholds(validation, held, given.allowed)
    result = outcome(validation, held, thresholds)
    text = outcome_text("Validation runs (they chose when to stop, the temperature and the thresholds)", result, data.classes, thresholds)
    print(text)
    version = f"{datetime.date.today().isoformat()}-s{given.seed}"
    report = given.report or (HERE if given.out == HERE.parent else given.out) / "report.md"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(f"# Training report of model {version}\n\nMade by `npm run train`; settings {settings}.\n\n{text}\n")
    release.write(given.out, net, data, version, thresholds, {"validation": summary(result)}, sources(data))
    if given.shuffled:
        release.write(given.shuffled, release.shuffled(net, given.seed), data, f"{version}-shuffled", thresholds, {}, sources(data))


if __name__ == "__main__":
    main()
