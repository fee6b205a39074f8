"""Certificates for tests, as PEM files, and clients' contexts that trust them."""

import ssl
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import trustme

from maildird.server.settings import CertificateFiles

NAME = "mail.example.org"


class Authority:
    """An authority that issues certificates into a directory."""

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA()
        self._directory = directory
        self.file = directory / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        expires: datetime | None = None,
        to: str = "",
    ) -> CertificateFiles:
        """A certificate for these names, in files that begin with `to` or the first name."""
        issued = self._ca.issue_cert(*names, common_name=common_name, not_after=expires)
        base = to or names[0].replace("*", "wildcard")
        certificate, key = self._directory / f"{base}.pem", self._directory / f"{base}.key"
        for path, pems in (
            (certificate, issued.cert_chain_pems),
            (key, (issued.private_key_pem,)),
        ):
            new = path.with_suffix(".new")
            new.write_bytes(b"".join(pem.bytes() for pem in pems))
            new.replace(path)
        return CertificateFiles(str(certificate), str(key))

    def context(self, alpn: Sequence[str] = ()) -> ssl.SSLContext:
        """A client's, which trusts this authority."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context
