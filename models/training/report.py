"""Writes what a trained model does as Markdown, for people."""

from budget import Budget, most_of
from verdict import Outcome


def table(head: list[str], rows: list[list[object]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def outcome_text(title: str, result: Outcome, classes: list[str], thresholds: list[float]) -> str:
    by_class = [[name, f"{thresholds[number + 1]:.3f}", "%d of %d" % result.found[name],
                 *(result.alarmed[name, kind] for kind in result.benign_keys)]
                for number, name in enumerate(classes[1:])]
    tools = [[name, tool, f"{hit} of {of}"] for (name, tool), (hit, of) in sorted(result.found_by_tool.items())]
    confusion = [[name, *result.confusion[number]] for number, name in enumerate(classes) if number > 0]
    keys = ", ".join(f"{count} {kind}" for kind, count in result.benign_keys.items())
    return "\n\n".join([
        f"## {title}",
        f"Benign keys: {keys}. Runs without any attack that were alarmed: {result.benign_runs_alarmed[0]} of {result.benign_runs_alarmed[1]}.",
        table(["class", "threshold", "attacks found", *(f"benign {kind} keys alarmed" for kind in result.benign_keys)], by_class),
        table(["class", "tool", "found"], tools),
        "What each attack was taken for, by the strongest class over its threshold:",
        table(["attack", "nothing", *classes[1:]], confusion),
    ])


def budget_text(budget: Budget, result: Outcome, classes: list[str]) -> str:
    """What thresholds by a budget find on the same rows, and how much the benign time says."""
    rows = [[name, f"{budget.thresholds[number]:.4f}", "%d of %d" % result.found[name], budget.alarmed[number], f"{most_of(budget.alarmed[number]) / budget.key_days:.2f}", "yes" if budget.met[number] else "no"]
            for number, name in enumerate(classes) if number > 0]
    enough = most_of(0) / budget.per_key_and_day if budget.per_key_and_day > 0 else float("inf")
    return "\n\n".join([
        f"## With a budget of {budget.per_key_and_day:g} false alarms a key and day for each class",
        f"Benign keys were seen for {budget.key_days:.2f} days times keys at least, so each class may alarm {budget.allowed} of them. "
        + (f"That is too little time to prove the budget: without any alarm it takes {enough:.1f}." if budget.key_days < enough else "That is enough time to prove it for a class without an alarm."),
        table(["class", "threshold", "attacks found", "benign keys alarmed", "a key and day, at most (95 %)", "within the budget"], rows),
    ])


def summary(result: Outcome) -> dict:
    """The same in short, for the manifest."""
    return {
        "attacksFound": {name: {"found": hit, "of": of} for name, (hit, of) in result.found.items()},
        "benignKeysAlarmed": sum(result.alarmed.values()),
        "benignKeys": sum(result.benign_keys.values()),
        "benignRunsAlarmed": {"alarmed": result.benign_runs_alarmed[0], "of": result.benign_runs_alarmed[1]},
    }
