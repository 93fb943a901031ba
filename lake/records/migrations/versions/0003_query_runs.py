"""What people ran on the SQL page, and the rest of the screen a saved query stands for."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "query_runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_runs")),
    )
    op.create_index("ix_query_runs_owner_at", "query_runs", ["owner", "at"])
    op.add_column("saved_queries", sa.Column("screen", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Change it back."""
    op.drop_column("saved_queries", "screen")
    op.drop_index("ix_query_runs_owner_at", "query_runs")
    op.drop_table("query_runs")
