"""Credentials and addresses, as each library wants them."""

import pytest

from lake.s3 import S3Access, split_url

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "it's", "AWS_ENDPOINT_URL": "http://storage:9000/",
    "AWS_DEFAULT_REGION": "eu-west-1",
}  # fmt: skip


def test_variables_are_read_and_travel_to_another_process() -> None:
    access = S3Access.from_environment(VARIABLES)
    assert (access.key, access.region, access.endpoint) == ("id", "eu-west-1", "http://storage:9000")
    assert S3Access(**access.to_wire()) == access


def test_secret_is_not_shown() -> None:
    assert "it's" not in repr(S3Access.from_environment(VARIABLES))


def test_delta_options_allow_http_only_where_it_is_asked_for() -> None:
    options = S3Access.from_environment(VARIABLES).delta_options()
    assert options["AWS_ALLOW_HTTP"] == "true"
    assert options["aws_conditional_put"] == "etag"
    assert S3Access().delta_options() == {"AWS_REGION": "us-east-1", "aws_conditional_put": "etag"}


def test_named_server_is_addressed_by_path() -> None:
    # a host name would otherwise become bucket.storage, which no name server knows
    files = S3Access.from_environment(VARIABLES).file_system()
    assert files.config_kwargs["s3"] == {"addressing_style": "path"}


def test_duckdb_secret_is_quoted() -> None:
    assert S3Access.from_environment(VARIABLES).duckdb_secret() == (
        "CREATE OR REPLACE SECRET qbrain (TYPE s3, KEY_ID 'id', SECRET 'it''s', REGION 'eu-west-1', "
        "ENDPOINT 'storage:9000', URL_STYLE 'path', USE_SSL 'false')"
    )


@pytest.mark.parametrize(("url", "parts"), [("s3://b/k/l", ("b", "k/l")), ("s3://b", ("b", "")), ("b/k", ("b", "k"))])
def test_url_is_split(url: str, parts: tuple[str, str]) -> None:
    assert split_url(url) == parts
