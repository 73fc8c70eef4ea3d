"""Trains the detector's model and ships it. `npm run train -- --help` lists the flags."""

import argparse
import datetime
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import release
from budget import thresholds_within
from calibration import diagram, reliability
from dataset import Dataset, fold_of_runs, load_all, with_seen_classes
from fit import Settings, calibrate, logits_of, rows_of, train
from model import MODEL_TYPES, Net
from report import budget_text, outcome_text, summary
from verdict import choose_thresholds, outcome

HERE = Path(__file__).resolve().parent


def arguments() -> argparse.Namespace:
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="npm run train --", description="Train the CNN-LSTM on exported tensors, export it as ONNX with its manifest, and write the report.")
    parser.add_argument("--data", type=Path, action="append", default=None, help="folder that models/training/export.ts wrote (default: the one in the tree); given again, all of them together")
    parser.add_argument("--out", type=Path, default=HERE.parent, help="folder for model.onnx and manifest.json (default: models)")
    parser.add_argument("--shuffled", type=Path, default=None, help="folder for a second model with shuffled weights (test/fixtures/models/shuffled), which must find nothing")
    parser.add_argument("--report", type=Path, default=None, help="Markdown file for the report (default: report.md beside this program; under --out if that is given)")
    parser.add_argument("--epochs", type=int, default=defaults.epochs)
    parser.add_argument("--hidden-size", type=int, default=defaults.hidden)
    parser.add_argument("--model-type", choices=MODEL_TYPES, default=defaults.model_type)
    parser.add_argument("--augment", type=float, default=defaults.augmented, metavar="SHARE", help="share of the rows of an epoch that are varied in rate, size or past (augment.py)")
    parser.add_argument("--dropout", type=float, default=defaults.dropout)
    parser.add_argument("--version", default=None, metavar="NAME", help="what the model is called where it is installed (default: the date and the seed)")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--folds", type=int, default=4, help="each run is judged by a net that was trained without its fold; temperature, thresholds and report come from there")
    parser.add_argument("--price", type=float, default=30.0, help="what alarming all benign keys would cost, in shares of the attacks found: the balance by which thresholds are chosen")
    parser.add_argument("--false-alarms-per-key-day", type=float, default=None, metavar="X", help="choose thresholds instead so that no class alarms more benign keys than X a key and day (budget.py; the report always says what 1 would give)")
    parser.add_argument("--int8", action="store_true", help="ship 8-bit weights if they lose less than 0.2 points and are more than 1.5 times as fast, measured beside the others (int8.py)")
    parser.add_argument("--threads", type=int, default=1, help="of PyTorch: more gain little with a net this small")
    parser.add_argument("--silence", nargs="*", default=list(defaults.silenced_features), help="features that the model is kept from reading")
    return parser.parse_args()


def sources(data: Dataset) -> list[dict]:
    """Where the training rows come from, a line a source and licence."""
    runs: dict[tuple[str, str], int] = {}
    for number in np.unique(data.samples["run"]):
        run = data.runs[number]
        runs[run["source"], run["licence"]] = runs.get((run["source"], run["licence"]), 0) + 1
    return [{"source": source, "licence": licence, "note": f"{count} runs"} for (source, licence), count in sorted(runs.items())]


@dataclass(frozen=True)
class Checked:
    """What nets said of runs that they were not trained on."""

    logits: torch.Tensor  # [n, classes], a row for each of the data set
    epochs: int  # after which training on everything should stop


def cross_validate(data: Dataset, settings: Settings, folds: int) -> Checked:
    fold = fold_of_runs(data, folds, settings.seed)[data.samples["run"]]
    logits = torch.zeros(len(data), len(data.classes))
    epochs = []
    for number in range(folds):
        held = data.subset(fold == number)
        print(f"fold {number + 1}/{folds}: {len(data) - len(held)} tensors to train on, {len(held)} of {len(np.unique(held.samples['run']))} other runs to judge", flush=True)
        fitted = train(data.subset(fold != number), held, settings)
        logits[torch.from_numpy(fold == number)] = logits_of(fitted.net, rows_of(held))
        epochs.append(fitted.best_epoch)
    return Checked(logits, round(float(np.median(epochs))))


def final_net(data: Dataset, settings: Settings, checked: Checked) -> Net:
    print(f"training on all runs, {checked.epochs} epochs", flush=True)
    net = train(data, None, replace(settings, epochs=checked.epochs)).net
    calibration = calibrate(checked.logits, rows_of(data).label)
    net.temperature.copy_(calibration.temperature)
    net.prior.copy_(calibration.prior)
    return net


def main() -> None:
    given = arguments()
    torch.set_num_threads(given.threads)
    settings = replace(Settings(), epochs=given.epochs, hidden=given.hidden_size, model_type=given.model_type, augmented=given.augment, dropout=given.dropout, seed=given.seed, silenced_features=tuple(given.silence))
    data, unseen = with_seen_classes(load_all(given.data or [HERE / "dataset"]))
    print(f"{len(data)} tensors of {len(np.unique(data.samples['run']))} runs: "
          + ", ".join(f"{count} {data.classes[number]}" for number, count in enumerate(np.bincount(data.label, minlength=len(data.classes)))), flush=True)
    if unseen:
        print(f"no row is of {', '.join(unseen)}: the model will not know them, and rules about them need a condition", flush=True)
    if len(data.classes) < 2:
        raise SystemExit(f"{', '.join(map(str, given.data or ['the data set']))} has no row of an attack: export captures in which labels name one (models/training/README.md)")

    checked = cross_validate(data, settings, given.folds)
    net = final_net(data, settings, checked)
    judged = torch.softmax(net.calibrated(checked.logits), dim=1).numpy()
    budget = thresholds_within(data, judged, 1.0 if given.false_alarms_per_key_day is None else given.false_alarms_per_key_day)
    thresholds = choose_thresholds(data, judged, given.price) if given.false_alarms_per_key_day is None else budget.thresholds
    result = outcome(data, judged, thresholds)
    text = outcome_text(f"Each run judged by a net that was trained without it ({given.folds} folds)", result, data.classes, thresholds)
    measured = reliability(judged, data.label)
    print(f"{text}\n\nexpected calibration error {measured.error:.4f}")

    version = given.version or f"{datetime.date.today().isoformat()}-s{given.seed}" + ("" if given.model_type == Settings().model_type else f"-{given.model_type}")
    report = given.report or (HERE if given.out == HERE.parent else given.out) / "report.md"
    report.parent.mkdir(parents=True, exist_ok=True)
    picture = report.with_name("reliability.svg")
    picture.write_text(diagram(f"Model {version}", measured))
    report.write_text(f"# Training report of model {version}\n\nMade by `npm run train`; {settings}, temperature {float(net.temperature):.3f}.\n\n"
                      f"Expected calibration error, over the same rows: {measured.error:.4f}.\n\n![Reliability diagram]({picture.name})\n\n{text}\n\n{budget_text(budget, outcome(data, judged, budget.thresholds), data.classes)}\n")
    release.write(given.out, net, data, version, thresholds, {
        "crossValidation": summary(result), "expectedCalibrationError": round(measured.error, 4),
        "thresholdsBy": {"price": given.price} if given.false_alarms_per_key_day is None else budget.summary(),
    }, sources(data), given.int8)
    if given.shuffled:
        release.write(given.shuffled, release.shuffled(net, given.seed), data, f"{version}-shuffled", thresholds, {}, sources(data), False)


if __name__ == "__main__":
    main()
