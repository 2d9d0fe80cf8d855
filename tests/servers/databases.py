"""What tests want of a database server: fresh databases."""

from __future__ import annotations

import abc
import secrets

import sqlalchemy as sa

from tests.servers.server import Server


class DatabaseServer(Server):
    """A server in which each test can have a database of its own."""

    #: SQLAlchemy's driver, the database that is always there, and what makes a new one.
    driver: str
    admin_database: str
    create_statement: str

    def create_database(self) -> str:
        """Make an empty database; return its SQLAlchemy URL, password included."""
        name = f"glint_{secrets.token_hex(6)}"
        engine = sa.create_engine(
            self.url_of(self.admin_database), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            connection.execute(sa.text(self.create_statement.format(name=name)))
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        """The SQLAlchemy URL of a database."""
        return f"{self.driver}://glint:{self.password}@127.0.0.1:{self.port}/{database}"

    @abc.abstractmethod
    def _connect(self) -> None:
        """Log in and out, within seconds; raises what the library raises."""
