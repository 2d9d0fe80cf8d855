"""The tables of 1.0"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "001"
down_revision = None

TIME = sa.DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
TABLE = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    op.create_table(
        "deletions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", TIME, nullable=False),
        sa.Column("project_id", sa.String(length=64)),
        sa.Column("image_id", sa.String(length=36)),
        sa.PrimaryKeyConstraint("id", name="pk_deletions"),
        **TABLE,
    )
    op.create_index("ix_deletions_at", "deletions", ["at"])
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("request", sa.String(length=64), nullable=False),
        sa.Column("made_id", sa.String(length=36)),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_keys"),
        **TABLE,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "conductors",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("store", sa.String(length=36)),
        sa.Column("data_url", sa.String(length=255)),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("beat_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conductors"),
        **TABLE,
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
        **TABLE,
    )
    op.create_table(
        "events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", TIME, nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64)),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("image_id", sa.String(length=36)),
        sa.Column("credential_id", sa.String(length=36)),
        sa.Column("site_id", sa.String(length=36)),
        sa.Column("operation_id", sa.String(length=36)),
        sa.Column("transfer_id", sa.String(length=36)),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("notified", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        **TABLE,
    )
    op.create_index("events_notified", "events", ["notified", "id"])
    op.create_index("ix_events_project_id", "events", ["project_id"])

    op.create_table(
        "images",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64)),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("os_hash_algo", sa.String(length=64)),
        sa.Column("os_hash_value", sa.String(length=128)),
        sa.Column("digests", sa.JSON(), nullable=False),
        sa.Column("identity", sa.String(length=64)),
        sa.Column("disk_format", sa.String(length=32), nullable=False),
        sa.Column("container_format", sa.String(length=32), nullable=False),
        sa.Column("min_disk", sa.Integer(), nullable=False),
        sa.Column("min_ram", sa.Integer(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("os_hidden", sa.Boolean(), nullable=False),
        sa.Column("properties", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("repair", sa.Boolean(), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("source_url", TEXT),
        sa.Column("expected", sa.JSON(), nullable=False),
        sa.Column("kept", sa.String(length=128)),
        sa.Column("ownership", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_images"),
        sa.UniqueConstraint("identity", name="uniq_images_identity"),
        **TABLE,
    )
    op.create_index("images_project_name", "images", ["project_id", "name", "id"])
    op.create_index("images_project_size", "images", ["project_id", "size"])
    op.create_index("ix_images_kept", "images", ["kept"])
    op.create_index("images_project_ownership", "images", ["project_id", "ownership"])
    op.create_index("images_project_created", "images", ["project_id", "created_at"])
    op.create_index("images_project_updated", "images", ["project_id", "updated_at"])

    op.create_table(
        "operations",
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64)),
        sa.Column("request_id", sa.String(length=64)),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        **TABLE,
    )
    op.create_index("ix_operations_project_id", "operations", ["project_id"])

    op.create_table(
        "sites",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=64)),
        sa.Column("user_id", sa.String(length=64)),
        sa.Column("connection", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("home", sa.Boolean(), nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("taken_name", sa.String(length=255)),
        sa.Column("taken_by", sa.String(length=64), nullable=False),
        sa.Column("health", sa.String(length=16), nullable=False),
        sa.Column("health_code", sa.String(length=64)),
        sa.Column("health_detail", TEXT),
        sa.Column("health_at", TIME),
        sa.Column("max_transfers", sa.Integer(), nullable=False),
        sa.Column("bandwidth", sa.BigInteger()),
        sa.Column("hours", sa.String(length=64)),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.UniqueConstraint("taken_by", "taken_name", name="uniq_sites_name"),
        **TABLE,
    )
    op.create_index("ix_sites_project_id", "sites", ["project_id"])

    op.create_table(
        "credentials",
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64)),
        sa.Column("auth", sa.JSON(), nullable=False),
        sa.Column("secret", sa.LargeBinary(length=65535), nullable=False),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("identity", sa.String(length=64)),
        sa.Column("remote_project_id", sa.String(length=64)),
        sa.Column("remote_project_name", sa.String(length=255)),
        sa.Column("verified_at", TIME),
        sa.Column("scanned_at", TIME),
        sa.Column("register", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON()),
        sa.Column("scan_wanted_at", TIME),
        sa.Column("scan_began_at", TIME),
        sa.Column("scan_owner", sa.String(length=255)),
        sa.Column("scan_until", TIME),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("error_detail", TEXT),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_credentials_site_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.UniqueConstraint("identity", name="uniq_credentials_identity"),
        **TABLE,
    )
    op.create_index("ix_credentials_project_id", "credentials", ["project_id"])
    op.create_index("ix_credentials_site_id", "credentials", ["site_id"])

    op.create_table(
        "deployments",
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("remote_id", sa.String(length=255)),
        sa.Column("stamped", sa.Boolean(), nullable=False),
        sa.Column("seen_size", sa.BigInteger()),
        sa.Column("seen_hash_algo", sa.String(length=64)),
        sa.Column("seen_hash_value", sa.String(length=128)),
        sa.Column("seen_at", TIME),
        sa.Column("verified_at", TIME),
        sa.Column("not_carried", sa.JSON(), nullable=False),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("error_detail", TEXT),
        sa.Column("allow_foreign", sa.Boolean(), nullable=False),
        sa.Column("allow_last_copy", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.id"], name="fk_deployments_credential_id"
        ),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="fk_deployments_image_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
        sa.UniqueConstraint("image_id", "credential_id", name="uniq_deployments_cell"),
        **TABLE,
    )
    op.create_index("deployments_pending", "deployments", ["pending", "id"])
    op.create_index(
        "deployments_status", "deployments", ["credential_id", "status", "wanted", "image_id"]
    )
    op.create_index("deployments_updated", "deployments", ["credential_id", "updated_at"])

    op.create_table(
        "inventory",
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("remote_id", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("os_hash_algo", sa.String(length=64)),
        sa.Column("os_hash_value", sa.String(length=128)),
        sa.Column("visibility", sa.String(length=16), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("stamp_deployment", sa.String(length=64)),
        sa.Column("stamp_transfer", sa.String(length=64)),
        sa.Column("seen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credentials.id"], name="fk_inventory_credential_id"
        ),
        sa.PrimaryKeyConstraint("credential_id", "remote_id", name="pk_inventory"),
        **TABLE,
    )
    op.create_index(
        "inventory_content",
        "inventory",
        ["os_hash_value", "credential_id", "name", "stamp_deployment"],
    )

    op.create_table(
        "transfers",
        sa.Column("deployment_id", sa.String(length=36), nullable=False),
        sa.Column("live", sa.String(length=36)),
        sa.Column("image_id", sa.String(length=36), nullable=False),
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("site_id", sa.String(length=36), nullable=False),
        sa.Column("project_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("method", sa.String(length=16)),
        sa.Column("reason", sa.String(length=255)),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("phase", sa.String(length=32)),
        sa.Column("source_credential_id", sa.String(length=36)),
        sa.Column("remote_id", sa.String(length=255)),
        sa.Column("bytes_done", sa.BigInteger(), nullable=False),
        sa.Column("bytes_total", sa.BigInteger()),
        sa.Column(
            "weight",
            sa.BigInteger(),
            sa.Computed("coalesce(bytes_total, 0)", persisted=True),
            nullable=True,
        ),
        sa.Column("rate", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=255)),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("slot", sa.Integer()),
        sa.Column("lease_until", TIME),
        sa.Column("next_run_at", TIME, nullable=False),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("error_code", sa.String(length=64)),
        sa.Column("error_detail", TEXT),
        sa.Column("started_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_transfers_deployment_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_transfers"),
        sa.UniqueConstraint("live", name="uniq_transfers_live"),
        sa.UniqueConstraint("site_id", "slot", name="uniq_transfers_slot"),
        **TABLE,
    )
    op.create_index("ix_transfers_credential_id", "transfers", ["credential_id"])
    op.create_index("ix_transfers_deployment_id", "transfers", ["deployment_id"])
    op.create_index("ix_transfers_image_id", "transfers", ["image_id"])
    op.create_index("ix_transfers_owner", "transfers", ["owner"])
    op.create_index("ix_transfers_project_id", "transfers", ["project_id"])
    op.create_index(
        "transfers_queue", "transfers", ["state", "site_id", "weight", "next_run_at", "id"]
    )

    op.create_table(
        "changes",
        sa.Column("operation_id", sa.String(length=36), nullable=False),
        sa.Column("deployment_id", sa.String(length=36), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("transfer_id", sa.String(length=36)),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name="fk_changes_deployment_id"
        ),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operations.id"], name="fk_changes_operation_id"
        ),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfers.id"], name="fk_changes_transfer_id"),
        sa.PrimaryKeyConstraint("operation_id", "deployment_id", name="pk_changes"),
        **TABLE,
    )
    op.create_index("ix_changes_deployment_id", "changes", ["deployment_id"])
