"""The policy: nothing leads to a private network, and what it admits is where one ends up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talkwire.canon.errors import Forbidden, TalkwireError
from talkwire.models._http import Client, Limits, origin
from talkwire.web import egress
from talkwire.web.addresses import kind
from talkwire.web.egress import Destination, Lookup, Policy, listed
from talkwire.web.egress_fetch import Fetch
from tests.web.egress_forms import FORMS, ZONE, written
from tests.web.egress_peers import Names, Private, answering, listening

QUICK = Limits(connect_s=5, first_token_s=5, idle_s=5)


@pytest.fixture
async def names() -> AsyncIterator[Names]:
    async with answering(ZONE) as names:
        yield names


@pytest.fixture
async def private() -> AsyncIterator[Private]:
    async with listening("127.0.0.1") as private:
        yield private


@pytest.fixture
async def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that connections were opened to; those beyond loopback are refused here."""
    loop = asyncio.get_running_loop()
    connect, dialled = loop.create_connection, list[str]()

    async def watched(factory: Any, host: str, *args: Any, **how: Any) -> Any:
        dialled.append(host)
        if not ip_address(host).is_loopback:
            raise ConnectionRefusedError
        return await connect(factory, host, *args, **how)

    monkeypatch.setattr(loop, "create_connection", watched)
    return dialled


async def asks(destination: Destination) -> bytes:
    """What a model's client is answered at a destination."""
    client = Client(origin(destination.url, destination.addresses), "", QUICK)
    try:
        answer = await client.ask("GET", "/models")
        answer.close()
        return str(answer.status).encode()
    finally:
        await client.close()


def test_there_are_enough_forms() -> None:
    assert len(set(FORMS)) >= 120


async def test_the_names_of_the_forms_are_answered(names: Names) -> None:
    for name, (first, *_) in ZONE.items():
        assert sorted(await names.resolve(name, 80)) == sorted(first)
    with pytest.raises(OSError, match="no such name"):
        await names.resolve("no-such-name.example", 80)


@pytest.mark.parametrize("form", FORMS, ids=ascii)
async def test_no_form_reaches_a_private_server(
    form: str, names: Names, private: Private, dialled: list[str]
) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)
    async with listening("::1") as six:
        url = written(form, p=private.port, q=six.port)

        with pytest.raises(Forbidden) as raised:
            await asks(await policy.admit(url))
        with suppress(TalkwireError):
            await Fetch(policy)(url)

        assert (raised.value.status, raised.value.code) == (403, "base_url_not_allowed")
        assert raised.value.param == "base_url"
        assert raised.value.message.startswith("base_url ")
        assert (private.accepted, six.accepted) == (0, 0)
        assert not [host for host in dialled if kind(ip_address(host)) != "public"]


async def test_without_the_check_the_same_road_leads_there(
    private: Private, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "kind", lambda address: "public")
    policy = Policy([], private=False, enabled=True)
    url = f"http://127.0.0.1:{private.port}/"

    assert await asks(await policy.admit(url)) == b"200"
    assert (await Fetch(policy)(url)).text == "secret"
    assert private.accepted == 2


async def test_a_public_name_is_admitted_with_all_its_addresses(names: Names) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)

    found = await policy.admit("HTTPS://Public.Example./v1?x=1")

    assert found == Destination(
        "https", "public.example", 443, "/v1", "x=1", ("93.184.215.14", "2606:2800:21f::1")
    )
    assert found.url == "https://public.example/v1?x=1"
    assert found.tls


async def test_a_public_address_is_admitted_without_a_lookup(names: Names) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)

    assert (await policy.admit("http://8.8.8.8:8080/")).addresses == ("8.8.8.8",)
    assert (await policy.admit("http://[2606:4700::1]/")).url == "http://[2606:4700::1]/"
    assert names.asked.total() == 0


async def test_a_name_that_answers_otherwise_later_is_dialled_where_it_was_checked(
    names: Names, dialled: list[str]
) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)

    found = await policy.admit("http://rebinding.example:8080/")
    with suppress(TalkwireError):
        await asks(found)
    with pytest.raises(Forbidden):
        await policy.admit("http://rebinding.example:8080/")

    assert dialled == ["93.184.215.14"]
    assert names.asked["rebinding.example"] == 4  # both kinds of addresses, once for each admission


