"""Factor sets keep their versions, and what was found out about a set stands beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_HEADS = sa.table(
    "factor_sets", sa.column("name"), sa.column("owner"), sa.column("description"), sa.column("expressions", sa.JSON()),
    sa.column("created_at", sa.DateTime(timezone=True)), sa.column("newest"),
)  # fmt: skip
_VERSIONS = sa.table(
    "factor_set_versions", sa.column("name"), sa.column("version"), sa.column("description"), sa.column("author"),
    sa.column("expressions", sa.JSON()), sa.column("saved_at", sa.DateTime(timezone=True)),
)  # fmt: skip


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "factor_set_versions",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("expressions", sa.JSON(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["factor_sets.name"], name=op.f("fk_factor_set_versions_name_factor_sets")),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_factor_set_versions")),
    )
    op.create_table(
        "factor_set_reports",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", "kind", name=op.f("pk_factor_set_reports")),
    )
    op.add_column("factor_sets", sa.Column("newest", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("factor_sets", sa.Column("archived", sa.Boolean(), nullable=False, server_default=sa.false()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(_HEADS)).mappings().all():
        first = {"name": row["name"], "version": 1, "description": row["description"], "author": row["owner"],
                 "expressions": row["expressions"], "saved_at": row["created_at"]}  # fmt: skip
        connection.execute(_VERSIONS.insert().values(first))
    op.drop_column("factor_sets", "description")
    op.drop_column("factor_sets", "expressions")


def downgrade() -> None:
    """Change it back; of each set the newest version is kept."""
    op.add_column("factor_sets", sa.Column("description", sa.Text(), nullable=False, server_default=""))
    op.add_column("factor_sets", sa.Column("expressions", sa.JSON(), nullable=False, server_default="{}"))
    connection = op.get_bind()
    newest = sa.select(_VERSIONS).join(
        _HEADS, (_HEADS.c.name == _VERSIONS.c.name) & (_HEADS.c.newest == _VERSIONS.c.version)
    )
    for row in connection.execute(newest).mappings().all():
        kept = {"description": row["description"], "expressions": row["expressions"]}
        connection.execute(_HEADS.update().where(_HEADS.c.name == row["name"]).values(kept))
    op.drop_column("factor_sets", "archived")
    op.drop_column("factor_sets", "newest")
    op.drop_table("factor_set_reports")
    op.drop_table("factor_set_versions")
