"""What every model of a document shares, and the small models that several documents use. PURE.

Source of every field, unless said otherwise: REST specification Microsoft.BatchAI 2018-05-01.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    Strict,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.times import iso_duration, parse_duration

#: Most processes or workers one job may ask for; far beyond any cluster.
MOST_PROCESSES = 10_000


class Model(BaseModel):
    """A frozen part of a document: snake_case attributes, the REST names as aliases."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        hide_input_in_errors=True,
    )


def _read_duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(
            "duration", "{fault}", {"fault": "must be text holding an ISO-8601 duration"}
        )
    try:
        return parse_duration(value)
    except ValueError as fault:
        raise PydanticCustomError("duration", "{fault}", {"fault": str(fault)}) from None


#: A timedelta, written in ISO-8601.
Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(iso_duration, return_type=str),
    WithJsonSchema({"type": "string", "format": "duration", "examples": ["P7D", "PT1H", "PT30M"]}),
]
Whole = Annotated[int, Strict()]
ProcessCount = Annotated[int, Strict(), Field(ge=1, le=MOST_PROCESSES)]


class ResourceId(Model):
    """Another resource, by its ARM id."""

    id: str = Field(min_length=1, description="ARM id of the resource.")


class KeyVaultSecretReference(Model):
    """A secret in a Key Vault; the runner reads it when the job starts."""

    source_vault: ResourceId = Field(description="ARM id of the Key Vault.")
    secret_url: str = Field(
        min_length=1, description="URL of the secret: https://<vault>.vault.azure.net/secrets/<name>."
    )


class EnvironmentVariable(Model):
    """One environment variable."""

    name: str = Field(min_length=1, description="Name of the variable.")
    value: str = Field(
        description="Its value; may refer to AZ_BATCHAI_ variables, expanded when the job starts."
    )


class EnvironmentVariableWithSecretValue(Model):
    """One environment variable whose value is never shown. Exactly one of value and valueSecretReference."""

    name: str = Field(min_length=1, description="Name of the variable.")
    value: SecretStr | None = Field(default=None, description="Its value; never reported back.")
    value_secret_reference: KeyVaultSecretReference | None = Field(
        default=None, description="Where its value is kept."
    )
