-- The model registry keeps its tables apart from ours: both have an alembic_version.
CREATE DATABASE mlflow OWNER qbrain;