async def test_a_page_is_fetched_from_the_address_that_was_checked(
    names: Names, dialled: list[str]
) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)

    with suppress(TalkwireError):
        await Fetch(policy)("http://rebinding.example:8080/")

    assert dialled == ["93.184.215.14"]


async def test_the_name_moves_and_the_connection_does_not(names: Names) -> None:
    async with listening("127.0.0.2") as checked, listening("127.0.0.1") as other:
        policy = Policy(["moving.example"], private=False, enabled=False, resolve=names.resolve)
        url = f"http://moving.example:{checked.port}/"

        found = await policy.admit(url)

        assert await names.resolve("moving.example", 80) == ["127.0.0.1"]
        assert await asks(found) == b"200"
        assert (checked.accepted, other.accepted) == (1, 0)
        assert f"host: moving.example:{checked.port}".encode() in checked.heard[0]


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:{p}/"),
        ("127.0.0.1:{p}", "http://127.0.0.1:{p}/v1"),
        ("http://127.0.0.1:{p}", "http://127.0.0.1:{p}/v1"),
        ("127.0.0.1", "http://１２７。0。0。1:{p}/"),
        ("To-Loopback.example", "http://to-loopback.example.:{p}/"),
        ("both.example:{p}", "http://both.example:{p}/"),
    ],
)
@pytest.mark.parametrize("enabled", [True, False])
async def test_a_listed_host_is_asked(
    allow: str, url: str, enabled: bool, names: Names, private: Private, dialled: list[str]
) -> None:
    allow, url = allow.format(p=private.port), url.format(p=private.port)
    policy = Policy([allow], private=False, enabled=enabled, resolve=names.resolve)

    assert await asks(await policy.admit(url)) == b"200"
    assert private.accepted == 1


@pytest.mark.parametrize(
    "allow",
    ["127.0.0.1:{other}", "https://127.0.0.1:{p}", "127.0.0.2", "localhost", "[::ffff:127.0.0.1]"],
)
async def test_what_is_listed_otherwise_is_refused(allow: str, private: Private) -> None:
    entry = allow.format(p=private.port, other=private.port - 1)
    policy = Policy([entry], private=False, enabled=True)

    with pytest.raises(Forbidden, match="a loopback address"):
        await policy.admit(f"http://127.0.0.1:{private.port}/")


async def test_where_it_is_off_only_what_is_listed_is_asked(names: Names) -> None:
    policy = Policy(["public.example"], private=False, enabled=False, resolve=names.resolve)

    assert (await policy.admit("https://public.example/v1")).port == 443
    with pytest.raises(Forbidden, match=r"servers that this one knows.*egress\.allow"):
        await policy.admit("https://8.8.8.8/v1")


async def test_own_networks_can_be_opened_and_metadata_stay_shut(names: Names) -> None:
    policy = Policy([], private=True, enabled=True, resolve=names.resolve)

    for url in ("http://127.0.0.1:8080/", "http://10.0.0.1/", "http://to-loopback.example/"):
        assert (await policy.admit(url)).addresses
    for url in (
        "http://169.254.169.254/",
        "http://metadata.evil.example/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://0.0.0.0:8080/",
        "http://[::ffff:127.0.0.1]:8080/",
        "http://[fe80::1]/",
        "http://to-mapped.example/",
        "http://to-6to4.example/",
    ):
        with pytest.raises(Forbidden):
            await policy.admit(url)


async def test_a_listed_name_leads_to_own_networks_and_no_further() -> None:
    async def metadata(host: str, port: int) -> Sequence[str]:
        return ["169.254.169.254"]

    listed_name = Policy(["models.example"], private=False, enabled=True, resolve=metadata)
    listed_address = Policy(["169.254.169.254"], private=False, enabled=True)

    with pytest.raises(Forbidden):
        await listed_name.admit("http://models.example/")
    assert (await listed_address.admit("http://169.254.169.254/")).port == 80


async def test_a_name_that_is_private_and_one_that_is_not_there_are_told_alike(
    names: Names,
) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)
    told = set()

    for name in ("to-private", "no-such-name", "both", "to-mapped"):
        with pytest.raises(Forbidden) as raised:
            await policy.admit(f"http://{name}.example/")
        told.add(raised.value.message)

    assert len(told) == 1


async def test_names_of_the_own_network_are_not_even_looked_up(names: Names) -> None:
    policy = Policy([], private=False, enabled=True, resolve=names.resolve)

    for name in ("localhost", "redis", "db.internal", "metadata.google.internal", "x.localhost"):
        with pytest.raises(Forbidden):
            await policy.admit(f"http://{name}/")

    assert names.asked.total() == 0


