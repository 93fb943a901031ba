"""What happened to the data and the jobs: findings, quarantined rows, events, audit."""

from lake.tables.declaration import Retention, Table, columns
from lake.tables.parts import DATE, I32, I64, INSTANT, MONTH, TEXT

__all__ = ["OPERATION_TABLES"]

OPERATION_TABLES = (
    Table(
        "findings", "Something a job noticed about data, delivered or stored.",
        columns(
            ("job_id", TEXT, "Job that noticed it: an ingest, a check, or a clean."),
            ("check", TEXT, "Name of the check, or of the repair."),
            ("severity", TEXT, "error (rows were refused, or must be repaired), warning, note, or repair."),
            ("table", TEXT, "Table the rows were meant for, or stand in."),
            ("source", TEXT, "File or source; lake where stored rows were judged."),
            ("rows", I64, "Rows concerned."),
            ("examples", TEXT, "Up to five of them, JSON."),
            ("created_at", INSTANT, "When it was noticed."),
            ("market?", TEXT, "Market code, where one market was judged."),
            ("instruments?", I64, "Instruments concerned."),
            ("session_from?", DATE, "First day concerned."),
            ("session_to?", DATE, "Last day concerned."),
            ("data_version?", I64, "Version of the table that was judged; null for rows on their way in."),
        ),
        key=("job_id", "check", "table", "source"), sort=("job_id", "check"), retention=Retention("created_at"),
    ),
    Table(
        "deliveries", "A file that a source delivered, as it came.",
        columns(
            ("job_id", TEXT, "Job that read it."),
            ("source", TEXT, "Whom it came from: a profile, or the file's name without its date."),
            ("table", TEXT, "Table it was read into."),
            ("file", TEXT, "File name."),
            ("market?", TEXT, "Market code."),
            ("rows", I64, "Rows in it."),
            ("rows_written", I64, "Rows that were good."),
            ("rows_quarantined", I64, "Rows that were refused."),
            ("instruments", I64, "Symbols in it."),
            ("session_from?", DATE, "First day in it."),
            ("session_to?", DATE, "Last day in it."),
            ("columns", TEXT, "Its columns and their types, JSON, in its order."),
            ("traits", TEXT, "How it looks: byte-order mark, order of rows, forms of dates and symbols; JSON."),
            ("at", INSTANT, "When it was read."),
        ),
        key=("job_id", "table", "file"), sort=("source", "table", "at"), retention=Retention("at"),
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
