"""What alembic reads: the environment, the template of a version, the versions."""
