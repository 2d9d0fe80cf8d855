"""What python-openstackclient asks of a plugin. Loaded at every start: imports stay light."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glint.client import Client

API_NAME = "image_distribution"
API_VERSION_OPTION = "os_image_distribution_api_version"
API_VERSIONS = ("1", "1.0")
DEFAULT_API_VERSION = "1.0"
SERVICE_TYPE = "image-distribution"


def make_client(instance: Any) -> Client:
    """The client for the session, region and interface that the user chose."""
    from glint.client import Client

    version = str(instance._api_version[API_NAME])
    return Client(
        instance.session,
        region_name=instance.region_name or None,
        interface=instance.interface or "public",
        endpoint_override=_endpoint_override(instance),
        service_type=SERVICE_TYPE,
        microversion=version if "." in version else f"{version}.0",
        user_agent="python-openstackclient",
    )


def _endpoint_override(instance: Any) -> str | None:
    """From ``image_distribution_endpoint_override`` in clouds.yaml, or ``--os-endpoint``."""
    value = instance._cli_options.get_endpoint(SERVICE_TYPE)
    return str(value) if value else None


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the plugin's global options."""
    from osc_lib import utils

    parser.add_argument(
        "--os-image-distribution-api-version",
        metavar="<image-distribution-api-version>",
        default=utils.env("OS_IMAGE_DISTRIBUTION_API_VERSION") or None,
        help="Version of Glint's API (microversion), default: "
        f"{DEFAULT_API_VERSION} (Env: OS_IMAGE_DISTRIBUTION_API_VERSION)",
    )
    return parser


def check_api_version(version: str) -> bool:
    """:raises CommandError: Glint has no such version.

    :returns: True: the openstack client need not check again.
    """
    from osc_lib import exceptions

    major, _, minor = version.partition(".")
    if major != "1" or (minor and not minor.isdigit()):
        raise exceptions.CommandError(
            f"--os-image-distribution-api-version {version!r}: expected 1 or 1.N"
        )
    return True
