"""Tables about conductor processes: what they are, and what one of them does for all."""

from __future__ import annotations

import datetime

import sqlalchemy as sa
from sqlalchemy import orm

from glint.db import clock
from glint.db.models import Base, Time

#: All tables, those of :mod:`glint.db.models` included.
METADATA = Base.metadata


class Duty(Base):
    """Something that one conductor at a time does for all, as long as it renews this row."""

    __tablename__ = "duties"

    name: orm.Mapped[str] = orm.mapped_column(sa.String(64), primary_key=True)
    owner: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    until: orm.Mapped[datetime.datetime] = orm.mapped_column(Time)


class Conductor(Base):
    """A conductor process that lives: renewed with every beat, for the operator to look at."""

    __tablename__ = "conductors"

    id: orm.Mapped[str] = orm.mapped_column(sa.String(255), primary_key=True)
    host: orm.Mapped[str] = orm.mapped_column(sa.String(255))
    # Which upload folder it has, and where it serves image data to the API.
    store: orm.Mapped[str | None] = orm.mapped_column(sa.String(36))
    data_url: orm.Mapped[str | None] = orm.mapped_column(sa.String(255))
    started_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=clock.now())
    beat_at: orm.Mapped[datetime.datetime] = orm.mapped_column(Time, default=clock.now())
