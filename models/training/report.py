"""Writes what a trained model does as Markdown, for people."""

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


def summary(result: Outcome) -> dict:
    """The same in short, for the manifest."""
    return {
        "attacksFound": {name: {"found": hit, "of": of} for name, (hit, of) in result.found.items()},
        "benignKeysAlarmed": sum(result.alarmed.values()),
        "benignKeys": sum(result.benign_keys.values()),
        "benignRunsAlarmed": {"alarmed": result.benign_runs_alarmed[0], "of": result.benign_runs_alarmed[1]},
    }
