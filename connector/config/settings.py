"""Every setting of the program: its name, form, default and meaning. Declarations only.

`settings_loader.py` reads them (environment > .env > config/connector.yaml > the defaults here),
`settings_report.py` shows them. docs/settings.md is the same list for people; a test compares them.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotation at run time
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    PrivateAttr,
    SecretStr,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from connector.config.places import share
from connector.core.currencies import counted_whole
from connector.core.money import currency_code

PREFIX: Final = "CONNECTOR_"
NESTING: Final = "__"

#: whoever guesses a key can forge the trail
_SEAL_KEY_SHORTEST: Final = 32

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write an address such as https://example.my.salesforce.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("plain http carries credentials in the clear; write https (http only to this machine)")
    if parts.path.strip("/") or parts.query or parts.username:
        raise ValueError("write only scheme and host")
    return text.rstrip("/")


def _page_address(text: str) -> str:
    """Like a web address, with a path below the host."""
    parts = urlsplit(text)
    if parts.query or parts.fragment:
        raise ValueError("write an address without ? and #")
    _web_address(parts._replace(path="").geturl())
    return text.rstrip("/")


def _currency(text: str) -> str:
    return currency_code(text)


def _whole_unit_currencies(codes: tuple[str, ...]) -> tuple[str, ...]:
    folded = tuple(code.lower() for code in codes)
    counted_whole(folded)
    return folded


def _time_zone(value: Any) -> Any:
    try:
        return ZoneInfo(value) if isinstance(value, str) else value
    except (KeyError, OSError, ValueError) as error:  # unknown names raise a KeyError of zoneinfo's
        raise ValueError("write a name of the time zone database, such as Europe/Berlin") from error


def _comma_list(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


WebAddress: TypeAlias = Annotated[str, AfterValidator(_web_address)]
#: several, separated by commas in a variable
_Texts: TypeAlias = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_list)]


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class DatabaseSettings(_Group):
    url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL of the state; default: SQLite in the home folder"
    )
    connect_timeout_s: int = Field(
        default=10, ge=1, description="PostgreSQL: seconds a connection may take to come about"
    )
    statement_timeout_s: int = Field(
        default=60, ge=1, description="PostgreSQL: seconds one statement may take, its waiting for others included"
    )
    idle_timeout_s: int = Field(
        default=15,
        ge=1,
        description="PostgreSQL: seconds after which the server undoes the transaction of a process that stands still, "
        "so that others can go on; keep it below the lease",
    )
    silence_timeout_s: int = Field(
        default=20,
        ge=2,
        description="PostgreSQL: seconds without a sign of life after which a connection counts as gone",
    )


class SalesforceSettings(_Group):
    auth: Literal["jwt", "client_credentials", "token"] = Field(default="jwt", description="how to sign in")
    login_url: WebAddress = Field(
        default="https://login.salesforce.com",
        description="where tokens are asked for; client credentials need the org's My Domain",
    )
    instance_url: WebAddress | None = Field(default=None, description="where the API is; required with auth=token")
    client_id: str | None = Field(default=None, description="consumer key of the external client app")
    client_secret: SecretStr | None = Field(default=None, description="its secret, for auth=client_credentials")
    username: str | None = Field(default=None, description="the integration user, for auth=jwt")
    private_key_file: Path | None = Field(default=None, description="PEM file of the certificate's key, for auth=jwt")
    access_token: SecretStr | None = Field(default=None, description="a session's token, for auth=token")
    api_version: str = Field(default="67.0", pattern=r"^[0-9]{2,3}\.0$", description="REST API version, e.g. 67.0")
    currency: Annotated[str, AfterValidator(_currency)] | None = Field(
        default=None, description="ISO code of all amounts; required where the org is not multi-currency"
    )
    connect_timeout_s: PositiveFloat = Field(default=10, description="seconds to open a connection")
    timeout_s: PositiveFloat = Field(default=60, description="seconds to wait for a reply")
    margin_s: int = Field(
        default=5, ge=0, le=600, description="polls read up to the server's now less this many seconds"
    )
    overlap_s: int = Field(default=60, ge=0, le=3600, description="seconds each poll reads again before its cursor")


class StripeSettings(_Group):
    api_key: SecretStr | None = Field(default=None, description="secret or restricted key; its mode must fit the org's")
    api_base: WebAddress = Field(default="https://api.stripe.com", description="where the API is")
    # platform.md: the version the pinned SDK speaks
    api_version: str = Field(
        default="2026-10-28.endive",
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}\.[a-z]+$",
        description="API version sent with every call, e.g. 2026-10-28.endive",
    )
    webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_comma_list)] = Field(
        default=(), description="signing secrets of the webhook endpoint, separated by commas while one is replaced"
    )
    whole_unit_currencies: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(_comma_list), AfterValidator(_whole_unit_currencies)
    ] = Field(
        default=(),
        description="currencies Stripe counts in whole units where our table says hundredths (ugx, isk); "
        "set it before the first document in one of them",
    )
    rate_per_second: PositiveInt | None = Field(
        default=None, description="requests per second over all; default 100 with a live key, 25 with a test key"
    )
    endpoint_rate_per_second: PositiveInt = Field(default=25, description="requests per second to one endpoint")
    concurrency: int = Field(default=8, ge=1, le=64, description="requests in flight at the same time")
    connect_timeout_s: PositiveFloat = Field(default=5, description="seconds to open a connection")
    timeout_s: PositiveFloat = Field(default=30, description="seconds to wait for a reply")
    overlap_s: int = Field(
        default=60, ge=0, le=3600, description="seconds each poll of events looks back for late ones"
    )


class PaymentSettings(_Group):
    """Override the options of the pack's `payment` kind where an org differs."""

    posted_status: str | None = Field(
        default=None, description="blng__Payment__c status of money received, e.g. Processed"
    )
    draft_status: str | None = Field(default=None, description="blng__Payment__c status it is created with")
    allocate_to: Literal["invoice", "lines"] | None = Field(default=None, description="what payments are allocated to")


