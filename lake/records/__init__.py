"""Records: who asked for what and how it went; SQLite embedded, PostgreSQL on servers, one set of migrations."""

from lake.records.database import Records, open_records

__all__ = ["Records", "open_records"]
