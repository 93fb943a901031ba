"""What happened to the data and the jobs: findings, quarantined rows, events, audit."""

from lake.tables.declaration import Retention, Table, columns
from lake.tables.parts import I32, I64, INSTANT, MONTH, TEXT

__all__ = ["OPERATION_TABLES"]

OPERATION_TABLES = (
    Table(
        "findings", "Something noticed about the data of one ingest.",
        columns(
            ("job_id", TEXT, "Ingest job."),
            ("check", TEXT, "Name of the check."),
            ("severity", TEXT, "error (rows were quarantined) or warning."),
            ("table", TEXT, "Table the rows were meant for."),
            ("source", TEXT, "File name."),
            ("rows", I64, "Rows concerned."),
            ("examples", TEXT, "Up to five of them, JSON."),
            ("created_at", INSTANT, "When it was noticed."),
        ),
        key=("job_id", "check"), sort=("job_id", "check"), retention=Retention("created_at"),
    ),
    Table(
        "quarantine", "A row that was not let in.",
        columns(
            ("job_id", TEXT, "Ingest job."),
            ("row", I64, "Number of the row in the file, from 1."),
            ("check", TEXT, "Name of the check that refused it."),
            ("table", TEXT, "Table it was meant for."),
            ("source", TEXT, "File name."),
            ("content", TEXT, "The row as read, JSON."),
            ("created_at", INSTANT, "When it was refused."),
        ),
        key=("job_id", "row"), sort=("job_id", "row"), retention=Retention("created_at"),
    ),
    Table(
        "job_events", "A live event of a finished job, archived.",
        columns(
            ("job_id", TEXT, "Job."), MONTH,
            ("seq", I64, "Order within the job."),
            ("attempt", I32, "Attempt that published it."),
            ("ts", INSTANT, "When."),
            ("type", TEXT, "state, stage, metric or log."),
            ("payload", TEXT, "The event's fields, JSON."),
        ),
        key=("job_id", "seq"), partitions=("month",), sort=("job_id", "seq"),
        retention=Retention("ts", days=400),
    ),
    Table(
        "audit", "Someone did something to something, archived.",
        columns(
            ("at", INSTANT, "When."),
            ("month", TEXT, "Month of it, YYYY-MM (UTC)."),
            ("id", I64, "Number in the records."),
            ("user", TEXT, "Who."),
            ("action", TEXT, "What was done: pin, rollback, delete, clean, retain."),
            ("object", TEXT, "To what."),
            ("detail", TEXT, "Particulars, JSON."),
        ),
        key=("at", "id"), partitions=("month",), sort=("at", "id"), retention=Retention("at"),
    ),
)  # fmt: skip
