"""Failures: what ended without success, what is tried again, what was lost and taken back, and whose access fails."""

from panels import GREEN, RED, YELLOW, lines, query, stat, table

HERE = '{connector=~"$connector",job=~"$job"}'
DEAD = 'ledgerfleet_dead_letters{connector=~"$connector"}'

ROWS = [
    ("Who must act", 4, [
        stat("Dead letters", "Segments that ended with a reason. Their days are incomplete until somebody acts.",
             f"sum({DEAD})", steps=((None, GREEN), (1, YELLOW)), runbook=["DeadLettersGrowing"]),
        stat("Need authorisation", "Companies whose people must allow the app again.",
             'sum(ledgerfleet_connections{state="needs_reauthorisation"})', steps=((None, GREEN), (1, RED)),
             runbook=["NeedsAuthorisation"]),
        stat("First consent ends in", "Of the companies whose credential was used since its process began.",
             "min(ledgerfleet_token_expires_seconds)", "s", ((None, RED), (14 * 86400, GREEN)), runbook=["ConsentEnding"]),
        stat("Brakes", "What fails for everybody and is tried once a minute.", "sum(ledgerfleet_brakes)",
             steps=((None, GREEN), (1, YELLOW)), runbook=["Braked", "AppKeysRefused"]),
        stat("Attempts that failed", "Of all that ended in the last hour; tried again or dead.",
             'sum(increase(ledgerfleet_attempts_total{outcome=~"retry|dead"}[1h]))'
             ' / sum(increase(ledgerfleet_attempts_total{outcome=~"retry|dead|done"}[1h]))', "percentunit",
             ((None, GREEN), (0.05, YELLOW), (0.5, RED)), runbook=["NoProgress"]),
    ]),
    ("Dead letters", 8, [
        lines("Dead letters by cause", "From the ledger; replaying and dropping takes them away.",
              [query(f"sum by (connector, reason) ({DEAD}) > 0", "{{connector}} {{reason}}")], stacked=True,
              runbook=["DeadLettersGrowing"]),
        table("Dead letters now", "`scheduler dlq list --group` shows what they have in common.",
              f"sort_desc(sum by (connector, reason) ({DEAD}) > 0)", runbook=["DeadLettersGrowing"]),
        lines("Sent again", "Dead segments that were replayed.",
              [query("sum(increase(ledgerfleet_replayed_total[5m]))", "in five minutes")]),
    ]),
    ("In sync", 8, [
        lines("Oldest checkpoint", "How long ago the entity was read that was read longest ago, of companies that are synced at least "
              "once an hour.",
              [query('max by (connector) (ledgerfleet_checkpoint_lag_seconds{connector=~"$connector"})', "{{connector}}")], "s",
              ((None, GREEN), (3 * 3600, RED)), limit=True, runbook=["SyncBehind"]),
        lines("Syncs by outcome", "Segments by which companies are kept in sync, per minute.",
              [query(f"sum by (outcome) (60 * rate(ledgerfleet_syncs_total{HERE}[$__rate_interval]))", "{{outcome}}")],
              runbook=["SyncBehind"]),
        lines("Entities that fail", "Of those that are kept in sync: `scheduler sync status` says why.",
              [query('sum by (connector) (ledgerfleet_syncs_failing{connector=~"$connector"})', "{{connector}}")],
              runbook=["SyncBehind"]),
    ]),
    ("Webhooks", 8, [
        lines("Webhook events", "Per minute, by what became of them. `accepted`: the record is looked up. `refused` and `not_stored` "
              "count deliveries.",
              [query('sum by (result) (60 * rate(ledgerfleet_webhook_events_total{job=~"$job"}[$__rate_interval]))', "{{result}}")],
              runbook=["WebhooksRefused", "WebhooksSilent"]),
        lines("Since the last event", "Silence beside changes that syncs find is a webhook that does not arrive. Zero: none has ever come.",
              [query("(time() - max(ledgerfleet_webhook_last_event_timestamp_seconds)) * "
                     "(max(ledgerfleet_webhook_last_event_timestamp_seconds) > bool 0)", "since the last one")], "s",
              runbook=["WebhooksSilent"]),
        lines("Events that wait", "Of active companies, for more than a minute: nobody leads, or the ledger is slow.",
              [query("max(ledgerfleet_webhook_events_waiting)", "waiting")], runbook=["WebhooksSilent"]),
        lines("Triggers", "Commands that were submitted at their instant, in an hour: `scheduler trigger list`.",
              [query("sum by (result) (increase(ledgerfleet_triggers_total[1h]))", "{{result}}")], runbook=["TriggerFailed"]),
    ]),
    ("Attempts", 8, [
        lines("Attempts by outcome", "Per minute. `later` and `handed_back` burn no attempt.",
              [query(f"sum by (outcome) (60 * rate(ledgerfleet_attempts_total{HERE}[$__rate_interval]))", "{{outcome}}")]),
        lines("Tried again, by reason", "Failures that are tried again, per minute.",
              [query(f"sum by (reason) (60 * rate(ledgerfleet_retries_total{HERE}[$__rate_interval])) > 0", "{{reason}}")],
              stacked=True, runbook=["NoProgress"]),
        lines("Brakes", "By scope.", [query("sum by (scope) (ledgerfleet_brakes)", "{{scope}}")], runbook=["Braked"]),
    ]),
    ("Workers that were lost", 8, [
        lines("Rescued", "Segments that were taken back from a lost worker, in five minutes.",
              [query("sum(increase(ledgerfleet_rescued_total[5m]))", "rescued")], runbook=["WorkersLost"]),
        lines("Fenced", "Writes that were refused because somebody else holds the segment now: what a frozen worker tries when it "
              "awakes. None of them did harm.",
              [query('sum by (instance) (increase(ledgerfleet_fenced_writes_total{job=~"$job"}[5m]))', "{{instance}}")],
              runbook=["WorkersLost"]),
        lines("Locks in use by another", "Attempts that found their window locked.",
              [query('sum(increase(ledgerfleet_lock_contention_total{job=~"$job"}[5m]))', "locked")]),
    ]),
    ("HTTP API", 8, [
        lines("Requests to the HTTP API", "Per second, by status.",
              [query('sum by (status) (rate(ledgerfleet_http_requests_total{job=~"$job"}[$__rate_interval]))', "{{status}}")],
              "reqps", stacked=True),
        lines("Time until an answer begins", "The slowest twentieth, by route.",
              [query('histogram_quantile(0.95, sum by (route, le) '
                     '(rate(ledgerfleet_http_request_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))', "{{route}}")], "s"),
    ]),
    ("Access", 8, [
        lines("Refreshes of access", "By result, in a quarter of an hour.",
              [query('sum by (result) (increase(ledgerfleet_token_refresh_total{job=~"$job"}[15m]))', "{{result}}")],
              runbook=["RefreshFailing"]),
        lines("Companies by state", "`needs_reauthorisation`: one of their people must allow the app again.",
              [query("sum by (state) (ledgerfleet_connections)", "{{state}}")], stacked=True, runbook=["NeedsAuthorisation"]),
        lines("Refused by the upstream", "Requests per second that ended with 4xx or 5xx, or without an answer.",
              [query(f'sum by (status) (rate(ledgerfleet_api_requests_total{{status!~"2..",connector=~"$connector",job=~"$job"}}'
                     "[$__rate_interval]))", "{{status}}")], "reqps", stacked=True, runbook=["Braked"]),
    ]),
]
