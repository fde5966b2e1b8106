"""Data: which rows were stored, of what, and when the last window was read to its end."""

from panels import GREEN, YELLOW, lines, query, stat, table, text

HERE = '{connector=~"$connector",job=~"$job"}'

ROWS = [
    ("Stored", 4, [
        stat("Rows in this time", "Rows of committed pages in the time that is shown.",
             f"sum(increase(ledgerfleet_rows_total{HERE}[$__range]))"),
        stat("New or changed", "Of these; the others were stored already.",
             'sum(increase(ledgerfleet_rows_total{effect=~"new|changed",connector=~"$connector",job=~"$job"}[$__range]))'),
        stat("In quarantine", "Rows that could not be read and are kept as they came: scheduler records --quarantined.",
             'sum(increase(ledgerfleet_rows_total{effect="quarantined",connector=~"$connector",job=~"$job"}[$__range]))',
             steps=((None, GREEN), (1, YELLOW))),
        stat("Last success", "Since a window was last read to its end.",
             'time() - max(ledgerfleet_last_success_timestamp_seconds{connector=~"$connector"} > 0)', "s"),
    ]),
    ("Rows", 9, [
        lines("Rows by entity", "Rows per second.",
              [query(f"sum by (entity) (rate(ledgerfleet_rows_total{HERE}[$__rate_interval])) > 0", "{{entity}}")], stacked=True),
        lines("Rows by effect", "`same` is a row that was stored already; many of them mean that days are read again.",
              [query(f"sum by (effect) (rate(ledgerfleet_rows_total{HERE}[$__rate_interval]))", "{{effect}}")], stacked=True),
    ]),
    ("", 9, [
        table("Rows by entity and effect", "In the time that is shown.",
              f"sort_desc(sum by (connector, entity, effect) (increase(ledgerfleet_rows_total{HERE}[$__range])) > 0)"),
        lines("Pages by entity", "Pages per second.",
              [query(f"sum by (entity) (rate(ledgerfleet_pages_total{HERE}[$__rate_interval])) > 0", "{{entity}}")], stacked=True,
              runbook=["NoProgress"]),
    ]),
    ("Complete?", 8, [
        lines("Segments that are over", "Done; dead with a reason; cancelled on request.",
              [query('sum by (state) (ledgerfleet_segments{state=~"done|dead|cancelled"})', "{{state}}")]),
        lines("Age of the last success", "By connector, since a window was last read to its end.",
              [query('time() - (max by (connector) (ledgerfleet_last_success_timestamp_seconds{connector=~"$connector"}) > 0)',
                     "{{connector}}")], "s"),
        text("Which days?", "Companies and days are not in metrics, but in the ledger:\n\n"
             "- `scheduler coverage --gaps`: the days that are not complete\n"
             "- `scheduler status`: each company on a line\n"
             "- `scheduler verify --connection all --entity all --from -7d --to yesterday`: the source against what is stored\n"
             "- `scheduler dlq list --group`: what failed for good, by cause"),
    ]),
]
