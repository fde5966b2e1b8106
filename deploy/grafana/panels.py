"""Panels: how each kind of picture is written in Grafana's format. What they show is said in the files beside this one."""

SOURCE = {"type": "prometheus", "uid": "ledgerfleet-prometheus"}
GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"


def query(expression, legend="", instant=False):
    return {"expr": expression, "legend": legend, "instant": instant}


def runbook_link(entry, ids):
    return {"title": f"Runbook: {entry}", "url": f"/d/ledgerfleet-runbook?viewPanel={ids[entry]}", "targetBlank": True}


def thresholds(steps):
    """`[(None, GREEN), (10, RED)]`: the colour from that value on."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in steps]}


def targets(queries):
    return [
        {
            "refId": chr(ord("A") + position),
            "datasource": SOURCE,
            "expr": asked["expr"],
            "legendFormat": asked["legend"] or "__auto",
            "instant": asked["instant"],
            "range": not asked["instant"],
        }
        | ({"format": "table"} if asked.get("table") else {})
        for position, asked in enumerate(queries)
    ]


def base(kind, title, says, queries, unit, steps, options, custom=None, runbook=(), mappings=()):
    return {
        "type": kind,
        "title": title,
        "description": says,
        "datasource": SOURCE,
        "targets": targets(queries),
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "color": {"mode": "thresholds" if kind == "stat" else "palette-classic"},
                "thresholds": thresholds(steps),
                "mappings": list(mappings),
                "custom": custom or {},
            },
            "overrides": [],
        },
        "options": options,
        "runbook": list(runbook),
    }


def stat(title, says, expression, unit="short", steps=((None, GREEN),), runbook=(), texts=None):
    """One number, coloured by what it means. `texts` puts words in the place of numbers."""
    mappings = []
    if texts:
        mappings = [{"type": "value", "options": {str(value): {"text": text} for value, text in texts.items()}}]
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "values": False, "fields": ""},
        "colorMode": "background",
        "graphMode": "area",
        "textMode": "auto",
        "justifyMode": "auto",
        "orientation": "auto",
    }
    return base("stat", title, says, [query(expression)], unit, steps, options, runbook=runbook, mappings=mappings)


def lines(title, says, queries, unit="short", steps=((None, GREEN),), stacked=False, runbook=(), limit=False):
    """Lines over time. With `limit` the threshold is drawn."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 30 if stacked else 5,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if limit else "off"},
    }
    options = {
        "legend": {"displayMode": "table", "placement": "right", "showLegend": True, "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return base("timeseries", title, says, queries, unit, steps, options, custom, runbook)


def table(title, says, expression, unit="short", runbook=()):
    """What is true now, a row for each series."""
    asked = query(expression, instant=True) | {"table": True}
    options = {"showHeader": True, "cellHeight": "sm"}
    panel = base("table", title, says, [asked], unit, ((None, GREEN),), options, {"align": "auto"}, runbook)
    hidden = {"Time": True, "__name__": True}
    panel["transformations"] = [{"id": "organize", "options": {"excludeByName": hidden}}]
    return panel


def text(title, markdown):
    return {"type": "text", "title": title, "options": {"mode": "markdown", "content": markdown}, "runbook": []}


def placed(rows, ids):
    """Panels with their ids and places. `rows` is a list of `(title, height, panels)`; a row's panels share its width,
    and one without a title goes on below the row before."""
    found, y, identity = [], 0, 1
    for title, height, panels in rows:
        if title:
            found.append({"type": "row", "id": identity, "title": title, "collapsed": False, "panels": [],
                          "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}})
            identity, y = identity + 1, y + 1
        width = 24 // len(panels)
        for position, panel in enumerate(panels):
            links = [runbook_link(entry, ids) for entry in panel.pop("runbook")]
            found.append(panel | {"id": identity, "gridPos": {"x": position * width, "y": y, "w": width, "h": height}}
                         | ({"links": links} if links else {}))
            identity += 1
        y += height
    return found


def variable(name, label, asked):
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": SOURCE,
        "query": {"query": asked, "refId": f"variable-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def annotation(name, colour, expression, title):
    return {
        "name": name,
        "datasource": SOURCE,
        "enable": True,
        "iconColor": colour,
        "expr": expression,
        "titleFormat": title,
    }


ANNOTATIONS = [
    annotation("Deploys", BLUE, "sum by (version) (ledgerfleet_build_info) unless sum by (version) (ledgerfleet_build_info offset 1m)",
               "version {{version}} begins"),
    annotation("Leader changes", YELLOW, "ledgerfleet_leader == 1 unless (ledgerfleet_leader offset 1m) == 1",
               "{{instance}} leads"),
]


def dashboard(uid, title, says, panels, variables=True):
    return {
        "uid": uid,
        "title": title,
        "description": says,
        "tags": ["ledgerfleet"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "10s",
        "templating": {"list": [
            variable("job", "Job", "label_values(ledgerfleet_build_info, job)"),
            variable("connector", "Connector", "label_values(ledgerfleet_gate_limit, connector)"),
        ] if variables else []},
        "annotations": {"list": ANNOTATIONS if variables else []},
        "links": [{"title": "Ledgerfleet", "type": "dashboards", "tags": ["ledgerfleet"], "asDropdown": False,
                   "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "", "tooltip": "", "url": ""}],
        "panels": panels,
    }
