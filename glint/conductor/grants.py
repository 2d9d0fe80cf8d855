"""What sites grant: asked now and then for the plans, and once more right before bytes move."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import logging
from collections.abc import Iterable

from glint import exception, objects
from glint.conductor.access import Access
from glint.db import api, credentials
from glint.drivers.base import SiteDriver
from glint.plan import too_small

LOG = logging.getLogger(__name__)

#: Seconds that a group of copies waits for the quotas of its sites. One that does not answer by
#: then refuses the image itself, only later.
PATIENCE = 5.0

#: Sites that are asked at once.
_AT_ONCE = 16


def learn(db: api.Database, driver: SiteDriver, credential_id: str) -> None:
    """Keep what a site tells; that it tells nothing now is no error."""
    try:
        facts = driver.grants()
    except exception.SiteError as error:
        LOG.info("credential %s: the grants are not known: %s", credential_id, error)
        return
    credentials.learn(db, credential_id, facts)


def learn_new(db: api.Database, access: Access, credential_ids: Iterable[str]) -> None:
    """Ask the sites that were not looked at yet: how an image has to come there is not known."""
    for ident in credential_ids:
        try:
            if objects.Grants.read(credentials.load(db, ident)[0].facts).seen_at is None:
                with access.open(ident) as driver:
                    learn(db, driver, ident)
        except (exception.NotFound, exception.SiteError) as error:
            # The copy meets it too, and is judged then.
            LOG.info("credential %s: the grants are not known: %s", ident, error)


def refusals(
    db: api.Database, access: Access, image: objects.Image, credential_ids: Iterable[str]
) -> dict[str, exception.SiteQuotaExceeded]:
    """Ask the sites that have quotas whether the image still fits, all at once.

    :returns: by credential: why it does not.
    """
    asked = [ident for ident in credential_ids if _has_quota(db, ident)]
    if not asked or image.size is None:
        return {}
    pool = concurrent.futures.ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="quota")
    answers = {pool.submit(_ask, db, access, ident): ident for ident in asked}
    done, late = concurrent.futures.wait(answers, PATIENCE)
    pool.shutdown(wait=False, cancel_futures=True)
    for answer in late:
        LOG.warning("credential %s: its quota was not told in time", answers[answer])
    found = {}
    for answer in done:
        reason = too_small(image, answer.result())
        if reason is not None:
            found[answers[answer]] = exception.SiteQuotaExceeded(reason=reason)
    return found


def _has_quota(db: api.Database, credential_id: str) -> bool:
    """False where the site is known to have none: a scan asks again."""
    try:
        credential, _site = credentials.load(db, credential_id)
    except exception.NotFound:
        return False
    known = objects.Grants.read(credential.facts).quota
    return known is None or bool(known)


def _ask(db: api.Database, access: Access, credential_id: str) -> objects.Grants:
    try:
        with access.open(credential_id) as driver:
            quota = driver.quota()
    except exception.SiteError as error:
        # Whatever is wrong there, the copy meets it too, and is judged then.
        LOG.info("credential %s: the quota is not known: %s", credential_id, error)
        return objects.Grants()
    facts = {name: dataclasses.asdict(entry) for name, entry in quota.items()}
    credentials.learn(db, credential_id, {"quota": facts})
    return objects.Grants(quota=quota)
