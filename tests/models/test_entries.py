"""What is configured, at one of its servers."""

from __future__ import annotations

from pydantic import SecretStr

from talkwire.models.entries import Entry, Site, at, at_one
from tests.models.conftest import KEY

SITES = (
    Site("http://one.example/v1", SecretStr(KEY), "one"),
    Site("http://two.example/v1"),
)
ENTRY = Entry("m", "openai-chat", upstream_model="any", sites=SITES)


def test_no_secret_is_printed() -> None:
    assert KEY not in repr(ENTRY)
    assert KEY not in repr(Entry("m", "openai-chat", api_key=SecretStr(KEY)))


def test_each_site_has_its_own_key_and_no_other() -> None:
    one, two = (at(ENTRY, site) for site in SITES)

    assert (one.base_url, one.api_key, one.upstream_model) == (
        "http://one.example/v1",
        SecretStr(KEY),
        "one",
    )
    assert (two.base_url, two.api_key, two.upstream_model) == ("http://two.example/v1", None, "any")


def test_where_one_server_will_do_it_is_the_first() -> None:
    alone = Entry("m", "openai-chat")

    assert at_one(ENTRY) == at(ENTRY, SITES[0])
    assert at_one(alone) is alone
