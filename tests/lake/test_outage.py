"""What libraries raise about an object store, worded."""

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from lake.outage import store_failure, worded
from qbrain_core.errors import InvalidInputError, TransientError

DELTA = (
    "Generic S3 error\n\x1b[31m↳\x1b[0m Error performing PUT http://s3/x.json\n\x1b[31m↳\x1b[0m 503 Service Unavailable"
)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (OSError(DELTA), TransientError, "Generic S3 error: Error performing PUT http://s3/x.json: 503 Service"),
        (EndpointConnectionError(endpoint_url="http://s3"), TransientError, "Could not connect"),
        (PermissionError("The AWS Access Key Id you provided is not known"), InvalidInputError, "refuses it: The AWS"),
        (OSError("403 Forbidden: <Code>SignatureDoesNotMatch</Code>"), InvalidInputError, "SignatureDoesNotMatch"),
        (FileNotFoundError("The specified bucket does not exist"), InvalidInputError, "bucket does not exist"),
        (NoCredentialsError(), InvalidInputError, "locate credentials"),
        (OSError(), TransientError, "OSError"),
    ],
)
def test_failure_says_what_happened_and_whether_waiting_helps(
    error: Exception, kind: type[Exception], told: str
) -> None:
    failure = store_failure(error, "s3://bucket/lake", "http://s3")
    assert type(failure) is kind
    assert told in str(failure)
    assert "http://s3" in str(failure)
    assert "\x1b" not in str(failure)
    with pytest.raises(kind), worded("s3://bucket/lake", "http://s3"):
        raise error


def test_what_is_missing_raises_as_ever() -> None:
    with pytest.raises(FileNotFoundError), worded("s3://bucket/lake", ""):
        raise FileNotFoundError("bucket/lake/x")


def test_errors_of_ours_pass_through() -> None:
    with pytest.raises(ValueError, match="mine"), worded("s3://bucket/lake", ""):
        raise ValueError("mine")
