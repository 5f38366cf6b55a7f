"""The questions of `connector init`, and which of them the answers so far make necessary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from connector.cli.init import checks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from connector.cli.init.checks import Given


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    #: its key in an answers file; with dashes, its option
    id: str
    text: str
    #: one line for who does not know what is meant
    why: str
    #: what may be answered, each with its meaning; empty: anything `check` accepts
    choices: Mapping[str, str] | None = None
    #: taken when nothing is answered; None: there must be an answer
    default: str | None = None
    is_secret: bool = False
    check: Callable[[str, Given], str] | None = None

    @property
    def option(self) -> str:
        return "--" + self.id.replace("_", "-")

    def accepted(self, text: str, given: Given) -> str:
        """The answer as it is kept. Raises ValueError with what would be right."""
        if self.choices is not None and text not in self.choices:
            raise ValueError(f"write one of {', '.join(self.choices)}")
        return text if self.check is None else self.check(text, given)


BUNDLED: Final = "bundled"

ORG: Final = Question(
    id="org",
    text="Which Salesforce org?",
    why="Try a sandbox first: everything can be tried there without billing anybody.",
    choices={
        "sandbox": "a sandbox, signed in to at test.salesforce.com",
        "production": "the production org, signed in to at login.salesforce.com",
        "my-domain": "an org by its own address (My Domain); client credentials need it",
        BUNDLED: "no org of yours: the simulated org and account of `connector sandbox serve --json`",
    },
)
SANDBOX: Final = Question(
    id="sandbox",
    text="File with the line of `connector sandbox serve --json`?",
    why="It says where the simulated systems listen: run `connector sandbox serve --json > sandbox.json &` first.",
    default="sandbox.json",
    check=checks.sandbox_file,
)
AUTH: Final = Question(
    id="auth",
    text="How does the connector sign in to Salesforce?",
    why="Both need an external client app in the org (docs/setup.md, step 2).",
    choices={
        "jwt": "by a certificate: a private key file here, its certificate in the org",
        "client_credentials": "by the app's consumer key and secret",
    },
    default="jwt",
)
LOGIN_URL: Final = Question(
    id="login_url",
    text="The org's My Domain address?",
    why="Setup, My Domain shows it: https://example.my.salesforce.com, for sandboxes https://example--uat.sandbox.my.salesforce.com.",
    check=checks.login_url,
)
CLIENT_ID: Final = Question(
    id="client_id",
    text="Consumer key of the external client app?",
    why="Setup, External Client App Manager, the app, Settings, OAuth Settings, Consumer Key and Secret.",
    check=checks.client_id,
)
USERNAME: Final = Question(
    id="username",
    text="Username of the integration user?",
    why="Everything the connector does in Salesforce is done by this user; give it no other work.",
    check=checks.username,
)
PRIVATE_KEY_FILE: Final = Question(
    id="private_key_file",
    text="File of the private key?",
    why="The PEM file made together with the certificate that the app holds; it stays where it is.",
    default="salesforce.key",
    check=checks.private_key_file,
)
CLIENT_SECRET: Final = Question(
    id="client_secret",
    text="Consumer secret of the app?",
    why="Paste it (it is not shown and goes into a file of its own), or write file:PATH or env:NAME.",
    is_secret=True,
    check=checks.client_secret,
)
STRIPE_KEY: Final = Question(
    id="stripe_key",
    text="Key of the Stripe account?",
    why="Paste it (it is not shown and goes into a file of its own), or write file:PATH or env:NAME.",
    is_secret=True,
    check=checks.stripe_key,
)
GO_LIVE: Final = Question(
    id="go_live",
    text="First invoice date that is mirrored?",
    why="Older invoices are never billed again; usually the day the connector takes over, such as 2026-11-01.",
    check=checks.go_live,
)
TIME_ZONE: Final = Question(
    id="time_zone",
    text="Time zone in which the org's dates are meant?",
    why="Due dates end at midnight there: UTC, or a name such as Europe/Berlin.",
    check=checks.time_zone,
)
CURRENCY: Final = Question(
    id="currency",
    text="Currency of all amounts?",
    why="An ISO code such as USD where the org has one currency; multi where records have their own.",
    check=checks.currency,
)


def profile_question(profiles: Mapping[str, str]) -> Question:
    """`profiles`: id -> title, as `connector verify --list` shows them."""
    return Question(
        id="profile",
        text="What is Stripe's package in this org?",
        why="It decides what `connector verify` expects; two programs that write the same records are a fault.",
        choices=profiles,
        default=next(iter(profiles)),
    )


#: all but the profile, whose choices are data
FIXED: Final = (
    ORG,
    SANDBOX,
    AUTH,
    LOGIN_URL,
    CLIENT_ID,
    USERNAME,
    PRIVATE_KEY_FILE,
    CLIENT_SECRET,
    STRIPE_KEY,
    GO_LIVE,
    TIME_ZONE,
    CURRENCY,
)


def to_ask(answers: Mapping[str, str], profiles: Mapping[str, str]) -> Iterator[Question]:
    """The questions in their order; read lazily, each may depend on the answers given meanwhile."""
    yield ORG
    if answers.get("org") == BUNDLED:
        yield SANDBOX
        # nobody is asked for these here; who says them means them
        yield from (question for question in (GO_LIVE, TIME_ZONE) if question.id in answers)
        yield profile_question(profiles)
        return
    yield AUTH
    by_secret = answers.get("auth") == "client_credentials"
    if answers.get("org") == "my-domain" or by_secret:
        yield LOGIN_URL
    yield CLIENT_ID
    yield from (CLIENT_SECRET,) if by_secret else (USERNAME, PRIVATE_KEY_FILE)
    yield from (STRIPE_KEY, GO_LIVE, TIME_ZONE, CURRENCY)
    yield profile_question(profiles)
