"""A plain extractor with dlt: all invoices of one company, page by page, as raw JSON into one table of Postgres.

Reads QBO_URL, QBO_REALM, QBO_TOKEN and DATABASE_URL; prints {"rows", "seconds"} of the pipeline as its last line.
"""

import json
import os
import time

import dlt
import requests

PAGE = 1000
URL = f"{os.environ['QBO_URL']}/v3/company/{os.environ['QBO_REALM']}/query"
HEADERS = {"Authorization": f"Bearer {os.environ['QBO_TOKEN']}", "Accept": "application/json"}


@dlt.resource(name="invoice", write_disposition="append", max_table_nesting=0, columns={"payload": {"data_type": "json"}})
def invoices():
    session = requests.Session()
    start = 1
    while True:
        query = f"SELECT * FROM Invoice ORDERBY Id STARTPOSITION {start} MAXRESULTS {PAGE}"
        answer = session.get(URL, params={"query": query}, headers=HEADERS, timeout=60)
        answer.raise_for_status()
        page = answer.json()["QueryResponse"].get("Invoice", [])
        yield [{"id": row["Id"], "payload": row} for row in page]
        if len(page) < PAGE:
            return
        start += PAGE


began = time.monotonic()
pipeline = dlt.pipeline(
    pipeline_name="bench",
    destination=dlt.destinations.postgres(credentials=os.environ["DATABASE_URL"]),
    dataset_name="dlt_raw",
)
pipeline.run(invoices())
seconds = time.monotonic() - began
rows = pipeline.last_trace.last_normalize_info.row_counts["invoice"]
print(json.dumps({"rows": rows, "seconds": seconds}))
