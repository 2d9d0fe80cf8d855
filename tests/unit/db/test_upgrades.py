"""Versions of Glint side by side: what a migration may do, and that more columns harm nobody."""

from __future__ import annotations

import ast
import pathlib

import sqlalchemy as sa
import testtools

from glint.db import migration
from tests.unit.conductor.base import ConductorTestCase

VERSIONS = pathlib.Path(migration.__file__).parent / "alembic" / "versions"
FIRST = "001_"
TAKE_AWAY = {"drop_column", "drop_table", "rename_table", "alter_column", "execute"}


def offences(source: str) -> list[str]:
    """What a migration does that services of the version before cannot live with."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        name = node.func.attr
        if name in TAKE_AWAY:
            found.append(f"line {node.lineno}: {name}")
        if name == "add_column" and not _optional(node):
            found.append(f"line {node.lineno}: {name} of a column that must be filled")
    return found


def _optional(node: ast.Call) -> bool:
    """Whether services that do not know the column can insert rows."""
    (column,) = [
        arg
        for arg in node.args
        if isinstance(arg, ast.Call) and isinstance(arg.func, ast.Attribute)
    ]
    keywords = {word.arg: word.value for word in column.keywords}
    nullable = keywords.get("nullable")
    fills = "server_default" in keywords
    return fills or not (isinstance(nullable, ast.Constant) and nullable.value is False)


class MigrationsTest(testtools.TestCase):
    def test_no_migration_takes_away(self) -> None:
        paths = sorted(VERSIONS.glob("[0-9]*.py"))
        self.assertTrue(paths)
        for path in paths:
            if not path.name.startswith(FIRST):
                self.assertEqual([], offences(path.read_text()), path.name)

    def test_what_would_be_found(self) -> None:
        for harm in (
            "op.drop_column('images', 'name')",
            "op.drop_table('images')",
            "op.rename_table('images', 'pictures')",
            "op.alter_column('images', 'name', new_column_name='title')",
            "op.execute('DELETE FROM images')",
            "op.add_column('images', sa.Column('new', sa.Integer, nullable=False))",
        ):
            self.assertEqual(1, len(offences(harm)), harm)
        for fine in (
            "op.create_table('pictures', sa.Column('id', sa.Integer))",
            "op.add_column('images', sa.Column('new', sa.Integer))",
            "op.add_column('images', sa.Column('n', nullable=False, server_default='0'))",
            "op.create_index('images_new', 'images', ['new'])",
        ):
            self.assertEqual([], offences(fine), fine)


class NewerTablesTest(ConductorTestCase):
    """The conductor of this version on tables that the next version has added to."""

    def test_a_copy_on_tables_with_more_in_them(self) -> None:
        alto = self.cloud("alto")
        self.cloud("dair")
        with self.db.engine.begin() as connection:
            for table in sa.inspect(connection).get_table_names():
                connection.execute(sa.text(f"ALTER TABLE {table} ADD COLUMN of_tomorrow TEXT"))
                connection.execute(
                    sa.text(f"ALTER TABLE {table} ADD COLUMN filled INTEGER NOT NULL DEFAULT 7")
                )
        image_id = self.register("alto", alto.put("cirros", b"x" * 1000))
        self.save(image_id, dair=True)
        self.start()
        self.wait_cell(image_id, "dair", "active")
