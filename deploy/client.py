#!/usr/bin/env python3
"""Copies days of an entity with the HTTP API, and writes the records to stdout, one JSON object a line.

    deploy/client.py --key KEY acme invoice 2026-05-01 2026-05-31
    deploy/client.py --key KEY --since 2026-06-01T00:00:00Z acme invoice     # only what has changed since then

It submits a backfill, follows it, and streams the records. The last line on stderr says what to give as --since the next
time. Whatever breaks off is taken up where it was: each record is written once. Standard library alone.
"""

import argparse
import http.client
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

# What a connection that breaks, or a server that is away, looks like.
BROKEN = (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError)


class Later(Exception):
    """The server asks to come again, after so many seconds."""

    def __init__(self, seconds, why):
        super().__init__(why)
        self.seconds = seconds


def ask(options, path, body=None, headers=None):
    """Sends a request once; whoever calls closes the answer."""
    request = urllib.request.Request(options.url + path, headers=headers or {})
    if options.key:
        request.add_header("Authorization", f"Bearer {options.key}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        return urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        try:
            problem = json.load(error)
            why = f"{problem['cause']}: {problem['detail']}"
        except (ValueError, KeyError) as broken:
            # Half an answer, or one of a proxy.
            raise ConnectionError(f"an answer with status {error.code} that is not the API's") from broken
        if error.code in (429, 503) or "Retry-After" in error.headers:
            raise Later(float(error.headers.get("Retry-After", 5)), why) from error
        sys.exit(why)


def patiently(options, attempt):
    """Attempts until it is done. Only attempts after which nothing has moved count against --retries."""
    tried, before = 0, None
    while True:
        try:
            return attempt()
        except Later as error:
            wait, why = error.seconds, error
        except BROKEN as error:
            wait, why = 2.0**tried / 4, error
        moved = getattr(attempt, "moved", lambda: None)()
        tried, before = (0, moved) if moved != before else (tried + 1, before)
        if tried > options.retries:
            sys.exit(f"given up: {why!r}")
        print(f"{why!r}; once more in {wait:g} s", file=sys.stderr)
        time.sleep(wait)


def submit(options, wanted):
    """Submits a backfill, once however often it has to be sent; answers where the run is."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    def attempt():
        with ask(options, "/api/v1/runs", wanted, headers) as answer:
            place = answer.headers["Location"]
        if not place:
            raise ConnectionError("half an answer")
        return place

    return patiently(options, attempt)


class Follow:
    """Follows a run to its end."""

    def __init__(self, options, place):
        self.options, self.place, self.last = options, place, ""

    def moved(self):
        return self.last

    def __call__(self):
        headers = {"Last-Event-ID": self.last} if self.last else {}
        with ask(self.options, self.place + "/events", headers=headers) as events:
            name = None
            for line in events:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    self.last = value
                elif field == "data" and name == "end":
                    return json.loads(value)
        raise http.client.IncompleteRead(b"")


class Copy:
    """Writes the records. Those after the last mark are kept back: they come again where the stream breaks off."""

    def __init__(self, options):
        self.options, self.next = options, None

    def moved(self):
        return self.next

    def __call__(self):
        options = self.options
        query = {"connection": options.connection, "entity": options.entity, "format": "ndjson", "marks": "true"}
        if options.since:
            query["updated_since"] = options.since
        if self.next:
            query["cursor"] = self.next
        kept = []
        with ask(options, "/api/v1/records?" + urllib.parse.urlencode(query)) as lines:
            for line in lines:
                record = json.loads(line)
                if "id" in record:
                    kept.append(line.decode())
                    continue
                sys.stdout.write("".join(kept))
                kept.clear()
                if record.get("end"):
                    return record
                self.next = record["next"]
        raise http.client.IncompleteRead(b"")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8400")
    parser.add_argument("--key", default="")
    parser.add_argument("--since", default="")
    parser.add_argument("--retries", type=int, default=8, help="attempts in a row that move nothing before it gives up")
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
        run = patiently(options, Follow(options, submit(options, wanted)))
        if run["dead"]:
            sys.exit(f"run {run['run_id']} has {run['dead']} dead segments")
    end = patiently(options, Copy(options))
    print(f"{end['records']} records; the next time: --since {end['next_since']}", file=sys.stderr)


if __name__ == "__main__":
    main()
