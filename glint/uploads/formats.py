"""Whether bytes are what they are declared to be, and nothing that reaches beyond itself.

A qcow2 with a backing file or an external data file, or a VMDK whose descriptor names other files,
would make whoever opens it read files of its host (CVE-2024-32498 and its kind). The inspectors are
those of oslo.utils, which Nova, Cinder and Glance use.
"""

from __future__ import annotations

from oslo_utils.imageutils import format_inspector

from glint import exception

#: Declared format -> formats that its bytes may show. A raw disk has a partition table at times,
#: and ISO images that boot from disks as well have one, too.
_ALLOWED: dict[str, frozenset[str]] = {
    "raw": frozenset({"raw", "gpt"}),
    "iso": frozenset({"iso", "gpt"}),
    "qcow2": frozenset({"qcow2"}),
    "vmdk": frozenset({"vmdk"}),
    "vhd": frozenset({"vhd"}),
    "vhdx": frozenset({"vhdx"}),
    "vdi": frozenset({"vdi"}),
    "qed": frozenset({"qed"}),
    "luks": frozenset({"luks"}),
}
#: Formats without a mark of their own (ami, aki, ari, ploop): no known disk format may hide there.
_PLAIN = frozenset({"raw", "gpt"})


class FormatCheck:
    """Looks on while an image passes; holds no more than some headers of it.

    :param declared: the disk format; of containers other than ``bare`` nothing is checked, because
        their bytes begin with those of the container.
    """

    def __init__(self, declared: str, container: str = "bare") -> None:
        self._declared = declared
        self._inspectors: list[format_inspector.FileInspector] = []
        if container in ("", "bare"):
            self._inspectors = [kind() for kind in format_inspector.ALL_FORMATS.values()]

    def feed(self, chunk: bytes) -> None:
        """:raises ContentError: they cannot be what they are declared to be."""
        for inspector in list(self._inspectors):
            try:
                inspector.eat_chunk(chunk)
            except Exception as error:
                # Hostile input may break a parser in any way. That of the declared format must
                # understand it; the others then see that it is not theirs.
                self._inspectors.remove(inspector)
                if self._declared == inspector.NAME:
                    raise exception.FormatMismatch(
                        declared=self._declared, found="none of that kind"
                    ) from error
                continue
            if self._declared == inspector.NAME and inspector.complete:
                self._must_match(inspector)

    def _must_match(self, inspector: format_inspector.FileInspector) -> None:
        if inspector.NAME != "raw" and not inspector.format_match:
            raise exception.FormatMismatch(declared=self._declared, found=self._found())

    def finish(self) -> None:
        """All bytes have passed.

        :raises FormatMismatch: they are another format.
        :raises FormatUnsafe: they could reach beyond themselves.
        """
        if not self._inspectors:
            return
        for inspector in self._inspectors:
            inspector.finish()
        matches = [i for i in self._inspectors if i.NAME != "raw" and _matches(i)]
        found = {i.NAME for i in matches} or {"raw"}
        allowed = _ALLOWED.get(self._declared, _PLAIN)
        named = self._declared not in ("raw",) and self._declared in _ALLOWED
        if found - allowed or (named and self._declared not in found):
            raise exception.FormatMismatch(declared=self._declared, found=self._found())
        for inspector in matches:
            self._safe(inspector)

    @staticmethod
    def _safe(inspector: format_inspector.FileInspector) -> None:
        try:
            inspector.safety_check()
        except format_inspector.SafetyCheckFailed as error:
            reasons = "; ".join(f"{name}: {why}" for name, why in error.failures.items())
            raise exception.FormatUnsafe(reason=reasons[:500].rstrip(".")) from error
        except Exception as error:
            raise exception.FormatUnsafe(
                reason=f"its {inspector.NAME} headers cannot be understood"
            ) from error

    def _found(self) -> str:
        names = sorted(i.NAME for i in self._inspectors if i.NAME != "raw" and _matches(i))
        return " and ".join(names) or "no known disk format"


def _matches(inspector: format_inspector.FileInspector) -> bool:
    try:
        return bool(inspector.format_match)
    except Exception:  # noqa: BLE001 - what cannot be parsed is not of that format
        return False
