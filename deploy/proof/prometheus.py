"""Prometheus: what it is asked."""

import json
import urllib.error
import urllib.parse

from servers import Failed, get


def query(prometheus, expression, at=None):
    """The series that the expression has now (or at that Unix time), each `{labels, value}`."""
    asked = {"query": expression} | ({"time": at} if at else {})
    try:
        answer = json.loads(get(f"{prometheus}/api/v1/query?{urllib.parse.urlencode(asked)}"))
    except urllib.error.HTTPError as error:
        raise Failed(f"{expression}\n  {json.loads(error.read())['error']}") from error
    found = answer["data"]
    if found["resultType"] == "scalar":
        return [{"labels": {}, "value": float(found["result"][1])}]
    return [{"labels": series["metric"], "value": float(series["value"][1])} for series in found["result"]]


def targets(prometheus):
    """Of each process that is asked: `(job, instance, health)`."""
    active = json.loads(get(f"{prometheus}/api/v1/targets"))["data"]["activeTargets"]
    return [(target["labels"]["job"], target["labels"]["instance"], target["health"]) for target in active]


def alerts(prometheus):
    """The alerts that fire."""
    all_of_them = json.loads(get(f"{prometheus}/api/v1/alerts"))["data"]["alerts"]
    return [alert for alert in all_of_them if alert["state"] == "firing"]
