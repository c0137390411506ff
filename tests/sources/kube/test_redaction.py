"""What is shown of a plugin's standard error, and what never is."""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random

import pytest

from userproxy.sources.kube.redaction import plain_line, shown_line
from userproxy.sources.kube.secret import Secret

JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbjEyMw"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("The SSO session associated with this profile has expired", id="aws"),
        pytest.param("UnauthorizedOperationException: CERTIFICATE_VERIFY_FAILED_AUTHENTICATION", id="names"),
        pytest.param(
            "ERROR: (gcloud.config.config-helper) There was a problem refreshing tokens", id="gcloud"
        ),
        pytest.param("error: arn:aws:iam::123456789012:user/dev may not assume role/admin-2", id="an ARN"),
        pytest.param("cannot reach https://sts.eu-central-1.amazonaws.com/", id="a host name"),
        pytest.param("request id 01234567-89ab-cdef-0123-456789abcdef failed", id="a UUID"),
        pytest.param("cluster my-production-cluster-eu-west-1-blue not found", id="a long name"),
        pytest.param("open /home/dev/.config/gcloud/application_default_credentials.json", id="a path"),
    ],
)
def test_what_helps_is_shown(line: str) -> None:
    assert shown_line(line) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("token=hunter2", "token=***", id="a named token"),
        pytest.param(
            "refresh_token: hunter2, try again", "refresh_token: ***, try again", id="a longer name"
        ),
        pytest.param('{"password": "hunter2"}', '{"password": "***"}', id="JSON"),
        pytest.param("Authorization: Bearer hunter2", "Authorization: Bearer ***", id="a header"),
        pytest.param("sent Bearer hunter2hunter2", "sent Bearer ***", id="bearer alone"),
        pytest.param("client-secret=hunter2", "client-secret=***", id="a secret"),
        pytest.param("AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***", id="a variable"),
        pytest.param("via http://me:hunter2@proxy:3128", "via http://***@proxy:3128", id="a URL's password"),
        pytest.param(f"got {JWT} back", "got ***.***.*** back", id="a JWT"),
        pytest.param("key 0123456789abcdef0123456789abcdef", "key ***", id="a hexadecimal key"),
        pytest.param("\n\n  first \n second", "first", id="the first line that is not blank"),
        pytest.param("\x1b[31mred\x1b[0m\x07\ttext", "red text", id="no colours, no bell"),
        pytest.param(
            "SSO Token: Token for corp is gone", "SSO Token: *** for corp is gone", id="prose may suffer"
        ),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_could_be_a_secret_is_masked(text: str, shown: str) -> None:
    assert shown_line(text) == shown


def test_a_long_line_is_cut() -> None:
    assert shown_line("a " * 500) == "a " * 100 + "..."


def test_known_secrets_are_masked_wherever_they_stand() -> None:
    assert shown_line("bad: open-sesame!", [Secret("open-sesame"), Secret("")]) == "bad: ***!"


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.b16encode])
def test_random_tokens_are_masked(encode: Callable[[bytes], bytes]) -> None:
    random = Random(7)
    for _ in range(2000):
        token = encode(random.randbytes(random.randint(15, 60))).decode().strip("=")
        assert token not in shown_line(f"failed with {token}")


def test_plain_line_folds_lines() -> None:
    assert plain_line("To install:\n\n  brew\tinstall x\x1b[0m") == "To install: brew install x"