class VerifySettings(_Group):
    """What `connector verify` cannot read anywhere."""

    profile: str = Field(
        default="connector-only",
        description="what Stripe's package is in this org; `connector verify --list` names all",
    )
    installer: str | None = Field(default=None, description="username of the person who installed the packages")
    billing_contacts: _Texts = Field(
        default=(), description="usernames that must be able to manage the bill with Salesforce, separated by commas"
    )
    stripe_namespaces: _Texts = Field(
        default=(), description="namespaces of Stripe's package, where its maker publishes none, separated by commas"
    )
    stripe_collects: bool = Field(default=True, description="customers can pay mirrored invoices at Stripe")
    ach: bool = Field(default=False, description="customers pay by ACH direct debit")
    streaming: bool = Field(default=False, description="changes are to be heard of by change data capture")
    webhook_url: Annotated[str, AfterValidator(_page_address)] | None = Field(
        default=None, description="where Stripe is to send events; not set while webhooks are not used"
    )
    forecast_calls: int = Field(
        default=6000,
        ge=0,
        description="Salesforce calls a day the connector is expected to make; an idle pass costs 4, one a minute 5,760",
    )
    accepted_risks: Path | None = Field(
        default=None,
        description="file of failing checks that are accepted for a while; "
        "default: config/accepted-risks.yaml where it exists",
    )


class SweepSettings(_Group):
    """The comparison of everything."""

    certificate_max_age_h: int = Field(
        default=26, ge=1, description="hours after which a certificate of completeness says nothing any more"
    )


def _seal_keys(keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if any(len(key.get_secret_value()) < _SEAL_KEY_SHORTEST for key in keys):
        raise ValueError(f"a key has at least {_SEAL_KEY_SHORTEST} characters")
    return keys


class AuditSettings(_Group):
    keys: Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_comma_list), AfterValidator(_seal_keys)] = Field(
        default=(),
        description="secrets of 32 characters or more the audit trail is sealed with, the newest first, separated by commas; "
        "keep those that sealed earlier rows",
    )


def _listen_address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ValueError("write host:port, such as 127.0.0.1:8180 or [::]:8180")
    return text


ListenAddress: TypeAlias = Annotated[str, AfterValidator(_listen_address)]


class WebSettings(_Group):
    """Where the service listens. Stripe reaches the first through your proxy, which ends TLS; people the second."""

    webhook_listen: ListenAddress = Field(
        default="127.0.0.1:8180", description="host:port for webhooks; put a proxy with TLS before it"
    )
    ops_listen: ListenAddress = Field(
        default="127.0.0.1:8181", description="host:port for health and metrics; not for the world"
    )


