"""The dashboards: what they ask Prometheus, and which questions have no answer while all is well."""

import json
import re

from prometheus import query
from servers import REPOSITORY, Failed, until

# Nobody fails, so nothing is there to show. Each must have had an answer by the end, when its fault was there.
EMPTY_WHEN_WELL = {
    "failures": ["Dead letters by cause", "Dead letters now", "Tried again, by reason"],
    # Something is new: an answer for a minute only.
    "annotation": ["Deploys", "Leader changes"],
}


class Asked:
    """One question of one panel."""

    def __init__(self, dashboard, panel, expression):
        self.dashboard, self.panel, self.expression = dashboard, panel, expression
        self.may_be_empty = panel in EMPTY_WHEN_WELL.get(dashboard, [])

    def as_prometheus_has_it(self):
        """As Grafana sends it, with all jobs and connectors chosen and five minutes shown."""
        text = self.expression.replace("$__rate_interval", "1m").replace("$__range", "5m")
        text = re.sub(r"\$(job|connector)\b", ".*", text)
        assert "$" not in text, text
        return text

    def __str__(self):
        return f"{self.dashboard}: {self.panel}: {self.expression}"


def questions():
    found, annotations = [], {}
    for path in sorted((REPOSITORY / "deploy/grafana/dashboards").glob("*.json")):
        dashboard = json.loads(path.read_text())
        for panel in dashboard["panels"]:
            found += [Asked(path.stem, panel["title"], target["expr"]) for target in panel.get("targets", [])]
        annotations |= {note["name"]: note["expr"] for note in dashboard["annotations"]["list"]}
    return found + [Asked("annotation", name, expression) for name, expression in annotations.items()]


class Answered:
    """Which questions of the dashboards had an answer so far."""

    def __init__(self, prometheus):
        self.prometheus, self.open = prometheus, questions()
        self.all = len(self.open)

    def ask(self):
        self.open = [asked for asked in self.open if not query(self.prometheus, asked.as_prometheus_has_it())]

    def until(self, what, accept, seconds):
        def enough():
            self.ask()
            return not [asked for asked in self.open if not accept(asked)]

        try:
            until(what, enough, seconds)
        except Failed:
            missing = "\n  ".join(str(asked) for asked in self.open if not accept(asked))
            raise Failed(f"{what}: no answer to\n  {missing}") from None
