#!/usr/bin/env python3
"""Copies days of an entity with the HTTP API, and writes the records to stdout, one JSON object a line.

    deploy/client.py --key KEY acme invoice 2026-05-01 2026-05-31
    deploy/client.py --key KEY --since 2026-06-01T00:00:00Z acme invoice     # only what has changed since then

It submits a backfill, follows it, and streams the records. The last line on stderr says what to give as --since the next
time. Standard library alone.
"""

import argparse
import json
import sys
import urllib.parse
import urllib.request


def ask(options, path, body=None, headers=None):
    """Sends a request; whoever calls closes the answer."""
    request = urllib.request.Request(options.url + path, headers=headers or {})
    if options.key:
        request.add_header("Authorization", f"Bearer {options.key}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        return urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        problem = json.load(error)
        sys.exit(f"{problem['cause']}: {problem['detail']}")


def follow(options, place):
    """Follows a run to its end; a connection that breaks is taken up where it was."""
    last = ""
    while True:
        with ask(options, place + "/events", headers={"Last-Event-ID": last}) as events:
            name = None
            for line in events:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    last = value
                elif field == "data" and name == "end":
                    return json.loads(value)


def records(options):
    """Writes the records; without the last line they are not whole."""
    query = {"connection": options.connection, "entity": options.entity, "format": "ndjson"}
    if options.since:
        query["updated_since"] = options.since
    with ask(options, "/api/v1/records?" + urllib.parse.urlencode(query)) as lines:
        for line in lines:
            record = json.loads(line)
            if record.get("end"):
                return record
            sys.stdout.write(line.decode())
    sys.exit("the stream broke off: run it again")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8400")
    parser.add_argument("--key", default="")
    parser.add_argument("--since", default="")
    parser.add_argument("connection")
    parser.add_argument("entity")
    parser.add_argument("first", nargs="?", help="first day to copy; left out, nothing is copied before")
    parser.add_argument("last", nargs="?")
    options = parser.parse_args()
    if options.first:
        wanted = {
            "connections": [options.connection],
            "entities": [options.entity],
            "from": options.first,
            "to": options.last or options.first,
        }
        with ask(options, "/api/v1/runs", wanted) as answer:
            run = follow(options, answer.headers["Location"])
        if run["dead"]:
            sys.exit(f"run {run['run_id']} has {run['dead']} dead segments")
    end = records(options)
    print(f"{end['records']} records; the next time: --since {end['next_since']}", file=sys.stderr)


if __name__ == "__main__":
    main()