async def test_a_lookup_without_an_end_ends() -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    policy = Policy([], private=False, enabled=True, resolve=never, lookup_s=0.02)

    with pytest.raises(Forbidden, match="without an address"):
        await policy.admit("http://slow.example/")


@pytest.mark.parametrize("answer", ["", "no address", "127.0.0.1 ", "fe80::1%eth0", "1.2.3.4/8"])
async def test_an_answer_that_is_no_address_is_refused(answer: str) -> None:
    async def odd(host: str, port: int) -> Sequence[str]:
        return ["93.184.215.14", answer]

    policy = Policy([], private=False, enabled=True, resolve=odd)

    with pytest.raises(Forbidden) as raised:
        await policy.admit("http://odd.example/")
    assert answer == "" or answer not in raised.value.message


async def test_the_system_is_asked_for_names() -> None:
    assert set(await Lookup()("localhost", 80)) <= {"127.0.0.1", "::1"}


async def test_stuck_lookups_hold_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def stuck(host: str, port: int) -> list[str]:
        answered.wait(30)
        return ["8.8.8.8"]

    monkeypatch.setattr(egress, "_look_up", stuck)
    lookup = Lookup()
    asked = [asyncio.ensure_future(lookup(f"{n}.example", 80)) for n in range(40)]
    await asyncio.sleep(0)

    assert await asyncio.wait_for(asyncio.to_thread(str, 1), 10) == "1"
    assert not any(each.done() for each in asked)

    answered.set()
    assert await asyncio.gather(*asked) == [["8.8.8.8"]] * 40


async def test_what_was_refused_is_not_quoted() -> None:
    policy = Policy([], private=False, enabled=True)

    with pytest.raises(Forbidden) as raised:
        await policy.admit("https://me:hunter2@internal.example/?key=hunter3")

    assert not {"hunter2", "hunter3", "internal"} & set(
        raised.value.message.replace("/", " ").split()
    )
    assert raised.value.__cause__ is None


async def test_the_field_names_itself() -> None:
    with pytest.raises(Forbidden, match="url leads to a private address") as raised:
        await Policy([], private=False, enabled=True).admit("http://10.0.0.1/", field="url")

    assert (raised.value.code, raised.value.param) == ("url_not_allowed", "url")


@pytest.mark.parametrize(
    "entry",
    ["", "http://", "a b", "http://a.example/v1", "a.example:0", "a.example:99999", "*.example",
     "a.example/v1", "1.2.3", "10.0.0.0/8", "a.example:port", "user@a.example"],
)  # fmt: skip
def test_an_entry_that_is_no_host_is_told(entry: str) -> None:
    with pytest.raises(ValueError, match=r"egress\.allow"):
        Policy([entry], private=False, enabled=True)


def test_entries_are_hosts_with_what_they_are_bound_to() -> None:
    assert (listed("A.example").host, listed("A.example").port) == ("a.example", None)
    assert (listed("::1").host, listed("[::1]:8080").port) == ("::1", 8080)
    assert (listed("https://a.example").scheme, listed("https://a.example").port) == ("https", 443)


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=60),
        st.from_regex(r"https?://[\w.:@\[\]%-]{1,40}(/.*)?", fullmatch=True),
        st.builds("http://{}:{}/".format, st.ip_addresses(v=4), st.integers(1, 70000)),
        st.builds("https://[{}]/".format, st.ip_addresses(v=6)),
        st.builds("http://{}/".format, st.integers(0, 2**33)),
        st.sampled_from(FORMS),
    ),
    st.lists(st.ip_addresses().map(str), max_size=4),
)
async def test_any_text_is_refused_or_leads_to_public_or_listed_servers(
    url: str, answers: list[str]
) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers

    policy = Policy(["listed.example", "10.9.8.7"], private=False, enabled=True, resolve=resolve)
    try:
        found = await policy.admit(url)
    except Forbidden:
        return

    assert found.addresses
    for address in found.addresses:
        is_public = kind(ip_address(address)) == "public"
        assert is_public or found.host in ("listed.example", "10.9.8.7")
    again = await policy.admit(found.url)
    assert again == found
    assert (origin(found.url).host, origin(found.url).port) == (found.host, found.port)
