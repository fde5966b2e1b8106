"""Schema: the dashboards as Grafana's own published types read them. What those do not know, or know otherwise, is wrong.

Run with a Python that has grafana-foundation-sdk (requirements.txt beside this file).
"""

import json
import pathlib
import sys

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard


# What a data source adds to an annotation is its own, and not in the types: Prometheus' title of an annotation.
OWN = ("titleFormat",)


def differences(ours, theirs, path=""):
    """Where what the types gave back says less than, or something else than, what they were given."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name, value in ours.items():
            if name not in theirs:
                # Types leave out what is empty.
                if value not in ({}, [], None, "") and name not in OWN:
                    yield f"{path}.{name}: no such member"
            else:
                yield from differences(value, theirs[name], f"{path}.{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for position, pair in enumerate(zip(ours, theirs)):
            yield from differences(*pair, f"{path}[{position}]")
    elif ours != theirs:
        yield f"{path}: {json.dumps(ours)[:80]} is read as {json.dumps(theirs)[:80]}"


register_default_plugins()
wrong = []
for path in sorted((pathlib.Path(__file__).parent / "dashboards").glob("*.json")):
    given = json.loads(path.read_text())
    read = json.loads(json.dumps(Dashboard.from_json(given), cls=JSONEncoder))
    wrong += [f"{path.name}{difference}" for difference in differences(given, read)]
for line in wrong:
    print(line, file=sys.stderr)
sys.exit(bool(wrong))
