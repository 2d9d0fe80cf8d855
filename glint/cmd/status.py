"""``glint-status upgrade check``: whether this installation may be started (again)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from oslo_config import cfg
from oslo_db import options as db_options
from oslo_upgradecheck import upgradecheck

from glint import exception
from glint.cmd import serving, wiring
from glint.conf import register_opts
from glint.credentials import Keyring
from glint.db import migration

OK = upgradecheck.Result(upgradecheck.Code.SUCCESS)


class Checks(upgradecheck.UpgradeCommands):
    """What must be in order before the services start. Nothing is changed."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        super().__init__()
        self._conf = conf

    def database(self) -> upgradecheck.Result:
        """The database answers and has the tables of this Glint."""

        def look() -> upgradecheck.Result:
            versions = migration.versions(self._conf.database.connection or "")
            if versions.current:
                return OK
            return _failure(
                f"The tables are at version {versions.found or 'none'}, and this Glint needs"
                f" {versions.needed}. Run: glint-manage db sync"
            )

        return _guarded(look)

    def keys(self) -> upgradecheck.Result:
        """The credential keys are there, and for the service only."""

        def look() -> upgradecheck.Result:
            Keyring(self._conf.credentials.key_repository).check()
            return OK

        return _guarded(look)

    def combination(self) -> upgradecheck.Result:
        """Transport, database and authentication can work together."""
        try:
            embedded = self._conf.rpc_transport == "local"
            wiring.check_combination(self._conf, embedded=embedded)
            serving.check_authentication(self._conf, embedded=embedded)
        except wiring.Refused as refused:
            return _failure(str(refused))
        return OK

    _upgrade_checks = (
        ("Database schema", database),
        ("Credential keys", keys),
        ("Transport, database, authentication", combination),
    )


def _failure(sentence: str) -> upgradecheck.Result:
    return upgradecheck.Result(upgradecheck.Code.FAILURE, sentence)


def _guarded(look: Callable[[], upgradecheck.Result]) -> upgradecheck.Result:
    try:
        return look()
    except exception.GlintError as error:
        return _failure(str(error))


def main(argv: Sequence[str] | None = None, conf: cfg.ConfigOpts = cfg.CONF) -> int:
    """Entry point; returns the exit code: 0 all well, 1 warnings, 2 failures, 255 a crash."""
    db_options.set_defaults(conf)
    register_opts(conf)
    arguments = sys.argv[1:] if argv is None else list(argv)
    return upgradecheck.main(conf, "glint", Checks(conf), argv=arguments)


if __name__ == "__main__":
    sys.exit(main())
