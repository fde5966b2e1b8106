"""Quota and calls: what the upstreams allow, what is used of it, who waits for it, and what the month has cost."""

from panels import GREEN, RED, YELLOW, lines, query, stat, table

HERE = '{connector=~"$connector",job=~"$job"}'
RATE = f"sum(rate(ledgerfleet_api_requests_total{HERE}[$__rate_interval]))"
ALLOWED = 'sum(ledgerfleet_gate_limit{kind="rate",connector=~"$connector"})'


def quantiles(metric, labels=HERE):
    return [
        query(f"histogram_quantile({share}, sum by (le) (rate({metric}_bucket{labels}[$__rate_interval])))", name)
        for share, name in ((0.5, "half"), (0.95, "19 of 20"), (0.99, "99 of 100"))
    ]


ROWS = [
    ("Now", 4, [
        stat("Rate in use", "Requests per second, of what the gates of all active companies allow together. More workers "
             "cannot go beyond it.", f"{RATE} / {ALLOWED}", "percentunit", runbook=["WorkOverdue"]),
        stat("Slots in use", "Requests that have no answer yet, of what the gates allow.",
             f'sum(ledgerfleet_in_flight_requests{HERE}) / sum(ledgerfleet_gate_limit{{kind="slots",connector=~"$connector"}})',
             "percentunit"),
        stat("Throttled", "Answers of the last hour that asked for fewer requests. A few are no harm.",
             f"sum(increase(ledgerfleet_throttled_total{HERE}[1h]))", "short", ((None, GREEN), (1, YELLOW), (100, RED)),
             runbook=["Throttled"]),
        stat("Calls this month", "Metered calls of the month as the upstream counts it, in Pacific time unless configured.",
             'sum(ledgerfleet_api_calls_month{connector=~"$connector"})'),
        stat("Calls left", "Metered calls of this month before backfills and verification wait; the reserve is not among them.",
             "max(ledgerfleet_api_budget_remaining)", "short", ((None, RED), (1, YELLOW), (10000, GREEN)),
             runbook=["CallsUsedUp"]),
    ]),
    ("Requests", 8, [
        lines("Requests", "Requests per second, and what the gates allow.", [
            query(f"sum by (connector) (rate(ledgerfleet_api_requests_total{HERE}[$__rate_interval]))", "{{connector}}"),
            query('sum by (connector) (ledgerfleet_gate_limit{kind="rate",connector=~"$connector"})', "{{connector}} allows"),
        ], "reqps"),
        lines("In flight", "Requests that have no answer yet, and what the gates allow.", [
            query(f"sum by (connector) (ledgerfleet_in_flight_requests{HERE})", "{{connector}}"),
            query('sum by (connector) (ledgerfleet_gate_limit{kind="slots",connector=~"$connector"})', "{{connector}} allows"),
        ]),
    ]),
    ("", 8, [
        lines("Answers", "Requests per second by status; `none` is no answer.",
              [query(f"sum by (status) (rate(ledgerfleet_api_requests_total{HERE}[$__rate_interval])) > 0", "{{status}}")], "reqps",
              stacked=True, runbook=["Braked"]),
        lines("Time to answer", "Of requests to the upstream.", quantiles("ledgerfleet_api_request_duration_seconds"), "s"),
    ]),
    ("Waiting", 8, [
        lines("Wait at the gate", "Before a request. A wait is not a fault: it is the quota at work.",
              quantiles("ledgerfleet_gate_wait_seconds"), "s"),
        lines("Throttled", "Answers per minute that asked for fewer requests; the company's gate closes for a while and opens at "
              "seven tenths of its pace.",
              [query(f"sum by (connector) (60 * rate(ledgerfleet_throttled_total{HERE}[$__rate_interval]))", "{{connector}}")],
              "short", runbook=["Throttled"]),
    ]),
    ("The month", 8, [
        lines("Calls this month", "Metered calls of the month, and what is left of it before the reserve.",
              [query('sum by (connector) (ledgerfleet_api_calls_month{connector=~"$connector"})', "{{connector}}"),
               query("max(ledgerfleet_api_budget_remaining)", "left")]),
        lines("Calls an hour", "How fast they grow.",
              [query(f'sum by (connector) (3600 * rate(ledgerfleet_api_requests_total{{status="200",connector=~"$connector"'
                     ',job=~"$job"}[$__rate_interval]))', "{{connector}}")]),
        table("Calls this month", "By connector. By company: scheduler quota.",
              'sum by (connector) (ledgerfleet_api_calls_month{connector=~"$connector"})'),
    ]),
]
