"""How to reach an S3 store: read once from the `AWS_*` variables, written the way each library wants it."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pyarrow.fs import S3FileSystem

__all__ = ["S3Access", "split_url"]

_REGION = "us-east-1"  # what stores without regions answer to
_CONNECT_S = 5
_ANSWER_S = 30  # delta-rs waits as long


def split_url(url: str) -> tuple[str, str]:
    """Split an S3 URL.

    Parameters
    ----------
    url : str
        `s3://bucket/key`.

    Returns
    -------
    tuple of (str, str)
        Bucket, and key without a leading slash.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


@dataclass(frozen=True)
class S3Access:
    """Credentials and address of one S3 store.

    Attributes
    ----------
    key, secret, token : str
        Empty: whatever the library finds by itself (a role of the machine).
    region : str
    endpoint : str
        URL of the server, addressed by path (`endpoint/bucket/key`); empty: AWS.
    ca_bundle : str
        File of trusted certificates; empty: the system's.
    """

    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    region: str = _REGION
    endpoint: str = ""
    ca_bundle: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "S3Access":
        """Read the usual variables.

        Parameters
        ----------
        environment : mapping of str to str

        Returns
        -------
        S3Access
        """

        def first(*names: str) -> str:
            return next((environment[name] for name in names if environment.get(name)), "")

        return cls(
            key=first("AWS_ACCESS_KEY_ID"),
            secret=first("AWS_SECRET_ACCESS_KEY"),
            token=first("AWS_SESSION_TOKEN"),
            region=first("AWS_REGION", "AWS_DEFAULT_REGION") or _REGION,
            endpoint=first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL").rstrip("/"),
            ca_bundle=first("AWS_CA_BUNDLE"),
        )

    def to_wire(self) -> dict[str, str]:
        """Write the fields for another process; `S3Access(**fields)` reads them.

        Returns
        -------
        dict of str to str
            Holds the secret.
        """
        return asdict(self)

    def delta_options(self) -> dict[str, str]:
        """Write storage options for delta-rs and polars.

        Returns
        -------
        dict of str to str
        """
        options = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true" if self.endpoint.startswith("http://") else "",
            "aws_conditional_put": "etag",  # what keeps two commits of one version apart
        }
        return {name: value for name, value in options.items() if value}

    def file_system(self) -> Any:
        """Open the store for reading and writing whole objects.

        Returns
        -------
        s3fs.S3FileSystem
            Sees at once what others write.
        """
        import fsspec

        settings: dict[str, Any] = {"connect_timeout": _CONNECT_S, "read_timeout": _ANSWER_S}
        settings["retries"] = {"total_max_attempts": 4, "mode": "standard"}
        if self.endpoint:
            settings["s3"] = {"addressing_style": "path"}
        return fsspec.filesystem(
            "s3", key=self.key or None, secret=self.secret or None, token=self.token or None,
            endpoint_url=self.endpoint or None, client_kwargs={"region_name": self.region},
            config_kwargs=settings, use_listings_cache=False,
        )  # fmt: skip

    def range_reader(self) -> "S3FileSystem":
        """Open the store for reading ranges of objects from many threads.

        Returns
        -------
        pyarrow.fs.S3FileSystem
        """
        from pyarrow.fs import S3FileSystem

        address = urlsplit(self.endpoint)
        return S3FileSystem(
            access_key=self.key or None, secret_key=self.secret or None, session_token=self.token or None,
            region=self.region, endpoint_override=address.netloc or None, scheme=address.scheme or "https",
            tls_ca_file_path=self.ca_bundle or None, connect_timeout=_CONNECT_S, request_timeout=_ANSWER_S,
        )  # fmt: skip

    def duckdb_secret(self) -> str:
        """Write the statement that gives DuckDB's `httpfs` access.

        Returns
        -------
        str
            SQL.
        """
        from lake.sql import quote_text

        address = urlsplit(self.endpoint)
        options = {"KEY_ID": self.key, "SECRET": self.secret, "SESSION_TOKEN": self.token, "REGION": self.region}
        if self.endpoint:
            options |= {"ENDPOINT": address.netloc, "URL_STYLE": "path"}
            options["USE_SSL"] = "false" if address.scheme == "http" else "true"
        listed = ", ".join(f"{name} {quote_text(value)}" for name, value in options.items() if value)
        return f"CREATE OR REPLACE SECRET qbrain (TYPE s3, {listed})"
