"""Fleet: what runs, how far it is, how long it will take still, who starves, and how the processes are."""

from panels import GREEN, RED, YELLOW, lines, query, stat, table

LEFT = 'sum(ledgerfleet_segments{state=~"pending|running"})'

ROWS = [
    ("Is it well?", 4, [
        stat("Alerts", "Alerts that fire now. Their entries in the runbook say what to do.",
             'count(ALERTS{alertstate="firing"}) or vector(0)', steps=((None, GREEN), (1, RED))),
        stat("Workers", "Workers that Prometheus sees.", '(sum(ledgerfleet_workers{job=~"$job"}) or vector(0))',
             steps=((None, RED), (1, GREEN)), runbook=["NoWorker"]),
        stat("Leader", "Whether one process offers what is due.", "(sum(ledgerfleet_leader) or vector(0))",
             steps=((None, RED), (1, GREEN), (2, YELLOW)), runbook=["NoLeader"], texts={0: "none", 1: "one"}),
        stat("Last dispatch", "Time since work was last offered; that happens twice a second, also when there is none.",
             "time() - max(ledgerfleet_last_dispatch_timestamp_seconds)", "s", ((None, GREEN), (15, YELLOW), (60, RED)),
             runbook=["DispatchStands"]),
        stat("Longest due", "How long the segment that waits longest could have been done.",
             "max(ledgerfleet_oldest_due_seconds)", "s", ((None, GREEN), (120, YELLOW), (600, RED)), runbook=["WorkOverdue"]),
        stat("Silent", "Processes that are there and do not answer.",
             'count(up{job=~"worker|scheduler"} == 0) or vector(0)', steps=((None, GREEN), (1, RED)), runbook=["ProcessSilent"]),
    ]),
    ("How far", 8, [
        lines("Segments to do", "Segments that are not over: waiting, and claimed by a worker.",
              [query('sum by (state) (ledgerfleet_segments{state=~"pending|running"})', "{{state}}")], stacked=True),
        lines("Segments done", "Attempts that ended with the last page, per second.",
              [query('sum by (connector) (rate(ledgerfleet_attempts_total{outcome="done",connector=~"$connector",job=~"$job"}'
                     "[$__rate_interval]))", "{{connector}}")], "ops"),
        lines("Time left", "What is to do, at the pace of the last ten minutes. Empty when nothing is done.",
              [query(f'{LEFT} / (sum(rate(ledgerfleet_attempts_total{{outcome="done"}}[10m])) > 0)', "at this pace")], "s"),
    ]),
    ("Who starves", 8, [
        lines("Ready, by lane", "Segments on the bell. The lane `live` is served before `manual`, and that before `backfill`.",
              [query("sum by (lane) (ledgerfleet_ready)", "{{lane}}")], stacked=True, runbook=["BellApart"]),
        lines("Longest due", "How long the segment that waits longest could have been done.",
              [query("max(ledgerfleet_oldest_due_seconds)", "longest due")], "s", ((None, GREEN), (600, RED)), limit=True,
              runbook=["WorkOverdue"]),
        lines("Duration of an attempt", "From claim to outcome.", [
            query(f"histogram_quantile({share}, sum by (le) (rate(ledgerfleet_segment_duration_seconds_bucket"
                  '{connector=~"$connector",job=~"$job"}[$__rate_interval])))', name)
            for share, name in ((0.5, "half"), (0.95, "19 of 20"))], "s"),
    ]),
    ("Processes", 8, [
        lines("Pages", "Pages stored per second, by process: whether all of them work.",
              [query('sum by (instance) (rate(ledgerfleet_pages_total{job=~"$job"}[$__rate_interval]))', "{{instance}}")], "ops",
              stacked=True, runbook=["NoProgress"]),
        lines("Memory", "Resident memory.", [query('process_resident_memory_bytes{job=~"$job"}', "{{job}} {{instance}}")], "bytes"),
        lines("Processor", "Processors in use.",
              [query('rate(process_cpu_seconds_total{job=~"$job"}[$__rate_interval])', "{{job}} {{instance}}")], "short"),
    ]),
    ("", 8, [
        lines("Starts in the last hour", "How often a process began anew.",
              [query('changes(process_start_time_seconds{job=~"$job"}[1h])', "{{job}} {{instance}}")], runbook=["RestartLoop"]),
        lines("Open files", "Of those that the process may open.",
              [query('process_open_fds{job=~"$job"} / process_max_fds{job=~"$job"}', "{{job}} {{instance}}")], "percentunit"),
        lines("Leader", "Who offers what is due. A gap is the time in which another took over.",
              [query('ledgerfleet_leader{job=~"$job"} == 1', "{{job}} {{instance}}")], runbook=["NoLeader"]),
    ]),
    ("What they stand on", 8, [
        lines("Usable", "1 if every process can use it as a worker does.",
              [query("min by (dependency) (ledgerfleet_dependency_up)", "{{dependency}}")], runbook=["DependencyDown"]),
        lines("Time to answer", "Of nine in ten trials.",
              [query("histogram_quantile(0.9, sum by (dependency, le) "
                     '(rate(ledgerfleet_dependency_duration_seconds_bucket{job=~"$job"}[$__rate_interval])))', "{{dependency}}")],
              "s", ((None, GREEN), (0.5, RED)), limit=True, runbook=["DependencySlow"]),
        lines("Database sessions in use", "Of those that a process may have.",
              [query('ledgerfleet_db_pool{state="in_use",job=~"$job"} / ignoring (state) ledgerfleet_db_pool{state="max"}',
                     "{{job}} {{instance}}")], "percentunit", runbook=["PoolExhausted"]),
    ]),
    ("", 8, [
        lines("Room left", "On the file system of the spool, and of the database where that is a file.",
              [query('ledgerfleet_disk_free_bytes{job=~"$job"}', "{{place}} {{instance}}")], "bytes", runbook=["DiskFilling"]),
        lines("Clock", "This machine's clock minus the database's.",
              [query('ledgerfleet_clock_skew_seconds{job=~"$job"}', "{{job}} {{instance}}")], "s", runbook=["ClockSkew"]),
        table("Versions", "How many processes run which version.",
              "count by (job, version) (ledgerfleet_build_info)"),
    ]),
]
