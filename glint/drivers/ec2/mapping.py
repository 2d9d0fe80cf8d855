"""What EC2 wants to know of an image when it is registered, from the properties that Glance knows.

Explicit both ways, and documented in ``doc/source/admin/ec2.rst``; a value that has no counterpart
is refused by name, before any byte moves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from glint.exception import SiteFormatRefused

#: Glance's ``architecture`` -> EC2's.
_ARCHITECTURES = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "aarch64": "arm64",
    "arm64": "arm64",
    "i386": "i386",
    "i686": "i386",
}
_FIRMWARE = {"uefi": "uefi", "bios": "legacy-bios"}
_TPM = {"2.0": "v2.0"}
_ROOT = re.compile(r"/dev/[a-z0-9]{2,16}$(?!\n)")

#: Properties that become facts of the AMI and are no tags of it.
MAPPED = frozenset(
    {"architecture", "hw_architecture", "hw_firmware_type", "hw_tpm_version", "root_device_name"}
)


def _choice(properties: Mapping[str, str], name: str, known: Mapping[str, str]) -> str | None:
    value = properties.get(name)
    if value is None:
        return None
    found = known.get(value.lower())
    if found is None:
        raise SiteFormatRefused(
            reason=f"its {name} is {value[:40]!r}, and EC2 registers {', '.join(sorted(known))}"
        )
    return found


def registration(properties: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of RegisterImage that follow from the properties of an image.

    :raises SiteFormatRefused: EC2 cannot run what a property says.
    """
    if properties.get("vm_mode", "hvm") != "hvm":
        raise SiteFormatRefused(reason="its vm_mode is not hvm, and EC2 runs nothing else")
    architecture = (
        _choice(properties, "architecture", _ARCHITECTURES)
        or _choice(properties, "hw_architecture", _ARCHITECTURES)
        or "x86_64"
    )
    boot = _choice(properties, "hw_firmware_type", _FIRMWARE)
    if boot is None and architecture == "arm64":
        boot = "uefi"
    tpm = _choice(properties, "hw_tpm_version", _TPM)
    if tpm is not None and boot != "uefi":
        raise SiteFormatRefused(reason="it wants a TPM, for which EC2 needs hw_firmware_type=uefi")
    arguments: dict[str, Any] = {
        "Architecture": architecture,
        "VirtualizationType": "hvm",
        "EnaSupport": True,
        "RootDeviceName": root_device(properties),
    }
    if boot is not None:
        arguments["BootMode"] = boot
    if tpm is not None:
        arguments["TpmSupport"] = tpm
    return arguments


def root_device(properties: Mapping[str, str]) -> str:
    """The name of the root device."""
    named = properties.get("root_device_name", "")
    if named and not _ROOT.match(named):
        raise SiteFormatRefused(reason=f"its root_device_name is {named[:40]!r}")
    return named or "/dev/xvda"


def properties_of(record: Mapping[str, Any]) -> dict[str, str]:
    """The way back: what Glance would call the facts of an AMI."""
    found = {}
    named = {"x86_64": "x86_64", "arm64": "aarch64", "i386": "i686"}
    architecture = named.get(str(record.get("Architecture")))
    if architecture:
        found["architecture"] = architecture
    firmware = {"uefi": "uefi", "legacy-bios": "bios"}.get(str(record.get("BootMode")))
    if firmware:
        found["hw_firmware_type"] = firmware
    if record.get("TpmSupport") == "v2.0":
        found["hw_tpm_version"] = "2.0"
    return found
