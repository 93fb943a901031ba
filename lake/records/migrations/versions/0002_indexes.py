"""An index for every filter and order that a page, the queue or the upkeep asks for."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_INDEXES = {
    "audit": (("user_id", "at"), ("action", "at"), ("object", "at")),
    "jobs": (("status", "created_at"), ("kind", "created_at"), ("owner", "created_at"), ("archived", "finished_at")),
    "pins": (("created_at",),),
    "saved_queries": (("visibility", "name"),),
}


def upgrade() -> None:
    """Change the schema."""
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))
    op.drop_index("ix_jobs_owner", "jobs")  # the first column of another now


def downgrade() -> None:
    """Change it back."""
    op.create_index("ix_jobs_owner", "jobs", ["owner"])
    for table, indexes in _INDEXES.items():
        for columns in indexes:
            op.drop_index(f"ix_{table}_{'_'.join(columns)}", table)
