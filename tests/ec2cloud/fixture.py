"""The server as a fixture, and what a test asks it about directly."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import boto3
import requests
from botocore.config import Config

from tests.servers.server import ROOT, Server

IRELAND, VIRGINIA = "eu-west-1", "us-east-1"
#: Of the account that everybody without IAM has. The secret is looked for in logs by tests.
ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLEEXAMPLE77", "sEcReT/of+the/tests/0123456789abcdefABCD"


class EC2Cloud(Server):
    """An EC2 without images at ``url``; all regions answer there."""

    kind = "ec2"
    programs: ClassVar[tuple[str, ...]] = ()
    package = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        (self.folder / "blocks").mkdir()

    def _command(self) -> Sequence[str]:
        where = str(self.folder / "blocks")
        return (sys.executable, "-m", "tests.ec2cloud", str(self.port), where)

    def _environment(self) -> dict[str, str]:
        more = {name: os.environ[name] for name in ("VIRTUAL_ENV",) if name in os.environ}
        return {**super()._environment(), **more, "PYTHONPATH": str(ROOT)}

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/moto-api/", timeout=5).status_code < 500
        except requests.RequestException:
            return False

    def client(self, service: str = "ec2", region: str = IRELAND, **more: Any) -> Any:
        """A client of Amazon's own library."""
        keys = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY} | more
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            config=Config(retries={"max_attempts": 1}, proxies={}),
            **keys,
        )

    def left(self, region: str = IRELAND) -> tuple[list[str], list[str]]:
        """The ids of all images and all snapshots."""
        ec2 = self.client("ec2", region)
        images = ec2.describe_images(Owners=["self"])["Images"]
        snapshots = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        return [one["ImageId"] for one in images], [one["SnapshotId"] for one in snapshots]
