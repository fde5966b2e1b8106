"""The runbook: its entries, its alerts and its commands."""

import re

from servers import REPOSITORY

RUNBOOK = REPOSITORY / "deploy/RUNBOOK.md"
ALERTS = REPOSITORY / "deploy/prometheus/alerts.yml"


def blocks():
    """Every block of commands: `(heading, kind, commands)`. A kind is `sh` (everywhere), `sh compose` or `sh bare`."""
    heading, kind, lines, found = "", None, [], []
    for line in RUNBOOK.read_text().splitlines():
        if line.startswith("```"):
            if kind is None:
                kind, lines = line[3:], []
            else:
                found.append((heading, kind, "\n".join(lines) + "\n"))
                kind = None
        elif kind is not None:
            lines.append(line)
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    return found


def entries():
    """Of each alert's entry its text: the sections of the third level."""
    parts = re.split(r"^### (\w+)\n", RUNBOOK.read_text(), flags=re.MULTILINE)
    return {name: re.split(r"^## ", text, flags=re.MULTILINE)[0] for name, text in zip(parts[1::2], parts[2::2])}


def alerts():
    """Of each alert its rule's text."""
    parts = re.split(r"^ +- alert: (\w+)\n", ALERTS.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))