class RunSettings(_Group):
    name: str = Field(default="connector", description="what messages call this installation")
    schedule: Path = Field(
        default_factory=lambda: share("config") / "schedule.yaml", description="file that says when what is done"
    )
    lease_s: int = Field(
        default=30, ge=2, le=600, description="seconds after which a process that gives no sign of life is replaced"
    )
    drains_at_once: int = Field(
        default=4,
        ge=1,
        le=64,
        description="parts of the work one worker does at the same time; only with dispatch: procrastinate",
    )
    events_waiting_max: int = Field(
        default=5000, ge=10, description="webhooks that may wait to be stored; more are answered 503"
    )
    signals_waiting_max: int = Field(
        default=100_000,
        ge=100,
        description="records that may wait to be looked at; while more do, webhooks are answered 503 and polls are put off",
    )
    keep_events_days: int = Field(
        default=40, ge=35, le=3650, description="days events are kept; longer than Stripe's own 30"
    )


class AlertSettings(_Group):
    url: SecretStr | None = Field(default=None, description="where messages about incidents are posted; unset: nowhere")
    format: Literal["generic", "slack", "teams"] = Field(default="generic", description="whose format they have")


class LogSettings(_Group):
    format: Literal["console", "json"] = Field(default="console", description="how log lines look")
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least severe line written"
    )


class Settings(BaseSettings):
    """All settings. Construct by `settings_loader.load_settings`, which knows where they may stand."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTING,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        coerce_numbers_to_str=True,
        validate_default=False,
    )

    home: Path = Field(default=Path(".connector"), description="folder of the program's own files")
    mappings: Path = Field(
        default_factory=lambda: share("mappings") / "cpq-billing", description="folder of the mapping pack"
    )
    go_live: date | None = Field(
        default=None, description="first invoice date mirrored, e.g. 2026-11-01; required before invoices are mirrored"
    )
    time_zone: Annotated[ZoneInfo, BeforeValidator(_time_zone)] = Field(
        ZoneInfo("UTC"), description="the time zone in which the org's dates are meant"
    )
    retry_file: Path | None = Field(
        default=None,
        description="file of retry rules that go on top of the shipped ones; "
        "default: config/retry.yaml where it exists",
    )
    brake_file: Path | None = Field(
        default=None,
        description="file of limits that go on top of the shipped ones; default: config/brakes.yaml where it exists",
    )
    shards: int = Field(default=4, ge=1, le=256, description="parts the work is divided into")
    dispatch: Literal["embedded", "procrastinate"] = Field(
        default="embedded",
        description="who does the parts: embedded, one process alone; procrastinate, any number of processes on one PostgreSQL database",
    )
    database: DatabaseSettings = DatabaseSettings()
    salesforce: SalesforceSettings = SalesforceSettings()
    stripe: StripeSettings = StripeSettings()
    payment: PaymentSettings = PaymentSettings()
    sweep: SweepSettings = SweepSettings()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()
    verify: VerifySettings = VerifySettings()
    web: WebSettings = WebSettings()
    run: RunSettings = RunSettings()
    alerts: AlertSettings = AlertSettings()

    #: where each setting that is not a default came from: dotted name -> `environment`, `.env:3`, ...
    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the loader read, and nothing else: left alone, pydantic-settings would add this process's environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL, with its password if it has one."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.home / 'state.sqlite'}"

    @property
    def retry_files(self) -> tuple[Path, ...]:
        """The shipped rules, then the person's own."""
        shipped = share("config") / "retry.yaml"
        own = self.retry_file
        return (shipped,) if own is None or own == shipped.resolve() else (shipped, own)

    @property
    def brake_files(self) -> tuple[Path, ...]:
        """The shipped limits, then the person's own."""
        shipped = share("config") / "brakes.yaml"
        own = self.brake_file
        return (shipped,) if own is None or own == shipped.resolve() else (shipped, own)

    def pack_overrides(self) -> dict[str, dict[str, Any]]:
        """Options per kind that the settings decide, for `load_pack(overrides=...)`."""
        chosen = {name: value for name, value in self.payment.model_dump().items() if value is not None}
        return {"payment": chosen} if chosen else {}
